// An object on one page of text.

import type { MapDescription, ObjectDescription, ProgramDescription, VariableDescription } from './describe.js';
import { toJson } from './json.js';
import { type Needed, requirementSummary } from './requirements.js';

const LONGEST_VALUE = 60;
const WIDTH = 100;

/** What `describeObject` gives, for people. */
export function objectPage(object: ObjectDescription, needed: Needed): string {
  const { programs, maps, variables, externs, struct_ops } = object;
  const order = object.little_endian ? 'little-endian' : 'big-endian';
  const parts = [
    [
      `${object.file ?? object.name}: BPF object "${object.name}", ${order}, license ${object.license ? `"${object.license}"` : 'none'}`,
    ],
    section('Programs', programs.map(programLines)),
    section('Maps', [columns(maps.map(mapCells)), ...maps.map(mapNotes)]),
    section(
      'struct_ops',
      struct_ops.map(({ name, type, link, functions }) => [
        `  ${name}  ${type}${link ? ', attached by a link' : ''}`,
        ...Object.entries(functions).map(([member, program]) => `      .${member} = ${program}`),
      ]),
    ),
    section('Variables', [columns(variables.map(variableCells))]),
    section('Externs', [
      columns(
        externs.map(({ name, section: place, kind, type, weak }) => [
          name,
          place,
          kind === 'kconfig' ? '' : kind,
          type,
          weak ? 'weak' : '',
        ]),
      ),
    ]),
    section('A load asks the kernel for', [asksOf(object).map((line) => `  ${line}`)]),
    section('Kernel requirements', [requirementSummary(needed, WIDTH)]),
  ];
  return `${parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function section(title: string, groups: readonly (readonly string[])[]): string[] {
  const lines = groups.flat();
  return lines.length === 0 ? [] : [title, ...lines];
}

/** Cells under each other, two blanks apart, each line with two in front. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd());
}

function programLines(program: ProgramDescription): string[] {
  const { name, section: sec, type, expected_attach_type, instructions, core_relocations } = program;
  const attachType = expected_attach_type !== type && expected_attach_type;
  const marks = [type, attachType, program.sleepable && 'sleepable', !program.autoload && 'loaded on demand'].filter(Boolean);
  return [
    `  ${name}  SEC("${sec}")  ${marks.join(', ')}`,
    ...wrapped(
      `${counted(instructions, 'instruction')}${core_relocations > 0 ? `, ${counted(core_relocations, 'CO-RE relocation')}` : ''}`,
    ),
    ...list('functions', program.functions),
    ...list('maps', program.maps),
    ...list('helpers', program.helpers),
    ...list('externs', program.externs),
    ...(program.error ? wrapped(`cannot be linked: ${program.error.message}`) : []),
  ];
}

const counted = (number: number, thing: string): string => `${number} ${thing}${number === 1 ? '' : 's'}`;

const list = (what: string, names: readonly string[]): string[] =>
  names.length === 0 ? [] : wrapped(`${what}: ${names.join(', ')}`);

/** Indented, and broken between words where the line would grow too long. */
function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line && line.length + word.length > WIDTH) {
      lines.push(line);
      line = '    ';
    }
    line += line.trim() ? ` ${word}` : word;
  }
  return [...lines, line].map((each) => `      ${each}`);
}

const sized = (type: string | null, size: number): string => (type === null ? `${size} bytes` : `${type} (${size})`);

const mapCells = (map: MapDescription): string[] => [
  map.name,
  map.type,
  map.key_size > 0 ? `key ${sized(map.key, map.key_size)}` : '',
  map.value_size > 0 || map.value ? `value ${sized(map.value, map.value_size)}` : '',
  `max_entries ${map.max_entries}`,
  map.map_flags > 0 ? `flags 0x${map.map_flags.toString(16)}` : '',
];

function mapNotes({ name, pinned, inner, initial }: MapDescription): string[] {
  return [
    ...(pinned ? [`      ${name} is pinned at ${pinned}`] : []),
    ...(inner ? [`      in ${name}: ${mapCells(inner).slice(1).filter(Boolean).join(', ')}`] : []),
    ...list(`in ${name} from the start`, initial),
  ];
}

function variableCells({ section: place, name, type, offset, value }: VariableDescription): string[] {
  const text = value === undefined ? '' : toJson(value);
  return [
    place,
    `+${offset}`,
    `${type} ${name}`,
    text && `= ${text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text}`,
  ];
}

function asksOf({ asks }: ObjectDescription): string[] {
  return [
    asks.kernelBtf ? `its types (BTF)${asks.attachBtf ? ', whose numbers are handed to it' : ', for CO-RE'}` : '',
    asks.tracepoints.length > 0 ? `ids of tracepoints (tracefs): ${asks.tracepoints.join(', ')}` : '',
    asks.kconfig ? 'its configuration (/proc/config.gz or /boot)' : '',
    asks.kallsyms.length > 0 ? `addresses of symbols (/proc/kallsyms): ${asks.kallsyms.join(', ')}` : '',
    asks.pins.length > 0 ? `what is pinned: ${asks.pins.join(', ')}` : '',
    `features: ${asks.features.join(', ')}`,
  ].filter(Boolean);
}
