// CO-RE: fits an object's instructions to the types of a kernel. Matching, computing and patching are apart, and every
// decision is kept as a Fixup, so that it can be shown.

import { type Btf, type CoreRelo, spell } from '../btf/index.js';
import { BpfError, RelocationError, type Where } from '../errors.js';
import { insnCount, isLdImm64, ldImm64Value, readInsn } from '../insn/index.js';
import { BTF_INT_SIGNED } from '../uapi/btf.js';
import { type Candidate, findCandidates } from './candidates.js';
import { Effort } from './effort.js';
import { CORE_KINDS, type CoreKind } from './kinds.js';
import { type MismatchPlace, matchSpec } from './match.js';
import { isMemoryAccess, patchCore, poisonInsn } from './patch.js';
import { parseSpec, type Spec, showSpec } from './spec.js';
import { type CoreValue, coreValue, NO_TARGET, type ValueOptions } from './value.js';

/** A candidate and why it was taken or not. */
export type Verdict = Candidate & { readonly spec?: Spec; readonly mismatch?: string; readonly at?: MismatchPlace };

/** What one CO-RE relocation comes to. Whoever applies it never looks at BTF again. */
export interface Fixup {
  readonly program: string;
  /** Slot in the program, not in the section. */
  readonly insn: number;
  /** Its place among the records of its section, by which libbpf's messages call it: `relo #3`. */
  readonly record: number;
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

/** A function of a `Relocatable`. */
export interface RelocatableProgram {
  readonly name: string;
  readonly section: string;
  /** Its first slot in the section. */
  readonly start: number;
  readonly insns: Uint8Array;
  /** Programs that are not loaded are left as they are; their relocations could only fail. */
  readonly autoload?: boolean;
}

/** The part of an object that CO-RE reads. The programs of a section are in the order in which they lie there. */
export interface Relocatable {
  readonly where?: Where;
  readonly btf: Btf | undefined;
  readonly littleEndian: boolean;
  readonly coreRelos: ReadonlyMap<string, readonly CoreRelo[]>;
  readonly programs: readonly RelocatableProgram[];
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
 * @param effort Shared by callers who relocate parts of one object.
 * @returns The object with patched copies of its programs, and what was decided for each record. A field that the target
 *          lacks is no error: its instruction is poisoned, and the verifier refuses it only if it can be reached.
 * @throws {RelocationError} for a malformed record, candidates that disagree, or an instruction that cannot take the value.
 * @see libbpf bpf_core_apply_relo, src/libbpf.c
 */
export function relocate<O extends Relocatable>(
  object: O,
  target: CoreTarget | undefined,
  effort = new Effort(),
): { readonly object: O; readonly fixups: readonly Fixup[] } {
  const fixups: Fixup[] = [];
  const shared: Shared = { object, target, candidates: new Map(), known: new Map(), effort };
  const patched = new Map<RelocatableProgram, Uint8Array>();
  const inSection = bySection(object.programs);
  // In the order of the records, whatever the programs': candidates are narrowed as records go by.
  for (const [section, relos] of object.coreRelos) {
    for (const [record, relo] of relos.entries()) {
      const program = covering(inSection.get(section) ?? [], relo.insn);
      if (!program || program.autoload === false) continue; // not covered: code of an overridden weak function
      const insns = patched.get(program) ?? program.insns.slice();
      patched.set(program, insns);
      fixups.push(applyRelo(shared, program, insns, relo, record));
    }
  }
  const programs = object.programs.map((program) => ({ ...program, insns: patched.get(program) ?? program.insns }));
  return { object: { ...object, programs }, fixups };
}

function bySection(programs: readonly RelocatableProgram[]): ReadonlyMap<string, readonly RelocatableProgram[]> {
  const sections = new Map<string, RelocatableProgram[]>();
  for (const program of programs) {
    const list = sections.get(program.section);
    if (list) list.push(program);
    else sections.set(program.section, [program]);
  }
  return sections;
}

/** The program of a section that has slot `insn`: the last that starts at or before it, if it reaches so far. */
function covering(programs: readonly RelocatableProgram[], insn: number): RelocatableProgram | undefined {
  let low = 0;
  let high = programs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((programs[middle] as RelocatableProgram).start <= insn) low = middle + 1;
    else high = middle;
  }
  const last = programs[low - 1];
  return last && insn < last.start + insnCount(last.insns) ? last : undefined;
}

/** What the relocations of an object have in common. */
interface Shared {
  readonly object: Relocatable;
  readonly target: CoreTarget | undefined;
  /** By local root, narrowed by what matched. */
  readonly candidates: Map<number, readonly Candidate[]>;
  /** By root, kind and access string. */
  readonly known: Map<string, Known>;
  readonly effort: Effort;
}

/** Resolves one record and patches its instruction. Whatever goes wrong is said to be there. */
function applyRelo(shared: Shared, program: RelocatableProgram, insns: Uint8Array, relo: CoreRelo, record: number): Fixup {
  const insn = relo.insn - program.start;
  try {
    const fixup = resolveRelo(shared, program.name, insns, insn, relo, record);
    applyFixup(insns, fixup);
    return fixup;
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    const { what, remedy } = error;
    throw new RelocationError(`Cannot apply CO-RE relocation <${CORE_KINDS[relo.kind]?.name ?? relo.kind}>: ${what}`, {
      where: { ...shared.object.where, ...error.where, program: program.name, insn },
      remedy: remedy ?? 'No compiler writes such a record: was the object changed? Compile it again with clang -g.',
      cause: error,
    });
  }
}

function applyFixup(insns: Uint8Array, { insn, local, after, expected, access }: Fixup): void {
  if (after === 'poison') {
    poisonInsn(insns, insn);
    return;
  }
  const problem = patchCore(insns, insn, { value: after, expected, access });
  if (problem) {
    throw new RelocationError(`${showSpec(local)}: ${problem}`, {
      remedy: 'Was the object relocated before? It must come as clang or a static linker wrote it.',
    });
  }
}

/** How many elements the types on the way of a spec have, all of which are decoded. */
const weightOf = ({ btf, accessors }: Spec): number => accessors.reduce((sum, { type }) => sum + btf.elementCount(type), 1);

function resolveRelo(shared: Shared, program: string, insns: Uint8Array, insn: number, relo: CoreRelo, record: number): Fixup {
  const kind = CORE_KINDS[relo.kind]?.name;
  if (!kind) throw new RelocationError('this kind is not known');
  const { local, verdicts, before, after, expected, reason, own, found } = answerOf(shared, kind, relo, insns, insn);
  const fixup: Fixup = { program, insn, record, kind, local, verdicts, before, after, expected, access: undefined };
  const change = found && adapted(own, found, insns, insn);
  if (change) return { ...fixup, ...change };
  return reason === undefined ? fixup : { ...fixup, reason };
}

/** What a relocation comes to, whichever instruction asks. */
interface Answer extends Pick<Fixup, 'local' | 'verdicts' | 'before' | 'after' | 'expected' | 'reason'> {
  readonly own: CoreValue;
  readonly found?: CoreValue;
}

/** An answer, and the candidates of its root that it was found among: it stands until those are narrowed. */
interface Known {
  readonly answer: Answer;
  readonly candidates: readonly Candidate[] | undefined;
}

/** The same field is asked for again and again: compilers copy functions into their callers. */
function answerOf(shared: Shared, kind: CoreKind, relo: CoreRelo, insns: Uint8Array, insn: number): Answer {
  const { known, candidates, effort, object } = shared;
  const key = `${relo.type} ${kind} ${relo.access}`;
  const earlier = known.get(key);
  if (earlier && earlier.candidates === candidates.get(relo.type)) {
    effort.spend(SCAN * earlier.answer.verdicts.length); // whoever shows or explains it goes through them again
    return earlier.answer;
  }
  const btf = object.btf as Btf; // records come out of .BTF.ext, which is not read without .BTF
  if (relo.type === 0 || relo.type >= btf.length) throw new RelocationError(`its type ${relo.type} does not exist`);
  const local = parseSpec(btf, relo.type, relo.access, kind);
  effort.spend(weightOf(local));
  const unsignedEnums = isZeroExtended(local, insns, insn);
  const before = candidates.get(relo.type);
  const answer = resolveSpec(shared, btf, local, { littleEndian: object.littleEndian, unsignedEnums });
  // The instruction has its say about enumerators, and a list that was narrowed just now has fewer verdicts from here on.
  if (kind !== 'enumval_value' && before === candidates.get(relo.type)) known.set(key, { answer, candidates: before });
  return answer;
}

/**
 * A verdict is kept: its memory is counted as so many steps, and so is each step of a way that ended. To go through those that are
 * kept takes so many for each.
 */
const VERDICT = 100;
const SCAN = 10;

function resolveSpec(shared: Shared, btf: Btf, local: Spec, options: ValueOptions): Answer {
  const { target, candidates: narrowed, effort } = shared;
  const { kind, root } = local;
  const own = coreValue(local, options);
  const base = { local, own, before: own.value, expected: own.validate ? own.value : undefined };
  if (kind === 'local_type_id') return { ...base, verdicts: [], after: own.value };
  if (!btf.name(root))
    throw new RelocationError(`an anonymous ${btf.kind(root).toLowerCase()} cannot be found by name`, {
      remedy: 'Relocate through a type that has a name: give the struct one, or reach it as a member of one that has.',
    });
  if (!target) {
    throw new RelocationError(`${spell(btf, root)} has to be found in a kernel's BTF, and there is none`, {
      remedy:
        'Name a file that has it: --btf FILE, or open(file, { btf }). Kernels built with CONFIG_DEBUG_INFO_BTF=y have it in /sys/kernel/btf/vmlinux.',
    });
  }

  const candidates = narrowed.get(root) ?? findCandidates(btf, root, target.kernel, target.modules);
  effort.spend(VERDICT * candidates.length);
  const verdicts = candidates.map(({ btf: of, id }): Verdict => Object.assign({ btf: of, id }, matchSpec(local, of, id, effort)));
  const matches = verdicts.flatMap(({ spec }) => (spec ? [spec] : []));
  const isNarrower = matches.length > 0 && matches.length < candidates.length;
  narrowed.set(root, isNarrower ? candidates.filter((_, i) => verdicts[i]?.spec) : candidates);
  for (const spec of matches) effort.spend(weightOf(spec));
  for (const { at } of verdicts) effort.spend(VERDICT * (at?.reached.accessors.length ?? 0));

  const [first, ...others] = matches.map((spec) => ({ spec, value: coreValue(spec, options) }));
  if (!first) {
    const answer = NO_TARGET[kind];
    if (answer !== undefined) return { ...base, verdicts, after: answer };
    return { ...base, verdicts, after: 'poison', reason: whyNone(btf, root, verdicts) };
  }
  const found = first.value;
  const other = others.find(({ value: { value }, spec }) => value !== found.value || spec.bitOffset !== first.spec.bitOffset);
  if (other) {
    const differ =
      other.value.value === found.value
        ? `at bits ${first.spec.bitOffset} and ${other.spec.bitOffset}`
        : `with values ${found.value} and ${other.value.value}`;
    throw new RelocationError(`${showSpec(local)} is ambiguous: ${matches.length} types of the kernel match, ${differ}`, {
      remedy: `Candidates: ${matches
        .slice(0, MOST_REASONS)
        .map((spec) => `[${spec.root}] ${spell(spec.btf, spec.root)}`)
        .join(', ')}. Reach the one that is meant through a struct that contains it: only that is then looked for by name.`,
    });
  }
  return { ...base, verdicts, after: found.value, found };
}

/**
 * libbpf takes every enumerator of 32 bits for a signed number, and so refuses objects with unsigned ones of 2^31 or more:
 * clang extends those with zeros. Where the instruction shows that it did, we do too.
 */
const isZeroExtended = (local: Spec, insns: Uint8Array, insn: number): boolean =>
  local.kind === 'enumval_value' && isLdImm64(insns, insn) && ldImm64Value(insns, insn) !== coreValue(local).value;

/** A kernel may have a thousand types of one name, and the reason of each may name it. */
const MOST_REASONS = 16;

function whyNone(btf: Btf, root: number, verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) return `the kernel has no ${spell(btf, root)}`;
  const reasons = [...new Set(verdicts.map((verdict) => verdict.mismatch))];
  return reasons.slice(0, MOST_REASONS).join('; ') + (reasons.length > MOST_REASONS ? '; …' : '');
}

/** A load or store of a field whose size changed is resized where that is safe, else poisoned. */
function adapted(
  own: CoreValue,
  found: CoreValue,
  insns: Uint8Array,
  insn: number,
): Partial<Pick<Fixup, 'after' | 'access' | 'reason'>> | undefined {
  const from = own.access?.size ?? 0; // of a bitfield: no load is one of it alone
  const to = found.access?.size ?? 0;
  if (from === to) return undefined;
  if (own.access && found.access && isResizable(own.access.type, found.access.type)) return { access: { from, to } };
  if (!isMemoryAccess(readInsn(insns, insn))) return undefined;
  const size = (bytes: number) => (bytes === 0 ? 'is a bitfield' : `has ${bytes} bytes`);
  return {
    after: 'poison',
    reason: `the field ${size(to)} in the kernel and ${size(from)} in the object; only unsigned integers and pointers can be loaded in another size`,
  };
}

type FieldType = NonNullable<CoreValue['access']>['type'];

/** Zero-extension is right for pointers and for integers that are not plainly signed. */
function isResizable(local: FieldType, target: FieldType): boolean {
  if (local.kind === 'PTR' && target.kind === 'PTR') return true;
  return local.kind === 'INT' && target.kind === 'INT' && local.encoding !== BTF_INT_SIGNED && target.encoding !== BTF_INT_SIGNED;
}
