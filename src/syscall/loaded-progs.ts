// Programs that are in the kernel: what it says of them, their instructions, and how long they take.

import type { Btf, LineInfo } from '../btf/index.js';
import { BpfError, SyscallError } from '../errors.js';
import {
  calledAddresses,
  type JitedCode,
  type LoadedCode,
  type ProgInfo,
  progInfoOf,
  type ShownProg,
  sizeOfLayout,
  valueJson,
} from '../live/index.js';
import { BPF_F_RDONLY } from '../uapi/bpf.js';
import { BPF_MAP_TYPE } from '../uapi/enums.js';
import { BPF_PROG_INFO } from '../uapi/info.js';
import { mustBpf } from './bpf-call.js';
import { btfById } from './btf-by-id.js';
import { fdInfo, type ObjectContext } from './holders.js';
import { deviceName } from './interfaces.js';
import { calledSymbols, namesOfAddresses } from './kallsyms.js';
import { kernelBtf } from './kernel-btf.js';
import { addressOf, syscall } from './libc.js';
import { mapInfo } from './loaded-maps.js';
import { mapOps } from './map-ops.js';
import { type Descriptor, infoOf, openById } from './objects.js';

const SIZE = sizeOfLayout(BPF_PROG_INFO);
const place = (name: string): number => BPF_PROG_INFO.find((field) => field.name === name)?.at ?? 0;

/** @throws {SyscallError} */
export const progInfo = (fd: number): ProgInfo => progInfoOf(infoOf(fd, SIZE));

/** A list that the kernel writes: where its length and its address go in struct bpf_prog_info, and bytes of an element. */
interface Wanted {
  readonly count: string;
  readonly pointer: string;
  readonly entries: number;
  readonly size: number;
  /** Where the kernel is told the size of a record. */
  readonly sizeField?: string;
}

/** Asks again, with a structure that has nothing in it but the room for these lists. */
function listsOf(fd: number, wanted: readonly Wanted[]): { readonly buffers: readonly Uint8Array[]; readonly info: DataView } {
  const buffers = wanted.map(({ entries, size }) => new Uint8Array(new ArrayBuffer(Math.max(8, entries * size))));
  const info = infoOf(fd, SIZE, (view) => {
    for (const [i, { count, pointer, entries, size, sizeField }] of wanted.entries()) {
      if (entries === 0) continue;
      view.setUint32(place(count), entries, true);
      view.setBigUint64(place(pointer), addressOf(buffers[i] as Uint8Array), true);
      if (sizeField) view.setUint32(place(sizeField), size, true);
    }
  });
  return {
    info,
    // A program may have got fewer meanwhile, and a pointer that is 0 now says that the kernel does not tell.
    buffers: buffers.map((buffer, i) => {
      const { count, pointer, entries, size } = wanted[i] as Wanted;
      const told = info.getBigUint64(place(pointer), true) === 0n ? 0 : Math.min(entries, info.getUint32(place(count), true));
      return buffer.subarray(0, told * size);
    }),
  };
}

const u32s = (bytes: Uint8Array): number[] => [...new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)];
const u64s = (bytes: Uint8Array): bigint[] => [...new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8)];

/** Ids of the maps that a program uses. @throws {SyscallError} */
export function mapIdsOf(fd: number, { mapCount }: ProgInfo): number[] {
  if (mapCount === 0) return [];
  const { buffers } = listsOf(fd, [{ count: 'nr_map_ids', pointer: 'map_ids', entries: mapCount, size: 4 }]);
  return u32s(buffers[0] as Uint8Array);
}

const funcInfoWanted = ({ counts, sizes }: ProgInfo, entries = counts.funcInfo): Wanted => ({
  count: 'nr_func_info',
  pointer: 'func_info',
  entries,
  size: sizes.funcInfo,
  sizeField: 'func_info_rec_size',
});

const LONGEST_KERNEL_NAME = 15;

/** The whole name: the kernel keeps 15 bytes, and the types that the program was loaded with have the rest. */
export function progName(fd: number, info: ProgInfo): string {
  if (info.name.length < LONGEST_KERNEL_NAME || info.btfId === 0 || info.counts.funcInfo === 0) return info.name;
  const { buffers } = listsOf(fd, [funcInfoWanted(info, 1)]);
  const type = u32s(buffers[0] as Uint8Array)[1];
  return (type === undefined ? undefined : told(() => btfById(info.btfId)?.name(type))) ?? info.name;
}

/** What is told beside the rest must not keep the rest from being told: types of somebody else may be broken, or too new. */
function told<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof BpfError) return undefined;
    throw error;
  }
}

const named = (ifname: string | undefined): { readonly ifname?: string } => (ifname === undefined ? {} : { ifname });

/** The kernel says no more of a program whose device is gone, while /proc goes on telling what it is. @see bpftool show_prog, prog.c */
function infoOrOrphan(fd: number, facts: ReadonlyMap<string, string>): { readonly info: ProgInfo; readonly isOrphaned: boolean } {
  try {
    return { info: progInfo(fd), isOrphaned: false };
  } catch (error) {
    if (!(error instanceof SyscallError && error.errno === 'ENODEV')) throw error;
    const nothing = progInfoOf(new DataView(new ArrayBuffer(SIZE)));
    const number = (name: string): number => Number(facts.get(name) ?? 0);
    const info = { ...nothing, id: number('prog_id'), type: number('prog_type'), tag: facts.get('prog_tag') ?? nothing.tag };
    return { info, isOrphaned: true };
  }
}

/**
 * Everything that `prog show` shows.
 * @throws {SyscallError}
 */
export function shownProg(fd: number, { pids, pinned }: ObjectContext): ShownProg {
  const facts = fdInfo(fd);
  const { info, isOrphaned } = infoOrOrphan(fd, facts);
  const memlock = facts.get('memlock');
  const mapIds = mapIdsOf(fd, info);
  const attachTo = attachName(info.attachBtfObjId, info.attachBtfId);
  return {
    info,
    name: progName(fd, info),
    mapIds,
    isOrphaned,
    ...(memlock !== undefined && { memlock: BigInt(memlock) }),
    ...(info.loadTime > 0n && { loadedAt: wallClock(info.loadTime) }),
    ...(attachTo !== undefined && { attachTo }),
    ...(pinned && pinned.size > 0 && { pinned: pinned.get(info.id) ?? [] }),
    pids: pids.get(info.id) ?? [],
    metadata: told(() => metadataOf(mapIds)) ?? [],
    ...named(deviceName(info.device)),
  };
}

/** The name of a type that programs and links hook into: `vfs_read`. Undefined when it cannot be told. */
export function attachName(btfObjId: number, typeId: number): string | undefined {
  if (typeId === 0) return undefined;
  return told(() => {
    const btf = btfObjId === 0 ? kernelBtf() : btfById(btfObjId);
    return btf && typeId < btf.length ? btf.name(typeId) || undefined : undefined;
  });
}

const CLOCK_REALTIME = 0;
const CLOCK_BOOTTIME = 7;

function clock(id: number): bigint {
  const time = new BigInt64Array(new ArrayBuffer(16) as ArrayBuffer);
  syscall('clock_gettime', id, new Uint8Array(time.buffer));
  return (time[0] ?? 0n) * 1_000_000_000n + (time[1] ?? 0n);
}

/** A time since the machine started, as Unix seconds and as local time with its offset: `2026-01-01T10:00:00+0100`. */
function wallClock(sinceBoot: bigint): { seconds: bigint; text: string } {
  const seconds = (clock(CLOCK_REALTIME) - clock(CLOCK_BOOTTIME) + sinceBoot) / 1_000_000_000n;
  return { seconds, text: localTime(new Date(Number(seconds) * 1000)) };
}

function localTime(date: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const offset = -date.getTimezoneOffset();
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}${zone}`;
}

const METADATA = 'bpf_metadata_';

/** Variables `bpf_metadata_…` of the program's .rodata. @see bpftool find_metadata, prog.c */
function metadataOf(mapIds: readonly number[]): ShownProg['metadata'] {
  for (const id of mapIds) {
    using map = openById('map', id, BPF_F_RDONLY);
    if (!map) return [];
    const info = mapInfo(map.fd);
    const isRodata =
      info.type === BPF_MAP_TYPE.BPF_MAP_TYPE_ARRAY &&
      info.maxEntries === 1 &&
      info.btfValueTypeId > 0 &&
      info.name.includes('.rodata');
    if (!isRodata) continue;
    const btf = btfById(info.btfId);
    const section = btf?.type(info.btfValueTypeId);
    const value = new Uint8Array(info.valueSize);
    if (!btf || section?.kind !== 'DATASEC' || !mapOps(() => map.fd, info).lookup(new Uint8Array(4), value)) return [];
    return section.vars.flatMap(({ type, offset }) => {
      const variable = btf.type(type);
      if (variable.kind !== 'VAR' || !variable.name.startsWith(METADATA)) return [];
      const shown = (plain: boolean) => valueJson(btf, variable.type, value, offset, { plain });
      return [{ name: variable.name.slice(METADATA.length), json: shown(false), plain: shown(true) }];
    });
  }
  return [];
}

interface Records {
  readonly funcInfo: { readonly insn: number; readonly type: number }[];
  readonly lineInfo: LineInfo[];
}

/** Records may be longer than the part of them that is known here. */
function recordsOf(info: ProgInfo, funcs: Uint8Array, lines: Uint8Array): Records {
  const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const each = <T>(bytes: Uint8Array, size: number, read: (view: DataView, at: number) => T): T[] =>
    size === 0 ? [] : Array.from({ length: bytes.length / size }, (_, i) => read(view(bytes), i * size));
  return {
    funcInfo: each(funcs, info.sizes.funcInfo, (v, at) => ({ insn: v.getUint32(at, true), type: v.getUint32(at + 4, true) })),
    lineInfo: each(lines, info.sizes.lineInfo, (v, at) => ({
      insn: v.getUint32(at, true),
      fileName: v.getUint32(at + 4, true),
      text: v.getUint32(at + 8, true),
      line: v.getUint32(at + 12, true) >>> 10,
      column: v.getUint32(at + 12, true) & 0x3ff,
    })),
  };
}

const lineInfoWanted = ({ counts, sizes }: ProgInfo): Wanted => ({
  count: 'nr_line_info',
  pointer: 'line_info',
  entries: counts.lineInfo,
  size: sizes.lineInfo,
  sizeField: 'line_info_rec_size',
});
const ksymsWanted = ({ counts }: ProgInfo): Wanted => ({
  count: 'nr_jited_ksyms',
  pointer: 'jited_ksyms',
  entries: counts.ksyms,
  size: 8,
});

const NO_RIGHTS = 'The kernel shows code only to who has CAP_BPF (before Linux 5.8: CAP_SYS_ADMIN): run it as root.';
const WITHHELD = 'The kernel shows no addresses: that takes CAP_SYSLOG, and sysctl kernel.kptr_restrict=1 or 0.';
const INTERPRETED = 'It is interpreted, not compiled: sysctl net.core.bpf_jit_enable=1, and load it again.';

/** Why there are no instructions: without rights the kernel says that there are none, without more rights it keeps them back. */
const whyNoCode = ({ jitedLength, xlatedLength }: ProgInfo, length: number): string =>
  length > 0 ? WITHHELD : jitedLength === 0 && xlatedLength === 0 ? NO_RIGHTS : INTERPRETED;

/** Code is worth to be seen without lines of C, too: who may read it may not be one who may read its types. */
const typesOf = ({ btfId }: ProgInfo): Btf | undefined => (btfId > 0 ? told(() => btfById(btfId)) : undefined);

/**
 * The instructions as the verifier left them, with all that it takes to show them.
 * @throws {SyscallError}; {BpfError} when the kernel does not show them.
 */
export function xlatedCode(fd: number): LoadedCode {
  const info = progInfo(fd);
  const { buffers } = listsOf(fd, [
    { count: 'xlated_prog_len', pointer: 'xlated_prog_insns', entries: info.xlatedLength, size: 1 },
    ksymsWanted(info),
    funcInfoWanted(info),
    lineInfoWanted(info),
  ]);
  const [insns, ksyms, funcs, lines] = buffers as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  if (insns.length === 0)
    throw new BpfError(`Program ${info.id}: its instructions cannot be read`, {
      remedy: whyNoCode(info, info.xlatedLength),
    });
  const code = {
    insns,
    btf: typesOf(info),
    ...recordsOf(info, funcs, lines),
    ksyms: u64s(ksyms),
  };
  return { ...code, ...symbolsOf((callBase) => calledAddresses({ ...code, callBase })) };
}

/** Without names where they may not be read. */
function symbolsOf(addresses: (callBase: bigint) => readonly bigint[]): ReturnType<typeof calledSymbols> {
  try {
    return calledSymbols(addresses);
  } catch (error) {
    if (error instanceof SyscallError) return { callBase: undefined, symbols: new Map() };
    throw error;
  }
}

/**
 * The machine code.
 * @throws {SyscallError}; {BpfError} when there is none, or the kernel does not show it.
 */
export function jitedCode(fd: number): JitedCode {
  const info = progInfo(fd);
  const { buffers } = listsOf(fd, [
    { count: 'jited_prog_len', pointer: 'jited_prog_insns', entries: info.jitedLength, size: 1 },
    ksymsWanted(info),
    { count: 'nr_jited_func_lens', pointer: 'jited_func_lens', entries: info.counts.funcLens, size: 4 },
    funcInfoWanted(info),
    lineInfoWanted(info),
    {
      count: 'nr_jited_line_info',
      pointer: 'jited_line_info',
      entries: info.counts.jitedLineInfo,
      size: info.sizes.jitedLineInfo,
      sizeField: 'jited_line_info_rec_size',
    },
  ]);
  const [code, ksymBytes, lengths, funcs, lines, addresses] = buffers as Uint8Array[] as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  if (code.length === 0)
    throw new BpfError(`Program ${info.id} has no machine code that could be read`, {
      remedy: whyNoCode(info, info.jitedLength),
    });
  const ksyms = u64s(ksymBytes);
  return {
    code,
    lengths: u32s(lengths),
    ksyms,
    btf: typesOf(info),
    ...recordsOf(info, funcs, lines),
    lineAddresses: u64s(addresses),
    symbols: namesOfAddresses(ksyms),
  };
}

const BPF_STATS_RUN_TIME = 0;

/**
 * Run time statistics, for as long as the descriptor is open.
 * @throws {SyscallError}
 */
export function enableStats(): Descriptor {
  const { result: fd } = mustBpf('BPF_ENABLE_STATS', { type: BPF_STATS_RUN_TIME }, 'Cannot turn on statistics of run times', {
    EINVAL: 'Kernels have it since Linux 5.8; before, sysctl kernel.bpf_stats_enabled=1 does it.',
  });
  return {
    fd,
    [Symbol.dispose]: () => {
      syscall('close', fd);
    },
  };
}
