// Instructions as text, in the words of the kernel's verifier log and of bpftool (kernel/bpf/disasm.c, v6.18), less the
// opcode in parentheses that those put first. Two things differ. We print programs that are not loaded yet, so references to
// maps and BTF show what the slot holds, a descriptor or an index. And where the kernel would print `(null)`, we say BUG_xx.

import { BPF_FUNC } from '../uapi/enums.js';
// biome-ignore format: one name a line would take half of the first screen
import {
  BPF_ABS, BPF_ADD, BPF_ADDR_PERCPU, BPF_ADDR_SPACE_CAST, BPF_ALU, BPF_ALU64, BPF_AND, BPF_ARSH, BPF_ATOMIC, BPF_B,
  BPF_CMPXCHG, BPF_DIV, BPF_DW, BPF_END, BPF_EXIT, BPF_FETCH, BPF_H, BPF_IND, BPF_INSN_SZ, BPF_JA, BPF_JCOND, BPF_JEQ,
  BPF_JGE, BPF_JGT, BPF_JLE, BPF_JLT, BPF_JMP, BPF_JMP32, BPF_JNE, BPF_JSET, BPF_JSGE, BPF_JSGT, BPF_JSLE, BPF_JSLT, BPF_LD,
  BPF_LDX, BPF_LOAD_ACQ, BPF_LSH, BPF_MEM, BPF_MEMSX, BPF_MOD, BPF_MOV, BPF_MUL, BPF_NEG, BPF_OR, BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC, BPF_PSEUDO_KFUNC_CALL, BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_IDX, BPF_PSEUDO_MAP_IDX_VALUE,
  BPF_PSEUDO_MAP_VALUE, BPF_RSH, BPF_ST, BPF_STORE_REL, BPF_STX, BPF_SUB, BPF_W, BPF_X, BPF_XCHG, BPF_XOR, CALL, LD_IMM64,
} from '../uapi/insn.js';
import { type Insn, insnCount, isLdImm64, readInsn } from './insn.js';

/** One instruction of a program: the slot it starts at, that slot, and its text. */
export interface DisasmRow {
  readonly index: number;
  readonly insn: Insn;
  readonly text: string;
}

/**
 * The text of one instruction, as `r1 = *(u32 *)(r1 +8)` or `if w2 != 0x0 goto pc-3`. Every slot has one: what
 * there are no words for reads `BUG_xx`, with the opcode in hex and, as in the kernel, its class (`BUG_ldx_21`). Fields that
 * an instruction does not use are not looked at, so a text does not mean that a verifier would take it.
 * @param next  The slot after `insn`. Only an ld_imm64 needs it, for its upper half; without it the text says so.
 */
export function disassemble(insn: Insn, { next }: { readonly next?: Insn | undefined } = {}): string {
  const { print, name } = CLASSES[classOf(insn.code)];
  return print(insn, next) ?? `BUG_${name}${insn.code.toString(16).padStart(2, '0')}`;
}

/** One row for each instruction, an ld_imm64 with its two slots being one. Bytes after the last whole slot are left out. */
export function disassembleAll(insns: Uint8Array): DisasmRow[] {
  const whole = insns.subarray(0, insns.length - (insns.length % BPF_INSN_SZ));
  const rows: DisasmRow[] = [];
  for (let index = 0; index < insnCount(whole); index++) {
    const insn = readInsn(whole, index);
    const next = isLdImm64(whole, index) ? readInsn(whole, index + 1) : undefined;
    rows.push({ index, insn, text: disassemble(insn, { next }) });
    if (next) index++;
  }
  return rows;
}

type InsnClass = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;
type Table<T> = Readonly<Record<number, T>>;
/** Nothing comes back for a slot that the printer has no words for. */
type Print = (insn: Insn, next?: Insn) => string | undefined;

// `name` is what BUG_xx says of the class; the kernel says nothing of STX.
const CLASSES: Readonly<Record<InsnClass, { print: Print; name: string }>> = {
  [BPF_LD]: { print: load, name: 'ld_' },
  [BPF_LDX]: { print: loadFrom, name: 'ldx_' },
  [BPF_ST]: { print: storeImm, name: 'st_' },
  [BPF_STX]: { print: store, name: '' },
  [BPF_ALU]: { print: arithmetic, name: 'alu_' },
  [BPF_JMP]: { print: jump, name: 'jmp_' },
  [BPF_JMP32]: { print: jump, name: 'jmp32_' },
  [BPF_ALU64]: { print: arithmetic, name: 'alu64_' },
};

const UNSIGNED: Table<string> = { [BPF_B]: 'u8', [BPF_H]: 'u16', [BPF_W]: 'u32', [BPF_DW]: 'u64' };
const SIGNED: Table<string> = { [BPF_B]: 's8', [BPF_H]: 's16', [BPF_W]: 's32' };

const classOf = (code: number) => (code & 0x07) as InsnClass;
const sizeOf = (code: number) => code & 0x18;
const modeOf = (code: number) => code & 0xe0;
/** Of the classes ALU, ALU64, JMP and JMP32. */
const opOf = (code: number) => code & 0xf0;

const plus = (n: number) => (n < 0 ? `${n}` : `+${n}`);
const hex = (n: number | bigint) => `0x${n.toString(16)}`;
const pointer = (base: number, { code, off }: Insn, types = UNSIGNED) => `(${types[sizeOf(code)]} *)(r${base} ${plus(off)})`;

function load(insn: Insn, next?: Insn): string | undefined {
  const { code, dst, src, imm } = insn;
  const type = UNSIGNED[sizeOf(code)];
  if (modeOf(code) === BPF_ABS) return `r0 = *(${type} *)skb[${imm}]`;
  if (modeOf(code) === BPF_IND) return `r0 = *(${type} *)skb[r${src} + ${imm}]`;
  if (code !== LD_IMM64) return undefined;
  if (!next) return `r${dst} = ${hex(imm >>> 0)} (the second slot is missing)`;
  const reference = REFERENCES[src];
  return `r${dst} = ${reference ? reference(imm, next.imm) : hex((BigInt(next.imm >>> 0) << 32n) | BigInt(imm >>> 0))}`;
}

// What an ld_imm64 stands for, by its src_reg, from the imm of its two slots, in the shapes of bpftool.
const REFERENCES: Table<(imm: number, upper: number) => string> = {
  [BPF_PSEUDO_MAP_FD]: (fd) => `map[fd:${fd}]`,
  [BPF_PSEUDO_MAP_VALUE]: (fd, offset) => `map[fd:${fd}][0]+${offset >>> 0}`,
  [BPF_PSEUDO_BTF_ID]: (id, btf) => `btf[${btf ? `fd:${btf}` : 'vmlinux'}][id:${id}]`,
  [BPF_PSEUDO_FUNC]: (offset) => `subprog[${plus(offset)}]`,
  [BPF_PSEUDO_MAP_IDX]: (index) => `map[idx:${index}]`,
  [BPF_PSEUDO_MAP_IDX_VALUE]: (index, offset) => `map[idx:${index}]+${offset >>> 0}`,
};

function loadFrom(insn: Insn): string | undefined {
  const types = LOADS[modeOf(insn.code)];
  return types?.[sizeOf(insn.code)] && `r${insn.dst} = *${pointer(insn.src, insn, types)}`;
}

const LOADS: Table<Table<string>> = { [BPF_MEM]: UNSIGNED, [BPF_MEMSX]: SIGNED };

/** A speculation barrier, ST with the mode that is ATOMIC in STX. The verifier adds it, so it is seen in loaded programs only. */
const BPF_NOSPEC = 0xc0;

function storeImm(insn: Insn): string | undefined {
  if (modeOf(insn.code) === BPF_MEM) return `*${pointer(insn.dst, insn)} = ${insn.imm}`;
  return modeOf(insn.code) === BPF_NOSPEC ? 'nospec' : undefined;
}

function store(insn: Insn): string | undefined {
  if (modeOf(insn.code) === BPF_MEM) return `*${pointer(insn.dst, insn)} = r${insn.src}`;
  return modeOf(insn.code) === BPF_ATOMIC ? ATOMICS[insn.imm]?.(insn) : undefined;
}

const ATOMICS: Table<(insn: Insn) => string> = {
  [BPF_ADD]: locked('+='),
  [BPF_OR]: locked('|='),
  [BPF_AND]: locked('&='),
  [BPF_XOR]: locked('^='),
  [BPF_ADD | BPF_FETCH]: fetching('fetch_add'),
  [BPF_OR | BPF_FETCH]: fetching('fetch_or'),
  [BPF_AND | BPF_FETCH]: fetching('fetch_and'),
  [BPF_XOR | BPF_FETCH]: fetching('fetch_xor'),
  [BPF_XCHG]: fetching('xchg'),
  [BPF_CMPXCHG]: (insn) => `r0 = ${atomic('cmpxchg', insn)}, r0, r${insn.src})`,
  [BPF_LOAD_ACQ]: (insn) => `r${insn.dst} = load_acquire(${pointer(insn.src, insn)})`,
  [BPF_STORE_REL]: (insn) => `store_release(${pointer(insn.dst, insn)}, r${insn.src})`,
};

function locked(op: string) {
  return (insn: Insn) => `lock *${pointer(insn.dst, insn)} ${op} r${insn.src}`;
}

function fetching(name: string) {
  return (insn: Insn) => `r${insn.src} = ${atomic(name, insn)}, r${insn.src})`;
}

function atomic(name: string, insn: Insn): string {
  return `atomic${sizeOf(insn.code) === BPF_DW ? '64' : ''}_${name}(${pointer(insn.dst, insn)}`;
}

function arithmetic({ code, dst, src, off, imm }: Insn): string | undefined {
  const wide = classOf(code) === BPF_ALU64;
  const r = wide ? 'r' : 'w';
  const register = (code & BPF_X) !== 0;
  if (opOf(code) === BPF_NEG) return `${r}${dst} = -${r}${dst}`;
  if (opOf(code) === BPF_END) return `r${dst} = ${wide ? 'bswap' : register ? 'be' : 'le'}${imm} r${dst}`;

  if (wide && register && opOf(code) === BPF_MOV) {
    if (off === BPF_ADDR_SPACE_CAST) return `r${dst} = addr_space_cast(r${src}, ${imm >>> 16}, ${imm & 0xffff})`;
    if (off === BPF_ADDR_PERCPU) return `r${dst} = &(void __percpu *)(r${src})`;
  }
  const op = (off === 1 ? SIGNED_OPS[opOf(code)] : undefined) ?? OPS[opOf(code)];
  const cast = opOf(code) === BPF_MOV ? (SIGN_EXTENSIONS[off] ?? '') : '';
  return op && `${r}${dst} ${op} ${register ? `${cast}${r}${src}` : imm}`;
}

const OPS: Table<string> = {
  [BPF_ADD]: '+=',
  [BPF_SUB]: '-=',
  [BPF_MUL]: '*=',
  [BPF_DIV]: '/=',
  [BPF_OR]: '|=',
  [BPF_AND]: '&=',
  [BPF_LSH]: '<<=',
  [BPF_RSH]: '>>=',
  [BPF_MOD]: '%=',
  [BPF_XOR]: '^=',
  [BPF_MOV]: '=',
  [BPF_ARSH]: 's>>=',
};
const SIGNED_OPS: Table<string> = { [BPF_DIV]: 's/=', [BPF_MOD]: 's%=' };
/** By `off`, the width in bits that a register move extends from. */
const SIGN_EXTENSIONS: Table<string> = { 8: '(s8)', 16: '(s16)', 32: '(s32)' };

function jump(insn: Insn): string | undefined {
  const { code, dst, src, off, imm } = insn;
  const plain = JUMPS[code];
  if (plain) return plain(insn);
  const r = classOf(code) === BPF_JMP ? 'r' : 'w';
  const condition = CONDITIONS[opOf(code)];
  return condition && `if ${r}${dst} ${condition} ${code & BPF_X ? `${r}${src}` : hex(imm >>> 0)} goto pc${plus(off)}`;
}

// By whole opcode. gotox is of Linux 6.19. callx is clang's; no kernel has it, but an object must be readable to be refused.
const JUMPS: Table<(insn: Insn) => string | undefined> = {
  [BPF_JMP | BPF_JA]: ({ off }) => `goto pc${plus(off)}`,
  [BPF_JMP32 | BPF_JA]: ({ imm }) => `gotol pc${plus(imm)}`,
  [BPF_JMP | BPF_JA | BPF_X]: ({ dst }) => `gotox r${dst}`,
  [BPF_JMP | BPF_JCOND]: ({ src, off }) => (src === 0 ? `may_goto pc${plus(off)}` : undefined),
  [CALL]: ({ src, imm }) => (CALLS[src] ?? callUnknown)(imm),
  [CALL | BPF_X]: ({ dst }) => `callx r${dst}`,
  [BPF_JMP | BPF_EXIT]: () => 'exit',
};

const CONDITIONS: Table<string> = {
  [BPF_JEQ]: '==',
  [BPF_JNE]: '!=',
  [BPF_JGT]: '>',
  [BPF_JGE]: '>=',
  [BPF_JLT]: '<',
  [BPF_JLE]: '<=',
  [BPF_JSET]: '&',
  [BPF_JSGT]: 's>',
  [BPF_JSGE]: 's>=',
  [BPF_JSLT]: 's<',
  [BPF_JSLE]: 's<=',
};

const HELPERS = new Map<number, string>(Object.entries(BPF_FUNC).map(([name, id]) => [id, name.replace('BPF_FUNC_', 'bpf_')]));

const callUnknown = (imm: number) => `call unknown#${imm}`;

// What a call calls, by its src_reg: a helper, a subprogram of the same program, or a kernel function by BTF id.
const CALLS: Table<(imm: number) => string> = {
  0: (id) => `call ${HELPERS.get(id) ?? 'unknown'}#${id}`,
  [BPF_PSEUDO_CALL]: (offset) => `call pc${plus(offset)}`,
  [BPF_PSEUDO_KFUNC_CALL]: (id) => `call kernel-function#${id}`,
};
