// `tsbpf btf find`, `layout` and `diff`: questions about types that bpftool has no verbs for.

import { Command } from 'commander';
import {
  type Btf,
  type BtfType,
  diffBtf,
  type LaidOutMember,
  layoutOf,
  partsOf,
  resolved,
  showDifference,
  showLayout,
  spell,
  splitKind,
  type TypeId,
  typesLike,
  type UsedTypes,
} from '../btf/index.js';
import { nearestFew, printableLines, utf8Bytes } from '../bytes/index.js';
import { UsageError } from '../errors.js';
import { snakeKeys, toJson } from '../run/index.js';
import { kernelBtf, readWholeBtf } from '../syscall/index.js';
import { withTypes } from './btf-object.js';
import { toStdout } from './output.js';

interface Flags {
  readonly btf?: string;
  readonly baseBtf?: string;
  readonly json?: true;
  readonly usedBy?: string;
}

const BTF = ['--btf <file>', 'types of this file instead of the running kernel: raw BTF, or ELF with a .BTF section'] as const;
const BASE = ['-B, --base-btf <file>', 'what split BTF continues, such as the vmlinux of a module'] as const;
const JSON_OPTION = ['-j, --json', 'as one JSON value'] as const;

/** These lists may be long, and their names are shown as on a terminal in a pipe too. */
const printText = (text: string): void => toStdout((out) => out.bytes(utf8Bytes(printableLines(text))));
const printJson = (value: unknown): void => toStdout((out) => out.bytes(utf8Bytes(`${toJson(value)}\n`)), 'json');

const baseOf = ({ baseBtf }: Flags): Btf | undefined => (baseBtf === undefined ? undefined : readWholeBtf(baseBtf));
const btfOf = (flags: Flags): Btf => (flags.btf === undefined ? kernelBtf() : readWholeBtf(flags.btf, baseOf(flags)));

export const findCommand = (): Command =>
  new Command('find')
    .description('find types by name')
    .argument('<name>', 'the whole name, or with a kind in front (struct file); * stands for any characters')
    .option(...BTF)
    .option(...BASE)
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      "\nExample: npx tsbpf btf find 'func bpf_ringbuf_*' --btf /sys/kernel/btf/vmlinux\nExit code 1: there is no such type.",
    )
    .action((asked: string, flags: Flags) => {
      const btf = btfOf(flags);
      const types = typesLike(btf, asked).map((id) => btf.type(id));
      if (flags.json) printJson(types.map(({ id, kind, name }) => ({ id, kind, name })));
      else printText(types.map((type) => `${row(btf, type)}\n`).join(''));
      if (types.length > 0) return;
      const { kind, name } = splitKind(asked);
      if (!flags.json) throw noneOf(btf, kind ?? 'type', name, typesLike(btf, `${kind ?? ''} *`.trim()));
      process.exitCode = 1; // an empty list is an answer
    });

/** `[87] STRUCT 'list_head' size=16 members=2`: as format raw begins, then what tells types of one name apart. */
function row(btf: Btf, type: BtfType): string {
  const parts = partsOf(type);
  const of = 'type' in type ? `: ${spell(btf, type.type)}` : '';
  const size = 'size' in type ? ` size=${type.size}` : '';
  return `[${type.id}] ${type.kind} '${type.name}'${size}${parts ? ` ${parts.of}=${parts.count}` : ''}${of}`;
}

export const layoutCommand = (): Command =>
  new Command('layout')
    .description('show where the members of a struct lie, with holes, padding and cache lines')
    .argument('<type>', 'its name, with or without struct or union in front; or its id')
    .option(...BTF)
    .option(...BASE)
    .option(...JSON_OPTION)
    .addHelpText('after', '\nExample: npx tsbpf btf layout task_struct\nExit code 1: there is no such struct.')
    .action((name: string, flags: Flags) => {
      const btf = btfOf(flags);
      const layout = layoutOf(btf, structOf(btf, name));
      if (flags.json) printJson(snakeKeys({ ...layout, members: layout.members.map(readable) }));
      else printText(showLayout(layout));
    });

/** Without the mark of where the name goes. */
const readable = ({ declaration, members, ...rest }: LaidOutMember): object => ({
  ...rest,
  declaration: declaration.replace('\0', ' '),
  ...(members && { members: members.map(readable) }),
});

function structOf(btf: Btf, asked: string): number {
  if (/^\d+$/.test(asked)) return Number(asked);
  const { kind, name } = splitKind(asked);
  const isNamedSo = (id: TypeId): boolean => btf.name(id) === name; // and not only like it
  const among = typesLike(btf, asked).filter(isNamedSo);
  const found = among.find((id) => 'members' in btf.type(id)) ?? among.find((id) => hasMembers(btf, id));
  if (found !== undefined) return found;
  const other = among[0] ?? typesLike(btf, name).find(isNamedSo);
  if (other !== undefined) {
    const what = hasMembers(btf, other) ? `There is no ${asked}` : `${name} has no members to lay out`;
    throw new UsageError(`${what}: it is ${row(btf, btf.type(other))}`, { where: btf.where });
  }
  throw noneOf(
    btf,
    kind ?? 'struct or union',
    name,
    typesLike(btf, '*').filter((id) => hasMembers(btf, id)),
  );
}

const hasMembers = (btf: Btf, id: TypeId): boolean => ['STRUCT', 'UNION'].includes(resolved(btf, id).kind);

function noneOf(btf: Btf, what: string, name: string, among: readonly TypeId[]): UsageError {
  const near = nearestFew(
    name,
    among.map((id) => btf.name(id)),
  );
  return new UsageError(`There is no ${what} ${name}`, {
    where: btf.where,
    ...(near.length > 0 && { remedy: `Near it: ${near.join(', ')}.` }),
  });
}

export const diffCommand = (): Command =>
  new Command('diff')
    .description('show what differs between the types of two kernels, objects or files')
    .argument('<from>', 'raw BTF, or ELF with a .BTF section')
    .argument('<to>', 'raw BTF, or ELF with a .BTF section')
    .option('--used-by <object>', 'only what CO-RE records and externs of this BPF object read')
    .option(...BASE)
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      '\nExample: npx tsbpf btf diff vmlinux-6.1.btf /sys/kernel/btf/vmlinux --used-by my.bpf.o\nExit code 1: there are differences.',
    )
    .action(async (from: string, to: string, flags: Flags) => {
      const base = baseOf(flags);
      const used = flags.usedBy === undefined ? {} : { used: await typesUsedBy(flags.usedBy) };
      const found = diffBtf(readWholeBtf(from, base), readWholeBtf(to, base), used);
      if (flags.json) printJson(snakeKeys(found));
      else printText(found.map(showDifference).join(''));
      if (found.length > 0) process.exitCode = 1;
    });

/** Loaded only when it is asked for: it takes as long to start as the rest of `tsbpf btf`. */
async function typesUsedBy(file: string): Promise<UsedTypes> {
  const [{ open }, { usedTypes }] = await Promise.all([import('../api/index.js'), import('../plan/index.js')]);
  return usedTypes(withTypes(open(file).object, file));
}
