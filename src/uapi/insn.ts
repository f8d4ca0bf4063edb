// struct bpf_insn and its opcode bits. From include/uapi/linux/bpf.h and bpf_common.h (v6.18).

export const BPF_INSN_SZ = 8;

/** Class: the low three bits of the opcode. */
export const BPF_LD = 0;
export const BPF_LDX = 1;
export const BPF_ST = 2;
export const BPF_STX = 3;
export const BPF_ALU = 4;
export const BPF_JMP = 5;
export const BPF_JMP32 = 6;
export const BPF_ALU64 = 7;

/** Size of a memory access. */
export const BPF_W = 0x00;
export const BPF_H = 0x08;
export const BPF_B = 0x10;
export const BPF_DW = 0x18;

/** Mode of a memory access. */
export const BPF_IMM = 0x00;
export const BPF_ABS = 0x20;
export const BPF_IND = 0x40;
export const BPF_MEM = 0x60;
export const BPF_MEMSX = 0x80;
export const BPF_ATOMIC = 0xc0;

/** Source operand: an immediate or a register. */
export const BPF_X = 0x08;

/** Operation: the high four bits of an opcode of class ALU or ALU64. */
export const BPF_ADD = 0x00;
export const BPF_SUB = 0x10;
export const BPF_MUL = 0x20;
export const BPF_DIV = 0x30;
export const BPF_OR = 0x40;
export const BPF_AND = 0x50;
export const BPF_LSH = 0x60;
export const BPF_RSH = 0x70;
export const BPF_NEG = 0x80;
export const BPF_MOD = 0x90;
export const BPF_XOR = 0xa0;
export const BPF_MOV = 0xb0;
export const BPF_ARSH = 0xc0;
export const BPF_END = 0xd0;

/** Operation: the high four bits of an opcode of class JMP or JMP32. */
export const BPF_JA = 0x00;
export const BPF_JEQ = 0x10;
export const BPF_JGT = 0x20;
export const BPF_JGE = 0x30;
export const BPF_JSET = 0x40;
export const BPF_JNE = 0x50;
export const BPF_JSGT = 0x60;
export const BPF_JSGE = 0x70;
export const BPF_CALL = 0x80;
export const BPF_EXIT = 0x90;
export const BPF_JLT = 0xa0;
export const BPF_JLE = 0xb0;
export const BPF_JSLT = 0xc0;
export const BPF_JSLE = 0xd0;
export const BPF_JCOND = 0xe0;

/** imm of a BPF_ATOMIC store: one of ADD, OR, AND and XOR, with or without FETCH, or one of these. */
export const BPF_FETCH = 0x01;
export const BPF_XCHG = 0xe1;
export const BPF_CMPXCHG = 0xf1;
export const BPF_LOAD_ACQ = 0x100;
export const BPF_STORE_REL = 0x110;

/** `off` of a register move that is not one; the kernel makes the second itself. */
export const BPF_ADDR_SPACE_CAST = 1;
export const BPF_ADDR_PERCPU = -1;

/** Whole opcodes that loaders look for. */
export const LD_IMM64 = BPF_LD | BPF_DW | BPF_IMM;
export const CALL = BPF_JMP | BPF_CALL;

/** src_reg of an ld_imm64 or a call that is not meant literally. */
export const BPF_PSEUDO_MAP_FD = 1;
export const BPF_PSEUDO_MAP_VALUE = 2;
export const BPF_PSEUDO_BTF_ID = 3;
export const BPF_PSEUDO_FUNC = 4;
export const BPF_PSEUDO_MAP_IDX = 5;
export const BPF_PSEUDO_MAP_IDX_VALUE = 6;
export const BPF_PSEUDO_CALL = 1;
export const BPF_PSEUDO_KFUNC_CALL = 2;
