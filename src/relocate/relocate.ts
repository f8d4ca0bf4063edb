// CO-RE: fits an object's instructions to the types of a kernel. Matching, computing and patching are apart, and every
// decision is kept as a Fixup, so that it can be shown.

import { type Btf, type CoreRelo, spell } from '../btf/index.js';
import { RelocationError } from '../errors.js';
import { insnCount, readInsn } from '../insn/index.js';
import { BTF_INT_SIGNED } from '../uapi/btf.js';
import { type Candidate, findCandidates } from './candidates.js';
import { CORE_KINDS, type CoreKind } from './kinds.js';
import { matchSpec } from './match.js';
import { isMemoryAccess, patchCore, poisonInsn } from './patch.js';
import { parseSpec, type Spec, showSpec } from './spec.js';
import { type CoreValue, coreValue, NO_TARGET } from './value.js';

/** A candidate and why it was taken or not. */
export type Verdict = Candidate & { readonly spec?: Spec; readonly mismatch?: string };

/** What one CO-RE relocation comes to. Whoever applies it never looks at BTF again. */
export interface Fixup {
  readonly program: string;
  /** Slot in the program, not in the section. */
  readonly insn: number;
  readonly kind: CoreKind;
  readonly local: Spec;
  readonly verdicts: readonly Verdict[];
  /** The object's own value, as the compiler wrote it. */
  readonly before: bigint;
  readonly after: bigint | 'poison';
  /** Why it is poisoned. */
  readonly reason?: string;
  readonly expected: bigint | undefined;
  readonly access: { readonly from: number; readonly to: number } | undefined;
}

/** `byte_off task_struct.tgid: 2468 -> 1428`, for a trace. */
export function showFixup({ kind, local, verdicts, before, after, reason }: Fixup): string {
  const target = verdicts.find((verdict) => verdict.spec)?.spec;
  return `<${kind}> ${showSpec(local)}: ${before} -> ${after}${target ? ` from ${showSpec(target)}` : ''}${reason ? ` (${reason})` : ''}`;
}

/** The part of an object that CO-RE reads. `start` is the program's first slot in its section. */
export interface Relocatable {
  readonly btf: Btf | undefined;
  readonly littleEndian: boolean;
  readonly coreRelos: ReadonlyMap<string, readonly CoreRelo[]>;
  readonly programs: readonly {
    readonly name: string;
    readonly section: string;
    readonly start: number;
    readonly insns: Uint8Array;
  }[];
}

/** A kernel's types: those of vmlinux, and those of modules that are asked when it has no candidate. */
export interface CoreTarget {
  readonly kernel: Btf;
  readonly modules?: readonly Btf[];
}

/** Whether any relocation of this object needs a kernel's types. */
export const needsKernelBtf = (object: Pick<Relocatable, 'coreRelos'>): boolean =>
  [...object.coreRelos.values()].some((relos) => relos.some((relo) => CORE_KINDS[relo.kind]?.name !== 'local_type_id'));

/**
 * Applies all CO-RE relocations of an object.
 * @returns The object with patched copies of its programs, and what was decided for each record. A field that the target
 *          lacks is no error: its instruction is poisoned, and the verifier refuses it only if it can be reached.
 * @throws {RelocationError} for a malformed record, candidates that disagree, or an instruction that cannot take the value.
 * @see libbpf bpf_core_apply_relo, src/libbpf.c
 */
export function relocate<O extends Relocatable>(
  object: O,
  target: CoreTarget | undefined,
): { readonly object: O; readonly fixups: readonly Fixup[] } {
  const fixups: Fixup[] = [];
  const candidates = new Map<number, readonly Candidate[]>(); // by local root, narrowed by what matched
  const programs = object.programs.map((program) => {
    const relos = (object.coreRelos.get(program.section) ?? []).filter(
      ({ insn }) => insn >= program.start && insn < program.start + insnCount(program.insns),
    );
    if (relos.length === 0) return program;
    const insns = program.insns.slice();
    for (const relo of relos) {
      const fixup = resolveRelo(object, program.name, relo.insn - program.start, relo, insns, target, candidates);
      applyFixup(insns, fixup);
      fixups.push(fixup);
    }
    return { ...program, insns };
  });
  return { object: { ...object, programs }, fixups };
}

function applyFixup(insns: Uint8Array, fixup: Fixup): void {
  if (fixup.after === 'poison') {
    poisonInsn(insns, fixup.insn);
    return;
  }
  const problem = patchCore(insns, fixup.insn, { value: fixup.after, expected: fixup.expected, access: fixup.access });
  if (problem) {
    throw new RelocationError(`Cannot apply CO-RE relocation <${fixup.kind}> ${showSpec(fixup.local)}: ${problem}`, {
      where: { program: fixup.program, insn: fixup.insn },
      remedy: 'Was the object relocated before? It must come as clang or a static linker wrote it.',
    });
  }
}

function resolveRelo(
  object: Relocatable,
  program: string,
  insn: number,
  relo: CoreRelo,
  insns: Uint8Array,
  target: CoreTarget | undefined,
  cache: Map<number, readonly Candidate[]>,
): Fixup {
  const where = { program, insn };
  const kind = CORE_KINDS[relo.kind]?.name;
  if (!kind) throw new RelocationError(`CO-RE relocation kind ${relo.kind} is not known`, { where });
  const btf = object.btf as Btf; // records come out of .BTF.ext, which is not read without .BTF
  if (relo.type === 0 || relo.type >= btf.length)
    throw new RelocationError(`CO-RE relocation of type ${relo.type}, which does not exist`, { where });
  const local = parseSpec(btf, relo.type, relo.access, kind, where);
  const own = coreValue(local, object.littleEndian);
  const base = {
    program,
    insn,
    kind,
    local,
    before: own.value,
    expected: own.validate ? own.value : undefined,
    access: undefined,
  };
  if (kind === 'local_type_id') return { ...base, verdicts: [], after: own.value };
  if (!btf.name(relo.type))
    throw new RelocationError(`CO-RE relocation of an anonymous ${btf.kind(relo.type)}, which cannot be found by name`, {
      where,
    });
  if (!target) {
    throw new RelocationError(`CO-RE relocation of ${spell(btf, relo.type)} needs a kernel's BTF`, {
      where,
      remedy: 'Name a file with --btf FILE, or { btf } in the API.',
    });
  }

  const candidates = cache.get(relo.type) ?? findCandidates(btf, relo.type, target.kernel, target.modules);
  const verdicts = candidates.map((candidate): Verdict => ({ ...candidate, ...matchSpec(local, candidate.btf, candidate.id) }));
  const matches = verdicts.filter((verdict) => verdict.spec);
  cache.set(relo.type, matches.length > 0 ? matches : candidates);

  const [first, ...others] = matches.map(({ spec }) => ({
    bitOffset: (spec as Spec).bitOffset,
    ...outcome(kind, own, spec as Spec, object.littleEndian, readInsn(insns, insn)),
  }));
  if (!first) {
    const answer = NO_TARGET[kind];
    if (answer !== undefined) return { ...base, verdicts, after: answer };
    return { ...base, verdicts, after: 'poison', reason: whyNone(btf, relo.type, verdicts) };
  }
  const other = others.find((next) => next.after !== first.after || next.bitOffset !== first.bitOffset);
  if (other) {
    throw new RelocationError(
      `CO-RE relocation <${kind}> ${showSpec(local)} is ambiguous: ${matches.length} types of the kernel match, with values ${first.after} and ${other.after}`,
      {
        where,
        remedy: `Candidates: ${matches.map((match) => `[${match.id}] ${spell(match.btf, match.id)}`).join(', ')}`,
      },
    );
  }
  const { bitOffset: _, ...result } = first;
  return { ...base, verdicts, ...result };
}

function whyNone(btf: Btf, root: number, verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) return `the kernel has no ${spell(btf, root)}`;
  return verdicts
    .map((verdict) => verdict.mismatch)
    .filter((text, i, all) => all.indexOf(text) === i)
    .join('; ');
}

/** A matching candidate's value; a load or store of a field whose size changed is resized where that is safe, else poisoned. */
function outcome(
  kind: CoreKind,
  own: CoreValue,
  spec: Spec,
  littleEndian: boolean,
  insn: ReturnType<typeof readInsn>,
): Pick<Fixup, 'after' | 'access' | 'reason'> {
  const { value, access } = coreValue(spec, littleEndian);
  if (!own.access || !access || own.access.size === access.size) return { after: value, access: undefined };
  if (isResizable(own.access.type, access.type)) return { after: value, access: { from: own.access.size, to: access.size } };
  if (!isMemoryAccess(insn)) return { after: value, access: undefined };
  return {
    after: 'poison',
    access: undefined,
    reason: `<${kind}> the field has ${access.size} bytes in the kernel, ${own.access.size} in the object, and is not an unsigned integer or pointer`,
  };
}

type FieldType = NonNullable<CoreValue['access']>['type'];

/** Zero-extension is right for pointers and for integers that are not plainly signed. */
function isResizable(local: FieldType, target: FieldType): boolean {
  if (local.kind === 'PTR' && target.kind === 'PTR') return true;
  return local.kind === 'INT' && target.kind === 'INT' && local.encoding !== BTF_INT_SIGNED && target.encoding !== BTF_INT_SIGNED;
}
