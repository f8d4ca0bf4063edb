// `tsbpf inspect <object>`: what it is, and what a kernel would be given of it. No rights are needed, and with --btf no kernel.

import { Command } from 'commander';
import { open } from '../api/index.js';
import { type Btf, dumpC, dumpJson } from '../btf/index.js';
import { printableLines, region, TextSink } from '../bytes/index.js';
import { parseElf } from '../elf/index.js';
import { FormatError } from '../errors.js';
import type { BpfObject } from '../object/index.js';
import { describeFacts, type KernelFacts, relocatedPrograms, wanted } from '../plan/index.js';
import {
  describeObject,
  neededAnywhere,
  objectPage,
  ownFunctions,
  ownListing,
  relocatedJson,
  relocatedText,
  relocationRows,
  relocationTable,
  sectionRows,
  sectionTable,
  snakeKeys,
  toJson,
} from '../run/index.js';
import { read, readBtf, readFacts } from '../syscall/index.js';
import { afterHelp } from './after-help.js';
import { printJsonLine, printText } from './output.js';

interface InspectFlags {
  readonly relocated?: true;
  readonly insns?: true;
  readonly relocations?: true;
  readonly sections?: true;
  /** A file to relocate against, or `true` for the object's own types. */
  readonly btf?: string | true;
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
      '--btf [file]',
      "with --relocated, the kernel's types: raw BTF, or ELF with a .BTF section; the running kernel's by default. Alone, after the object: its own types, as C",
    )
    .option('-j, --json', 'as one JSON object: the page, and a key for each of the options above')
    .option('--full', 'with --relocated --json: also function and line info, BTF, and what is done to maps')
    .addHelpText(
      'after',
      afterHelp(
        '\nExample: npx tsbpf inspect my.bpf.o\n         npx tsbpf inspect my.bpf.o --relocated --btf vmlinux-6.1.btf\nWithout options: one page about the object. Exit code 1: at least one program cannot be relocated. A CO-RE relocation that the kernel has no answer for is no failure: its instruction is poisoned, and shown so.',
      ),
    )
    .action((file: string, flags: InspectFlags, command: Command) => {
      if (flags.btf === true && flags.relocated) command.error('--relocated --btf names a file with the types of a kernel');
      if (typeof flags.btf === 'string' && !flags.relocated)
        command.error('--btf FILE says against which types to relocate: add --relocated. For the types of the object: OBJ --btf');
      if (flags.full && !(flags.relocated && flags.json)) command.error('--full says more of --relocated --json: add them');
      const object = opened(file);
      const parts = partsOf(file, object, flags);
      if (flags.json) printJsonLine(toJson(Object.assign(page(object()).json(), ...parts.map(({ json }) => json()))));
      else if (parts.length === 0) printText(printableLines(page(object()).text()));
      else printText(printableLines(parts.map(({ text }) => text()).join('\n')));
      if (parts.some(({ failed }) => failed)) process.exitCode = 1;
    });

/** What one option asks for: text in place of the page, or a key of JSON beside those of the page. */
interface Part {
  readonly text: () => string;
  readonly json: () => object;
  readonly failed?: boolean;
}

const page = (object: BpfObject): Part => {
  const needed = neededAnywhere(object);
  const description = describeObject(object, needed);
  return { text: () => objectPage(description, needed), json: () => ({ ...description, asks: snakeKeys(description.asks) }) };
};

/** Opened when it is first asked for: sections of a file can be shown that is no object for BPF. */
function opened(file: string): () => BpfObject {
  let object: BpfObject | undefined;
  return () => {
    object ??= open(file).object;
    return object;
  };
}

function partsOf(file: string, object: () => BpfObject, flags: InspectFlags): Part[] {
  const parts: Part[] = [];
  if (flags.sections) {
    const rows = sectionRows(parseElf(region(read(file), { file })));
    parts.push({ text: () => sectionTable(rows), json: () => ({ sections: rows }) });
  }
  if (flags.relocations) {
    const rows = relocationRows(object());
    parts.push({ text: () => relocationTable(rows), json: () => ({ relocations: rows }) });
  }
  if (flags.btf === true) parts.push(typesPart(object()));
  if (flags.insns) parts.push({ text: () => ownListing(object()), json: () => ({ functions: ownFunctions(object()) }) });
  if (flags.relocated) parts.push(relocatedPart(object(), flags));
  return parts;
}

function typesPart({ btf, where }: BpfObject): Part {
  if (!btf) throw new FormatError('The object has no types', { where, remedy: 'Compile with clang -g.' });
  const dumped = (dump: (types: Btf, out: TextSink) => void): string => {
    const out = new TextSink();
    dump(btf, out);
    return out.text();
  };
  return { text: () => dumped(dumpC), json: () => ({ btf: JSON.parse(dumped((types, out) => dumpJson(types, out))) }) };
}

function relocatedPart(object: BpfObject, flags: InspectFlags): Part {
  const file = flags.btf === true ? undefined : flags.btf;
  const facts = factsFor(object, file);
  const programs = relocatedPrograms(object, facts, { elsewhere: file !== undefined });
  return {
    text: () =>
      programs.length > 0
        ? programs.map((planned) => relocatedText(object, planned)).join('')
        : 'No program of it would be loaded\n',
    json: () => ({ relocated: relocatedJson(object, facts, programs, { full: flags.full ?? false }) }),
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
