import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { encodeBtf } from '../../src/btf/index.js';
import { fromHex, nearest, region, toCString } from '../../src/bytes/index.js';
import { parseElf } from '../../src/elf/index.js';
import { BpfError, UnsupportedError } from '../../src/errors.js';
import { insnCount, readInsn } from '../../src/insn/index.js';
import { type BpfObject, dataMapName, kernelName, linkProgram, openObject, secDef } from '../../src/object/index.js';
import { BPF_F_MMAPABLE, BPF_F_RDONLY_PROG } from '../../src/uapi/bpf.js';
import { SHF_EXECINSTR, SHT_NOBITS, SHT_REL, STB_LOCAL, STT_FUNC, STT_OBJECT, STV_HIDDEN } from '../../src/uapi/elf.js';
import { BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC } from '../../src/uapi/insn.js';
import { array, INT, ptr } from '../support/btf-types.js';
import { relEntries, type SectionInput, type SymbolInput } from '../support/elf-builder.js';
import { type Field, mapObject, openBuilt } from '../support/object-builder.js';

const fixture = (name: string): BpfObject =>
  openObject(parseElf(region(new Uint8Array(readFileSync(`fixtures/${name}`)), { file: `fixtures/${name}` })));
const program = (object: BpfObject, name: string) =>
  object.programs.find((candidate) => candidate.name === name) as BpfObject['programs'][number];
const map = (object: BpfObject, name: string) =>
  object.maps.find((candidate) => candidate.name === name) as BpfObject['maps'][number];

describe('bootstrap', () => {
  const object = fixture('bootstrap.bpf.o');

  it('has a name, a licence and no more than it says', () => {
    expect(object).toMatchObject({
      name: 'bootstrap',
      license: 'Dual BSD/GPL',
      littleEndian: true,
      kernVersion: undefined,
      externs: [],
    });
  });

  it('has two programs', () => {
    expect(
      object.programs.map(({ name, section, type, isSubprogram, autoload, start }) => [
        name,
        section,
        type,
        isSubprogram,
        autoload,
        start,
      ]),
    ).toEqual([
      ['handle_exec', 'tp/sched/sched_process_exec', 'BPF_PROG_TYPE_TRACEPOINT', false, true, 0],
      ['handle_exit', 'tp/sched/sched_process_exit', 'BPF_PROG_TYPE_TRACEPOINT', false, true, 0],
    ]);
    const references = program(object, 'handle_exec').references.map((ref) => [ref.kind, 'map' in ref && ref.map]);
    expect(references).toEqual([
      ['map', 'exec_start'],
      ['map_value', 'bootstra.rodata'],
      ['map', 'rb'],
      ['map_value', 'bootstra.bss'],
    ]);
  });

  it('has its maps', () => {
    expect(map(object, 'exec_start')).toMatchObject({
      type: 1,
      keySize: 4,
      valueSize: 8,
      maxEntries: 8192,
      flags: 0,
      kernelName: 'exec_start',
      autocreate: true,
    });
    expect(map(object, 'rb')).toMatchObject({ type: 27, keySize: 0, valueSize: 0, maxEntries: 256 * 1024 });
    expect(object.btf?.name(map(object, 'exec_start').keyType ?? 0)).toBe('pid_t');
    expect(map(object, 'bootstra.rodata')).toMatchObject({
      type: 2,
      keySize: 4,
      valueSize: 16,
      maxEntries: 1,
      flags: BPF_F_RDONLY_PROG | BPF_F_MMAPABLE,
      kernelName: 'bootstra.rodata',
      data: { section: '.rodata', frozen: true, image: new Uint8Array(16) },
    });
  });

  it('has BTF with the sizes and offsets that clang leaves open', () => {
    const type = object.btf?.type(map(object, 'bootstra.rodata').valueType ?? 0);
    expect(type).toMatchObject({ kind: 'DATASEC', name: '.rodata', size: 16 });
    const offsets = type?.kind === 'DATASEC' ? type.vars.map(({ type: id, offset }) => [object.btf?.name(id), offset]) : [];
    expect(offsets.sort()).toEqual([
      ['event_type', expect.any(Number)],
      ['min_duration_ns', expect.any(Number)],
    ]);
    expect(new Set(offsets.map(([, offset]) => offset))).toEqual(new Set([0, 8]));
  });

  it('opening it twice shares no image', () => {
    const image = map(object, 'bootstra.rodata').data?.image as Uint8Array;
    image[0] = 7;
    expect(map(fixture('bootstrap.bpf.o'), 'bootstra.rodata').data?.image[0]).toBe(0);
    image[0] = 0;
  });
});

describe('bench', () => {
  const object = fixture('bench.bpf.o');
  const CALLBACKS = ['submit_16', 'submit_64', 'submit_256', 'submit_event'];

  it('has its maps and data', () => {
    expect(object.maps.map(({ name, type, flags }) => [name, type, flags])).toEqual([
      ['rb', 27, 0],
      ['bench.bss', 2, BPF_F_MMAPABLE],
      ['bench.rodata', 2, expect.any(Number)],
    ]);
    expect(map(object, 'bench.bss').data).toMatchObject({ frozen: false, image: new Uint8Array(24) });
    expect(object.license).toBe('Dual BSD/GPL');
  });

  it('has one program and its callbacks', () => {
    expect(
      object.programs
        .filter(({ isSubprogram }) => isSubprogram)
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...CALLBACKS].sort());
    expect(program(object, 'produce')).toMatchObject({ type: 'BPF_PROG_TYPE_SYSCALL', section: 'syscall', isSubprogram: false });
  });

  const linked = linkProgram(object, program(object, 'produce'));

  it('links each callback once, behind the program', () => {
    expect(linked.functions.map(({ name }) => name).sort()).toEqual(['produce', ...CALLBACKS].sort());
    expect(linked.functions[0]).toEqual({ name: 'produce', start: 0 });
    const total = object.programs.reduce((sum, { insns }) => sum + insnCount(insns), 0);
    expect(insnCount(linked.insns)).toBe(total);
  });

  it('addresses of callbacks lead to their first instruction', () => {
    const starts = new Set(linked.functions.map(({ start }) => start));
    const targets = Array.from({ length: insnCount(linked.insns) }, (_, i) => ({ i, ...readInsn(linked.insns, i) }))
      .filter(({ code, src }) => (code === 0x18 && src === BPF_PSEUDO_FUNC) || (code === 0x85 && src === BPF_PSEUDO_CALL))
      .map(({ i, imm }) => i + imm + 1);
    expect(targets.length).toBe(CALLBACKS.length);
    for (const target of targets) expect(starts).toContain(target);
  });

  it('moves references, functions and lines along', () => {
    for (const { insn, kind } of linked.references)
      expect([insn, kind, readInsn(linked.insns, insn).code]).toEqual([insn, kind, 0x18]);
    expect(linked.funcInfo.map(({ insn }) => insn)).toEqual(linked.functions.map(({ start }) => start));
    expect(linked.funcInfo.map(({ type }) => object.btf?.name(type))).toEqual(linked.functions.map(({ name }) => name));
    const lines = linked.lineInfo.map(({ insn }) => insn);
    expect(lines).toEqual([...lines].sort((a, b) => a - b));
    expect(lines[0]).toBe(0);
    expect(lines.at(-1)).toBeLessThan(insnCount(linked.insns));
  });
});

describe('map definitions', () => {
  const toInt: Field = (at) => [ptr(1), ...(at < 0 ? [INT] : [])];
  const open = (...fields: (readonly [string, Field])[]) => mapObject(fields).maps[0];

  it.each([true, false])('of every field (little-endian: %s)', (littleEndian) => {
    const object = mapObject(
      [
        ['type', 1],
        ['max_entries', 64],
        ['map_flags', 1],
        ['numa_node', 2],
        ['key', toInt],
        ['value', (at) => [ptr(at + 1), array(1, 3)]],
        ['pinning', 1],
        ['map_extra', () => [{ kind: 'ENUM64', name: '', size: 8, signed: false, values: [{ name: 'V', value: 2n ** 40n }] }]],
      ],
      { littleEndian },
    );
    expect(object.littleEndian).toBe(littleEndian);
    expect(object.maps[0]).toMatchObject({
      name: 'm',
      kernelName: 'm',
      type: 1,
      maxEntries: 64,
      flags: 1,
      numaNode: 2,
      keySize: 4,
      keyType: 1,
      valueSize: 12,
      pinPath: '/sys/fs/bpf/m',
      extra: 2n ** 40n,
    });
  });

  it('sizes may be said twice, if they agree', () => {
    expect(open(['type', 1], ['key_size', 4], ['key', toInt], ['value_size', 8])).toMatchObject({
      keySize: 4,
      keyType: 1,
      valueSize: 8,
    });
    expect(() => open(['type', 1], ['key_size', 8], ['key', toInt])).toThrow(
      'Field "key" says 4 bytes, an earlier one 8 (file built.bpf.o, section .maps, map m)',
    );
  });

  it.each<[string, readonly (readonly [string, Field])[], string]>([
    ['no type', [['max_entries', 1]], 'Map m has no type'],
    [
      'an unknown field',
      [
        ['type', 1],
        ['max_entriez', 1],
      ],
      'Map m has a field "max_entriez" that no loader knows (file built.bpf.o, section .maps, map m)\n  Did you mean "max_entries"?',
    ],
    [
      'a field of Object',
      [
        ['type', 1],
        ['constructor', 1],
      ],
      'a field "constructor" that no loader knows',
    ],
    ['a plain int', [['type', () => [{ kind: 'TYPEDEF', name: 't', type: 1 }]]], 'Write __uint(type, …)'],
    [
      'a key that is no pointer',
      [
        ['type', 1],
        ['key', () => [array(1, 4)]],
      ],
      'Write __type(key, …)',
    ],
    [
      'a key without a size',
      [
        ['type', 1],
        ['key', () => [ptr(0)]],
      ],
      'Type 0 has no size',
    ],
    [
      'pinning that does not exist',
      [
        ['type', 1],
        ['pinning', 2],
      ],
      'Field "pinning" is 2; 0 (none) or 1 (by name) expected',
    ],
    [
      'an inner map',
      [
        ['type', 12],
        ['values', 1],
      ],
      'Field "values" is int (*)[1]',
    ],
    [
      'more fields than there are',
      Array.from({ length: 12 }, () => ['type', 1] as const),
      'Map m has 12 fields, of 11 that there are',
    ],
  ])('%s', (_, fields, message) => {
    expect(() => open(...fields)).toThrow(BpfError);
    expect(() => open(...fields)).toThrow(message);
  });

  it('a static map, and one that ends past its section', () => {
    expect(() => mapObject([['type', 1]], { linkage: 0 })).toThrow('Map m is static or extern');
    expect(() => mapObject([['type', 1]], { size: 32 })).toThrow('Map m ends at 32, past the 8 bytes of .maps');
  });

  it('maps without BTF, and in the old form', () => {
    const data = new Uint8Array(8);
    expect(() => openBuilt({ sections: [{ name: '.maps', data }], symbols: [] })).toThrow(
      'The object defines maps but has no BTF',
    );
    expect(() => openBuilt({ sections: [{ name: 'maps', data }], symbols: [] })).toThrow(
      'Section "maps" holds definitions in the form that libbpf 1.0 dropped',
    );
    expect(() =>
      openBuilt({
        sections: [
          { name: '.maps', data },
          { name: '.BTF', data: encodeBtf([INT]) },
        ],
        symbols: [],
      }),
    ).toThrow('Section .maps has no DATASEC in BTF');
  });
});

describe('data sections', () => {
  // reference/elf-object.md 7.1
  it.each([
    ['bootstrap', '.rodata', 'bootstra.rodata'],
    ['bootstrap', '.data', 'bootstra.data'],
    ['bootstrap', '.bss', 'bootstra.bss'],
    ['bootstrap', '.kconfig', 'bootstr.kconfig'],
    ['any', '.rodata.longname1', '.rodata.longnam'],
    ['any', '.data.custom', '.data.custom'],
    ['any', '.bss.more', '.bss.more'],
    ['a-b', '.data', 'a_b.data'],
    ['', '.data', '.data'],
  ])('%s, %s: the kernel sees %s', (object, section, name) => {
    expect(dataMapName(object, section)).toBe(name);
  });

  it.each([
    ['handle_exec', 'handle_exec'],
    ['a_function_with_a_long_name', 'a_function_with'],
    ['größe', 'gr____e'],
    ['', ''],
  ])('kernelName(%j) is %j', (name, expected) => {
    expect(kernelName(name)).toBe(expected);
  });

  it('are found by name and kind, empty ones left out', () => {
    const data = fromHex('01020304');
    const { maps } = openBuilt({
      sections: [
        { name: '.data', data },
        { name: '.data.custom_with_a_long_name', data },
        { name: '.rodata.str1.1', data },
        { name: '.bss', type: SHT_NOBITS, size: 8 },
        { name: '.bss.more', type: SHT_NOBITS, size: 4 },
        { name: '.rodata', data: new Uint8Array() },
        { name: '.database', data },
        { name: '.bss.full', data },
      ],
      symbols: [],
    });
    expect(maps.map(({ name, kernelName: short, valueSize, data: kept }) => [name, short, valueSize, kept?.frozen])).toEqual([
      ['built.data', 'built.data', 4, false],
      ['.data.custom_with_a_long_name', '.data.custom_wi', 4, false],
      ['.rodata.str1.1', '.rodata.str1.1', 4, true],
      ['built.bss', 'built.bss', 8, false],
      ['.bss.more', '.bss.more', 4, false],
    ]);
  });
});

describe('sections and programs', () => {
  it.each([
    ['kprobe/do_unlinkat', 'BPF_PROG_TYPE_KPROBE', undefined],
    ['kprobe', 'BPF_PROG_TYPE_KPROBE', undefined],
    ['kprobe.multi/tcp_*', 'BPF_PROG_TYPE_KPROBE', 'BPF_TRACE_KPROBE_MULTI'],
    ['tp/sched/sched_switch', 'BPF_PROG_TYPE_TRACEPOINT', undefined],
    ['tp_btf/sched_switch', 'BPF_PROG_TYPE_TRACING', 'BPF_TRACE_RAW_TP'],
    ['raw_tp/sys_enter', 'BPF_PROG_TYPE_RAW_TRACEPOINT', undefined],
    ['fentry/vfs_read', 'BPF_PROG_TYPE_TRACING', 'BPF_TRACE_FENTRY'],
    ['fexit.s/vfs_read', 'BPF_PROG_TYPE_TRACING', 'BPF_TRACE_FEXIT'],
    ['lsm/file_open', 'BPF_PROG_TYPE_LSM', 'BPF_LSM_MAC'],
    ['xdp', 'BPF_PROG_TYPE_XDP', 'BPF_XDP'],
    ['xdp.frags/devmap', 'BPF_PROG_TYPE_XDP', 'BPF_XDP_DEVMAP'],
    ['tc', 'BPF_PROG_TYPE_SCHED_CLS', undefined],
    ['tcx/ingress', 'BPF_PROG_TYPE_SCHED_CLS', 'BPF_TCX_INGRESS'],
    ['cgroup/connect4', 'BPF_PROG_TYPE_CGROUP_SOCK_ADDR', 'BPF_CGROUP_INET4_CONNECT'],
    ['cgroup_skb/egress', 'BPF_PROG_TYPE_CGROUP_SKB', 'BPF_CGROUP_INET_EGRESS'],
    ['sk_reuseport/migrate', 'BPF_PROG_TYPE_SK_REUSEPORT', 'BPF_SK_REUSEPORT_SELECT_OR_MIGRATE'],
    ['struct_ops/init', 'BPF_PROG_TYPE_STRUCT_OPS', undefined],
    ['syscall', 'BPF_PROG_TYPE_SYSCALL', undefined],
    ['iter.s/task', 'BPF_PROG_TYPE_TRACING', 'BPF_TRACE_ITER'],
    ['usdt/libc:setjmp', 'BPF_PROG_TYPE_KPROBE', undefined],
  ])('%s is %s', (section, type, attachType) => {
    expect(secDef(section)).toMatchObject({ type, ...(attachType && { attachType }) });
    expect(secDef(section)?.attachType).toBe(attachType);
  });

  it.each(['xdp/', 'xdp2', 'kprobes', 'tracepointless', 'cgroup', '', '.text', 'Kprobe', 'socket/x'])(
    '%j means nothing',
    (section) => {
      expect(secDef(section)).toBeUndefined();
    },
  );

  it.each(['fentry.s/x', 'syscall', 'iter.s/x', 'lsm.s/x', 'uprobe.multi.s//bin/sh:main'])('%s may sleep', (section) => {
    expect(secDef(section)?.sleepable).toBe(true);
  });

  const EXIT = fromHex('9500000000000000');
  const code = (name: string, data: Uint8Array = EXIT): SectionInput => ({ name, data, flags: SHF_EXECINSTR | 2 });
  const fn = (name: string, section: string, more: Partial<SymbolInput> = {}): SymbolInput => ({
    name,
    section,
    type: STT_FUNC,
    size: 8,
    ...more,
  });

  it('a ? in front of a section switches its programs off', () => {
    const { programs } = openBuilt({ sections: [code('?xdp')], symbols: [fn('f', '?xdp')] });
    expect(programs[0]).toMatchObject({ name: 'f', section: '?xdp', autoload: false, type: 'BPF_PROG_TYPE_XDP' });
  });

  it.each<[string, Partial<SymbolInput>, string]>([
    ['past its section', { size: 16 }, 'Function f ends at 16, past the 8 bytes of its section'],
    ['of half an instruction', { size: 4 }, 'Function f takes 4 bytes at 0; whole 8-byte instructions expected'],
    ['of nothing', { size: 0 }, 'Function f takes 0 bytes'],
    ['that is static', { binding: STB_LOCAL }, 'Function f is static, but its section makes it a program'],
  ])('a function %s is refused', (_, symbol, message) => {
    expect(() => openBuilt({ sections: [code('xdp')], symbols: [fn('f', 'xdp', symbol)] })).toThrow(message);
  });

  it('licence and version', () => {
    const object = openBuilt({
      sections: [
        { name: 'license', data: toCString('GPL') },
        { name: 'version', data: fromHex('04030201') },
      ],
      symbols: [],
    });
    expect(object).toMatchObject({ name: 'built', license: 'GPL', kernVersion: 0x01020304 });
    expect(openBuilt({ symbols: [] }).license).toBe('');
    expect(() => openBuilt({ sections: [{ name: 'version', data: fromHex('00') }], symbols: [] })).toThrow(
      'Section "version" must have 4 bytes, but has 1',
    );
  });

  it.each([
    ['/a/b/runqslower.bpf.o', 'runqslower'],
    ['a.b.c', 'a'],
    ['a_very_long_object_name.o', 'a_very_long_obj'],
  ])('%s is called %s', (file, name) => {
    expect(openBuilt({ symbols: [] }, file).name).toBe(name);
  });

  it('section .jumptables is not supported yet', () => {
    expect(() => openBuilt({ sections: [{ name: '.jumptables' }], symbols: [] })).toThrow(UnsupportedError);
  });
  it.each([
    ['.struct_ops', 'Section .struct_ops has no DATASEC in BTF'],
    ['?.struct_ops.link', 'Section ?.struct_ops.link has no DATASEC in BTF'],
    ['.addr_space.1', 'Variables lie in an arena, but the object has none'],
  ])('section %s needs more than itself', (name, message) => {
    const data = new Uint8Array(8);
    expect(() => openBuilt({ sections: [{ name, data }], symbols: [] })).toThrow(message);
  });

  describe('references', () => {
    const LOAD = '18010000 00000000 00000000 00000000 9500000000000000';
    const CALL = '85100000 ffffffff 9500000000000000';
    const build = (text: string, symbol: SymbolInput, sections: readonly SectionInput[] = [], littleEndian = true) => {
      const data = fromHex(text);
      return openBuilt({
        littleEndian,
        sections: [
          code('xdp', data),
          {
            name: '.relxdp',
            type: SHT_REL,
            info: 'xdp',
            entsize: 16,
            data: relEntries([{ offset: 0, symbol: 1 }], littleEndian),
          },
          ...sections,
        ],
        symbols: [symbol, fn('main', 'xdp', { size: data.length })],
      });
    };
    const DATA: SectionInput = { name: '.data', data: new Uint8Array(16) };

    it('to data carry their offset, also in big-endian objects', () => {
      const object = build(LOAD, { name: 'v', section: '.data', type: STT_OBJECT, value: 8 }, [DATA]);
      expect(object.programs[0]?.references).toEqual([{ insn: 0, kind: 'map_value', map: 'built.data', offset: 8 }]);
      const big = build(
        '18100000 00000004 00000000 00000000 95000000 00000000',
        { name: 'v', section: '.data', type: STT_OBJECT, value: 8 },
        [DATA],
        false,
      );
      expect(big.programs[0]?.references).toEqual([{ insn: 0, kind: 'map_value', map: 'built.data', offset: 12 }]);
      expect(readInsn(big.programs[0]?.insns as Uint8Array, 0)).toEqual({ code: 0x18, dst: 1, src: 0, off: 0, imm: 4 });
    });

    it.each<[string, string, SymbolInput, readonly SectionInput[], string]>([
      [
        'by another instruction',
        'b7010000 00000000 9500000000000000',
        { name: 'v', section: '.data' },
        [DATA],
        'the instruction (opcode 0xb7) is neither a call nor a 64-bit load',
      ],
      ['to what is common', LOAD, { name: 'v', section: 0xfff2 }, [], 'it is an uninitialised or absolute symbol'],
      ['to what is undefined and local', LOAD, { name: 'v', binding: STB_LOCAL }, [], 'it is not defined anywhere'],
      [
        'to no map',
        LOAD,
        { name: 'v', section: 'other' },
        [{ name: 'other', data: new Uint8Array(8) }],
        'it is in section other, where no map or variable of that name is',
      ],
      ['by a call into another section', CALL, { name: 'g', section: 'tc' }, [code('tc')], 'it is called, but lies in tc'],
    ])('%s are refused', (_, text, symbol, sections, message) => {
      expect(() => build(text, symbol, sections)).toThrow(message);
      expect(() => build(text, symbol, sections)).toThrow('program main, insn 0');
    });

    it('a call is linked to a copy of its function', () => {
      const object = build(CALL, { name: 'sub', section: '.text', type: STT_FUNC, size: 8, visibility: STV_HIDDEN }, [
        code('.text'),
      ]);
      const linked = linkProgram(object, program(object, 'main'));
      expect(linked.functions).toEqual([
        { name: 'main', start: 0 },
        { name: 'sub', start: 2 },
      ]);
      expect(readInsn(linked.insns, 0)).toMatchObject({ code: 0x85, src: BPF_PSEUDO_CALL, imm: 1 });
      expect(object.programs.find(({ name }) => name === 'main')?.insns).toEqual(fromHex(CALL));
    });

    it('a call into nothing cannot be linked', () => {
      const object = build(CALL, { name: 'sub', section: '.text', value: 64 }, [code('.text')]);
      expect(() => linkProgram(object, program(object, 'main'))).toThrow(
        'Cannot link main: it calls instruction 8 of .text, where no function is',
      );
    });
  });
});

describe('nearest', () => {
  const WORDS = ['max_entries', 'map_flags', 'type', 'key'];
  it.each([
    ['max_entry', 'max_entries'],
    ['typ', 'type'],
    ['ytpe', 'type'],
    ['map_flag', 'map_flags'],
    ['kye', undefined],
    ['entirely_else', undefined],
    ['', undefined],
  ])('%j: %j', (word, found) => {
    expect(nearest(word, WORDS)).toBe(found);
  });
  it('of nothing is nothing', () => {
    expect(nearest('a', [])).toBeUndefined();
  });
});
