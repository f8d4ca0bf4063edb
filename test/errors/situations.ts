// Things that go wrong, each as a user meets it: through open(), plan(), load() and attach(), the linker, or a file of types. What
// is said of each is in goldens/NAME.txt.

import { join } from 'node:path';
import { type LoadOptions, open } from '../../src/api/index.js';
import { type BtfTypeInput, encodeBtf, parseBtf } from '../../src/btf/index.js';
import { fromHex, hex, region, utf8Bytes } from '../../src/bytes/index.js';
import { parseElf } from '../../src/elf/index.js';
import { linkObjects } from '../../src/linker/index.js';
import { dryRunKernel } from '../../src/load/index.js';
import type { KernelFacts } from '../../src/plan/index.js';
import { SHF_EXECINSTR, SHT_REL, STB_GLOBAL, STB_LOCAL, STT_FUNC, STT_OBJECT } from '../../src/uapi/elf.js';
import { BPF_MAP_TYPE } from '../../src/uapi/enums.js';
import { array, INT, int, proto, ptr, struct } from '../support/btf-types.js';
import { buildElf, type ElfInput, relEntries, type SymbolInput } from '../support/elf-builder.js';
import { type ExternInput, externElf } from '../support/extern-object.js';
import { DECLARES, DEFINES } from '../support/linkable.js';
import { type Field, mapElf, programsElf } from '../support/object-builder.js';
import { command, facts, KERNEL_TYPES, load, objectFile, refused, refusing, withoutStructOps } from './kernel.js';
import type { Machine } from './machine.js';

export interface Situation {
  readonly name: string;
  /** What is broken. */
  readonly broken: string;
  readonly provoke: () => unknown;
  readonly machine?: Machine;
}

const situation = (name: string, broken: string, provoke: () => unknown, machine?: Machine): Situation => ({
  name,
  broken,
  provoke,
  ...(machine && { machine }),
});

const NAME = 'app.bpf.o';

const built = (input: ElfInput) => open(buildElf(input), { name: NAME });

/** Loads and attaches, on the described machine unless something else is said. */
function run(input: ElfInput | Uint8Array, { known, ...options }: LoadOptions & { known?: Partial<KernelFacts> } = {}): void {
  using object = input instanceof Uint8Array ? open(input, { name: NAME }) : built(input);
  const all = facts(known);
  object.load({ facts: all, kernel: dryRunKernel(all), ...options }).attach();
}

const type =
  (id: number): Field =>
  () => [ptr(id)];
const HASH = BPF_MAP_TYPE.BPF_MAP_TYPE_HASH;
const map = (...fields: readonly (readonly [string, Field])[]) => mapElf(fields);
const hash = (entries = 16) => map(['type', HASH], ['key', type(1)], ['value', type(1)], ['max_entries', entries]);
const pinned = () => map(['type', HASH], ['key', type(1)], ['value', type(1)], ['max_entries', 16], ['pinning', 1]);
const ring = (bytes: number) => map(['type', BPF_MAP_TYPE.BPF_MAP_TYPE_RINGBUF], ['max_entries', bytes]);

const EXIT = '9500000000000000';
const RETURN_0 = `b700000000000000${EXIT}`;
const CALL = '85100000ffffffff';
const LD_IMM64 = '18010000000000000000000000000000';

/** A program whose first instruction refers to a symbol, and a function in .text. */
const referring = (insn: string, symbol: SymbolInput, more: Partial<ElfInput> = {}): ElfInput => ({
  sections: [
    { name: '.text', data: fromHex(RETURN_0), flags: 2 | SHF_EXECINSTR },
    { name: 'raw_tp/sys_enter', data: fromHex(insn + RETURN_0), flags: 2 | SHF_EXECINSTR },
    {
      name: '.relraw_tp/sys_enter',
      type: SHT_REL,
      data: relEntries([{ offset: 0, symbol: 2 }]),
      info: 'raw_tp/sys_enter',
      entsize: 16,
    },
    ...(more.sections ?? []),
  ],
  symbols: [
    { name: 'trace', section: 'raw_tp/sys_enter', type: STT_FUNC, size: (insn + RETURN_0).length / 2 },
    symbol,
    ...(more.symbols ?? []),
  ],
});

const externs = (section: '.kconfig' | '.ksyms', extern: ExternInput, isCalled = false): ElfInput =>
  externElf({ [section]: [extern] }, isCalled ? { calls: [extern.name] } : { loads: [extern.name] });
const configured = (text: string): Partial<KernelFacts> => ({ kconfig: { file: '/boot/config-6.12.0', text } });

/** One type, and where a string of .BTF.ext starts: an object with one CO-RE record. */
function core(
  access: string,
  insn: string,
  types: readonly BtfTypeInput[] = [INT, struct('task_struct', 8, ['pid', 1, 0])],
): ElfInput {
  const names: BtfTypeInput[] = [
    { kind: 'TYPEDEF', name: access, type: 1 },
    { kind: 'TYPEDEF', name: 'raw_tp/x', type: 1 },
  ];
  const btf = encodeBtf([...types, ...names]);
  const strings = new TextDecoder('latin1').decode(btf.subarray(24 + new DataView(btf.buffer).getUint32(12, true)));
  const at = (name: string) => strings.indexOf(`\0${name}\0`) + 1;
  const words = [0xeb9f | (1 << 16), 32, 0, 0, 0, 0, 0, 28, 16, at('raw_tp/x'), 1, 0, 2, at(access), 0];
  return {
    sections: [
      { name: 'raw_tp/x', data: fromHex(insn + RETURN_0), flags: 2 | SHF_EXECINSTR },
      { name: '.BTF', data: btf },
      { name: '.BTF.ext', data: new Uint8Array(Uint32Array.from(words).buffer) },
    ],
    symbols: [{ name: 'trace', section: 'raw_tp/x', type: STT_FUNC, size: (insn + RETURN_0).length / 2 }],
  };
}

const arena = (pages: number, bytes: number): ElfInput => {
  const input = map(['type', BPF_MAP_TYPE.BPF_MAP_TYPE_ARENA], ['max_entries', pages], ['map_flags', 1 << 10]);
  return { ...input, sections: [...(input.sections ?? []), { name: '.addr_space.1', data: new Uint8Array(bytes), flags: 3 }] };
};

const link = (...files: readonly (readonly [name: string, bytes: Uint8Array])[]) =>
  linkObjects(files.map(([file, bytes]) => parseElf(region(bytes, { file }))));
const license = (text: string, littleEndian = true) =>
  buildElf({ littleEndian, sections: [{ name: 'license', data: utf8Bytes(`${text}\0`), flags: 3 }], symbols: [] });

/** A license may be changed in place; this one is no GPL. */
const proprietary = (bytes: Uint8Array): Uint8Array =>
  fromHex(hex(bytes).replace(hex(utf8Bytes('GPL\0')), hex(utf8Bytes('BSD\0'))));

const TRACEFS: Machine['files'] = {
  '/sys/kernel/tracing/events': ['sched', 'syscalls'],
  '/sys/kernel/tracing/events/sched': ['sched_process_exec', 'sched_process_exit', 'sched_switch'],
  '/sys/kernel/tracing/events/sched/sched_process_exec/id': { errno: 'EACCES' },
};
const tracepoint = (name: string) => () => built(programsElf(`tp/${name}`)).load();

const file = (name: string, broken: string, contents: Uint8Array | string | readonly string[], path = NAME): Situation =>
  situation(name, broken, () => open(path), { files: { [path]: contents } });

const old32 = buildElf(programsElf('xdp'));
old32[4] = 1;

const FILES: readonly Situation[] = [
  situation('file-missing', 'there is no such file', () => open('no-such.bpf.o')),
  situation('file-unreadable', 'the file may not be read', () => open('/root/app.bpf.o'), {
    files: { '/root/app.bpf.o': { errno: 'EACCES' } },
  }),
  file('file-directory', 'the name is that of a directory', ['app.bpf.o'], 'build'),
  file('file-empty', 'the file has no bytes', new Uint8Array()),
  file('file-c-source', 'the file is the source', '#include "vmlinux.h"\n', 'app.bpf.c'),
  file('file-text', 'the file is text', '{\n  "name": "app"\n}\n', 'package.json'),
  file('file-bitcode', 'the file is LLVM bitcode', fromHex('4243c0de35140000')),
  file('file-raw-btf', 'the file is raw BTF', KERNEL_TYPES, 'vmlinux.btf'),
  file('file-32-bit', 'the file is 32-bit ELF', old32),
  file('file-x86', 'the file is an object for another machine', buildElf({ machine: 62, symbols: [] }), 'app.o'),
  file('file-truncated', 'the end of the file is missing', objectFile('refusals').slice(0, 4000)),
  file('file-short', 'the file ends in its header', objectFile('refusals').slice(0, 40)),
  situation('file-stripped', 'strip removed the symbols', () => built({ sections: programsElf('xdp').sections ?? [] })),
  situation('file-legacy-maps', 'maps in the form that libbpf dropped', () =>
    built({ sections: [{ name: 'maps', data: new Uint8Array(20), flags: 3 }], symbols: [] }),
  ),
  situation('file-without-btf', 'maps, and no -g', () => {
    const { sections = [], symbols = [] } = hash();
    built({ sections: sections.filter(({ name }) => name !== '.BTF'), symbols });
  }),
  situation('file-broken-btf', 'the types do not fit their section', () => {
    const { sections = [], symbols = [] } = hash();
    built({
      sections: sections.map((section) =>
        section.name === '.BTF' && section.data ? { ...section, data: section.data.subarray(0, 60) } : section,
      ),
      symbols,
    });
  }),
  situation('file-big-endian', 'the object is for a big-endian machine', () =>
    run({ ...programsElf('xdp'), littleEndian: false }),
  ),
];

const MAPS: readonly Situation[] = [
  situation('map-unknown-field', 'a field is misspelt', () => built(map(['type', HASH], ['max_entires', 16]))),
  situation('map-no-type', 'a map without a type', () => built(map(['key', type(1)], ['max_entries', 16]))),
  situation('map-key-conflict', 'two fields say other sizes', () =>
    built(map(['type', HASH], ['key_size', 8], ['key', type(1)], ['value', type(1)])),
  ),
  situation('map-static', 'a static map', () => built(mapElf([['type', HASH]], { linkage: 0 }))),
  situation('map-bad-pinning', 'pinning is neither 0 nor 1', () => built(map(['type', HASH], ['pinning', 2]))),
  situation('map-bad-macro', 'a number is given as a type', () => built(map(['type', HASH], ['max_entries', type(1)]))),
  situation('map-bad-type-macro', 'a type is given as a number of another kind', () =>
    built(map(['type', HASH], ['key', () => [array(1, 4)]])),
  ),
  situation('map-values-misuse', 'values in a map that is no map of maps', () =>
    built(map(['type', HASH], ['values', (at) => [array(at + 1, 0), ptr(1)]])),
  ),
  situation('map-values-not-last', 'a field after values', () =>
    built(
      map(['type', BPF_MAP_TYPE.BPF_MAP_TYPE_PROG_ARRAY], ['values', (at) => [array(at + 1, 0), ptr(1)]], ['max_entries', 4]),
    ),
  ),
  situation('map-values-no-map', 'values that are no maps', () =>
    built(map(['type', BPF_MAP_TYPE.BPF_MAP_TYPE_ARRAY_OF_MAPS], ['values', (at) => [array(at + 1, 0), ptr(1)]])),
  ),
  situation('arena-missing', 'variables in an arena, and no arena', () => {
    const { sections = [], symbols = [] } = arena(1, 100);
    built({ sections: sections.filter(({ name }) => name === '.addr_space.1'), symbols: symbols.slice(1) });
  }),
  situation('arena-too-small', 'the variables do not fit the arena', () => run(arena(1, 10_000))),
  situation('map-name-misspelt', 'a setting names no map', () =>
    open(objectFile('refusals'), { name: 'refusals.bpf.o' }).map('ar'),
  ),
  situation('map-size-no-number', 'a setting is no size', () => {
    built(ring(4096)).map('m').maxEntries = -1;
  }),
];

const PROGRAMS: readonly Situation[] = [
  situation('section-unknown', 'SEC() is misspelt', () => run(programsElf('tracepont/sched/sched_process_exec'))),
  situation('section-unlike-any', 'SEC() is a name of its own', () => run(programsElf('my_program'))),
  situation('section-with-target', 'SEC() has a target where none belongs', () => run(programsElf('xdp/eth0'))),
  situation('program-static', 'a static program', () => {
    const { sections = [], symbols = [] } = programsElf('xdp');
    built({ sections, symbols: symbols.map((symbol) => ({ ...symbol, binding: STB_LOCAL })) });
  }),
  situation('program-crosses-section', 'a program ends behind its section', () => {
    const { sections = [], symbols = [] } = programsElf('xdp');
    built({ sections, symbols: symbols.map((symbol) => ({ ...symbol, size: 64 })) });
  }),
  situation('program-ragged', 'a program of half instructions', () => {
    const { sections = [], symbols = [] } = programsElf('xdp');
    built({ sections, symbols: symbols.map((symbol) => ({ ...symbol, size: 12 })) });
  }),
  situation('program-name-misspelt', 'a setting names no program', () => load('refusals', 'null_chek')),
  situation('variable-misspelt', 'a constant is set that is not there', () => {
    const object = open(join(import.meta.dirname, '../../fixtures/bootstrap.bpf.o'), { name: NAME });
    object.rodata.min_duration_nsec = 5n;
  }),
];

const REFERENCES: readonly Situation[] = [
  situation('call-undefined', 'a function is declared, and defined nowhere', () => built(referring(CALL, { name: 'helper' }))),
  situation('call-of-program', 'a call of a function with SEC()', () =>
    built(
      referring(
        CALL,
        { name: 'other', section: 'xdp', type: STT_FUNC, size: 16 },
        { sections: [{ name: 'xdp', data: fromHex(RETURN_0), flags: 2 | SHF_EXECINSTR }] },
      ),
    ),
  ),
  situation('call-nowhere', 'a call into a hole of .text', () =>
    run(referring(CALL, { name: '.text', section: '.text', type: 3, binding: STB_LOCAL })),
  ),
  situation('variable-undefined', 'an extern variable that nobody defines', () =>
    built(externElf({ '': [{ name: 'counter', type: 'int' }] }, { loads: ['counter'] })),
  ),
  situation('variable-common', 'a variable without a section', () =>
    built(referring(LD_IMM64, { name: 'counter', section: 0xfff2, type: STT_OBJECT, binding: STB_GLOBAL })),
  ),
  situation('reference-elsewhere', 'a reference into a section that is not loaded', () =>
    built(
      referring(
        LD_IMM64,
        { name: 'note', section: '.mydata', type: STT_OBJECT, binding: STB_GLOBAL },
        { sections: [{ name: '.mydata', data: new Uint8Array(8), flags: 3 }] },
      ),
    ),
  ),
  situation('reference-odd', 'a relocation of an instruction that takes none', () =>
    built(referring('b700000000000000', { name: 'helper', section: '.text', type: STT_FUNC, size: 16 })),
  ),
];

const EXTERNS: readonly Situation[] = [
  situation('ksym-missing', 'a symbol that the kernel does not have', () =>
    run(externs('.ksyms', { name: 'no_such_symbol', type: 'const void' })),
  ),
  situation('ksym-twice', 'two symbols of one name', () =>
    run(externs('.ksyms', { name: 'init', type: 'const void' }), {
      known: { kallsyms: new Map([['init', [0xffff1000n, 0xffff2000n]]]) },
    }),
  ),
  situation('ksym-variable-missing', 'a variable that the kernel does not have', () =>
    run(externs('.ksyms', { name: 'runqueue', type: 'int' })),
  ),
  situation('ksym-incompatible', 'a variable that has another type', () =>
    run(externs('.ksyms', { name: 'runqueues', type: 'struct' })),
  ),
  situation('kfunc-missing', 'a kernel function that is not there', () =>
    run(externs('.ksyms', { name: 'bpf_task_acquir', type: 'int (struct *)' }, true)),
  ),
  situation('kfunc-incompatible', 'a kernel function of another type', () =>
    run(externs('.ksyms', { name: 'bpf_task_acquire', type: 'int (struct *)' }, true)),
  ),
  situation('kfunc-weak-reached', 'a weak kernel function is called where it is not there', () =>
    refused('core', 'kfunc', undefined, 'EINVAL'),
  ),
  situation('kconfig-unset', 'a setting that is not set', () =>
    run(externs('.kconfig', { name: 'CONFIG_HZ', type: 'u32' }), { known: configured('CONFIG_SMP=y\n# CONFIG_HZ is not set\n') }),
  ),
  situation('kconfig-does-not-fit', 'a setting that is too large for its variable', () =>
    run(externs('.kconfig', { name: 'CONFIG_HZ', type: 'u8' }), { known: configured('CONFIG_HZ=1000\n') }),
  ),
  situation('kconfig-other-kind', 'a setting of another kind than its variable', () =>
    run(externs('.kconfig', { name: 'CONFIG_SMP', type: 'bool' }), { known: configured('CONFIG_SMP=m\n') }),
  ),
  situation('kconfig-bad-type', 'an extern of a type that no setting has', () =>
    built(externs('.kconfig', { name: 'CONFIG_HZ', type: 'struct' })),
  ),
  situation('kconfig-unknown-name', 'an extern that no loader knows', () =>
    run(externs('.kconfig', { name: 'LINUX_KERNEL_VERSIO', type: 'int' })),
  ),
  situation(
    'kconfig-absent',
    'this machine does not have its configuration',
    () => built(externs('.kconfig', { name: 'CONFIG_HZ', type: 'u32' })).load(),
    {},
  ),
];

const CORE: readonly Situation[] = [
  situation('core-field-missing', 'a field that this kernel does not have is read', () =>
    refused('core', 'field', undefined, 'EINVAL'),
  ),
  situation('core-type-missing', 'a type that this kernel does not have is read', () =>
    refused('core', 'type', undefined, 'EINVAL'),
  ),
  situation('core-enumerator-missing', 'an enumerator that this kernel does not have is used', () =>
    refused('core', 'enumerator', undefined, 'EINVAL'),
  ),
  situation('core-size-changed', 'a field has another size, and its load cannot be changed', () =>
    refused('core', 'resized', undefined, 'EINVAL'),
  ),
  situation('core-ambiguous', 'two types of the kernel would do, with other offsets', () => load('core', 'ambiguous')),
  situation('core-malformed-access', 'an access string that is none', () => run(core('0:x', 'b701000000000000'))),
  situation('core-access-too-far', 'an access string past the last member', () => run(core('0:7', 'b701000000000000'))),
  situation('core-relocated-before', 'the instruction does not hold what the compiler wrote', () =>
    run(core('0:0', 'b701000063000000')),
  ),
  situation('core-anonymous', 'a type without a name', () =>
    run(core('0:0', 'b701000000000000', [INT, struct('', 8, ['pid', 1, 0])])),
  ),
  situation('core-no-types', 'the types of the kernel are not known', () =>
    load('core', 'field', facts({ kernelBtf: undefined })),
  ),
  situation('btf-of-nothing', '--btf names an ELF file without types', () => open(objectFile('core'), { btf: 'vmlinux' }), {
    files: { vmlinux: buildElf({ machine: 62, symbols: [] }) },
  }),
  situation('btf-no-btf', '--btf names something else', () => open(objectFile('core'), { btf: 'config' }), {
    files: { config: 'CONFIG_SMP=y\n' },
  }),
];

const TARGETS: readonly Situation[] = [
  situation('fentry-missing', 'a function that the kernel does not have', () => run(programsElf('fentry/vfs_raed'))),
  situation('fentry-module', 'a function of a module that is not loaded', () => run(programsElf('fentry/xfs:xfs_file_open'))),
  situation('fentry-bare', 'a section without a target', () => run(programsElf('fentry'))),
  situation('fentry-no-types', 'the kernel has no BTF', () =>
    run(programsElf('fentry/vfs_read'), { known: { kernelBtf: undefined } }),
  ),
  situation('tp-btf-missing', 'a tracepoint that the kernel does not have', () => run(programsElf('tp_btf/sched_proces_exec'))),
  situation('lsm-missing', 'an LSM hook that the kernel does not have', () => run(programsElf('lsm/file_opn'))),
  situation('iter-missing', 'an iterator that the kernel does not have', () => run(programsElf('iter/tsk'))),
  situation('freplace-no-target', 'nobody said which program is replaced', () => run(programsElf('freplace/victim'))),
  situation('freplace-no-function', 'the other program does not have the function', () => {
    using object = built(programsElf('freplace/victm'));
    object.program('p0').attachTo(9);
    const btf = parseBtf(region(encodeBtf([INT, proto(1, 1), { kind: 'FUNC', name: 'victim', type: 2, linkage: 1 }])));
    object.load({ facts: facts({ programBtfs: new Map([[9, btf]]) }) });
  }),
  situation('tracepoint-malformed', 'a tracepoint without its category', () => run(programsElf('tp/sched_process_exec'))),
  situation('tracepoint-missing', 'a tracepoint that this kernel does not have', tracepoint('sched/sched_proces_exec'), {
    files: TRACEFS,
  }),
  situation('tracepoint-no-category', 'a category that this kernel does not have', tracepoint('shed/sched_process_exec'), {
    files: TRACEFS,
  }),
  situation('struct-ops-missing', 'a structure that this kernel does not have', () =>
    load('ops', 'demo_open', facts({ kernelBtf: withoutStructOps })),
  ),
  situation('struct-ops-member-missing', 'a member is set that this kernel does not have', () => load('ops', 'demo_open')),
  situation('struct-ops-unreferenced', 'a program that no structure refers to', () => {
    using object = open(objectFile('ops'), { name: 'ops.bpf.o' });
    object.structOps('demo').close = null;
    object.program('lonely').autoload = true;
    object.load({ facts: facts(), kernel: dryRunKernel(facts()) });
  }),
];

const PROG_LOAD = command('BPF_PROG_LOAD');
const MAP_CREATE = command('BPF_MAP_CREATE');
const PIN_HERE = { pinFolders: new Map([['/sys/fs/bpf', 'bpffs' as const]]) };

const MACHINE: readonly Situation[] = [
  situation('no-kernel-btf', 'the kernel shows no types', () => built(programsElf('fentry/vfs_read')).load(), {}),
  situation('rights-map', 'no right to make a map', () => run(hash(), { kernel: refusing(MAP_CREATE, 'EPERM') })),
  situation('rights-program', 'no right to load a program', () =>
    run(programsElf('kprobe'), { kernel: refusing(PROG_LOAD, 'EPERM') }),
  ),
  situation('rights-fentry', 'the kernel does not let itself be patched', () =>
    run(programsElf('fentry/vfs_read'), { kernel: refusing(PROG_LOAD, 'EPERM') }),
  ),
  situation('rights-perf-event', 'no right to open a perf event', () =>
    run(programsElf('tp/sched/sched_process_exec'), { kernel: refusing((step) => step.call === 'perf_event_open', 'EACCES') }),
  ),
  situation('rights-tracefs', 'tracefs may not be read', tracepoint('sched/sched_process_exec'), { files: TRACEFS }),
  situation('tracefs-unmounted', 'tracefs is not mounted, and may not be', tracepoint('sched/sched_process_exec'), {}),
  situation('tracefs-unknown', 'the kernel has no tracefs', tracepoint('sched/sched_process_exec'), {
    calls: { bpf: -1, fsopen: -19 },
  }),
  situation('no-bpf-syscall', 'the kernel has no bpf(2)', () => run(hash(), { kernel: refusing(MAP_CREATE, 'ENOSYS') })),
  situation('memlock', 'an old kernel counts maps against a limit that cannot be raised', () => {
    const features = new Map([...facts().features, ['memcg_account', false] as const]);
    run(hash(), {
      known: { features },
      kernel: refusing((step) => MAP_CREATE(step) || step.call === 'prlimit64', 'EPERM'),
    });
  }),
  situation('map-too-big', 'a map of more elements than the kernel allows', () =>
    run(hash(0x7fffffff), { kernel: refusing(MAP_CREATE, 'E2BIG') }),
  ),
  situation('map-no-memory', 'no memory for a map', () => run(hash(1 << 24), { kernel: refusing(MAP_CREATE, 'ENOMEM') })),
  situation('map-refused', 'a map type that the kernel does not take', () =>
    run(map(['type', 99], ['max_entries', 1]), { kernel: refusing(MAP_CREATE, 'EINVAL') }),
  ),
  situation('ring-without-size', 'a ring buffer of no size', () => run(ring(0), { kernel: refusing(MAP_CREATE, 'EINVAL') })),
  situation('pin-differs', 'something else is pinned under the name', () =>
    run(pinned(), {
      known: {
        ...PIN_HERE,
        pins: new Map([['/sys/fs/bpf/m', { type: HASH, keySize: 4, valueSize: 8, maxEntries: 1024, flags: 0, extra: 0n }]]),
      },
    }),
  ),
  situation('pin-no-bpffs', 'the directory is of no BPF file system', () => {
    using object = open(buildElf(pinned()), { name: NAME, pinRoot: '/run/app' });
    object.load({ facts: facts({ pinFolders: new Map([['/run/app', 'other file system']]) }) });
  }),
  situation('pin-dot', 'a dot in the name of what is pinned', () => {
    using object = built(hash());
    object.map('m').pinPath = '/sys/fs/bpf/app.m';
    object.load({ facts: facts(PIN_HERE) });
  }),
  situation('pin-relative', 'a path to pin at that is not absolute', () => {
    built(hash()).map('m').pinPath = 'maps/m';
  }),
  situation('pin-refused', 'no right to pin', () =>
    run(pinned(), { known: PIN_HERE, kernel: refusing(command('BPF_OBJ_PIN'), 'EACCES') }),
  ),
  situation('pin-folder-hidden', 'the directory may not be looked at', () => built(pinned()).load(), {
    files: { '/sys/fs/bpf': { errno: 'EACCES' } },
  }),
  situation('token-none', 'the BPF file system hands nothing on', () =>
    run(programsElf('xdp'), { token: '/sys/fs/bpf', kernel: refusing(command('BPF_TOKEN_CREATE'), 'ENOENT') }),
  ),
  situation('token-no-folder', 'there is no such BPF file system', () =>
    run(programsElf('xdp'), { token: '/run/bpf', kernel: refusing((step) => step.call === 'open', 'ENOENT') }),
  ),
  situation('program-type-unknown', 'the kernel does not know the type of program', () =>
    run(programsElf('netfilter'), { kernel: refusing(PROG_LOAD, 'EINVAL') }),
  ),
  situation('program-too-long', 'more instructions than the kernel takes', () =>
    run(programsElf('xdp'), { kernel: refusing(PROG_LOAD, 'E2BIG') }),
  ),
  situation('btf-refused', 'the kernel refuses the types of the object', () => {
    using object = open(objectFile('ops'), { name: 'ops.bpf.o' });
    object.structOps('demo').close = null;
    const log = 'magic: 0xeb9f\nversion: 1\n[12] FUNC demo_open type_id=11 Invalid arg#1\n';
    const kernel = refusing(command('BPF_BTF_LOAD'), 'EINVAL', { log, field: 'btf_log_buf' });
    object.load({ facts: facts(), kernel });
  }),
  situation('attach-twice', 'the program is attached there already', () =>
    run(programsElf('fentry/vfs_read'), { kernel: refusing(command('BPF_LINK_CREATE'), 'EEXIST') }),
  ),
  situation('attach-refused', 'the kernel has no link of this kind', () =>
    run(programsElf('fsession/vfs_read'), { kernel: refusing(command('BPF_LINK_CREATE'), 'EINVAL') }),
  ),
  situation('attach-busy', 'something else is attached to the function', () =>
    run(programsElf('fmod_ret/vfs_read'), { kernel: refusing(command('BPF_LINK_CREATE'), 'EBUSY') }),
  ),
  situation('attach-old-kernel', 'the perf event of an old kernel has a program', () => {
    const features = new Map([...facts().features, ['perf_link', false] as const]);
    const kernel = refusing((step) => step.call === 'ioctl' && step.request === 'PERF_EVENT_IOC_SET_BPF', 'EEXIST');
    run(programsElf('tp/sched/sched_process_exec'), { known: { features }, kernel });
  }),
  situation('raw-tracepoint-missing', 'a raw tracepoint that the kernel does not have', () =>
    run(programsElf('raw_tp/sys_entr'), { kernel: refusing(command('BPF_RAW_TRACEPOINT_OPEN'), 'ENOENT') }),
  ),
  situation('struct-ops-busy', 'the structure is in use already', () => {
    using object = open(objectFile('ops'), { name: 'ops.bpf.o' });
    object.structOps('demo').close = null;
    object.load({ facts: facts(), kernel: refusing(command('BPF_LINK_CREATE'), 'EEXIST') }).attach();
  }),
];

const VERIFIER: readonly Situation[] = [
  situation('verifier-null', 'a pointer that may be NULL', () => refused('refusals', 'null_check', '6.18-null_check.log')),
  situation('verifier-null-5.10', 'the same, in the words of Linux 5.10', () =>
    refused('refusals', 'null_check', '5.10-null_check.log'),
  ),
  situation('verifier-null-7.3', 'the same, in the report of Linux 7.3', () =>
    refused('refusals', 'null_check', '7.3-null_check.log'),
  ),
  situation('verifier-unbounded', 'an index without a bound', () => refused('refusals', 'unbounded', '6.18-unbounded.log')),
  situation('verifier-leak', 'a record that is not given back', () => refused('refusals', 'leak', '6.18-leak.log', 'EINVAL')),
  situation('verifier-packet', 'an access past the packet', () => refused('refusals', 'packet', '6.18-packet.log')),
  situation('verifier-scalar', 'a number that is followed like a pointer', () =>
    refused('refusals', 'scalar', '6.18-scalar.log'),
  ),
  situation('verifier-stack', 'an access of the stack, in a function that is called', () =>
    refused('refusals', 'inside', '6.18-inside.log'),
  ),
  situation('verifier-branches', 'on one way a pointer that may be NULL', () =>
    refused('refusals', 'branches', '6.18-branches.log'),
  ),
  situation('verifier-unknown-helper', 'a helper that no kernel has', () =>
    refused('refused', 'unknown_helper', undefined, 'EINVAL'),
  ),
  situation('verifier-forbidden-helper', 'a helper for other programs', () =>
    refused('refused', 'forbidden_helper', undefined, 'EINVAL'),
  ),
  situation('verifier-license', 'a helper under the GPL in a program that is not', () => {
    using object = open(proprietary(objectFile('refused')), { name: 'refused.bpf.o' });
    object.program('printing').autoload = true;
    const log =
      '0: R1=ctx() R10=fp0\n; char text[] = "hello"; @ refused.bpf.c:23\n0: (b4) w1 = 111\n6: (85) call bpf_trace_printk#6\ncannot call GPL-restricted function from non-GPL compatible program\nprocessed 7 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n';
    object.load({ facts: facts(), kernel: refusing(PROG_LOAD, 'EINVAL', { log }) });
  }),
  situation('verifier-endless', 'a loop without an end', () => refused('refused', 'endless', undefined, 'EINVAL')),
  situation('verifier-no-value', 'a variable without a value', () => refused('refused', 'no_value', undefined, 'EACCES')),
  situation('verifier-pointer-math', 'a pointer is multiplied', () => refused('refused', 'pointer_math', undefined, 'EACCES')),
];

/** `long shared` where the other file declares an int. */
const DEFINES_LONG = buildElf({
  sections: [
    { name: '.data', data: new Uint8Array(8), flags: 3, addralign: 8 },
    {
      name: '.BTF',
      data: encodeBtf([
        int('long int', 8, 1),
        { kind: 'VAR', name: 'shared', type: 1, linkage: 1 },
        { kind: 'DATASEC', name: '.data', size: 0, vars: [{ type: 2, offset: 0, size: 8 }] },
      ]),
    },
  ],
  symbols: [{ name: 'shared', section: '.data', type: STT_OBJECT, binding: STB_GLOBAL, size: 8 }],
});

const LINKING: readonly Situation[] = [
  situation('link-twice', 'two files define one name', () => link(['a.bpf.o', DEFINES], ['b.bpf.o', DEFINES])),
  situation('link-other-type', 'two files declare a variable with other types', () =>
    link(['a.bpf.o', DEFINES_LONG], ['b.bpf.o', DECLARES]),
  ),
  situation('link-licenses', 'two files have other licenses', () =>
    link(['a.bpf.o', license('GPL')], ['b.bpf.o', license('MIT')]),
  ),
  situation('link-stripped', 'a file has no symbols', () => link(['a.bpf.o', buildElf({ sections: [] })])),
  situation('link-byte-orders', 'two files have other byte orders', () =>
    link(['a.bpf.o', license('GPL')], ['b.bpf.o', license('GPL', false)]),
  ),
  situation('link-x86', 'a file is for another machine', () =>
    link(['a.bpf.o', license('GPL')], ['b.o', buildElf({ machine: 62, symbols: [] })]),
  ),
];

export const SITUATIONS: readonly Situation[] = [
  ...FILES,
  ...MAPS,
  ...PROGRAMS,
  ...REFERENCES,
  ...EXTERNS,
  ...CORE,
  ...TARGETS,
  ...MACHINE,
  ...VERIFIER,
  ...LINKING,
];
