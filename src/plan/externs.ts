// Externs: what an object asks of a machine because of them, and the kernel's answers in its instructions.

import { type Btf, type BtfType, essentialName, resolved, spell, type TypeId, typesOf } from '../btf/index.js';
import { nearestFew } from '../bytes/index.js';
import { RelocationError, UnsupportedError, type Where } from '../errors.js';
import { isLdImm64, patchInsn, readInsn } from '../insn/index.js';
import type { BpfObject, Extern } from '../object/index.js';
import { Effort, typesAreCompatible } from '../relocate/index.js';
import { BPF_PSEUDO_BTF_ID, BPF_PSEUDO_KFUNC_CALL, BPF_PSEUDO_MAP_VALUE, CALL } from '../uapi/insn.js';
import type { KernelFacts, WantedType } from './facts.js';
import type { FeatureName } from './features.js';
import { isSetting, kconfigExterns, kconfigImage, WRAPPED_SYSCALLS } from './kconfig.js';
import { findKernelType, type KernelTypes, markedKfuncs, NEEDS_TYPES } from './kernel-types.js';
import { stepIds } from './step-ids.js';

type Ksym = Extract<Extern, { section: '.ksyms' }>;
const ksyms = (object: BpfObject): Ksym[] => object.externs.filter((extern): extern is Ksym => extern.section === '.ksyms');
/** `extern const void name __ksym`: nothing but an address. */
const isTypeless = (extern: Ksym): boolean => extern.kind === 'variable' && extern.type === 0;

/** What a machine is to be asked because of an object's externs. */
export interface ExternQuestions {
  /** Ids of its types. */
  readonly btf: boolean;
  readonly types: readonly WantedType[];
  readonly kconfig: boolean;
  readonly kallsyms: readonly string[];
  readonly features: readonly FeatureName[];
}

export function externQuestions(object: BpfObject): ExternQuestions {
  const symbols = ksyms(object);
  const kconfig = kconfigExterns(object);
  const has = (name: string) => kconfig.some((extern) => extern.name === name);
  return {
    btf: symbols.some((extern) => !isTypeless(extern)),
    types: symbols.flatMap((extern): WantedType[] => {
      if (isTypeless(extern)) return [];
      return [
        extern.kind === 'function'
          ? { name: essentialName(extern.name), kind: 'FUNC', flavored: false }
          : { name: extern.name, kind: 'VAR', flavored: false },
      ];
    }),
    kconfig: kconfig.some(isSetting),
    kallsyms: [
      ...symbols.filter(isTypeless).map(({ name }) => name),
      ...(has('LINUX_HAS_SYSCALL_WRAPPER') ? WRAPPED_SYSCALLS : []),
    ],
    features: has('LINUX_HAS_BPF_COOKIE') ? ['bpf_cookie'] : [],
  };
}

/** What an extern comes to on one machine. */
export type ExternAnswer =
  | { readonly kind: 'kconfig'; readonly map: string; readonly offset: number }
  /** Of the kernel's types, or of those of a module. `place` is the module's in fd_array; 0 for the kernel itself. */
  | { readonly kind: 'variable' | 'function'; readonly id: TypeId; readonly module?: string; readonly place: number }
  | { readonly kind: 'address'; readonly address: bigint }
  /** Weak and not there. `index` is its place among the object's externs. */
  | { readonly kind: 'absent'; readonly index: number };
export interface ExternAnswers {
  readonly byName: ReadonlyMap<string, ExternAnswer>;
  /** Modules whose functions are called, in the order of fd_array, from 1. */
  readonly modules: readonly string[];
}

/**
 * The object with the values of its .kconfig, and an answer for each extern.
 * @param used   Which of them matter; all by default.
 * @param values Whether the values of .kconfig are asked for. Instructions do not depend on them.
 * @throws {RelocationError} naming the extern that this machine lacks, or has in another form; {UnsupportedError} when the facts
 *         do not say.
 */
export function resolveExterns(
  object: BpfObject,
  facts: KernelFacts,
  used: (extern: Extern) => boolean = () => true,
  values = true,
): { readonly object: BpfObject; readonly answers: ExternAnswers } {
  const kconfig = object.maps.find(({ data }) => data?.section === '.kconfig');
  const externs = object.externs.filter(used);
  const effort = new Effort();
  const byName = new Map<string, ExternAnswer>();
  const modules: string[] = [];
  for (const extern of externs) {
    if (extern.kind === 'kconfig') byName.set(extern.name, { kind: 'kconfig', map: kconfig?.name ?? '', offset: extern.offset });
    else {
      const index = object.externs.indexOf(extern);
      byName.set(extern.name, resolveKsym(object, extern, facts, effort, modules) ?? absent(object, extern, index, facts));
    }
  }
  const answers = { byName, modules };
  if (!values || !kconfig?.data || !externs.some(({ kind }) => kind === 'kconfig')) return { object, answers };
  const filled = { ...kconfig, data: { ...kconfig.data, image: kconfigImage({ ...object, externs }, facts) } };
  return { object: { ...object, maps: object.maps.map((map) => (map === kconfig ? filled : map)) }, answers };
}

const whereOf = (object: BpfObject, { name }: Extern): Where => ({ ...object.where, type: name });

/**
 * Only now, when nothing can be loaded anyway, is each of the kernel's names looked at. Where functions are marked that programs may call,
 * no other is meant.
 */
function* namesOf({ kernelBtf, modules }: KernelTypes, kind: 'FUNC' | 'VAR'): Generator<string> {
  const isMarked = kind === 'FUNC' && kernelBtf !== undefined && markedKfuncs(kernelBtf).size > 0;
  for (const btf of [...(kernelBtf ? [kernelBtf] : []), ...modules.map((module) => module.btf)])
    for (const id of isMarked ? markedKfuncs(btf) : typesOf(btf, kind)) yield btf.name(id);
}

function absent(object: BpfObject, extern: Ksym, index: number, facts: KernelFacts): ExternAnswer {
  if (extern.weak) return { kind: 'absent', index };
  const where = whereOf(object, extern);
  const { kallsymsFile = '/proc/kallsyms' } = facts;
  if (isTypeless(extern))
    throw new RelocationError(`The kernel has no symbol ${extern.name} in ${kallsymsFile}`, {
      where,
      remedy: `Is it there? grep -w ${extern.name} ${kallsymsFile}. Variables are, in kernels built with CONFIG_KALLSYMS_ALL=y. Or declare it __weak, and test it before use.`,
    });
  const names = namesOf(facts, extern.kind === 'function' ? 'FUNC' : 'VAR');
  const [similar] = nearestFew(essentialName(extern.name), names, { most: 1 });
  throw new RelocationError(`The kernel's BTF has no ${extern.kind} ${extern.name}`, {
    where,
    remedy: `${similar ? `Did you mean "${similar}"? ` : ''}It may be in a module that is not loaded, or not in this version of the kernel: declare it __weak and test it with bpf_ksym_exists().`,
  });
}

function resolveKsym(
  object: BpfObject,
  extern: Ksym,
  facts: KernelFacts,
  effort: Effort,
  modules: string[],
): ExternAnswer | undefined {
  if (isTypeless(extern)) return resolveAddress(object, extern, facts);
  if (!object.btf || !facts.kernelBtf)
    throw new UnsupportedError(`To find ${extern.kind} ${extern.name}, the types of the kernel are needed`, {
      where: whereOf(object, extern),
      remedy: NEEDS_TYPES,
    });
  return extern.kind === 'variable'
    ? resolveVariable(object, object.btf, extern, facts, effort)
    : resolveFunction(object, object.btf, extern, facts, effort, modules);
}

/** @see libbpf kallsyms_cb, src/libbpf.c */
function resolveAddress(object: BpfObject, extern: Ksym, { kallsyms }: KernelFacts): ExternAnswer | undefined {
  const [address, other] = kallsyms.get(extern.name) ?? [];
  if (address === undefined) return undefined;
  if (other !== undefined)
    throw new RelocationError(
      `The kernel has several symbols ${extern.name}, at 0x${address.toString(16)} and 0x${other.toString(16)}`,
      { where: whereOf(object, extern), remedy: 'Declare it with its type, if the BTF of the kernel has it.' },
    );
  return { kind: 'address', address };
}

/** @see libbpf bpf_object__resolve_ksym_var_btf_id, src/libbpf.c */
function resolveVariable(
  object: BpfObject,
  btf: Btf,
  extern: Ksym,
  types: KernelTypes,
  effort: Effort,
): ExternAnswer | undefined {
  const found = findKernelType(types, extern.name, 'VAR');
  const type = found?.btf.type(found.id);
  if (!found || type?.kind !== 'VAR') return undefined;
  if (!typesAreCompatible(btf, extern.type, found.btf, resolved(found.btf, type.type).id, effort))
    throw incompatible(object, btf, extern, found.btf, type.type);
  return { kind: 'variable', id: found.id, ...(found.module !== undefined && { module: found.module }), place: 0 };
}

/**
 * A weak function whose type differs is as good as none: a program may declare several flavors of it.
 * @param modules Gets the function's module, if it has one that no function before had.
 * @see libbpf bpf_object__resolve_ksym_func_btf_id, src/libbpf.c
 */
function resolveFunction(
  object: BpfObject,
  btf: Btf,
  extern: Ksym,
  types: KernelTypes,
  effort: Effort,
  modules: string[],
): ExternAnswer | undefined {
  const found = findKernelType(types, essentialName(extern.name), 'FUNC');
  const type = found?.btf.type(found.id);
  if (!found || type?.kind !== 'FUNC') return undefined;
  if (!typesAreCompatible(btf, extern.type, found.btf, type.type, effort)) {
    if (extern.weak) return undefined;
    throw incompatible(object, btf, extern, found.btf, type.type);
  }
  const { id, module } = found;
  if (module === undefined) return { kind: 'function', id, place: 0 };
  if (!modules.includes(module)) modules.push(module);
  return { kind: 'function', id, module, place: modules.indexOf(module) + 1 };
}

function incompatible(object: BpfObject, btf: Btf, extern: Ksym, kernel: Btf, type: TypeId): RelocationError {
  const [declared, had] = [spell(btf, extern.type), spell(kernel, type)];
  const [named] = namedOnly(btf, extern.type, kernel, type);
  const but = named !== undefined && declared === had ? '' : `, but the kernel has ${had}`;
  const only = named === undefined ? '' : `, where the object only names ${named}, which the kernel defines`;
  return new RelocationError(`Extern ${extern.name} is declared as ${declared}${but}${only}`, {
    where: whereOf(object, extern),
    remedy:
      named === undefined
        ? 'Declare it with the types that the kernel has.'
        : `Define it before that: ${named} {} __attribute__((preserve_access_index)); will do, and vmlinux.h has all of it.`,
  });
}

/** Structs that are only forward-declared where the kernel has their members: to libbpf, that is another type. */
function namedOnly(btf: Btf, id: TypeId, kernel: Btf, kernelId: TypeId): string[] {
  const [own, other] = [resolved(btf, id), resolved(kernel, kernelId)];
  if (own.kind !== 'FUNC_PROTO' || other.kind !== 'FUNC_PROTO') return forwardOnly(btf, own, kernel, other);
  const pairs = own.params.map(({ type }, i) => [type, other.params[i]?.type ?? 0] as const);
  return [[own.type, other.type] as const, ...pairs].flatMap(([mine, its]) =>
    forwardOnly(btf, resolved(btf, mine), kernel, resolved(kernel, its)),
  );
}

/** Pointers to pointers and so on: more than kernel functions take. */
const MOST_POINTERS = 4;

function forwardOnly(btf: Btf, mine: BtfType, kernel: Btf, its: BtfType): string[] {
  let [own, other] = [mine, its];
  for (let depth = 0; depth < MOST_POINTERS && own.kind === 'PTR' && other.kind === 'PTR'; depth++)
    [own, other] = [resolved(btf, own.type), resolved(kernel, other.type)];
  const isDefined = other.kind === 'STRUCT' || other.kind === 'UNION';
  return own.kind === 'FWD' && isDefined ? [`${own.union ? 'union' : 'struct'} ${own.name}`] : [];
}

/** libbpf's number: a call of a helper that does not exist, legal where it cannot be reached. */
export const KFUNC_POISON = 2_002_000_000;

/** An instruction that still needs a descriptor: its slot, and the step that makes it. */
export interface OpenSlot {
  readonly insn: number;
  readonly fd: string;
}

/**
 * Writes an answer into the instruction that refers to it, in place.
 * @throws {RelocationError} for an instruction that cannot take it.
 * @see libbpf bpf_object__relocate_data, src/libbpf.c
 */
export function patchExtern(insns: Uint8Array, insn: number, answer: ExternAnswer | undefined, where: Where): OpenSlot[] {
  const { code } = readInsn(insns, insn);
  if (code === CALL && answer?.kind === 'function')
    patchInsn(insns, insn, { src: BPF_PSEUDO_KFUNC_CALL, off: answer.place, imm: answer.id });
  else if (code === CALL && answer?.kind === 'absent')
    patchInsn(insns, insn, { dst: 0, src: 0, off: 0, imm: KFUNC_POISON + answer.index });
  else if (code === CALL || !isLdImm64(insns, insn) || !answer)
    throw new RelocationError('An extern that is no function is called', { where: { ...where, insn } });
  else if (answer.kind === 'kconfig') {
    patchInsn(insns, insn, { src: BPF_PSEUDO_MAP_VALUE, imm: 0 });
    patchInsn(insns, insn + 1, { imm: answer.offset });
    return [{ insn, fd: stepIds.map(answer.map) }];
  } else if (answer.kind === 'variable' || answer.kind === 'function') {
    patchInsn(insns, insn, { src: BPF_PSEUDO_BTF_ID, imm: answer.id });
    patchInsn(insns, insn + 1, { imm: 0 });
    if (answer.module !== undefined) return [{ insn: insn + 1, fd: stepIds.module(answer.module) }];
  } else {
    const address = answer.kind === 'address' ? answer.address : 0n;
    patchInsn(insns, insn, { imm: Number(BigInt.asIntN(32, address)) });
    patchInsn(insns, insn + 1, { imm: Number(BigInt.asIntN(32, address >> 32n)) });
  }
  return [];
}
