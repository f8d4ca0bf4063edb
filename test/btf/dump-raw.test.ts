import { describe, expect, test } from 'vitest';
import { type BtfTypeInput, dumpJson, dumpRaw } from '../../src/btf/index.js';
import { TextSink } from '../../src/bytes/index.js';
import { array, btfOf, INT, int, proto, ptr, struct, typedef, union } from '../support/btf-types.js';

const bitfields: BtfTypeInput = {
  kind: 'STRUCT',
  name: 'bits',
  size: 4,
  members: [{ name: 'a', type: 1, bitOffset: 3, bitfieldSize: 5 }],
};
const reference = (kind: 'CONST' | 'VOLATILE' | 'RESTRICT'): BtfTypeInput => ({ kind, type: 1 });
/** One of each kind, and what it is printed as. */
const TYPES: readonly (readonly [BtfTypeInput, string, object])[] = [
  [
    INT,
    "[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED",
    { size: 4, bits_offset: 0, nr_bits: 32, encoding: 'SIGNED' },
  ],
  [
    int('bool', 1, 4),
    "[2] INT 'bool' size=1 bits_offset=0 nr_bits=8 encoding=BOOL",
    { size: 1, bits_offset: 0, nr_bits: 8, encoding: 'BOOL' },
  ],
  [
    int('odd', 1, 7),
    "[3] INT 'odd' size=1 bits_offset=0 nr_bits=8 encoding=UNKN",
    { size: 1, bits_offset: 0, nr_bits: 8, encoding: 'UNKN' },
  ],
  [ptr(0), "[4] PTR '(anon)' type_id=0", { type_id: 0 }],
  [array(1, 7), "[5] ARRAY '(anon)' type_id=1 index_type_id=1 nr_elems=7", { type_id: 1, index_type_id: 1, nr_elems: 7 }],
  [
    struct('s', 8, ['x', 1, 4]),
    "[6] STRUCT 's' size=8 vlen=1\n\t'x' type_id=1 bits_offset=32",
    { size: 8, vlen: 1, members: [{ name: 'x', type_id: 1, bits_offset: 32 }] },
  ],
  [union('', 0), "[7] UNION '(anon)' size=0 vlen=0", { size: 0, vlen: 0, members: [] }],
  [
    bitfields,
    "[8] STRUCT 'bits' size=4 vlen=1\n\t'a' type_id=1 bits_offset=3 bitfield_size=5",
    { size: 4, vlen: 1, members: [{ name: 'a', type_id: 1, bits_offset: 3, bitfield_size: 5 }] },
  ],
  [
    { kind: 'ENUM', name: 'e', size: 4, signed: true, values: [{ name: 'A', value: -1n }] },
    "[9] ENUM 'e' encoding=SIGNED size=4 vlen=1\n\t'A' val=-1",
    { encoding: 'SIGNED', size: 4, vlen: 1, values: [{ name: 'A', val: -1 }] },
  ],
  [
    { kind: 'ENUM64', name: 'w', size: 8, signed: false, values: [{ name: 'B', value: 1n << 33n }] },
    "[10] ENUM64 'w' encoding=UNSIGNED size=8 vlen=1\n\t'B' val=8589934592ULL",
    { encoding: 'UNSIGNED', size: 8, vlen: 1, values: [{ name: 'B', val: 8589934592 }] },
  ],
  [{ kind: 'FWD', name: 'f', union: true }, "[11] FWD 'f' fwd_kind=union", { fwd_kind: 'union' }],
  [typedef('t', 1), "[12] TYPEDEF 't' type_id=1", { type_id: 1 }],
  [reference('CONST'), "[13] CONST '(anon)' type_id=1", { type_id: 1 }],
  [reference('VOLATILE'), "[14] VOLATILE '(anon)' type_id=1", { type_id: 1 }],
  [reference('RESTRICT'), "[15] RESTRICT '(anon)' type_id=1", { type_id: 1 }],
  [
    proto(1, 1),
    "[16] FUNC_PROTO '(anon)' ret_type_id=1 vlen=1\n\t'p0' type_id=1",
    { ret_type_id: 1, vlen: 1, params: [{ name: 'p0', type_id: 1 }] },
  ],
  [
    { kind: 'FUNC', name: 'fn', type: 16, linkage: 1 },
    "[17] FUNC 'fn' type_id=16 linkage=global",
    { type_id: 16, linkage: 'global' },
  ],
  [
    { kind: 'FUNC', name: 'odd', type: 16, linkage: 9 },
    "[18] FUNC 'odd' type_id=16 linkage=(unknown)",
    { type_id: 16, linkage: '(unknown)' },
  ],
  [{ kind: 'VAR', name: 'v', type: 1, linkage: 0 }, "[19] VAR 'v' type_id=1, linkage=static", { type_id: 1, linkage: 'static' }],
  [
    { kind: 'DATASEC', name: '.bss', size: 4, vars: [{ type: 19, offset: 0, size: 4 }] },
    "[20] DATASEC '.bss' size=4 vlen=1\n\ttype_id=19 offset=0 size=4 (VAR 'v')",
    { size: 4, vlen: 1, vars: [{ type_id: 19, offset: 0, size: 4 }] },
  ],
  [{ kind: 'FLOAT', name: 'float', size: 4 }, "[21] FLOAT 'float' size=4", { size: 4 }],
  [
    { kind: 'DECL_TAG', name: 'tag', type: 6, component: -1, attribute: false },
    "[22] DECL_TAG 'tag' type_id=6 component_idx=-1",
    { type_id: 6, component_idx: -1 },
  ],
  [{ kind: 'TYPE_TAG', name: 'user', type: 1, attribute: false }, "[23] TYPE_TAG 'user' type_id=1", { type_id: 1 }],
];
const btf = btfOf(TYPES.map(([type]) => type));
const text = (write: (out: TextSink) => void): string => {
  const out = new TextSink();
  write(out);
  return out.text();
};

test('text', () => {
  expect(text((out) => dumpRaw(btf, out))).toBe(TYPES.map(([, line]) => `${line}\n`).join(''));
});
test('JSON', () => {
  const { types } = JSON.parse(text((out) => dumpJson(btf, out))) as { types: { id: number; kind: string; name: string }[] };
  expect(types).toEqual(
    TYPES.map(([type, , fields], i) => ({ id: i + 1, kind: type.kind, name: type.name || '(anon)', ...fields })),
  );
});
test('JSON for people is the same JSON', () => {
  const pretty = text((out) => dumpJson(btf, out, { pretty: true }));
  expect(pretty.startsWith('{\n    "types": [{\n            "id": 1,\n            "kind": "INT",')).toBe(true);
  expect(JSON.parse(pretty)).toEqual(JSON.parse(text((out) => dumpJson(btf, out))));
});
test('roots in their order; split BTF without its base', () => {
  expect(text((out) => dumpRaw(btf, out, { roots: [4, 1] }))).toMatch(/^\[4\] PTR .*\n\[1\] INT .*\n$/);
  expect(text((out) => dumpRaw(btfOf([ptr(1)], { base: btf }), out))).toBe("[24] PTR '(anon)' type_id=1\n");
  expect(() => text((out) => dumpRaw(btf, out, { roots: [24] }))).toThrow(/no type 24/);
});

describe('as bpftool has it', () => {
  test('JSON extends the sign of unsigned enumerators, text does not', () => {
    const high = btfOf([{ kind: 'ENUM', name: 'e', size: 4, signed: false, values: [{ name: 'A', value: 0xffffffffn }] }]);
    expect(text((out) => dumpRaw(high, out))).toContain('val=4294967295');
    expect(text((out) => dumpJson(high, out))).toContain('"val":18446744073709551615');
  });
  test('names that JSON has to escape', () => {
    const odd = btfOf([struct('a"\\\n\u0001b', 0)]);
    expect(JSON.parse(text((out) => dumpJson(odd, out))).types[0].name).toBe('a"\\\n\u0001b');
  });
});

test('chunks: what is written is what is kept', () => {
  const chunks: string[] = [];
  const out = new TextSink({ write: (chunk) => chunks.push(new TextDecoder().decode(chunk)) });
  const kept = new TextSink();
  for (const sink of [out, kept]) for (let i = 0; i < 200_000; i++) sink.ascii(`${i} of them\n`);
  out.flush();
  expect(chunks.length).toBeGreaterThan(1);
  expect(chunks.join('')).toBe(kept.text());
});
