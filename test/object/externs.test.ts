// Externs: what an object declares, where .kconfig puts it, and how BTF is rewritten for the kernel.

import { describe, expect, it } from 'vitest';
import { FormatError, UnsupportedError } from '../../src/errors.js';
import { STT_NOTYPE } from '../../src/uapi/elf.js';
import { type ExternInput, externObject, TYPES, type TypeName } from '../support/extern-object.js';
import { openBuilt } from '../support/object-builder.js';

const kconfig = (...externs: ExternInput[]) => externObject({ '.kconfig': externs });
const ksyms = (...externs: ExternInput[]) => externObject({ '.ksyms': externs });

describe('.kconfig', () => {
  it.each<[TypeName, string, boolean]>([
    ['bool', 'bool', false],
    ['char', 'char', true],
    ['u8', 'char', false],
    ['s16', 'int', true],
    ['u16', 'int', false],
    ['int', 'int', true],
    ['u64', 'int', false],
    ['tristate', 'tristate', false],
    ['char[4]', 'string', false],
  ])('%s holds a %s', (type, value, signed) => {
    expect(kconfig({ name: 'CONFIG_X', type }).externs).toMatchObject([{ kind: 'kconfig', value, signed, offset: 0 }]);
  });

  it.each<TypeName>(['int[2]', 'bool[2]', 'char[0]', 'struct', 'struct *', 'enum', 'const void'])('%s holds nothing', (type) => {
    expect(() => kconfig({ name: 'CONFIG_X', type })).toThrow(UnsupportedError);
  });

  const object = kconfig(
    { name: 'CONFIG_TEXT', type: 'char[4]' },
    { name: 'CONFIG_B', type: 'bool', weak: true },
    { name: 'CONFIG_WIDE', type: 'u64' },
    { name: 'CONFIG_HZ', type: 'u32' },
    { name: 'CONFIG_A', type: 'bool' },
    { name: 'CONFIG_TRI', type: 'tristate' },
  );

  it('is laid out by alignment, size and name', () => {
    expect(object.externs.map((extern) => [extern.name, extern.kind === 'kconfig' && extern.offset, extern.weak])).toEqual([
      ['CONFIG_WIDE', 0, false],
      ['CONFIG_HZ', 8, false],
      ['CONFIG_TRI', 12, false],
      ['CONFIG_A', 16, false],
      ['CONFIG_B', 17, true],
      ['CONFIG_TEXT', 18, false],
    ]);
  });

  it('becomes a map that programs can only read', () => {
    expect(object.maps).toMatchObject([
      {
        name: 'built.kconfig',
        kernelName: 'built.kconfig',
        valueSize: 22,
        maxEntries: 1,
        flags: 0x480,
        data: { section: '.kconfig', frozen: true, image: new Uint8Array(22) },
      },
    ]);
  });

  it('has its layout in BTF', () => {
    const { btf, maps } = object;
    const datasec = btf?.type(maps[0]?.valueType ?? 0);
    if (!btf || datasec?.kind !== 'DATASEC') throw new Error('the map has no DATASEC');
    expect(datasec.size).toBe(22);
    expect(datasec.vars.map(({ type, offset }) => [btf.name(type), offset])).toEqual([
      ['CONFIG_WIDE', 0],
      ['CONFIG_HZ', 8],
      ['CONFIG_TRI', 12],
      ['CONFIG_A', 16],
      ['CONFIG_B', 17],
      ['CONFIG_TEXT', 18],
    ]);
    for (const { type } of datasec.vars) expect(btf.type(type)).toMatchObject({ kind: 'VAR', linkage: 1 });
  });
});

describe('.ksyms', () => {
  const object = ksyms(
    { name: 'typed', type: 'u64', weak: true },
    { name: 'called', type: 'int (struct *)' },
    { name: 'bare', type: 'const void' },
  );

  it('remembers the declared types', () => {
    expect(object.externs).toEqual([
      { name: 'bare', weak: false, section: '.ksyms', kind: 'variable', type: 0 },
      { name: 'called', weak: false, section: '.ksyms', kind: 'function', type: TYPES['int (struct *)'] },
      { name: 'typed', weak: true, section: '.ksyms', kind: 'variable', type: TYPES.u64 },
    ]);
    expect(object.maps).toEqual([]);
  });

  it('is ints in BTF, and a dummy for functions', () => {
    const { btf } = object;
    if (!btf) throw new Error('no BTF');
    const dummy = btf.length - 1;
    expect(btf.type(dummy)).toMatchObject({ kind: 'VAR', name: 'dummy_ksym', type: TYPES.int, linkage: 1 });
    expect(btf.type(TYPES['int (struct *)'])).toMatchObject({ params: [{ name: 'dummy_ksym' }] });
    const [typed, called, bare, datasec] = [4, 3, 2, 1].map((back) => btf.type(dummy - back));
    expect(typed).toMatchObject({ name: 'typed', type: TYPES.int, linkage: 1 });
    expect(called).toMatchObject({ kind: 'FUNC', name: 'called', type: TYPES['int (struct *)'], linkage: 1 });
    expect(bare).toMatchObject({ name: 'bare', type: TYPES.int, linkage: 1 });
    expect(datasec).toMatchObject({
      size: 12,
      vars: [
        { type: typed?.id, offset: 0, size: 4 },
        { type: dummy, offset: 4, size: 4 },
        { type: bare?.id, offset: 8, size: 4 },
      ],
    });
  });

  it('has no dummy without functions', () => {
    const { btf } = ksyms({ name: 'bare', type: 'const void' });
    expect(btf?.type(btf.length - 1)).toMatchObject({ kind: 'DATASEC', size: 4 });
  });

  it('comes behind .kconfig', () => {
    const both = externObject({ '.ksyms': [{ name: 'a', type: 'u64' }], '.kconfig': [{ name: 'CONFIG_Z', type: 'bool' }] });
    expect(both.externs.map(({ name }) => name)).toEqual(['CONFIG_Z', 'a']);
  });
});

describe('refused', () => {
  it.each<[string, () => unknown, new (what: string) => Error, string]>([
    ['without BTF', () => openBuilt({ symbols: [{ name: 'f', type: STT_NOTYPE }] }), FormatError, 'f is not defined anywhere'],
    ['a function in .kconfig', () => kconfig({ name: 'f', type: 'int (struct *)' }), UnsupportedError, 'Extern function f'],
    ['what is defined here', () => ksyms({ name: 'v', type: 'int', linkage: 1 }), FormatError, 'describes it as defined here'],
    ['in no section', () => externObject({ '': [{ name: 'v', type: 'int' }] }), FormatError, "nor marked as the kernel's"],
    ['in another section', () => externObject({ '.data': [{ name: 'v', type: 'int' }] }), UnsupportedError, 'section .data'],
    ['no symbol', () => ksyms({ name: 'v', type: 'int' }, { name: 'w', type: 'int', unused: true }), FormatError, 'BTF lists w'],
  ])('%s', (_, run, type, message) => {
    expect(run).toThrow(type);
    expect(run).toThrow(message);
  });
});
