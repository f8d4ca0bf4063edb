// Files of a kernel that is not at hand, as `check`, `explain` and `gen min-core-btf` are given them: types, raw or in ELF, of modules
// with their base too, configuration, symbols. And what of /proc is text.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type BtfTypeInput, encodeBtf, parseBtf } from '../../src/btf/index.js';
import { region } from '../../src/bytes/index.js';
import { isBuiltWith, parseConfig, parseSymbols, releaseIn, settingsOf } from '../../src/check/index.js';
import { readKernel } from '../../src/run/index.js';
import { findNames, findSymbols, mountPointsIn, parseFdInfo, readWholeBtf, unpacked } from '../../src/syscall/index.js';
import { buildElf } from '../../test/support/elf-builder.js';
import { layoutOf } from '../layout.js';
import { mutated, mutatedBtf, mutatedLog } from '../mutate.js';
import type { Random } from '../random.js';
import { mutatedBytes, NAMES } from './bytes.js';
import type { Reader } from './reader.js';
import { inventedTypes } from './types.js';

const CONFIG = `#
# Automatically generated file; DO NOT EDIT.
# Linux/x86 6.1.192 Kernel Configuration
#
CONFIG_CC_VERSION_TEXT="gcc (Debian 12.2.0) 12.2.0"
CONFIG_HZ=250
CONFIG_BPF=y
CONFIG_BPF_SYSCALL=y
CONFIG_KALLSYMS=y
# CONFIG_KALLSYMS_ALL is not set
CONFIG_VETH=m
CONFIG_PHYSICAL_START=0x1000000
`;

const SYMBOLS = `ffffffff81000000 T _stext
ffffffff81000010 T vfs_read
ffffffff81000020 t vfs_read.isra.0
ffffffff81000030 d bpf_prog_active.llvm.1234
ffffffff82000000 T _etext
ffffffffc0000000 t veth_xmit\t[veth]
ffffffffc0000010 t bpf_prog_6deef7357e7b4530_handle_exec\t[bpf]
`;

const FDINFO =
  'pos:\t0\nflags:\t02000002\nmnt_id:\t15\nino:\t1057\nmap_type:\t2\nkey_size:\t4\nmemlock:\t4096\nmap_id:\t12\nfrozen:\t0\n';
const MOUNTS =
  'bpf /sys/fs/bpf bpf rw,nosuid 0 0\nnone /mnt/with\\040space bpf rw 0 0\ntracefs /sys/kernel/tracing tracefs rw 0 0\n';

const encoder = new TextEncoder();

/** Bytes of a text: changed as text, or as bytes. */
function mutatedText(text: string, other: string, random: Random, notes: string[]): Uint8Array {
  const changed = random.chance(0.85) ? mutatedLog(text, other, random, notes) : text;
  const bytes = encoder.encode(changed.slice(0, 1 << 22));
  return random.chance(0.3) ? mutatedBytes(bytes, random, notes) : bytes;
}

/** As Latin-1, which /proc and System.map are read as. */
const latin1 = (bytes: Uint8Array): string => new TextDecoder('latin1').decode(bytes);

/** Packed, now and then damaged afterwards, or a bomb. */
function packed(bytes: Uint8Array, random: Random, notes: string[]): Uint8Array {
  if (random.chance(0.02)) {
    const size = random.pick([1 << 20, (1 << 22) - 100, 1 << 23]);
    notes.push(`${size} bytes unpacked`);
    return gzipSync(Buffer.alloc(size, random.pick(['\n', '#', 'CONFIG_A=y\n'])));
  }
  const whole = new Uint8Array(gzipSync(bytes));
  return random.chance(0.4) ? mutatedBytes(whole, random, notes) : whole;
}

/** Types in a file: raw, or in the ELF file of a kernel or a module, which may bring its own base; changed in one way or the other. */
function btfFile(
  types: Uint8Array,
  { isSplit, base }: { readonly isSplit: boolean; readonly base?: Uint8Array | undefined },
  random: Random,
  notes: string[],
): Uint8Array {
  if (random.chance(0.4)) return random.chance(0.5) ? mutatedBtf(types, random, notes) : types;
  const isRight = random.chance(0.7);
  const data = isRight ? types : mutatedBtf(types, random, notes);
  const sections = [{ name: '.BTF', data }, ...(base ? [{ name: '.BTF.base', data: base }] : [])];
  const bytes = buildElf({ machine: 62, sections });
  return isRight && !isSplit && random.chance(0.7)
    ? mutated(layoutOf(bytes), random, notes)
    : random.chance(0.3)
      ? mutatedBytes(bytes, random, notes)
      : bytes;
}

const KERNEL_ENUMS: readonly BtfTypeInput[] = [
  { kind: 'ENUM', name: 'bpf_func_id', size: 4, signed: false, values: [{ name: 'BPF_FUNC_map_lookup_elem', value: 1n }] },
  { kind: 'ENUM', name: 'bpf_prog_type', size: 4, signed: false, values: [{ name: 'BPF_PROG_TYPE_KPROBE', value: 2n }] },
  { kind: 'TYPEDEF', name: 'btf_trace_sched_switch', type: 1 },
];

export function kernelReaders(
  samples: { readonly config: string | undefined; readonly kallsyms: string | undefined },
  scratch: string,
): Reader[] {
  const configs = [CONFIG, ...(samples.config ? [samples.config] : [])];
  const lists = [SYMBOLS, ...(samples.kallsyms ? [samples.kallsyms] : [])];
  return [
    {
      name: 'kernel configuration',
      draw: (random, notes) => {
        const text = mutatedText(random.pick(configs), random.pick([CONFIG, SYMBOLS]), random, notes);
        const input = random.chance(0.5) ? packed(text, random, notes) : text;
        return {
          input,
          run: (stages) => {
            const bytes = stages.run('unpacked', () => unpacked('config', input));
            const config = bytes && stages.run('parseConfig', () => parseConfig(new TextDecoder().decode(bytes), 'config'));
            if (!config) return;
            stages.run('settingsOf', () => settingsOf(config));
            stages.run('isBuiltWith', () => isBuiltWith(config, 'CONFIG_BPF'));
            stages.run('releaseIn', () => releaseIn(config));
          },
        };
      },
    },
    {
      name: 'kernel symbols',
      draw: (random, notes) => {
        const input = mutatedText(random.pick(lists), random.pick([CONFIG, SYMBOLS]), random, notes);
        const names = ['_stext', 'vfs_read', 'bpf_prog_active', '', random.pick(NAMES)];
        return {
          input,
          run: (stages) => {
            const text = latin1(input);
            const symbols = stages.run('parseSymbols', () => parseSymbols(text, 'System.map'));
            if (symbols) {
              for (const name of names) stages.run('find', () => [symbols.find(name), symbols.variants(name)]);
              stages.run('names', () => [...symbols.names()]);
            }
            stages.run('findSymbols', () => findSymbols(text, names));
            stages.run('findNames', () => findNames(text, [0n, 0xffffffff81000010n, 0xffffffffc0000000n]));
          },
        };
      },
    },
    {
      name: 'texts of /proc',
      draw: (random, notes) => {
        const input = mutatedText(random.pick([FDINFO, MOUNTS]), random.pick([FDINFO, MOUNTS]), random, notes);
        return {
          input,
          run: (stages) => {
            const text = new TextDecoder().decode(input);
            stages.run('parseFdInfo', () => parseFdInfo(text));
            stages.run('mountPointsIn', () => mountPointsIn(text, 'bpf'));
          },
        };
      },
    },
    {
      name: 'a folder of a kernel',
      draw: (random, notes) => {
        const own = encodeBtf([...KERNEL_ENUMS, ...inventedTypes(random, notes, KERNEL_ENUMS.length + 1)]);
        const extract = random.chance(0.3) ? encodeBtf(inventedTypes(random, notes)) : undefined;
        const base = parseBtf(region(extract ?? own));
        const types = encodeBtf(inventedTypes(random, notes, base.length), { base });
        const files: [string, Uint8Array][] = [
          ['vmlinux', btfFile(own, { isSplit: false }, random, notes)],
          [random.pick(['a-b.ko', 'module', 'x.btf']), btfFile(types, { isSplit: true, base: extract }, random, notes)],
        ];
        if (random.chance(0.5))
          files.push([random.pick(['config', 'config.gz']), packed(mutatedText(CONFIG, '', random, notes), random, notes)]);
        if (random.chance(0.5)) files.push([random.pick(['System.map', 'kallsyms']), mutatedText(SYMBOLS, '', random, notes)]);
        const said = random.pick([undefined, '6.1']);
        return {
          input: files[1]?.[1] ?? own,
          run: (stages) => {
            rmSync(scratch, { recursive: true, force: true });
            mkdirSync(scratch, { recursive: true });
            for (const [name, bytes] of files) writeFileSync(join(scratch, name), bytes);
            stages.run('readKernel', () => readKernel(scratch, said));
            stages.run('readWholeBtf', () => readWholeBtf(join(scratch, files[1]?.[0] ?? 'vmlinux')));
          },
        };
      },
    },
  ];
}
