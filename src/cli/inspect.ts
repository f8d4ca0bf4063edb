// `tsbpf inspect <object>`: what it is, and what a kernel would be given of it. No rights are needed, and with --btf no kernel.

import { Command } from 'commander';
import { open } from '../api/index.js';
import { region } from '../bytes/index.js';
import { parseElf } from '../elf/index.js';
import type { BpfObject } from '../object/index.js';
import { describeFacts, type KernelFacts, relocatedPrograms, wanted } from '../plan/index.js';
import {
  describeObject,
  objectPage,
  ownFunctions,
  ownListing,
  relocatedJson,
  relocatedText,
  relocationRows,
  relocationTable,
  sectionRows,
  sectionTable,
  toJson,
} from '../run/index.js';
import { read, readBtf, readFacts } from '../syscall/index.js';

interface InspectFlags {
  readonly relocated?: true;
  readonly insns?: true;
  readonly relocations?: true;
  readonly sections?: true;
  readonly btf?: string;
  readonly json?: true;
  readonly full?: true;
}

export const inspectCommand = (): Command =>
  new Command('inspect')
    .description('show what an object is, and what a kernel would be given of it, without loading it')
    .argument('<object>', 'a compiled BPF object')
    .option('--insns', 'instructions as the file has them, between the lines of C that they came from')
    .option('--relocations', 'CO-RE records, and what else instructions refer to')
    .option('--sections', 'the sections of the ELF file')
    .option('--relocated', 'programs after linking and CO-RE relocation')
    .option(
      '--btf <file>',
      "with --relocated, the kernel's types: raw BTF, or ELF with a .BTF section; the running kernel's by default",
    )
    .option('--json', 'as one JSON object')
    .option('--full', 'with --relocated --json: also function and line info, BTF, and what is done to maps')
    .addHelpText(
      'after',
      '\nExample: npx tsbpf inspect my.bpf.o\n         npx tsbpf inspect my.bpf.o --relocated --btf vmlinux-6.1.btf\nWithout options: one page about the object. Exit code 1: at least one program cannot be relocated.',
    )
    .action((file: string, flags: InspectFlags, command: Command) => {
      if (flags.btf !== undefined && !flags.relocated)
        command.error('--btf says against which types to relocate: add --relocated');
      if (flags.full && !(flags.relocated && flags.json)) command.error('--full says more of --relocated --json: add them');
      const { object } = open(file);
      const parts =
        flags.insns || flags.relocations || flags.sections || flags.relocated ? partsOf(file, object, flags) : [page(object)];
      if (flags.json) process.stdout.write(`${toJson(Object.assign({}, ...parts.map(({ json }) => json())))}\n`);
      else process.stdout.write(parts.map(({ text }) => text()).join('\n'));
      if (parts.some(({ failed }) => failed)) process.exitCode = 1;
    });

/** What one option asks for, as text and as the keys of a JSON object. */
interface Part {
  readonly text: () => string;
  readonly json: () => object;
  readonly failed?: boolean;
}

const page = (object: BpfObject): Part => {
  const description = describeObject(object);
  return { text: () => objectPage(description), json: () => description };
};

function partsOf(file: string, object: BpfObject, flags: InspectFlags): Part[] {
  const parts: Part[] = [];
  if (flags.sections) {
    const rows = sectionRows(parseElf(region(read(file), { file })));
    parts.push({ text: () => sectionTable(rows), json: () => ({ sections: rows }) });
  }
  if (flags.relocations) {
    const rows = relocationRows(object);
    parts.push({ text: () => relocationTable(rows), json: () => ({ object_relocations: rows }) });
  }
  if (flags.insns) parts.push({ text: () => ownListing(object), json: () => ({ functions: ownFunctions(object) }) });
  if (flags.relocated) parts.push(relocatedPart(object, flags));
  return parts;
}

function relocatedPart(object: BpfObject, flags: InspectFlags): Part {
  const facts = factsFor(object, flags.btf);
  const programs = relocatedPrograms(object, facts);
  return {
    text: () => programs.map((planned) => relocatedText(object, planned)).join(''),
    json: () => relocatedJson(object, facts, programs, { full: flags.full ?? false }),
    failed: programs.some((planned) => 'error' in planned),
  };
}

/**
 * With a file, of a recent kernel with those types. Else of this one: its types, configuration and symbols are read, but nothing is
 * tried on it, so features are taken to be those of a recent kernel.
 */
function factsFor(object: BpfObject, file: string | undefined): KernelFacts {
  if (file !== undefined) return describeFacts({ kernelBtf: readBtf(file) });
  const { features } = describeFacts();
  return { ...readFacts({ ...wanted(object), features: [], tracepoints: [] }), features };
}
