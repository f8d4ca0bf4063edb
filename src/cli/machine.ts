// The disassembler of machine code: Capstone as WebAssembly, a package that need not be there, and is loaded when it is asked for.

import type { Capstone, CapstoneModule } from '@alexaltea/capstone-js';
import { UnsupportedError } from '../errors.js';
import { arm64Syntax, type MachineDisassembler, type MachineSyntax, x86Syntax } from '../live/index.js';

interface Machine {
  readonly open: (capstone: CapstoneModule) => Capstone;
  readonly syntax: MachineSyntax;
}

/** By what Node calls the processor. */
const MACHINES: Readonly<Record<string, Machine>> = {
  x64: {
    open: ({ Capstone, ARCH_X86, MODE_64, OPT_SYNTAX, OPT_SYNTAX_ATT }) => {
      const opened = new Capstone(ARCH_X86, MODE_64);
      opened.option(OPT_SYNTAX, OPT_SYNTAX_ATT);
      return opened;
    },
    syntax: x86Syntax,
  },
  arm64: { open: ({ Capstone, ARCH_ARM64, MODE_ARM }) => new Capstone(ARCH_ARM64, MODE_ARM), syntax: arm64Syntax },
};

/**
 * @param arch What Node calls the processor: that of this machine, if not said.
 * @throws {UnsupportedError} when there is none for it, or the package is not installed.
 */
export async function machineDisassembler(arch: string = process.arch): Promise<MachineDisassembler> {
  const machine = MACHINES[arch];
  if (!machine)
    throw new UnsupportedError(`Machine code of ${arch} cannot be disassembled`, {
      remedy: `${Object.keys(MACHINES).join(' and ')} can; 'file PATH' writes the code for another tool.`,
    });
  const capstone = await loadCapstone();
  const opened = machine.open(capstone);
  opened.option(capstone.OPT_SKIPDATA, capstone.OPT_ON); // what is no instruction becomes .byte, and what follows is still shown
  return (code, address) => {
    let at = 0;
    return opened.disasm(code, address).map(({ size, mnemonic, op_str }) => {
      const bytes = code.subarray(at, at + size);
      at += size;
      return { size, operation: mnemonic, operands: machine.syntax(mnemonic, op_str, bytes) };
    });
  };
}

async function loadCapstone(): Promise<CapstoneModule> {
  try {
    return await (await import('@alexaltea/capstone-js')).default();
  } catch (cause) {
    throw new UnsupportedError('Machine code cannot be disassembled: Capstone is not there, or does not run', {
      remedy: `npm install @alexaltea/capstone-js where tsbpf is; npm leaves it out with --omit=optional.`,
      cause,
    });
  }
}
