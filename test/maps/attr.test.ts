// The structures of bpf(2) and perf_event_open(2): the bytes that encodeAttr makes of them, and the layouts against the kernel's own.

import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { type Btf, findType, resolved, sizeOf, type TypeId, typesOf } from '../../src/btf/index.js';
import { fromHex, hex } from '../../src/bytes/index.js';
import { UsageError } from '../../src/errors.js';
import { type Attr, encodeAttr } from '../../src/plan/index.js';
import { kernelBtf } from '../../src/syscall/index.js';
import type { AttrLayout } from '../../src/uapi/attr.js';
import * as bpf from '../../src/uapi/bpf.js';
import * as btfConstants from '../../src/uapi/btf.js';
import * as enums from '../../src/uapi/enums.js';
import { errnoName } from '../../src/uapi/errno.js';
import * as info from '../../src/uapi/info.js';
import * as perf from '../../src/uapi/perf-event.js';
import * as rtnetlink from '../../src/uapi/rtnetlink.js';

const { BPF_ATTR } = bpf;
const fds = ({ fd }: { readonly fd: string }): number => ({ 'map a': 5, btf: 6, 'prog p': 7, none: -1 })[fd] ?? 99;
const encode = (layout: AttrLayout | undefined, attr: Attr, leastSize?: number) =>
  encodeAttr(layout as AttrLayout, attr, fds, leastSize);

describe('encodeAttr', () => {
  it.each<readonly [string, AttrLayout | undefined, Attr, string]>([
    [
      'BPF_MAP_CREATE as short as it may be',
      BPF_ATTR.BPF_MAP_CREATE,
      { map_type: 1, key_size: 4, value_size: 8, max_entries: 8192 },
      '01000000 04000000 08000000 00200000',
    ],
    [
      'BPF_MAP_CREATE with a name and types',
      BPF_ATTR.BPF_MAP_CREATE,
      {
        map_type: 1,
        key_size: 4,
        value_size: 8,
        max_entries: 8192,
        map_name: 'exec_start',
        btf_fd: { fd: 'btf' },
        btf_key_type_id: 3,
        btf_value_type_id: 9,
      },
      '01000000 04000000 08000000 00200000 00000000 00000000 00000000 657865635f7374617274000000000000 00000000 06000000 03000000 09000000',
    ],
    ['BPF_MAP_FREEZE', BPF_ATTR.BPF_MAP_FREEZE, { map_fd: { fd: 'map a' } }, '05000000'],
    [
      'BPF_LINK_CREATE on a descriptor that is none',
      BPF_ATTR.BPF_LINK_CREATE,
      { prog_fd: { fd: 'prog p' }, target_fd: { fd: 'none' }, attach_type: 41 },
      '07000000 ffffffff 29000000',
    ],
    [
      'a u64 of all bits',
      BPF_ATTR.BPF_LINK_CREATE,
      { prog_fd: 7, bpf_cookie: 0xfedcba9876543210n },
      '07000000 00000000 00000000 00000000 1032547698badcfe',
    ],
    ['a negative s32 and u32', BPF_ATTR.BPF_PROG_BIND_MAP, { prog_fd: -1, map_fd: 8, flags: -2 }, 'ffffffff 08000000 feffffff'],
  ])('%s', (_, layout, attr, expected) => {
    const { bytes, size, pointers } = encode(layout, attr);
    expect(hex(bytes.subarray(0, size))).toBe(expected.replaceAll(' ', ''));
    expect(bytes.subarray(size).every((byte) => byte === 0)).toBe(true);
    expect(pointers).toEqual([]);
  });

  it('lays what pointers point to behind the structure, each at a multiple of 8', () => {
    const { bytes, size, pointers } = encode(BPF_ATTR.BPF_MAP_UPDATE_ELEM, {
      map_fd: { fd: 'map a' },
      key: Uint8Array.of(1, 2, 3),
      value: Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9, 9),
      flags: 1,
    });
    expect(size).toBe(32);
    expect(pointers).toEqual([
      { field: 'key', at: 8, offset: 32, length: 3 },
      { field: 'value', at: 16, offset: 40, length: 9 },
    ]);
    expect(hex(bytes)).toBe(
      `05000000 00000000 2000000000000000 2800000000000000 0100000000000000 0102030000000000 0909090909090909 0900000000000000`.replaceAll(
        ' ',
        '',
      ),
    );
  });

  it('sends strings with their NUL and instructions with the descriptors of their maps', () => {
    const insns = fromHex('1811000000000000 0000000000000000 9500000000000000');
    const { bytes, pointers } = encode(BPF_ATTR.BPF_PROG_LOAD, {
      prog_type: 5,
      insn_cnt: 3,
      insns: { bytes: insns, fds: [{ at: 4, ref: { fd: 'map a' } }] },
      license: 'GPL',
    });
    const sent = pointers.map(({ field, offset, length }) => [field, hex(bytes.subarray(offset, offset + length))]);
    expect(sent).toEqual([
      ['insns', '181100000500000000000000000000009500000000000000'],
      ['license', '47504c00'],
    ]);
    expect(hex(insns.subarray(4, 8))).toBe('00000000'); // the plan's own bytes stay as they are
  });

  it('covers at least what the caller asks for', () => {
    const { bytes, size } = encode(perf.PERF_EVENT_ATTR, { type: 2, size: 64, config: 311 }, 64);
    expect([size, bytes.length]).toEqual([64, 64]);
    expect(hex(bytes.subarray(0, 16))).toBe('02000000400000003701000000000000');
  });

  it('cuts a name so that its NUL stays', () => {
    const { bytes } = encode(BPF_ATTR.BPF_MAP_CREATE, { map_name: 'a_name_of_twenty_chr' });
    expect(hex(bytes.subarray(28, 44))).toBe(hex(new TextEncoder().encode('a_name_of_twent\0')));
  });

  it('refuses fields that the structure does not have, and numbers for pointers', () => {
    expect(() => encode(BPF_ATTR.BPF_MAP_FREEZE, { map_fd: 1, map_flags: 1 })).toThrow(
      new UsageError('The attribute has no field map_flags'),
    );
    expect(() => encode(BPF_ATTR.BPF_MAP_UPDATE_ELEM, { map_fd: 1, key: 1 })).toThrow('A pointer field takes bytes or a string');
  });
});

interface Place {
  readonly name: string;
  readonly at: number;
  readonly size: number;
}
/** Every member at whatever depth; 0 bytes for bitfields. */
function* places(btf: Btf, id: TypeId, base = 0): Generator<Place> {
  const type = resolved(btf, id);
  if (type.kind !== 'STRUCT' && type.kind !== 'UNION') return;
  for (const { name, type: member, bitOffset, bitfieldSize } of type.members) {
    const at = base + Math.floor(bitOffset / 8);
    if (name) yield { name, at, size: bitfieldSize ? 0 : sizeOf(btf, member) };
    yield* places(btf, member, at);
  }
}
const hasBtf = process.platform === 'linux' && existsSync('/sys/kernel/btf/vmlinux');
if (!hasBtf) console.warn("the comparison with the kernel's own types is skipped: there is no /sys/kernel/btf/vmlinux");

describe.skipIf(!hasBtf)('what the running kernel says of itself', () => {
  const find = (name: string, kind: 'STRUCT' | 'UNION' | 'ENUM'): TypeId => {
    const id = findType(kernelBtf(), name, kind);
    if (id === undefined) throw new Error(`The kernel has no ${kind} ${name}`);
    return id;
  };
  const missing = (layout: AttrLayout, known: readonly Place[]): string[] =>
    layout
      .filter(({ name, at, size }) => !known.some((place) => place.name === name && place.at === at && place.size === size))
      .map(({ name, at, size }) => `${name} @${at} (${size})`);

  it.each(Object.entries(BPF_ATTR))('one part of union bpf_attr has all fields of %s where we have them', (_, layout) => {
    const btf = kernelBtf();
    const union = btf.type(find('bpf_attr', 'UNION'));
    const parts = union.kind === 'UNION' ? union.members.map(({ type }) => missing(layout, [...places(btf, type)])) : [];
    expect(parts.length).toBeGreaterThan(10);
    expect(parts.sort((a, b) => a.length - b.length)[0]).toEqual([]);
  });

  it('struct perf_event_attr is as we have it', () => {
    const known = [...places(kernelBtf(), find('perf_event_attr', 'STRUCT'))];
    const bits = perf.PERF_EVENT_ATTR.find(({ name }) => name === 'flags');
    expect(
      missing(
        perf.PERF_EVENT_ATTR.filter((field) => field !== bits),
        known,
      ),
    ).toEqual([]);
    expect(known).toContainEqual({ name: 'disabled', at: bits?.at, size: 0 });
  });

  it.each([
    ['bpf_prog_info', info.BPF_PROG_INFO],
    ['bpf_map_info', info.BPF_MAP_INFO],
    ['bpf_btf_info', info.BPF_BTF_INFO],
    ['bpf_link_info', info.BPF_LINK_INFO],
  ] as const)('struct %s has all fields where we have them', (name, layout) => {
    const known = [...places(kernelBtf(), find(name, 'STRUCT'))];
    // A bitfield has no size of its own.
    expect(
      missing(
        layout.filter((field) => field.name !== 'gpl_compatible'),
        known,
      ),
    ).toEqual([]);
    if (name === 'bpf_prog_info') expect(known).toContainEqual({ name: 'gpl_compatible', at: 84, size: 0 });
  });

  it.each([rtnetlink.SOCKADDR_NL, rtnetlink.NLMSGHDR, rtnetlink.NLATTR, rtnetlink.IFINFOMSG, rtnetlink.TCMSG])(
    'struct $name is as we have it',
    ({ name, size, fields }) => {
      const id = find(name, 'STRUCT');
      expect(sizeOf(kernelBtf(), id)).toBe(size);
      expect([...places(kernelBtf(), id)]).toEqual(fields.map((field) => ({ name: field.name, at: field.at, size: field.size })));
    },
  );

  it.each([
    ...Object.entries(info.BPF_LINK_INFO_OF).map(([type, layout]) => [`link type ${type}`, layout] as const),
    ...Object.entries(info.BPF_PERF_EVENT_INFO).map(([kind, layout]) => [`perf event ${kind}`, layout] as const),
  ])('struct bpf_link_info has all fields of %s where we have them', (_, layout) => {
    expect(missing(layout, [...places(kernelBtf(), find('bpf_link_info', 'STRUCT'))])).toEqual([]);
  });

  it.each([
    ['bpf_cmd', enums.BPF_CMD],
    ['bpf_link_type', enums.BPF_LINK_TYPE],
    ['bpf_map_type', enums.BPF_MAP_TYPE],
    ['bpf_prog_type', enums.BPF_PROG_TYPE],
    ['bpf_attach_type', enums.BPF_ATTACH_TYPE],
    ['bpf_core_relo_kind', enums.BPF_CORE_RELO_KIND],
    ['bpf_func_id', enums.BPF_FUNC],
    ['perf_type_id', perf.PERF_TYPE],
  ] as const)('enum %s has our numbers', (name, ours) => {
    const type = kernelBtf().type(find(name, 'ENUM'));
    const theirs = new Map(type.kind === 'ENUM' ? type.values.map((row) => [row.name, Number(row.value)]) : []);
    const common = Object.entries(ours).filter(([row]) => theirs.has(row));
    expect(common.length).toBeGreaterThan(theirs.size / 2); // an older or a newer kernel lacks some, or has more
    expect(Object.fromEntries(common)).toEqual(Object.fromEntries(common.map(([row]) => [row, theirs.get(row)])));
  });

  it('flags and bits have our numbers, where the kernel has them as enums', () => {
    const btf = kernelBtf();
    const theirs = new Map<string, number[]>();
    for (const id of typesOf(btf, 'ENUM')) {
      const type = btf.type(id);
      if (type.kind === 'ENUM')
        for (const { name, value } of type.values)
          if (/^(BPF|BTF|PERF|RTM|IFLA|XDP|TCA)_/.test(name)) theirs.set(name, [...(theirs.get(name) ?? []), Number(value)]);
    }
    const ours = [
      ...Object.entries({ ...bpf, ...btfConstants, ...perf, ...rtnetlink }),
      ...btfConstants.BTF_KINDS.map((kind, number) => [`BTF_KIND_${kind === 'VOID' ? 'UNKN' : kind}`, number] as const),
    ].flatMap(([name, value]) => (typeof value === 'number' && theirs.has(name) ? [[name, value] as const] : []));
    expect(ours.length).toBeGreaterThan(25);
    for (const [name, value] of ours) expect(theirs.get(name), name).toContain(value);
  });
});

describe('errnoName', () => {
  it('knows every number that Node knows', () => {
    const numbers = constants.errno as Readonly<Record<string, number>>;
    if (process.platform !== 'linux') return;
    for (const [name, number] of Object.entries(numbers)) expect(numbers[errnoName(number)], name).toBe(number); // some have two names
  });
  it('knows the one that leaks out of the kernel, and says when it knows none', () => {
    expect(errnoName(524)).toBe('ENOTSUPP');
    expect(errnoName(999)).toBe('errno 999');
  });
});
