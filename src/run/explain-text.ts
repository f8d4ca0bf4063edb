// An explained object as a page for people: what it is, what it needs, what CO-RE makes of it, and what would be done.

import { showSource, sourceLineAt } from '../btf/index.js';
import { printable } from '../bytes/index.js';
import { CANNOT_KNOW, type CheckedKernel, type CheckVerdict, type Finding, showVersion } from '../check/index.js';
import type { SourceLine } from '../errors.js';
import { showStep } from '../load/index.js';
import type { BpfObject } from '../object/index.js';
import { loadable, showExplanation } from '../plan/index.js';
import { type Fixup, pathText, showFixup, showSpec } from '../relocate/index.js';
import type { Explained } from './explain.js';
import { externText } from './extern-text.js';
import { openLines } from './open-lines.js';
import { type Look, type Paint, wrap } from './paint.js';
import { requirementLines } from './requirements.js';

export interface ExplainTextOptions extends Look {
  /** Every relocation with its candidates, and each use of the same one. */
  readonly verbose: boolean;
}

/** Sections: object, requirements, relocations, steps, and the verdict at the end, where a terminal stops. */
export function explainText(explained: Explained, options: ExplainTextOptions): string {
  const { paint } = options;
  const sections: [title: string, lines: string[]][] = [
    ['OBJECT', objectLines(explained, options)],
    ['REQUIREMENTS', requirementLines(explained, options)],
    ['EXTERNS', externLines(explained, options)],
    [relocationTitle(explained), relocationLines(explained, options)],
    [stepTitle(explained), stepLines(explained, options)],
    ['NOT GIVEN', openLines([explained.check], options.width)],
    ['VERDICT', verdictLines(explained, options)],
  ];
  const text = sections
    .filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => [paint.bold(title), ...lines].join('\n'))
    .join('\n\n');
  return `${text}\n`;
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;

const fileName = ({ where, name }: BpfObject): string => (where.file ?? name).replace(/^.*\//, '');

function objectLines({ object, kernel, assumed, fixups }: Explained, { width, paint }: ExplainTextOptions): string[] {
  const programs = loadable(object);
  const version = kernel.version === undefined ? '' : `, Linux ${showVersion(kernel.version)}`;
  const off = object.programs.filter(({ isSubprogram }) => !isSubprogram).length - programs.length;
  const facts = [
    `${fileName(object)}: ${count(programs.length, 'program')}${off > 0 ? ` (${off} switched off)` : ''}, ${count(object.maps.length, 'map')}, ${count(object.externs.length, 'extern')}, ${count(fixups.length, 'CO-RE relocation')}; license ${object.license || 'none'}`,
    `Held against ${kernel.name}${version}${known(kernel)}. Nothing was tried on any kernel.`,
  ];
  return [
    ...facts.flatMap((line) => wrap(line, width, '  ', '    ')),
    ...wrap(`Assumed: ${assumed.join('; ')}.`, width, '  ', '    ').map(paint.dim),
    ...programs.flatMap(({ name, section }) => wrap(`program ${name}: ${section}`, width, '  ', '    ')),
  ];
}

/** What is given of it. */
function known({ btf, modules, kconfig, symbols }: CheckedKernel): string {
  if (btf.length === 1) return ', which shows no types';
  const others = modules.length > 0 ? [count(modules.length, 'module')] : [];
  return ` (${[`${btf.length - 1} types`, ...others, ...[kconfig, symbols].flatMap((one) => one?.file ?? [])].join(', ')})`;
}

function externLines({ check: { externs } }: Explained, { paint }: ExplainTextOptions): string[] {
  const labels = externs.map(({ name, weak }) => `${printable(name)}${weak ? ' (weak)' : ''}`);
  const width = Math.max(0, ...labels.map(({ length }) => length)) + 2;
  return externs.map((extern, i) => {
    const colour = COLOURS[extern.found === undefined ? 'unknown' : extern.verdict];
    return `  ${(labels[i] as string).padEnd(width)}${paint[colour](externText(extern))}`;
  });
}

const isPoisoned = ({ after }: Fixup): boolean => after === 'poison';

function relocationTitle({ fixups }: Explained): string {
  const failed = fixups.filter(isPoisoned).length;
  return `RELOCATIONS: ${fixups.length - failed} answered${failed > 0 ? `, ${failed} without an answer` : ''}`;
}

/** The same question of one function is told once, unless everything is to be told. */
function relocationLines(explained: Explained, options: ExplainTextOptions): string[] {
  const { object, fixups } = explained;
  const groups = new Map<string, { fixup: Fixup; insns: number[] }>();
  for (const fixup of fixups) {
    const source = sourceOf(object, fixup);
    const what = `${fixup.program} ${fixup.kind} ${showSpec(fixup.local)} ${fixup.after} ${source?.line}`;
    const key = options.verbose ? `${what} ${fixup.insn}` : what;
    const known = groups.get(key);
    if (known) known.insns.push(fixup.insn);
    else groups.set(key, { fixup, insns: [fixup.insn] });
  }
  return [...groups.values()].flatMap(({ fixup, insns }) => relocation(explained, fixup, insns, options));
}

function relocation(
  { object, explanations }: Explained,
  fixup: Fixup,
  insns: readonly number[],
  { width, paint, verbose }: ExplainTextOptions,
): string[] {
  const explanation = explanations.get(fixup);
  const source = sourceOf(object, fixup);
  const at = `${fixup.program} insn ${insns.join(', ')}`;
  const place = source ? wrap(`${showSource(source)}: ${source.text.trim()}`, width, '    ', '      ').map(paint.dim) : [];
  if (explanation) {
    const guarded = explanation.guarded === true;
    const [, ...rest] = showExplanation({ ...explanation, source: undefined });
    const head = `${at}: <${fixup.kind}> ${pathText(fixup.local)}: no answer`;
    const [first = '', ...more] = wrap(head, width, '  ', '    ');
    return [
      paint[guarded ? 'yellow' : 'red'](first),
      ...more,
      ...place,
      ...rest.flatMap((line) => wrap(line, width, '    ', '      ')),
    ];
  }
  const value = fixup.before === fixup.after ? `${fixup.after}, as compiled` : `${fixup.before} -> ${fixup.after}`;
  const absent = fixup.verdicts.every(({ spec }) => !spec) && fixup.kind !== 'local_type_id' ? ' (the kernel has none)' : '';
  const head = verbose ? `${at}: ${showFixup(fixup)}` : `${at}: <${fixup.kind}> ${pathText(fixup.local)}: ${value}${absent}`;
  return [
    ...wrap(head, width, '  ', '    '),
    ...place,
    ...(verbose ? fixup.verdicts.flatMap((verdict) => candidate(verdict, width)) : []),
  ];
}

const candidate = ({ spec, id, mismatch }: Fixup['verdicts'][number], width: number): string[] =>
  wrap(`candidate [${id}] ${spec ? `matches: ${showSpec(spec)}` : `does not: ${mismatch}`}`, width, '    ', '      ');

function sourceOf({ btf, ext, programs }: BpfObject, { program, insn }: Fixup): SourceLine | undefined {
  const owner = programs.find(({ name }) => name === program);
  if (!btf || !owner) return undefined;
  return sourceLineAt(btf, ext.lineInfo.get(owner.section) ?? [], owner.start + insn, owner.start);
}

function stepTitle({ plan: { steps, error } }: Explained): string {
  const bpf = steps.filter(({ call }) => call === 'bpf').length;
  const left = error ? ' of what is left' : '';
  return `STEPS${left}: ${count(steps.length, 'system call')}, ${bpf} of them bpf(); none was performed`;
}

function stepLines({ plan }: Explained, { width, paint }: ExplainTextOptions): string[] {
  const lines: string[] = [];
  if (plan.error) {
    const [what = '', ...remedy] = plan.error.message.split('\n');
    lines.push(...wrap(`There is no plan of the whole: ${what}`, width, '  ', '    ').map(paint.red));
    lines.push(...remedy.flatMap((line) => wrap(line.trim(), width, '    ', '      ')));
    if (plan.without.length > 0) lines.push(...wrap(`Left out: ${plan.without.join(', ')}`, width, '  ', '    '));
  }
  for (const [i, step] of plan.steps.entries()) {
    const number = `${i + 1}.`.padStart(4);
    lines.push(...wrap(`${step.why}${step.optional ? ' (may fail)' : ''}`, width, `${number} `, '     '));
    lines.push(...wrap(`${showStep(step)}${step.makes ? ` = <${step.id}>` : ''}`, width, '     ', '       ').map(paint.dim));
  }
  for (const { program, why } of plan.unattached) lines.push(...wrap(`not attached: ${program}: ${why}`, width, '  ', '    '));
  return lines;
}

const COLOURS: Readonly<Record<CheckVerdict, keyof Paint>> = { ok: 'green', unknown: 'yellow', red: 'red' };

interface Told {
  readonly program: string | undefined;
  /** That come from the same line, and are mended alike: the fields of a bit field, a read that is tried again. */
  readonly findings: Finding[];
}

function verdictLines({ check, plan }: Explained, { width, paint }: ExplainTextOptions): string[] {
  const groups = new Map<string, Told>();
  const add = (finding: Finding, program?: string): void => {
    const { source, remedy, verdict } = finding;
    const key = source && remedy ? `${verdict} ${program} ${source.file}:${source.line} ${remedy}` : `alone ${groups.size}`;
    const group: Told = groups.get(key) ?? { program, findings: [] };
    groups.set(key, group);
    const { findings } = group;
    if (!findings.some(({ what }) => what === finding.what)) findings.push(finding);
  };
  for (const finding of check.findings) add(finding);
  for (const { program, findings } of check.programs) for (const finding of findings) add(finding, program);
  const all = [...groups.values()];
  const isRed = ({ findings: [first] }: Told): boolean => first?.verdict === 'red';
  return [
    ...wrap(sentence(check.load, check.verdict, plan.error !== undefined), width, '  ', '    ').map(
      paint[COLOURS[check.verdict]],
    ),
    ...[...all.filter(isRed), ...all.filter((group) => !isRed(group))].flatMap((group) => told(group, width, paint)),
    ...CANNOT_KNOW.slice(0, 2)
      .flatMap((text) => wrap(text, width, '  '))
      .map(paint.dim),
  ];
}

function sentence(load: CheckVerdict, verdict: CheckVerdict, noPlan: boolean): string {
  if (load === 'red') return 'It would not load:';
  if (noPlan) return 'It cannot be planned, for the reason above.';
  if (verdict === 'red') return 'It would load, but not everything could be attached:';
  if (verdict === 'unknown') return 'Nothing is known to keep it from loading; what is not known:';
  return 'Nothing that can be told in advance keeps it from loading.';
}

function told({ program, findings }: Told, width: number, paint: Paint): string[] {
  const who = program === undefined ? '' : `${program}: `;
  const [first] = findings;
  const place = first?.source ? [`${showSource(first.source)}: ${first.source.text.trim()}`] : [];
  return [
    ...findings.flatMap(({ verdict, stage, what, since }) => {
      const when = stage === 'attach' ? 'when it is attached: ' : '';
      const text = `${who}${when}${what}${since === undefined ? '' : ` (since ${since})`}`;
      return wrap(text, width, '  ', '    ').map((line) => paint[COLOURS[verdict]](line));
    }),
    ...[...place, ...(first?.remedy ?? '').split('\n')]
      .filter((line) => line !== '')
      .flatMap((line) => wrap(printable(line), width, '    ', '      ')),
  ];
}
