// Relocations that failed, explained before any system call: what the kernel lacks, and whether the program, as it would be handed
// over, can get to where it is needed.

import { sourceLineAt } from '../btf/index.js';
import type { CoreExplanation, SourceLine } from '../errors.js';
import { type Reach, reach } from '../insn/index.js';
import { type BpfObject, linkProgram } from '../object/index.js';
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
export function explainRelocations(planned: Planned): Map<Fixup, CoreExplanation> {
  const poisoned = planned.fixups.filter(({ after }) => after === 'poison');
  if (poisoned.length === 0) return new Map();
  const ways = waysOf(planned);
  const kernel = coreTarget(planned.facts)?.kernel;
  return new Map(
    poisoned.map((fixup) => {
      const explained = explainFixup(fixup, { source: sourceOf(planned.object, fixup), kernel });
      return [fixup, { ...explained, ...guarding(fixup, ways, planned.fixups) }];
    }),
  );
}

function sourceOf({ btf, ext, programs }: BpfObject, { program, insn }: Fixup): SourceLine | undefined {
  const owner = programs.find(({ name }) => name === program);
  if (!btf || !owner) return undefined;
  const found = sourceLineAt(btf, ext.lineInfo.get(owner.section) ?? [], owner.start + insn, owner.start);
  return found && { ...found, function: program };
}

/** One program as it would be handed over: where its functions lie, and what of it can be reached. */
interface Way {
  readonly starts: ReadonlyMap<string, number>;
  readonly reach: Reach | undefined;
}

function waysOf({ object, steps }: Planned): Way[] {
  const frozen = frozenMaps(steps);
  return loadable(object).flatMap((program) => {
    const step = steps.find((candidate) => candidate.id === stepIds.program(program.name));
    const insns = step?.call === 'bpf' ? step.attr.insns : undefined;
    if (insns === undefined || !isWithFds(insns)) return [];
    const { functions } = linkProgram(object, program);
    return [{ starts: new Map(functions.map(({ name, start }) => [name, start])), reach: reachOf(insns, frozen) }];
  });
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

function guarding(fixup: Fixup, ways: readonly Way[], fixups: readonly Fixup[]): Pick<CoreExplanation, 'guarded' | 'guards'> {
  const through = ways.flatMap((way) => {
    const start = way.starts.get(fixup.program);
    return start === undefined ? [] : [{ way, slot: start + fixup.insn }];
  });
  if (through.some(({ way, slot }) => way.reach?.reached[slot])) return { guarded: false, guards: [] };
  if (through.length === 0 || through.some(({ way }) => !way.reach)) return { guarded: 'unknown', guards: [] };
  return { guarded: true, guards: [...new Set(through.flatMap(({ way }) => guardsIn(way, fixup.program, fixups)))] };
}

/** The relocations of the same function whose numbers decide jumps. */
function guardsIn({ starts, reach: found }: Way, program: string, fixups: readonly Fixup[]): string[] {
  const origins = new Set([...(found?.decided.values() ?? [])].flat());
  const start = starts.get(program) ?? 0;
  return fixups
    .filter((fixup) => fixup.program === program && fixup.after === 0n && origins.has(start + fixup.insn))
    .map((fixup) => `<${fixup.kind}> ${pathText(fixup.local)} = 0`);
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
    ...(failed ? [`missing: ${failed.component}${failed.index === undefined ? '' : ` in ${failed.type}`}`] : []),
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
