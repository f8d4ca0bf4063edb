// What is used of @alexaltea/capstone-js, which has no types of its own. Its numbers are of Capstone's C header.

declare module '@alexaltea/capstone-js' {
  export interface CapstoneInsn {
    readonly size: number;
    readonly mnemonic: string;
    readonly op_str: string;
  }
  export interface Capstone {
    option(option: number, value: number): void;
    /** As many instructions as there are. It throws text. */
    disasm(code: Uint8Array, address: bigint): CapstoneInsn[];
  }
  export interface CapstoneModule {
    readonly Capstone: new (arch: number, mode: number) => Capstone;
    readonly ARCH_X86: number;
    readonly ARCH_ARM64: number;
    readonly MODE_64: number;
    readonly MODE_ARM: number;
    readonly OPT_SYNTAX: number;
    readonly OPT_SYNTAX_ATT: number;
    readonly OPT_SKIPDATA: number;
    readonly OPT_ON: number;
  }
  export default function start(): Promise<CapstoneModule>;
}
