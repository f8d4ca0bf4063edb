// Externs: what an object asks of a machine because of them, and the kernel's answers in its instructions. Modules are not
// looked into yet: only the kernel's own variables and functions are found.

import { type Btf, essentialName, findType, resolved, spell, type TypeId } from '../btf/index.js';
import { RelocationError, UnsupportedError, type Where } from '../errors.js';
import { isLdImm64, patchInsn, readInsn } from '../insn/index.js';
import type { BpfObject, Extern } from '../object/index.js';
import { Effort, typesAreCompatible } from '../relocate/index.js';
import { BPF_PSEUDO_BTF_ID, BPF_PSEUDO_KFUNC_CALL, BPF_PSEUDO_MAP_VALUE, CALL } from '../uapi/insn.js';
import type { KernelFacts } from './facts.js';
import type { FeatureName } from './features.js';
import { isSetting, kconfigExterns, kconfigImage, WRAPPED_SYSCALLS } from './kconfig.js';

type Ksym = Extract<Extern, { section: '.ksyms' }>;
const ksyms = (object: BpfObject): Ksym[] => object.externs.filter((extern): extern is Ksym => extern.section === '.ksyms');
/** `extern const void name __ksym`: nothing but an address. */
const isTypeless = (extern: Ksym): boolean => extern.kind === 'variable' && extern.type === 0;

/** What a machine is to be asked because of an object's externs. */
export interface ExternQuestions {
  /** Ids of its types. */
  readonly btf: boolean;
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
  | { readonly kind: 'variable' | 'function'; readonly id: TypeId }
  | { readonly kind: 'address'; readonly address: bigint }
  /** Weak and not there. `index` is its place among the object's externs. */
  | { readonly kind: 'absent'; readonly index: number };
export type ExternAnswers = ReadonlyMap<string, ExternAnswer>;

/**
 * The object with the values of its .kconfig, and an answer for each extern.
 * @throws {RelocationError} naming the extern that this machine lacks, or has in another form; {UnsupportedError} when the facts
 *         do not say.
 */
export function resolveExterns(
  object: BpfObject,
  facts: KernelFacts,
): { readonly object: BpfObject; readonly answers: ExternAnswers } {
  if (object.externs.length === 0) return { object, answers: new Map() };
  const kconfig = object.maps.find(({ data }) => data?.section === '.kconfig');
  const image = kconfigImage(object, facts);
  const effort = new Effort();
  const answers = new Map<string, ExternAnswer>();
  for (const [index, extern] of object.externs.entries()) {
    if (extern.kind === 'kconfig') answers.set(extern.name, { kind: 'kconfig', map: kconfig?.name ?? '', offset: extern.offset });
    else answers.set(extern.name, resolveKsym(object, extern, facts, effort) ?? absent(object, extern, index));
  }
  const maps = object.maps.map((map) => (map === kconfig && map.data ? { ...map, data: { ...map.data, image } } : map));
  return { object: { ...object, maps }, answers };
}

const whereOf = (object: BpfObject, { name }: Extern): Where => ({ ...object.where, type: name });

function absent(object: BpfObject, extern: Ksym, index: number): ExternAnswer {
  if (extern.weak) return { kind: 'absent', index };
  const place = isTypeless(extern) ? 'symbols (/proc/kallsyms)' : 'BTF';
  throw new RelocationError(`The kernel's ${place} has no ${extern.kind} ${extern.name}`, {
    where: whereOf(object, extern),
    remedy: `Declare it __weak and test it before use${isTypeless(extern) ? '' : '; modules are not searched yet'}.`,
  });
}

function resolveKsym(object: BpfObject, extern: Ksym, facts: KernelFacts, effort: Effort): ExternAnswer | undefined {
  if (isTypeless(extern)) return resolveAddress(object, extern, facts);
  const { kernelBtf } = facts;
  if (!object.btf || !kernelBtf)
    throw new UnsupportedError(`To find ${extern.kind} ${extern.name}, the types of the kernel are needed`, {
      where: whereOf(object, extern),
    });
  return extern.kind === 'variable'
    ? resolveVariable(object, object.btf, extern, kernelBtf, effort)
    : resolveFunction(object, object.btf, extern, kernelBtf, effort);
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
function resolveVariable(object: BpfObject, btf: Btf, extern: Ksym, kernel: Btf, effort: Effort): ExternAnswer | undefined {
  const id = findType(kernel, extern.name, 'VAR');
  const found = id === undefined ? undefined : kernel.type(id);
  if (found?.kind !== 'VAR') return undefined;
  if (!typesAreCompatible(btf, extern.type, kernel, resolved(kernel, found.type).id, effort))
    throw incompatible(object, btf, extern, kernel, found.type);
  return { kind: 'variable', id: found.id };
}

/**
 * A weak function whose type differs is as good as none: a program may declare several flavors of it.
 * @see libbpf bpf_object__resolve_ksym_func_btf_id, src/libbpf.c
 */
function resolveFunction(object: BpfObject, btf: Btf, extern: Ksym, kernel: Btf, effort: Effort): ExternAnswer | undefined {
  const id = findType(kernel, essentialName(extern.name), 'FUNC');
  const found = id === undefined ? undefined : kernel.type(id);
  if (found?.kind !== 'FUNC') return undefined;
  if (typesAreCompatible(btf, extern.type, kernel, found.type, effort)) return { kind: 'function', id: found.id };
  if (extern.weak) return undefined;
  throw incompatible(object, btf, extern, kernel, found.type);
}

const incompatible = (object: BpfObject, btf: Btf, extern: Ksym, kernel: Btf, type: TypeId) =>
  new RelocationError(
    `Extern ${extern.name} is declared as ${spell(btf, extern.type)}, but the kernel has ${spell(kernel, type)}`,
    {
      where: whereOf(object, extern),
      remedy:
        'Declare it with the types that the kernel has. A struct that is only named (struct x;) is not one that is defined.',
    },
  );

/** libbpf's number: a call of a helper that does not exist, legal where it cannot be reached. */
export const KFUNC_POISON = 2_002_000_000;

/**
 * Writes an answer into the instruction that refers to it, in place.
 * @returns The map whose descriptor the instruction still needs.
 * @throws {RelocationError} for an instruction that cannot take it.
 * @see libbpf bpf_object__relocate_data, src/libbpf.c
 */
export function patchExtern(insns: Uint8Array, insn: number, answer: ExternAnswer | undefined, where: Where): string | undefined {
  const { code } = readInsn(insns, insn);
  if (code === CALL && answer?.kind === 'function')
    patchInsn(insns, insn, { src: BPF_PSEUDO_KFUNC_CALL, off: 0, imm: answer.id });
  else if (code === CALL && answer?.kind === 'absent')
    patchInsn(insns, insn, { dst: 0, src: 0, off: 0, imm: KFUNC_POISON + answer.index });
  else if (code === CALL || !isLdImm64(insns, insn) || !answer)
    throw new RelocationError('An extern that is no function is called', { where: { ...where, insn } });
  else if (answer.kind === 'kconfig') {
    patchInsn(insns, insn, { src: BPF_PSEUDO_MAP_VALUE, imm: 0 });
    patchInsn(insns, insn + 1, { imm: answer.offset });
    return answer.map;
  } else if (answer.kind === 'variable' || answer.kind === 'function') {
    patchInsn(insns, insn, { src: BPF_PSEUDO_BTF_ID, imm: answer.id });
    patchInsn(insns, insn + 1, { imm: 0 });
  } else {
    const address = answer.kind === 'address' ? answer.address : 0n;
    patchInsn(insns, insn, { imm: Number(BigInt.asIntN(32, address)) });
    patchInsn(insns, insn + 1, { imm: Number(BigInt.asIntN(32, address >> 32n)) });
  }
  return undefined;
}
