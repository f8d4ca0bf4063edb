// Which instructions and flags came after the first kernels: what an object needs because of how it was compiled. Kernels' types do
// not tell; only versions do.

import type { Insn } from '../insn/index.js';
import type { SecDef } from '../object/index.js';
import {
  BPF_ADD,
  BPF_ALU,
  BPF_ALU64,
  BPF_ATOMIC,
  BPF_DIV,
  BPF_END,
  BPF_JA,
  BPF_JCOND,
  BPF_JMP,
  BPF_JMP32,
  BPF_LDX,
  BPF_LOAD_ACQ,
  BPF_MEMSX,
  BPF_MOD,
  BPF_MOV,
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_PSEUDO_MAP_VALUE,
  BPF_STORE_REL,
  BPF_STX,
  BPF_X,
  CALL,
  LD_IMM64,
} from '../uapi/insn.js';

/** A kind of instruction, and the first kernel that takes it. */
export interface InsnFeature {
  readonly name: string;
  readonly since: string;
  /** What to do for older kernels. */
  readonly remedy?: string;
  readonly is: (insn: Insn) => boolean;
}

const group = ({ code }: Insn): number => code & 0x07;
const operation = ({ code }: Insn): number => code & 0xf0;
const mode = ({ code }: Insn): number => code & 0xe0;
const isAlu = (insn: Insn): boolean => group(insn) === BPF_ALU || group(insn) === BPF_ALU64;
const isAtomic = (insn: Insn): boolean => group(insn) === BPF_STX && mode(insn) === BPF_ATOMIC;
const isOrdered = ({ imm }: Insn): boolean => imm === BPF_LOAD_ACQ || imm === BPF_STORE_REL;

const V4 = 'Compile with clang -mcpu=v3.';

/** What a program has of externs, besides those of its own. */
const KFUNC_CALLS = 'calls of kernel functions';
const KERNEL_VARIABLES = 'addresses of kernel variables';
export const EXTERN_FEATURES = { function: KFUNC_CALLS, variable: KERNEL_VARIABLES } as const;

/** An instruction is of the first row that fits it. */
export const INSN_FEATURES: readonly InsnFeature[] = [
  {
    name: 'jumps through tables (gotox)',
    since: '6.19',
    is: ({ code }) => code === (BPF_JMP | BPF_JA | BPF_X),
  },
  { name: 'acquiring loads and releasing stores', since: '6.15', is: (insn) => isAtomic(insn) && isOrdered(insn) },
  { name: 'loops of may_goto', since: '6.9', is: (insn) => group(insn) === BPF_JMP && operation(insn) === BPF_JCOND },
  {
    name: 'casts between address spaces (arenas)',
    since: '6.9',
    is: (insn) => insn.code === (BPF_ALU64 | BPF_MOV | BPF_X) && insn.off === 1,
  },
  { name: 'jumps of 32 bits (gotol)', since: '6.6', remedy: V4, is: ({ code }) => code === (BPF_JMP32 | BPF_JA) },
  {
    name: 'loads that extend the sign',
    since: '6.6',
    remedy: V4,
    is: (insn) => group(insn) === BPF_LDX && mode(insn) === BPF_MEMSX,
  },
  {
    name: 'moves that extend the sign',
    since: '6.6',
    remedy: V4,
    is: (insn) => isAlu(insn) && operation(insn) === BPF_MOV && [8, 16, 32].includes(insn.off),
  },
  {
    name: 'signed division',
    since: '6.6',
    remedy: V4,
    is: (insn) => isAlu(insn) && (operation(insn) === BPF_DIV || operation(insn) === BPF_MOD) && insn.off === 1,
  },
  {
    name: 'byte swaps whatever the byte order (bswap)',
    since: '6.6',
    remedy: V4,
    is: (insn) => group(insn) === BPF_ALU64 && operation(insn) === BPF_END,
  },
  { name: KFUNC_CALLS, since: '5.13', is: ({ code, src }) => code === CALL && src === BPF_PSEUDO_KFUNC_CALL },
  {
    name: 'addresses of functions (callbacks)',
    since: '5.13',
    is: ({ code, src }) => code === LD_IMM64 && src === BPF_PSEUDO_FUNC,
  },
  {
    name: 'atomic operations other than adding',
    since: '5.12',
    remedy: 'Compile with clang -mcpu=v2, and leave the old value alone.',
    is: (insn) => isAtomic(insn) && insn.imm !== BPF_ADD,
  },
  {
    name: KERNEL_VARIABLES,
    since: '5.10',
    is: ({ code, src }) => code === LD_IMM64 && src === BPF_PSEUDO_BTF_ID,
  },
  {
    name: 'global variables',
    since: '5.2',
    is: ({ code, src }) => code === LD_IMM64 && src === BPF_PSEUDO_MAP_VALUE,
  },
  { name: 'jumps on 32 bits', since: '5.1', remedy: 'Compile with clang -mcpu=v2.', is: (insn) => group(insn) === BPF_JMP32 },
];

/** A property of a section name that older kernels refuse. */
export interface FlagFeature {
  readonly name: string;
  readonly since: string;
  /** They do not refuse it: the program is loaded, and run as if it were not said. */
  readonly ignored?: boolean;
}

/** The first kernels that let programs of a type sleep; the others never did. */
const SLEEPABLE: Readonly<Partial<Record<SecDef['type'], string>>> = {
  BPF_PROG_TYPE_TRACING: '5.10',
  BPF_PROG_TYPE_LSM: '5.10',
  BPF_PROG_TYPE_KPROBE: '6.0',
  BPF_PROG_TYPE_STRUCT_OPS: '6.0',
};

export function flagFeatures({ type, sleepable, frags, attachType }: SecDef): FlagFeature[] {
  const isIterator = attachType === 'BPF_TRACE_ITER';
  const since = isIterator ? '5.18' : SLEEPABLE[type];
  const what = isIterator ? 'iterators' : `${type.replace('BPF_PROG_TYPE_', '').toLowerCase()} programs`;
  return [
    ...(sleepable && since !== undefined ? [{ name: `${what} that may sleep`, since, ignored: isIterator }] : []),
    ...(frags ? [{ name: 'XDP programs that take packets in fragments', since: '5.18' }] : []),
  ];
}
