// The verifier's log as a value: which instruction it refused, why, and what it knew on the way there.
//
// A log has lines of instructions (`7: (79) r1 = *(u64 *)(r0 +0)`, with what they changed after a semicolon), of source
// (`; *value += 1; @ a.bpf.c:16`), of states (`0: R1=ctx() R10=fp0`), the jumps of its search (`from 3 to 11: R0=…`), and at its end
// free text, the reason, before `processed 7 insns`. Linux 7.3 adds a report in sections: see verifier-sections.ts.

import type { PathStep, Refusal, RegisterState } from '../errors.js';
import { parseSections } from './verifier-sections.js';

export interface VerifierLog extends Refusal {
  /** `sections`: with the report of Linux 7.3 and later. */
  readonly form: 'classic' | 'sections';
  /** The reason as the lines before any section have it: the words that people search for. */
  readonly terse: string;
  /** What the kernel itself proposes, in a log with sections. */
  readonly suggestion?: string;
  readonly states: readonly RegisterState[];
  readonly path: readonly PathStep[];
  readonly stats: { readonly processed: number; readonly limit: number; readonly microseconds?: number } | undefined;
  /** Its beginning or its end is missing. */
  readonly truncated: boolean;
}

/** A log may have millions of lines; what led to its end is near its end. */
const MOST_CHARS = 1 << 20;
const MOST_STATES = 8;
const MOST_PATH = 12;
const MOST_REASONS = 4;
/** Longer than any state that the kernel writes; what is made of it must not take forever. */
const MOST_LINE = 4096;

/** Never throws: of a log that is not one, the last line is the reason. */
export function parseVerifierLog(log: string): VerifierLog {
  const { lines, cut } = tailOf(log);
  const sections = parseSections(lines);
  const classic = walk(sections ? lines.slice(0, sections.start) : lines);
  const { states, path } = classic;
  const stats = statsOf(lines);
  const reason = sections?.reason || classic.reason;
  const insn = sections?.insn ?? classic.insn;
  const isLast = insn === path.at(-1)?.insn;
  return {
    form: sections ? 'sections' : 'classic',
    reason,
    terse: classic.reason,
    insn,
    insnText: sections?.insnText ?? (isLast ? path.at(-1)?.text : undefined),
    states,
    path: sections && sections.path.length > 0 ? sections.path.slice(-MOST_PATH) : path.slice(-MOST_PATH),
    ...(sections?.suggestion && { suggestion: sections.suggestion }),
    stats,
    truncated: log !== '' && (!stats || (!cut && !isBeginning(lines[0] ?? ''))),
  };
}

function tailOf(log: string): { lines: string[]; cut: boolean } {
  let end = log.length;
  while (log[end - 1] === '\0') end--;
  const text = log.slice(0, end).trimEnd();
  const cut = text.length > MOST_CHARS;
  const lines = text
    .slice(-MOST_CHARS)
    .split('\n')
    .map((line) => line.slice(0, MOST_LINE));
  if (cut) lines.shift(); // half a line
  return { lines, cut };
}

const INSN = /^(\d+): \(([0-9a-f]{2})\) (.*)$/;
const STATE = /^(\d+): ((?:frame\d+:)? ?(?:R\d+|fp-\d+|refs|cb|async_cb).*)$/;
/** Linux before 5.18: after a branch, and with log level 2 in front of each instruction. */
const OLD_STATE = /^()\s*((?:frame\d+:)? ?R\d+(?:_\w+)?=.*)$/;
const JUMP = /^from (\d+) to (\d+)(?: \(speculative execution\))?:\s*(.*)$/;
const SOURCE = /^; (.*?)(?: @ (\S+:\d+))?$/;
/** What is neither an instruction nor a reason. */
const NOISE =
  /^(processed \d+ insns|verification time|stack depth|mark_precise:|regs=|parent |last_idx|caller:|callee:|to caller|returning from|propagating|Func#\d+ |cur state:|old state:|frame\d+:|\s+(R\d+|frame\d+:|fp-\d+)|\s*\(|R\d+(_\w+)?=|\d+: safe|\d+: |from \d+ to|arg#\d+ .*assumed|Validating |[-;]|$)/;

/** `frame1: R2=scalar(umax=7) R10=fp0 fp-8=mmmm????` -> by name; the marks of older kernels (`R2_w=inv`) are left out. */
export function parseRegisters(text: string): Record<string, string> {
  const registers: Record<string, string> = {};
  let depth = 0;
  let start = 0;
  for (let i = 0; i <= text.length; i++) {
    const char = text[i] ?? ' ';
    if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (char === ' ' && (depth <= 0 || i === text.length)) {
      const found = /^(R\d+|fp-\d+)(?:_\w+)?=(.+)$/s.exec(text.slice(start, i));
      if (found) registers[found[1] as string] = found[2] as string;
      start = i + 1;
    }
  }
  return registers;
}

interface Walk {
  readonly states: readonly RegisterState[];
  readonly path: readonly PathStep[];
  readonly reason: string;
  readonly insn: number | undefined;
}

/** What happened on the way to here, by instruction: going back takes what came after with it. */
class Trail<T extends { readonly insn: number }> {
  readonly steps: T[] = [];
  /** Of each instruction, where it stands in `steps`. */
  readonly #places = new Map<number, number[]>();

  push(step: T): void {
    const places = this.#places.get(step.insn);
    if (places) places.push(this.steps.length);
    else this.#places.set(step.insn, [this.steps.length]);
    this.steps.push(step);
  }
  /** How many there are up to the last of this instruction; 0 if there is none. */
  lengthAt(insn: number): number {
    return (this.#places.get(insn)?.at(-1) ?? -1) + 1;
  }
  cut(length: number): void {
    for (const { insn } of this.steps.splice(length)) this.#places.get(insn)?.pop();
  }
}

/** What a line says of registers, and what is not known any more by then: all of it, or what a call leaves behind. */
interface Change {
  readonly insn: number;
  readonly text: string;
  readonly found: Readonly<Record<string, string>>;
  readonly forgets: 'all' | 'scratch' | undefined;
}

/** Follows the search to where it ended: a jump back drops what was tried after the branch it comes from. */
function walk(lines: readonly string[]): Walk {
  const way = new Trail<PathStep>();
  const changes = new Trail<Change>();
  let forgets: Change['forgets'];
  let source: string | undefined;
  let reasons: string[] = [];
  const note = (insn: number, text: string, isWhole: boolean) => {
    const found = parseRegisters(text);
    if (Object.keys(found).length === 0) return;
    changes.push({ insn, text: text.trim(), found, forgets: isWhole ? 'all' : forgets });
    forgets = undefined;
  };
  for (const line of lines.flatMap(split)) {
    const insn = INSN.exec(line);
    if (insn) {
      const [text, state] = splitState(insn[3] as string);
      const at = Number(insn[1]);
      way.push({ insn: at, text, ...(source && { source }), ...(state && { state }) });
      if (text.startsWith('call ')) forgets ??= 'scratch';
      if (state) note(at, state, false);
      reasons = [];
      continue;
    }
    const jump = JUMP.exec(line);
    if (jump) {
      const from = Number(jump[1]);
      way.cut(way.lengthAt(from) || way.steps.length);
      changes.cut(changes.lengthAt(from));
      forgets = 'all';
      source = undefined;
      reasons = [];
      note(Number(jump[2]), jump[3] as string, true);
      continue;
    }
    const state = STATE.exec(line) ?? OLD_STATE.exec(line);
    if (state) {
      note(Number(state[1] || way.steps.at(-1)?.insn || 0), state[2] as string, true);
      continue;
    }
    const comment = SOURCE.exec(line);
    if (comment) source = comment[2] ? `${comment[2]}: ${comment[1]}` : comment[1];
    else if (!NOISE.test(line)) reasons.push(line.trim());
  }
  const path = way.steps;
  return { states: lastStates(changes.steps), path, ...conclude(reasons, path) };
}

/** All that is known at the last of them: a copy for each line of a long log would not fit into memory. */
function lastStates(changes: readonly Change[]): RegisterState[] {
  const states: RegisterState[] = [];
  let known: Record<string, string> = {};
  for (const [i, { insn, text, found, forgets }] of changes.entries()) {
    if (forgets === 'all') known = {};
    if (forgets === 'scratch') for (const name of ['R0', 'R1', 'R2', 'R3', 'R4', 'R5']) delete known[name];
    Object.assign(known, found);
    if (i >= changes.length - MOST_STATES) states.push({ insn, text, registers: { ...known } });
  }
  return states;
}

/** Some reasons name an instruction, because the check that gave them does not go through the program in its order. */
const NAMES_INSN = /(?:unreachable insn|detected at insn|back-edge from insn|jump out of range from insn|in insn|^insn) (\d+)/;

/** Others are about the whole program; the instruction above them is only the last that was looked at. */
const NAMES_NONE = /combined stack size|call stack of \d+ frames|unknown opcode/;

function conclude(reasons: readonly string[], path: readonly PathStep[]): Pick<Walk, 'reason' | 'insn'> {
  const reason = reasons.slice(-MOST_REASONS).join('; ');
  if (NAMES_NONE.test(reason)) return { reason, insn: undefined };
  const named = NAMES_INSN.exec(reason)?.[1];
  return { reason, insn: named === undefined ? path.at(-1)?.insn : Number(named) };
}

/** Where a path joins one that was seen before, the kernel writes states, source or the reason behind the jump without a new line. */
const JOINED = /^(\d+: \([0-9a-f]{2}\) .*?goto pc[+-]\d+) ((?:; .* @ \S+:\d+$|[^;\s]).*)$/;
const split = (line: string): string[] => JOINED.exec(line)?.slice(1) ?? [line];

/** `r0 = 0    ; R0=0` -> both halves. */
function splitState(text: string): [text: string, state: string | undefined] {
  const at = text.search(/(?<=\s); (?:frame\d+: )?(?:R\d+|fp-\d+|refs=|cb)/);
  if (at < 0) return [text.trim(), undefined];
  return [text.slice(0, at).trimEnd(), text.slice(at + '; '.length)];
}

function statsOf(lines: readonly string[]): VerifierLog['stats'] {
  const found = lines.findLast((line) => line.startsWith('processed '));
  const numbers = found && /^processed (\d+) insns \(limit (\d+)\)/.exec(found);
  if (!numbers) return undefined;
  const time = /^verification time (\d+) usec/.exec(lines.findLast((line) => line.startsWith('verification time')) ?? '')?.[1];
  return {
    processed: Number(numbers[1]),
    limit: Number(numbers[2]),
    ...(time !== undefined && { microseconds: Number(time) }),
  };
}

/** A log starts with instruction 0, a source line, a state, or a check of the whole program; cut off in front, anywhere. */
const isBeginning = (line: string): boolean => !/^\d+: /.test(line) || /^0: /.test(line);
