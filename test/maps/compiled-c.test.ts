// The C compiler is the judge: random structs are declared in C, filled with random bytes and printed member by member; what we
// read from the same bytes, by the BTF of the same declarations, must be the same values.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Btf, findType, parseBtf } from '../../src/btf/index.js';
import { fromHex, region } from '../../src/bytes/index.js';
import { parseElf } from '../../src/elf/index.js';
import { compileDecoder, encoded, shapeOf } from '../../src/maps/index.js';

const missing = ['gcc', 'clang-19'].find((tool) => {
  try {
    execFileSync(tool, ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return true;
  }
});
if (missing !== undefined) console.warn(`the comparison with C is skipped: ${missing} is not here`);

/** A linear congruential generator: the same structs on every machine, so that a failure can be looked at again. */
let state = 20260417;
const random = (limit: number): number => {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
};
const oneOf = <T>(list: readonly T[]): T => list[random(list.length)] as T;

/** How C prints a value; where JSON has no such value, as an object that `revive` knows. */
type Print = 'number' | 'big' | 'pointer' | 'bool' | 'float' | 'text' | 'bytes' | EnumName;
type EnumName = 'small' | 'negative' | 'wide';
const ENUMS: Readonly<Record<EnumName, Readonly<Record<string, bigint>>>> = {
  small: { ZERO: 0n, ONE: 1n, TWO: 2n, FIVE: 5n },
  negative: { MINUS: -1n, NONE: 0n, SOME: 1n },
  wide: { W_ZERO: 0n, W_ONE: 1n, HUGE: 0x123456789abcdefn },
};
const SCALARS: readonly (readonly [type: string, how: Print])[] = [
  ['char', 'number'],
  ['signed char', 'number'],
  ['unsigned char', 'number'],
  ['short', 'number'],
  ['unsigned short', 'number'],
  ['int', 'number'],
  ['unsigned', 'number'],
  ['long', 'big'],
  ['unsigned long', 'big'],
  ['unsigned long long', 'big'],
  ['__int128', 'big'],
  ['_Bool', 'bool'],
  ['float', 'float'],
  ['double', 'float'],
  ['void *', 'pointer'],
  ['enum small', 'small'],
  ['enum negative', 'negative'],
  ['enum wide', 'wide'],
];
const INTEGERS = SCALARS.filter(([, how]) => how === 'number' || how === 'big');
const BITFIELDS: readonly (readonly [type: string, most: number, how: Print])[] = [
  ['int', 32, 'number'],
  ['unsigned', 32, 'number'],
  ['unsigned short', 16, 'number'],
  ['signed char', 8, 'number'],
  ['long', 64, 'big'],
  ['unsigned long long', 64, 'big'],
  ['_Bool', 1, 'bool'],
  ['enum small', 3, 'small'],
];

/** Statements of C: those that set what may not hold any bits, and those that print the value. */
interface Body {
  readonly fill: readonly string[];
  readonly print: readonly string[];
}
function scalar(how: Print, at: string, length = 0): Body {
  switch (how) {
    case 'number':
      return { fill: [], print: [`printf("%lld", (long long)${at});`] };
    case 'big':
      return { fill: [], print: [`big(${at});`] };
    case 'pointer':
      return { fill: [], print: [`big((unsigned long)${at});`] };
    case 'bool':
      return { fill: [`${at} = next() & 1;`], print: [`printf(${at} ? "true" : "false");`] };
    case 'float':
      return { fill: [`${at} = (int)next() / 8.0;`], print: [`printf("%.17g", (double)${at});`] };
    case 'text':
      return { fill: [`fill_text(${at}, ${length});`], print: [`text(${at}, ${length});`] };
    case 'bytes':
      return { fill: [], print: [`bytes(${at}, ${length});`] };
    default:
      return {
        fill: [`if (next() & 1) ${at} = next() & 3;`],
        print: [`printf("{\\"enum\\":\\"${how}\\",\\"value\\":");`, `big(${at});`, `printf("}");`],
      };
  }
}
/** The items, a comma between them. */
const listed = (open: string, items: readonly (readonly string[])[], close: string): string[] => [
  `printf("${open}");`,
  ...items.flatMap((item, i) => (i > 0 ? [`printf(",");`, ...item] : item)),
  `printf("${close}");`,
];

interface Member extends Body {
  readonly declaration: string;
  /** What JSON calls it; empty for an anonymous struct, whose members are its owner's. */
  readonly key: string;
}
let names = 0;
function member(depth: number, base: string): Member {
  const name = `m${names++}`;
  const at = `${base}.${name}`;
  switch (oneOf(depth > 2 ? FLAT : [...FLAT, 'struct', 'struct', 'union'])) {
    case 'bits': {
      const [type, most, how] = oneOf(BITFIELDS);
      const cut = random(6) === 0 ? `${type} : 0; ` : '';
      return { declaration: `${cut}${type} ${name} : ${1 + random(most)};`, key: name, ...scalar(how, at) };
    }
    case 'chars': {
      const length = 1 + random(9);
      const [type, how] = oneOf([
        ['char', 'text'],
        ['unsigned char', 'bytes'],
      ] as const);
      return { declaration: `${type} ${name}[${length}];`, key: name, ...scalar(how, at, length) };
    }
    case 'array': {
      const [type, how] = oneOf(SCALARS.filter(([candidate]) => candidate !== 'char' && candidate !== 'unsigned char'));
      const items = Array.from({ length: 1 + random(3) }, (_, i) => scalar(how, `${at}[${i}]`));
      const print = listed(
        '[',
        items.map((item) => item.print),
        ']',
      );
      return { declaration: `${type} ${name}[${items.length}];`, key: name, fill: items.flatMap(({ fill }) => fill), print };
    }
    case 'struct':
      return composite('struct', name, base, (inner) => Array.from({ length: 1 + random(5) }, () => member(depth + 1, inner)));
    case 'union':
      return composite('union', name, base, (inner) => Array.from({ length: 1 + random(3) }, () => integer(inner)));
    default: {
      const [type, how] = oneOf(SCALARS);
      return { declaration: `${type} ${name};`, key: name, ...scalar(how, at) };
    }
  }
}
const FLAT = ['scalar', 'scalar', 'scalar', 'bits', 'bits', 'chars', 'array'] as const;

/** Of which any bits are a value, so that it may lie in a union. */
function integer(base: string): Member {
  const name = `m${names++}`;
  const [type, how] = oneOf(INTEGERS);
  return { declaration: `${type} ${name};`, key: name, ...scalar(how, `${base}.${name}`) };
}
function composite(keyword: 'struct' | 'union', name: string, base: string, inside: (base: string) => Member[]): Member {
  const isAnonymous = random(2) === 0;
  const members = inside(isAnonymous ? base : `${base}.${name}`);
  const { fill, print } = together(members);
  const declaration = `${keyword} { ${members.map((inner) => inner.declaration).join(' ')} }`;
  if (isAnonymous) return { declaration: `${declaration};`, key: '', fill, print };
  return { declaration: `${declaration} ${name};`, key: name, fill, print: listed('{', [print], '}') };
}
const together = (members: readonly Member[]): Body => ({
  fill: members.flatMap(({ fill }) => fill),
  print: listed(
    '',
    members.map(({ key, print }) => (key === '' ? print : [`printf("\\"${key}\\":");`, ...print])),
    '',
  ),
});

const HELPERS = `#include <stdio.h>
static unsigned seed = 42;
static unsigned next(void) { seed = seed * 1103515245u + 12345; return seed >> 8; }
static void big(__int128 value) { unsigned __int128 bits = value; printf("{\\"big\\":\\"0x%016lx%016lx\\"}", (unsigned long)(bits >> 64), (unsigned long)bits); }
static void text(const char *at, int size) { putchar('"'); for (int i = 0; i < size && at[i]; i++) putchar(at[i]); putchar('"'); }
static void bytes(const void *at, int size) { printf("{\\"bytes\\":\\""); for (int i = 0; i < size; i++) printf("%02x", ((const unsigned char *)at)[i]); printf("\\"}"); }
static void fill_text(char *at, int size) { for (int i = 0; i < size; i++) at[i] = next() % 5 ? 'a' + next() % 26 : 0; }
`;
const STRUCTS = Array.from({ length: 60 }, (_, i) => {
  const members = Array.from({ length: 1 + random(7) }, () => member(0, 'value'));
  const packed = random(4) === 0 ? ' __attribute__((packed))' : '';
  return {
    name: `s${i}`,
    declaration: `struct s${i} { ${members.map(({ declaration }) => declaration).join(' ')} }${packed};\n`,
    ...together(members),
  };
});
const DECLARATIONS = [
  ...Object.entries(ENUMS).map(
    ([name, values]) =>
      `enum ${name} { ${Object.entries(values)
        .map(([row, value]) => `${row} = ${value}L`)
        .join(', ')} };\n`,
  ),
  ...STRUCTS.map(({ declaration }) => declaration),
].join('');
const PROGRAM = `${HELPERS}${DECLARATIONS}int main(void) {
${STRUCTS.map(
  ({ name, fill, print }) => `  for (int run = 0; run < 4; run++) {
    struct ${name} value;
    for (unsigned i = 0; i < sizeof(value); i++) ((unsigned char *)&value)[i] = run == 0 ? 0xff : next();
    ${fill.join(' ')}
    printf("{\\"name\\":\\"${name}\\",\\"memory\\":"); bytes(&value, sizeof(value)); printf(",\\"value\\":{"); ${print.join(' ')} printf("}}\\n");
  }`,
).join('\n')}
}
`;

interface Line {
  readonly name: string;
  readonly memory: Uint8Array;
  readonly value: object;
}
function revive(_key: string, value: { big?: string; bytes?: string; enum?: EnumName; value?: bigint } | null): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value.big !== undefined) return BigInt.asIntN(128, BigInt(value.big));
  if (value.bytes !== undefined) return fromHex(value.bytes);
  if (value.enum === undefined) return value;
  const name = Object.entries(ENUMS[value.enum]).find(([, number]) => number === value.value)?.[0];
  return name ?? (value.enum === 'wide' ? value.value : Number(value.value));
}

describe.skipIf(missing !== undefined)('C and we read the same values from the same bytes', () => {
  let directory: string;
  let btf: Btf;
  let lines: Line[];

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'tsbpf-c-'));
    const file = (name: string) => join(directory, name);
    writeFileSync(file('print.c'), PROGRAM);
    writeFileSync(file('types.c'), `${DECLARATIONS}${STRUCTS.map(({ name }) => `struct ${name} v_${name};\n`).join('')}`);
    execFileSync('gcc', ['-w', '-o', file('print'), file('print.c')]);
    execFileSync('clang-19', ['-w', '-target', 'bpf', '-g', '-O1', '-c', file('types.c'), '-o', file('types.o')]);
    const section = parseElf(region(readFileSync(file('types.o')))).sections.find(({ name }) => name === '.BTF');
    if (!section) throw new Error('clang made no BTF');
    btf = parseBtf(section.data);
    const output = execFileSync(file('print'), { encoding: 'utf8' }).trimEnd();
    lines = output.split('\n').map((line) => JSON.parse(line, revive as (key: string, value: unknown) => unknown));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it.each(STRUCTS)('$name', ({ name, declaration }) => {
    const id = findType(btf, name, 'STRUCT');
    if (id === undefined) throw new Error(`BTF has no struct ${name}`);
    const shape = shapeOf(btf, id);
    const decode = compileDecoder(shape);
    const read = (bytes: Uint8Array) => decode(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), bytes, 0);
    const own = lines.filter((line) => line.name === name);
    expect(own).toHaveLength(4);
    for (const { memory, value } of own) {
      expect(memory.length, declaration).toBe(shape.size);
      expect(read(memory), declaration).toEqual(value);
      expect(read(encoded(shape, value, name)), declaration).toEqual(value);
    }
  });
});
