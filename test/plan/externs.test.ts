// Externs on a machine: the questions, the values of .kconfig, and what instructions become.

import { describe, expect, it } from 'vitest';
import { hex } from '../../src/bytes/index.js';
import { RelocationError, UnsupportedError } from '../../src/errors.js';
import { describeFacts, isWithFds, type KernelFacts, kconfigImage, planLoad, wanted } from '../../src/plan/index.js';
import { findSymbols, upstreamVersion, versionCode } from '../../src/syscall/index.js';
import { btfOf } from '../support/btf-types.js';
import { BASE_TYPES, type ExternInput, externObject, TYPES, type TypeName } from '../support/extern-object.js';

const config = (text: string): Partial<KernelFacts> => ({ kconfig: { file: '/boot/config', text } });
const kconfig = (...externs: ExternInput[]) => externObject({ '.kconfig': externs });
const imageOf = (extern: ExternInput, facts: Partial<KernelFacts>): string =>
  hex(kconfigImage(kconfig(extern), describeFacts(facts)));

describe('what is asked', () => {
  it('nothing of an object without externs', () => {
    expect(wanted(externObject({}))).toMatchObject({
      kconfig: false,
      kallsyms: [],
      kernelBtf: false,
      features: ['memcg_account', 'btf_func'],
    });
  });
  it('the configuration, symbols, types and features that externs need', () => {
    const object = externObject({
      '.kconfig': [
        { name: 'CONFIG_HZ', type: 'u32' },
        { name: 'LINUX_HAS_BPF_COOKIE', type: 'bool' },
        { name: 'LINUX_HAS_SYSCALL_WRAPPER', type: 'bool' },
      ],
      '.ksyms': [
        { name: 'bare', type: 'const void' },
        { name: 'typed', type: 'int' },
      ],
    });
    expect(wanted(object)).toMatchObject({
      kconfig: true,
      kallsyms: ['bare', '__x64_sys_bpf', '__arm64_sys_bpf'],
      kernelBtf: true,
      features: ['memcg_account', 'bpf_cookie', 'btf_func', 'btf_datasec'],
    });
    expect(wanted(externObject({ '.ksyms': [{ name: 'bare', type: 'const void' }] }))).toMatchObject({ kernelBtf: false });
    expect(wanted(kconfig({ name: 'LINUX_KERNEL_VERSION', type: 'int' }))).toMatchObject({ kconfig: false, kallsyms: [] });
  });
});

describe('values of .kconfig', () => {
  it.each<[TypeName, string, string]>([
    ['bool', 'y', '01'],
    ['bool', 'n', '00'],
    ['bool', 'yes', '01'],
    ['tristate', 'y', '01000000'],
    ['tristate', 'm', '02000000'],
    ['tristate', 'n', '00000000'],
    ['char', 'm', '6d'],
    ['char', '-128', '80'],
    ['u8', '255', 'ff'],
    ['u16', '0xffff', 'ffff'],
    ['s16', '-1', 'ffff'],
    ['int', '010', '08000000'],
    ['int', '-2147483648', '00000080'],
    ['u32', '+4294967295', 'ffffffff'],
    ['u64', '0xffffffffffffffff', 'ffffffffffffffff'],
    ['u64', '-1', 'ffffffffffffffff'],
    ['char[4]', '"ab"', '61620000'],
    ['char[4]', '""', '00000000'],
    ['char[4]', '"abcdef"', '61626300'],
    ['char[4]', '"a\\"b"', '615c2200'],
  ])('%s = %s', (type, value, expected) => {
    expect(imageOf({ name: 'CONFIG_X', type }, config(`# a comment\nCONFIG_X=${value}\n`))).toBe(expected);
  });

  it.each<[TypeName, string, string]>([
    ['bool', 'm', 'a module is neither true nor false'],
    ['bool', '1', 'the value is a number'],
    ['bool', '"y"', 'the value is a string'],
    ['int', 'y', 'the value is yes, no or module'],
    ['char[4]', 'n', 'the value is yes, no or module'],
    ['char[4]', '12', 'the value is a number'],
    ['char[4]', '"', 'the string has no end'],
    ['char[4]', '"ab', 'the string has no end'],
    ['tristate', '1', 'the value is a number'],
    ['char', '128', 'it does not fit 1 byte'],
    ['u8', '256', 'it does not fit 1 byte'],
    ['u8', '-1', 'it does not fit 1 byte'],
    ['s16', '32768', 'it does not fit 2 bytes'],
    ['u32', '4294967296', 'it does not fit 4 bytes'],
    ['u64', '18446744073709551616', 'it takes more than 64 bits'],
    ['int', '12x', 'it is no number'],
    ['int', '09', 'it is no number'],
    ['int', '0x', 'it is no number'],
  ])('%s = %s is refused', (type, value, why) => {
    const run = () => imageOf({ name: 'CONFIG_X', type, weak: true }, config(`CONFIG_X=${value}`));
    expect(run).toThrow(RelocationError);
    expect(run).toThrow(`Extern CONFIG_X cannot be set to ${value}: ${why}`);
  });

  it('the first setting counts', () => {
    expect(imageOf({ name: 'CONFIG_X', type: 'u8' }, config('CONFIG_X=1\nCONFIG_X=2'))).toBe('01');
  });
  it('what is not set is zero if it is weak, and an error if not', () => {
    const facts = config('# CONFIG_X is not set\nCONFIG_Y=y');
    expect(imageOf({ name: 'CONFIG_X', type: 'u32', weak: true }, facts)).toBe('00000000');
    expect(() => imageOf({ name: 'CONFIG_X', type: 'u32' }, facts)).toThrow(
      "Extern CONFIG_X is not set in the kernel's configuration (/boot/config)",
    );
  });
  it.each(['CONFIG_Z', 'CONFIG_Z='])('a line "%s" is an error, whoever it is for', (line) => {
    expect(() => imageOf({ name: 'CONFIG_X', type: 'u32', weak: true }, config(line))).toThrow('sets nothing');
  });
  it('a machine without a configuration is an error, even for weak externs', () => {
    expect(() => imageOf({ name: 'CONFIG_X', type: 'u32', weak: true }, {})).toThrow(UnsupportedError);
  });

  it.each<[string, TypeName, boolean, Partial<KernelFacts>, string]>([
    ['LINUX_KERNEL_VERSION', 'u32', false, { kernelVersion: 0x060c05 }, '050c0600'],
    ['LINUX_HAS_BPF_COOKIE', 'bool', false, {}, '01'],
    ['LINUX_HAS_BPF_COOKIE', 'int', false, { features: new Map() }, '00000000'],
    ['LINUX_HAS_SYSCALL_WRAPPER', 'bool', false, { kallsyms: new Map([['__x64_sys_bpf', [1n]]]) }, '01'],
    ['LINUX_HAS_SYSCALL_WRAPPER', 'bool', true, {}, '00'],
    ['LINUX_OTHER', 'u16', true, {}, '0000'],
  ])('%s in %s', (name, type, weak, facts, expected) => {
    expect(imageOf({ name, type, weak }, facts)).toBe(expected);
  });
  it.each<[string, boolean, TypeName, Partial<KernelFacts>, string]>([
    ['LINUX_OTHER', false, 'int', {}, 'No loader defines extern LINUX_OTHER'],
    ['OTHER', true, 'int', {}, 'No loader defines extern OTHER'],
    ['toString', true, 'int', {}, 'No loader defines extern toString'],
    ['LINUX_KERNEL_VERSION', false, 'bool', {}, 'the value is neither 0 nor 1'],
    ['LINUX_KERNEL_VERSION', false, 'u16', {}, 'it does not fit 2 bytes'],
    ['LINUX_KERNEL_VERSION', false, 'int', { kernelVersion: 0 }, "The kernel's version is not known"],
  ])('%s (weak: %s) in %s is refused', (name, weak, type, facts, message) => {
    expect(() => imageOf({ name, type, weak }, facts)).toThrow(message);
  });
});

describe('instructions', () => {
  const kernel = btfOf([
    ...BASE_TYPES,
    { kind: 'VAR', name: 'there', type: TYPES.int, linkage: 1 },
    { kind: 'FUNC', name: 'called', type: TYPES['int (struct *)'], linkage: 0 },
    { kind: 'FUNC_PROTO', type: TYPES.int, params: [] },
    { kind: 'FUNC', name: 'changed', type: BASE_TYPES.length + 3, linkage: 0 },
  ]);
  const VAR_ID = (BASE_TYPES.length + 1).toString(16).padStart(2, '0');
  const FUNC_ID = (BASE_TYPES.length + 2).toString(16).padStart(2, '0');
  const FACTS: Partial<KernelFacts> = {
    kernelBtf: kernel,
    kallsyms: new Map([
      ['bare', [0xffffffff81000000n]],
      ['twice', [1n, 2n]],
    ]),
    ...config('CONFIG_HZ=250\nCONFIG_Y=y'),
  };
  const FUNCTION = 'int (struct *)';
  const planned = (section: '.kconfig' | '.ksyms', externs: readonly ExternInput[], how: 'calls' | 'loads') => {
    const names = externs.map(({ name }) => name);
    const steps = planLoad(externObject({ [section]: externs }, { [how]: names }), describeFacts(FACTS));
    const load = steps.find((step) => step.call === 'bpf' && step.cmd === 'BPF_PROG_LOAD');
    const insns = load?.call === 'bpf' ? load.attr.insns : undefined;
    if (typeof insns !== 'object' || !isWithFds(insns)) throw new Error('no program is loaded');
    return { steps, fds: insns.fds, insns: hex(insns.bytes).replace(/9500000000000000$/, '') };
  };

  it.each<[string, ExternInput, string]>([
    ['an address', { name: 'bare', type: 'const void' }, '1801000000000081 00000000ffffffff'],
    ['no address', { name: 'none', type: 'const void', weak: true }, '1801000000000000 0000000000000000'],
    ['a variable', { name: 'there', type: 'int' }, `18310000${VAR_ID}000000 0000000000000000`],
    ['a variable with other signs and sizes', { name: 'there', type: 'u64' }, `18310000${VAR_ID}000000 0000000000000000`],
    ['no variable', { name: 'none', type: 'int', weak: true }, '1801000000000000 0000000000000000'],
    ['a function', { name: 'called', type: FUNCTION }, `18310000${FUNC_ID}000000 0000000000000000`],
    ['a flavor of it', { name: 'called___x', type: FUNCTION }, `18310000${FUNC_ID}000000 0000000000000000`],
    ['no function', { name: 'none', type: FUNCTION, weak: true }, '1801000000000000 0000000000000000'],
    ['another function', { name: 'changed', type: FUNCTION, weak: true }, '1801000000000000 0000000000000000'],
  ])('loading %s', (_, extern, expected) => {
    expect(planned('.ksyms', [extern], 'loads')).toMatchObject({ insns: expected.replace(' ', ''), fds: [] });
  });

  it('calling functions, there or not', () => {
    const externs: ExternInput[] = [
      { name: 'called', type: FUNCTION },
      { name: 'none', type: FUNCTION, weak: true },
      { name: 'another', type: FUNCTION, weak: true },
    ];
    // In the order of their names: another 0, called 1, none 2.
    expect(planned('.ksyms', externs, 'calls').insns).toBe(
      `85200000${FUNC_ID}000000 8500000082185477 8500000080185477`.replace(/ /g, ''),
    );
  });

  it('loading the address of a setting', () => {
    const { steps, fds, insns } = planned(
      '.kconfig',
      [
        { name: 'CONFIG_Y', type: 'bool' },
        { name: 'CONFIG_HZ', type: 'u32' },
      ],
      'loads',
    );
    expect(insns).toBe('18210000000000000000000004000000 18210000000000000000000000000000'.replace(' ', ''));
    expect(fds).toEqual([4, 20].map((at) => ({ at, ref: { fd: 'map built.kconfig' } })));
    expect(steps.map(({ id }) => id)).toEqual([
      'btf',
      'map built.kconfig',
      'map built.kconfig contents',
      'map built.kconfig freeze',
      'prog x',
      'prog x binds built.kconfig',
    ]);
    expect(steps[2]).toMatchObject({ attr: { value: Uint8Array.of(250, 0, 0, 0, 1) } });
  });

  it.each<[string, ExternInput, 'calls' | 'loads', string]>([
    ['no symbol', { name: 'none', type: 'const void' }, 'loads', 'The kernel has no symbol none in /proc/kallsyms'],
    ['two symbols', { name: 'twice', type: 'const void' }, 'loads', 'several symbols twice, at 0x1 and 0x2'],
    ['no variable', { name: 'none', type: 'int' }, 'loads', "The kernel's BTF has no variable none"],
    ['another variable', { name: 'there', type: 'struct', weak: true }, 'loads', 'but the kernel has int'],
    ['no function', { name: 'none', type: FUNCTION }, 'calls', "The kernel's BTF has no function none"],
    ['another function', { name: 'changed', type: FUNCTION }, 'calls', 'Extern changed is declared as'],
    ['a call of a variable', { name: 'there', type: 'int' }, 'calls', 'An extern that is no function is called'],
  ])('%s is refused', (_, extern, how, message) => {
    const run = () => planned('.ksyms', [extern], how);
    expect(run).toThrow(RelocationError);
    expect(run).toThrow(message);
  });

  it('without the types of the kernel nothing typed is found', () => {
    const object = externObject({ '.ksyms': [{ name: 'there', type: 'int', weak: true }] });
    expect(() => planLoad(object, describeFacts())).toThrow(UnsupportedError);
  });
});

describe('what the machine says', () => {
  it('symbols by name, each address once; hashes of static variables do not count', () => {
    const text = [
      'ffffffff81000000 T _text',
      'ffffffff81000010 t twice\t[a]',
      'ffffffff81000020 t twice\t[b]',
      'ffffffff81000020 t twice\t[b]',
      'ffffffff81000030 d hashed.llvm.123',
      'ffffffff81000040 t code.llvm.123',
      '',
    ].join('\n');
    expect(findSymbols(text, ['_text', 'twice', 'hashed', 'code', 'none'])).toEqual(
      new Map([
        ['_text', [0xffffffff81000000n]],
        ['twice', [0xffffffff81000010n, 0xffffffff81000020n]],
        ['hashed', [0xffffffff81000030n]],
      ]),
    );
  });

  it.each([
    ['', '#1 SMP PREEMPT_DYNAMIC @0', '6.18.44-fc', 0x06122c],
    ['Ubuntu 5.15.0-91.101-generic 5.15.131\n', '#101-Ubuntu SMP', '5.15.0-91-generic', 0x050f83],
    ['', '#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)', '6.1.0-18-amd64', 0x06014c],
    ['', '', '4.14.336', 0x040eff],
  ])('%j, %j, %j', (signature, uname, release, expected) => {
    expect(versionCode(upstreamVersion(signature, uname, release))).toBe(expected);
  });
});
