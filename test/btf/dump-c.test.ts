// Every rule of C in a dump, on types that are just large enough for it. test/parity holds real ones against bpftool.

import { describe, expect, test } from 'vitest';
import { type Btf, type BtfTypeInput, type CDumpOptions, dumpC, parseBtf } from '../../src/btf/index.js';
import { TextSink } from '../../src/bytes/index.js';
import { array, btfOf, INT, int, type Member, proto, ptr, struct, typedef, union } from '../support/btf-types.js';

const HEAD = '#ifndef __VMLINUX_H__';
/** What stands between the frame's head and its tail. */
function bodyOf(btf: Btf, options: CDumpOptions = { unsorted: true }): string {
  const out = new TextSink();
  dumpC(btf, out, options);
  const text = out.text();
  expect(text.startsWith(HEAD)).toBe(true);
  const start = text.indexOf('#define __bpf_fastcall\n#endif\n#endif\n\n') + '#define __bpf_fastcall\n#endif\n#endif\n\n'.length;
  return text.slice(start, text.lastIndexOf('#ifndef BPF_NO_PRESERVE_ACCESS_INDEX')).replace(NO_KFUNCS, '');
}
const NO_KFUNCS = '\n/* BPF kfuncs */\n#ifndef BPF_NO_KFUNC_PROTOTYPES\n#endif\n\n';
const dump = (...types: readonly BtfTypeInput[]): string => bodyOf(btfOf(types));

const CHAR = int('char', 1, 2);
const LONG = int('long', 8, 1);
const FUNC = (name: string, type: number): BtfTypeInput => ({ kind: 'FUNC', name, type, linkage: 0 });
const tag = (name: string, type: number): BtfTypeInput => ({ kind: 'DECL_TAG', name, type, component: -1, attribute: false });
const mod = (kind: 'CONST' | 'VOLATILE' | 'RESTRICT', type: number): BtfTypeInput => ({ kind, type });
const enumOf = (name: string, values: Readonly<Record<string, bigint>>, size = 4, signed = false): BtfTypeInput => ({
  kind: 'ENUM',
  name,
  size,
  signed,
  values: Object.entries(values).map(([name, value]) => ({ name, value })),
});
const enum64 = (name: string, values: Readonly<Record<string, bigint>>, signed = false): BtfTypeInput => ({
  ...(enumOf(name, values, 8, signed) as BtfTypeInput & { kind: 'ENUM' }),
  kind: 'ENUM64',
});
const withBits = (name: string, size: number, ...members: (readonly [string, number, number, number])[]): BtfTypeInput => ({
  kind: 'STRUCT',
  name,
  size,
  members: members.map(([name, type, bitOffset, bitfieldSize]) => ({ name, type, bitOffset, bitfieldSize })),
});

describe('declarations', () => {
  /** Types from id 2 on; the last is that of the member. */
  const member = (...types: readonly BtfTypeInput[]): string => {
    const last = types.length + 1;
    const text = dump(INT, ...types, { ...struct('s', 64, ['x', last]), kind: 'UNION' } as BtfTypeInput);
    return /union s \{\n\t(.*);\n\}/s.exec(text)?.[1] ?? text;
  };
  test.each<[string, readonly BtfTypeInput[]]>([
    ['int *x', [ptr(1)]],
    ['int **x', [ptr(1), ptr(2)]],
    ['const int *x', [mod('CONST', 1), ptr(2)]],
    ['int * const x', [ptr(1), mod('CONST', 2)]],
    ['const int * const x', [mod('CONST', 1), ptr(2), mod('CONST', 3)]],
    ['const volatile int x', [mod('CONST', 1), mod('VOLATILE', 2)]],
    ['int * restrict x', [ptr(1), mod('RESTRICT', 2)]],
    ['void *x', [ptr(0)]],
    ['const void *x', [mod('CONST', 0), ptr(2)]],
    ['int x[4]', [array(1, 4)]],
    ['int x[2][3]', [array(1, 3), array(2, 2)]],
    ['int *x[4]', [ptr(1), array(2, 4)]],
    ['int (*x)[4]', [array(1, 4), ptr(2)]],
    ['const int x[4]', [mod('CONST', 1), array(2, 4), mod('CONST', 3)]],
    ['int (*x)(void)', [proto(1), ptr(2)]],
    [
      'void (*x)(int, int *)',
      [
        ptr(1),
        {
          kind: 'FUNC_PROTO',
          type: 0,
          params: [
            { name: '', type: 1 },
            { name: '', type: 2 },
          ],
        },
        ptr(3),
      ],
    ],
    [
      'int (*x)(int p0, ...)',
      [
        {
          kind: 'FUNC_PROTO',
          type: 1,
          params: [
            { name: 'p0', type: 1 },
            { name: '', type: 0 },
          ],
        },
        ptr(2),
      ],
    ],
    ['int (*x)(void)', [{ kind: 'FUNC_PROTO', type: 1, params: [{ name: '', type: 0 }] }, ptr(2)]],
    ['int (*x[3])(void)', [proto(1), ptr(2), array(3, 3)]],
    ['int (* (*x)(void))(int p0)', [proto(1, 1), ptr(2), proto(3), ptr(4)]],
    ['int __attribute__((btf_type_tag("user"))) *x', [{ kind: 'TYPE_TAG', name: 'user', type: 1, attribute: false }, ptr(2)]],
    ['int __attribute__((noderef)) *x', [{ kind: 'TYPE_TAG', name: 'noderef', type: 1, attribute: true }, ptr(2)]],
    ['struct {\n\t\tint y;\n\t} x', [struct('', 4, ['y', 1])]],
    ['struct {\n\t\tint y;\n\t} *x', [struct('', 4, ['y', 1]), ptr(2)]],
    ['enum {\n\t\tA = 0,\n\t} x', [enumOf('', { A: 0n })]],
    ['float x', [{ kind: 'FLOAT', name: 'float', size: 4 }]],
  ])('%s', (expected, types) => {
    const text = member(...types);
    expect(text).toContain(expected);
  });
});

describe('order and forward declarations', () => {
  test('what is embedded comes first, what is pointed to is declared', () => {
    expect(dump(INT, struct('a', 16, ['b', 3], ['p', 4, 8]), struct('b', 4, ['x', 1]), ptr(5), struct('c', 4, ['x', 1]))).toBe(
      'struct b {\n\tint x;\n};\n\nstruct c;\n\nstruct a {\n\tstruct b b;\n\tstruct c *p;\n};\n\nstruct c {\n\tint x;\n};\n\n',
    );
  });
  test('a struct that points to itself needs no declaration', () => {
    expect(dump(struct('list', 8, ['next', 2]), ptr(1))).toBe('struct list {\n\tstruct list *next;\n};\n\n');
  });
  test('two that point to each other', () => {
    expect(dump(struct('a', 8, ['b', 3]), struct('b', 8, ['a', 4]), ptr(2), ptr(1))).toBe(
      'struct b;\n\nstruct a {\n\tstruct b *b;\n};\n\nstruct b {\n\tstruct a *a;\n};\n\n',
    );
  });
  test('a typedef that its own struct uses stands before it', () => {
    expect(dump(typedef('t', 2), struct('s', 8, ['p', 3]), ptr(1))).toBe(
      'struct s;\n\ntypedef struct s t;\n\nstruct s {\n\tt *p;\n};\n\n',
    );
  });
  test('an anonymous enum that nothing uses is a definition; one that is used is not', () => {
    expect(dump(enumOf('', { A: 1n }), enumOf('', { B: 2n }), struct('s', 4, ['e', 2]))).toBe(
      'enum {\n\tA = 1,\n};\n\nstruct s {\n\tenum {\n\t\tB = 2,\n\t} e;\n};\n\n',
    );
  });
  test('forwards', () => {
    expect(dump({ kind: 'FWD', name: 'f', union: false }, { kind: 'FWD', name: 'u', union: true })).toBe(
      'struct f;\n\nunion u;\n\n',
    );
  });
  test('a struct that embeds itself cannot be said', () => {
    expect(() => dump(struct('s', 8, ['s', 1]))).toThrow(/holds itself/);
  });
});

describe('names', () => {
  test('the second of a name gets a number; structs and typedefs have name spaces of their own', () => {
    expect(dump(INT, struct('x', 4, ['a', 1]), struct('x', 4, ['b', 1]), typedef('x', 1), typedef('x', 1))).toBe(
      'struct x {\n\tint a;\n};\n\nstruct x___2 {\n\tint b;\n};\n\ntypedef int x;\n\ntypedef int x___2;\n\n',
    );
  });
  test('enumerators count as identifiers', () => {
    expect(dump(INT, typedef('A', 1), enumOf('e', { A: 1n }))).toBe('typedef int A;\n\nenum e {\n\tA___2 = 1,\n};\n\n');
  });
  test('forwards take no name away, and an enum without values neither', () => {
    expect(dump({ kind: 'FWD', name: 'x', union: false }, struct('x', 0), enumOf('x', {}))).toBe(
      'struct x;\n\nstruct x {};\n\nenum x;\n\n',
    );
  });
  test('a name that is too long is cut', () => {
    const name = 'n'.repeat(254);
    expect(dump(struct(name, 0), struct(name, 0))).toContain(`struct ${name}_ {};`);
  });
  test('builtins', () => {
    expect(dump(typedef('__builtin_va_list', 0), typedef('__gnuc_va_list', 0))).toBe(
      'typedef __builtin_va_list __gnuc_va_list;\n\n',
    );
    expect(dump(int('__Poly8_t', 1), typedef('t', 1))).toBe('typedef unsigned char __Poly8_t;\n\ntypedef __Poly8_t t;\n\n');
  });
});

describe('structs', () => {
  const of = (size: number, ...members: Member[]) => dump(INT, CHAR, LONG, struct('s', size, ...members));
  test.each<[string, string, string]>([
    ['nothing in it', of(0), 'struct s {};\n\n'],
    ['room and no members', of(16), 'struct s {\n\tlong: 64;\n\tlong: 64;\n};\n\n'],
    ['a gap that the compiler leaves by itself', of(8, ['c', 2], ['i', 1, 4]), 'struct s {\n\tchar c;\n\tint i;\n};\n\n'],
    [
      'a gap that it would not leave',
      of(8, ['c', 2], ['d', 2, 4], ['i', 1, 4]),
      'struct s {\n\tchar c;\n\tint: 0;\n\tchar d;\n\tint i;\n};\n\n',
    ],
    ['a large gap', of(64, ['c', 2], ['l', 3, 56]), `struct s {\n\tchar c;\n${'\tlong: 64;\n'.repeat(6)}\tlong l;\n};\n\n`],
    ['room at the end', of(32, ['l', 3], ['c', 2, 8]), 'struct s {\n\tlong l;\n\tchar c;\n\tlong: 64;\n\tlong: 64;\n};\n\n'],
    ['packed by an offset', of(5, ['c', 2], ['i', 1, 1]), 'struct s {\n\tchar c;\n\tint i;\n} __attribute__((packed));\n\n'],
    ['packed by the size', of(5, ['i', 1], ['c', 2, 4]), 'struct s {\n\tint i;\n\tchar c;\n} __attribute__((packed));\n\n'],
  ])('%s', (_, text, expected) => {
    expect(text).toBe(expected);
  });
  test('a union is neither padded nor packed', () => {
    expect(dump(INT, CHAR, union('u', 5, ['i', 1], ['c', 2]))).toBe('union u {\n\tint i;\n\tchar c;\n};\n\n');
  });
  test('bitfields, and unnamed ones between them', () => {
    expect(dump(INT, withBits('s', 8, ['a', 1, 0, 3], ['b', 1, 8, 4], ['c', 1, 32, 1]))).toBe(
      'struct s {\n\tint a: 3;\n\tchar: 5;\n\tint b: 4;\n\tint: 20;\n\tint c: 1;\n};\n\n',
    );
  });
});

describe('enums', () => {
  test.each<[string, BtfTypeInput, string]>([
    ['signed', enumOf('e', { A: -1n, B: 2n }, 4, true), 'enum e {\n\tA = -1,\n\tB = 2,\n};\n\n'],
    ['unsigned', enumOf('e', { A: 0xffffffffn }), 'enum e {\n\tA = 4294967295,\n};\n\n'],
    ['one byte', enumOf('e', { A: 1n }, 1), 'enum e {\n\tA = 1,\n} __attribute__((mode(byte)));\n\n'],
    ['eight bytes', enumOf('e', { A: 1n }, 8), 'enum e {\n\tA = 1,\n} __attribute__((mode(word)));\n\n'],
    ['64 bits', enum64('e', { A: 1n << 40n }), 'enum e {\n\tA = 1099511627776ULL,\n};\n\n'],
    ['64 bits that are not needed', enum64('e', { A: 1n }), 'enum e {\n\tA = 1ULL,\n} __attribute__((mode(word)));\n\n'],
    ['64 bits, signed', enum64('e', { A: -1n }, true), 'enum e {\n\tA = -1LL,\n};\n\n'],
  ])('%s', (_, type, expected) => {
    expect(dump(type)).toBe(expected);
  });
});

test('kernel functions for BPF, in the order of their names', () => {
  const text = dump(
    INT,
    proto(1, 1),
    FUNC('z', 2),
    FUNC('a', 2),
    tag('bpf_kfunc', 3),
    tag('bpf_kfunc', 4),
    tag('bpf_fastcall', 4),
    FUNC('no', 2),
  );
  expect(text).toBe(
    '\n/* BPF kfuncs */\n#ifndef BPF_NO_KFUNC_PROTOTYPES\nextern __bpf_fastcall int a(int p0) __weak __ksym;\nextern int z(int p0) __weak __ksym;\n#endif\n\n',
  );
});

describe('what is asked for', () => {
  const btf = btfOf([INT, struct('b', 4, ['x', 1]), struct('a', 4, ['x', 1]), enumOf('', { A: 1n }), enumOf('e', { E: 1n })]);
  test('by kind and name; the first of all, an anonymous enum, is left out', () => {
    expect(bodyOf(btf, {})).toBe('enum e {\n\tE = 1,\n};\n\nstruct a {\n\tint x;\n};\n\nstruct b {\n\tint x;\n};\n\n');
  });
  test('roots, in their order', () => {
    expect(bodyOf(btf, { roots: [3, 2] })).toBe('struct a {\n\tint x;\n};\n\nstruct b {\n\tint x;\n};\n\n');
    expect(() => bodyOf(btf, { roots: [99] })).toThrow(/no type 99/);
  });
  test('types of the same name by what is in them: the order does not hang on ids', () => {
    const [one, other] = [struct('s', 4, ['first', 1]), struct('s', 4, ['second', 1])];
    const order = (...types: BtfTypeInput[]) =>
      [...bodyOf(btfOf([INT, ...types]), {}).matchAll(/\tint (\w+)/g)].map(([, name]) => name);
    expect(order(one, other)).toEqual(order(other, one));
  });
  test('split BTF has its base in it', () => {
    const base = btfOf([INT, struct('b', 4, ['x', 1])]);
    expect(bodyOf(btfOf([struct('m', 4, ['b', 2])], { base }))).toBe(
      'struct b {\n\tint x;\n};\n\nstruct m {\n\tstruct b b;\n};\n\n',
    );
  });
  test('four bytes to a pointer', () => {
    const long = int('long', 4, 1);
    expect(dump(long, struct('s', 12, ['p', 3], ['c', 1, 8]), ptr(0))).toBe(
      'struct s {\n\tvoid *p;\n\tlong: 32;\n\tlong c;\n};\n\n',
    );
  });
});

describe('BTF made to hurt', () => {
  const text = (types: readonly BtfTypeInput[], options: CDumpOptions) => () => bodyOf(btfOf(types), options);
  const diamond = Array.from({ length: 40 }, (_, i) => struct('', 8, ['a', i + 1], ['b', i + 1, 4]));
  const protos = Array.from({ length: 40 }, (_, i) => proto(1, i + 1, i + 1));
  const cases: [string, readonly BtfTypeInput[]][] = [
    ['typedefs in a circle', [typedef('a', 2), typedef('b', 1)]],
    ['const of itself', [mod('CONST', 1), struct('s', 4, ['c', 1])]],
    ['an array of itself', [array(1, 2)]],
    ['anonymous structs that hold the next twice', [INT, ...diamond, struct('s', 8, ['d', 41])]],
    ['prototypes that take the next twice', [INT, ...protos, struct('s', 8, ['d', 41])]],
    ['structs ten thousand deep', [INT, ...Array.from({ length: 10_000 }, (_, i) => struct(`s${i}`, 4, ['x', i + 1]))].reverse()],
    [
      'references ten thousand deep',
      [INT, ...Array.from({ length: 10_000 }, (_, i) => ptr(i + 1)), struct('s', 8, ['p', 10_001])],
    ],
    ['a struct of 4 GiB', [struct('s', 0x0fffffff)]],
    ['a type that does not exist', [ptr(77)]],
    ['a function of no function type', [INT, FUNC('f', 1)]],
    ['a declaration of a variable', [struct('s', 8, ['v', 2]), { kind: 'VAR', name: 'v', type: 0, linkage: 0 }]],
  ];
  test.each(cases)('%s', (_, types) => {
    for (const options of [{}, { unsorted: true }]) {
      const start = performance.now();
      try {
        text(types, options)();
      } catch (error) {
        expect((error as { code?: string }).code).toBe('ERR_TSBPF_FORMAT');
      }
      expect(performance.now() - start).toBeLessThan(5000);
    }
  });
  test('a name that is no name', () => {
    const bytes = new Uint8Array(new Uint32Array([0x0001eb9f, 24, 0, 12, 12, 1, 500, 2 << 24, 0]).buffer);
    const blob = new Uint8Array([...bytes, 0]);
    expect(() => bodyOf(parseBtf(blob))).toThrow(/name at 500/);
  });
});
