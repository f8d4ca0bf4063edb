// `tsbpf inspect <object>`: what a kernel would be given of it. No rights are needed, and with --btf no kernel.

import { Command } from 'commander';
import { open } from '../api/index.js';
import { disassembleAll } from '../insn/index.js';
import type { BpfObject } from '../object/index.js';
import {
  describeFacts,
  type KernelFacts,
  type RelocatedProgram,
  relocatedPrograms,
  showExplanation,
  wanted,
} from '../plan/index.js';
import { showFixup } from '../relocate/index.js';
import { relocatedJson, toJson } from '../run/index.js';
import { readBtf, readFacts } from '../syscall/index.js';

interface InspectFlags {
  readonly relocated?: true;
  readonly btf?: string;
  readonly json?: true;
  readonly full?: true;
}

export const inspectCommand = (): Command =>
  new Command('inspect')
    .description('show what a kernel would be given of an object, without loading it')
    .argument('<object>', 'a compiled BPF object')
    .option('--relocated', 'programs after linking and CO-RE relocation')
    .option('--btf <file>', "the kernel's types: raw BTF, or ELF with a .BTF section; the running kernel's by default")
    .option('--json', 'as one JSON object')
    .option('--full', 'with --json: also function and line info, BTF, and what is done to maps')
    .addHelpText(
      'after',
      '\nExample: npx tsbpf inspect my.bpf.o --relocated --btf vmlinux-6.1.btf\nExit code 1: at least one program cannot be relocated.',
    )
    .action((file: string, flags: InspectFlags, command: Command) => {
      if (!flags.relocated) command.error('tsbpf inspect shows the relocated form only, so far: add --relocated');
      const { object } = open(file);
      const facts = factsFor(object, flags.btf);
      const programs = relocatedPrograms(object, facts);
      if (flags.json) process.stdout.write(`${toJson(relocatedJson(object, facts, programs, { full: flags.full ?? false }))}\n`);
      if (!flags.json) for (const planned of programs) process.stdout.write(show(planned));
      if (programs.some((planned) => 'error' in planned)) process.exitCode = 1;
    });

/**
 * With a file, of a recent kernel with those types. Else of this one: its types, configuration and symbols are read, but nothing is
 * tried on it, so features are taken to be those of a recent kernel.
 */
function factsFor(object: BpfObject, file: string | undefined): KernelFacts {
  if (file !== undefined) return describeFacts({ kernelBtf: readBtf(file) });
  const { features } = describeFacts();
  return { ...readFacts({ ...wanted(object), features: [], tracepoints: [] }), features };
}

function show(planned: RelocatedProgram): string {
  const { name, section } = planned.program;
  const head = `${name}: section ${section}`;
  if ('error' in planned) return `${head}: ${planned.error.message}\n\n`;
  const fixups = new Map(planned.fixups.filter((fixup) => fixup.program === name).map((fixup) => [fixup.insn, fixup]));
  const refs = new Map(planned.refs.map((ref) => [ref.insn, ref]));
  const rows = disassembleAll(planned.insns).map(({ index, text }) => {
    const ref = refs.get(index);
    const fixup = fixups.get(index);
    const notes = [
      ref && `${ref.kind} ${ref.name}${ref.kind === 'map_value' ? ` + ${ref.offset}` : ''}`,
      fixup && showFixup(fixup),
    ].filter(Boolean);
    return `${String(index).padStart(5)}: ${notes.length > 0 ? `${text.padEnd(36)} ; ${notes.join('; ')}` : text}\n`;
  });
  const failed = [...planned.explanations.values()].map((found) => `\n  ${showExplanation(found).join('\n    ')}\n`);
  const poisoned = failed.length > 0 ? `\nCO-RE relocations that this kernel has no answer for:\n${failed.join('')}` : '';
  return `${head}, ${planned.insns.length / 8} instructions\n${rows.join('')}${poisoned}\n`;
}
