// Relocations that failed, explained before any system call: what the kernel lacks, and whether the program, as it would be handed
// over, can get to where it is needed.

import { sourceLineAt } from '../btf/index.js';
import { Patience } from '../bytes/index.js';
import type { CoreExplanation, SourceLine } from '../errors.js';
import { type Reach, reach } from '../insn/index.js';
import { type BpfFunction, type BpfObject, linkProgram } from '../object/index.js';
import { CORE_POISON, explainFixup, type Fixup, pathText } from '../relocate/index.js';
import { BPF_INSN_SZ, CALL } from '../uapi/insn.js';
import { coreTarget, type KernelFacts } from './facts.js';
import { loadable } from './loadable.js';
import { isFdRef, isWithFds, type Step, type WithFds } from './step.js';
import { stepIds } from './step-ids.js';

/** What a plan was made of, and the plan. `object` is the relocated one. */
export interface Planned {
  readonly object: BpfObject;
  readonly facts: KernelFacts;
  readonly fixups: readonly Fixup[];
  readonly steps: readonly Step[];
}

/**
 * Every poisoned relocation with its explanation. One that is not guarded will make the kernel refuse a program; to say so is not
 * to refuse it, because the kernel knows more: `guarded: false` means that constants alone do not rule it out.
 */
export function explainRelocations(planned: Planned, patience = new Patience()): Map<Fixup, CoreExplanation> {
  const poisoned = planned.fixups.filter(({ after }) => after === 'poison');
  if (poisoned.length === 0) return new Map();
  const ways = waysOf(planned);
  const guards = guardsOf(planned.fixups);
  const kernel = coreTarget(planned.facts)?.kernel;
  const owners = new Map([...planned.object.programs].reverse().map((program) => [program.name, program]));
  return new Map(
    poisoned.map((fixup) => {
      const explained = explainFixup(fixup, {
        source: sourceOf(planned.object, owners.get(fixup.program), fixup),
        kernel,
        patience,
      });
      return [fixup, { ...explained, ...guarding(fixup, ways.get(fixup.program) ?? [], guards.get(fixup.program) ?? []) }];
    }),
  );
}

function sourceOf({ btf, ext }: BpfObject, owner: BpfFunction | undefined, { program, insn }: Fixup): SourceLine | undefined {
  if (!btf || !owner) return undefined;
  const found = sourceLineAt(btf, ext.lineInfo.get(owner.section) ?? [], owner.start + insn, owner.start);
  return found && { ...found, function: program };
}

/** A function in one program as it would be handed over: where it lies there, and what of the program can be reached. */
interface Way {
  readonly start: number;
  readonly reach: Reach | undefined;
  /** Slots whose numbers decide jumps. */
  readonly origins: ReadonlySet<number>;
}

/** By name of the function. */
function waysOf({ object, steps }: Planned): ReadonlyMap<string, readonly Way[]> {
  const ways = new Map<string, Way[]>();
  const frozen = frozenMaps(steps);
  const byId = new Map(steps.map((step) => [step.id, step]));
  for (const program of loadable(object)) {
    const step = byId.get(stepIds.program(program.name));
    const insns = step?.call === 'bpf' ? step.attr.insns : undefined;
    if (insns === undefined || !isWithFds(insns)) continue;
    const found = reachOf(insns, frozen);
    const origins = new Set([...(found?.decided.values() ?? [])].flat());
    for (const { name, start } of linkProgram(object, program).functions) {
      const way = { start, reach: found, origins };
      const others = ways.get(name);
      if (others) others.push(way);
      else ways.set(name, [way]);
    }
  }
  return ways;
}

/** What of a program can be reached, as it would be handed over. `frozen` as `frozenMaps` has it. */
export function reachOf(insns: WithFds, frozen: ReadonlyMap<string, Uint8Array>): Reach | undefined {
  const maps = new Map(insns.fds.map(({ at, ref }) => [Math.floor(at / BPF_INSN_SZ), ref.fd]));
  const view = new DataView(insns.bytes.buffer, insns.bytes.byteOffset, insns.bytes.byteLength);
  return reach(insns.bytes, {
    frozen: (insn) => {
      const image = frozen.get(maps.get(insn) ?? '');
      return image?.subarray(view.getUint32((insn + 1) * BPF_INSN_SZ + 4, true));
    },
    opaque: ({ code, src, imm }) => code === CALL && src === 0 && imm === CORE_POISON,
  });
}

/** Contents of the maps that nobody can change once they are loaded, by the step that makes them. */
export function frozenMaps(steps: readonly Step[]): Map<string, Uint8Array> {
  const frozen = new Set<string>();
  const contents = new Map<string, Uint8Array>();
  for (const step of steps) {
    if (step.call !== 'bpf' || step.attr.map_fd === undefined) continue;
    const { map_fd: map, value } = step.attr;
    if (typeof map !== 'object' || !isFdRef(map)) continue;
    if (step.cmd === 'BPF_MAP_FREEZE') frozen.add(map.fd);
    if (step.cmd === 'BPF_MAP_UPDATE_ELEM' && value instanceof Uint8Array) contents.set(map.fd, value);
  }
  return new Map([...contents].filter(([id]) => frozen.has(id)));
}

function guarding(fixup: Fixup, ways: readonly Way[], guards: readonly Fixup[]): Pick<CoreExplanation, 'guarded' | 'guards'> {
  if (ways.some(({ start, reach: found }) => found?.reached[start + fixup.insn])) return { guarded: false, guards: [] };
  if (ways.length === 0 || ways.some(({ reach: found }) => !found)) return { guarded: 'unknown', guards: [] };
  const decisive = guards.filter(({ insn }) => ways.some(({ start, origins }) => origins.has(start + insn)));
  return { guarded: true, guards: [...new Set(decisive.map(({ kind, local }) => `<${kind}> ${pathText(local)} = 0`))] };
}

/** Relocations whose number may be a guard, by function. */
function guardsOf(fixups: readonly Fixup[]): ReadonlyMap<string, readonly Fixup[]> {
  const guards = new Map<string, Fixup[]>();
  for (const fixup of fixups) {
    if (fixup.after !== 0n) continue;
    const others = guards.get(fixup.program);
    if (others) others.push(fixup);
    else guards.set(fixup.program, [fixup]);
  }
  return guards;
}

/** Lines for people, without their indent. */
export function showExplanation(found: CoreExplanation): string[] {
  const { source, local, kind, failed, candidates, nearest, moved, guarded, guards, suggestion } = found;
  const place = source ? ` at ${source.file}:${source.line}: ${source.text.trim()}` : '';
  const guard =
    guarded === true
      ? `guarded${guards.length > 0 ? ` by ${guards.join(', ')}` : ''}: it cannot be reached, so the program loads`
      : '';
  return [
    `<${kind}> ${local} in ${found.program}, instruction ${found.insn}${place}`,
    ...(failed
      ? [
          `${failed.differs ? 'differs' : 'missing'}: ${failed.component}${failed.index === undefined ? '' : ` in ${failed.type}`}`,
        ]
      : []),
    ...candidates.map(({ type, reason }) => `candidate ${type}: ${reason}`),
    ...(nearest.length > 0 ? [`the kernel has: ${nearest.join(', ')}`] : []),
    ...(moved.length > 0 ? [`moved to: ${moved.join(', ')}`] : []),
    guard ||
      (guarded === false
        ? 'not guarded: no constant keeps the program from it, so expect the kernel to refuse it'
        : 'whether it is guarded is not known'),
    ...(guarded === true ? [] : suggestion.split('\n')),
  ];
}
