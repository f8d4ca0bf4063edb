// What the kernel says of a program, a map or a link, as values.

import { hex, textUntilNul } from '../bytes/index.js';
import type { AttrLayout } from '../uapi/attr.js';
import { BPF_LINK_INFO, BPF_LINK_INFO_OF, BPF_MAP_INFO, BPF_PERF_EVENT_INFO, BPF_PROG_INFO } from '../uapi/info.js';

/** struct bpf_prog_info, less what it points to. */
export interface ProgInfo {
  readonly id: number;
  readonly type: number;
  /** Of the instructions, as hex. */
  readonly tag: string;
  /** At most 15 bytes; `progName` knows the rest. */
  readonly name: string;
  readonly gplCompatible: boolean;
  /** Nanoseconds since the machine started; 0 where the kernel does not tell. */
  readonly loadTime: bigint;
  readonly uid: number;
  readonly xlatedLength: number;
  readonly jitedLength: number;
  readonly mapCount: number;
  readonly btfId: number;
  readonly device: Device;
  readonly runTimeNs: bigint;
  readonly runCount: bigint;
  readonly recursionMisses: bigint;
  readonly verifiedInsns: number;
  readonly attachBtfObjId: number;
  readonly attachBtfId: number;
  /** How many records of each kind, and bytes of one. */
  readonly counts: Readonly<Record<'ksyms' | 'funcLens' | 'funcInfo' | 'lineInfo' | 'jitedLineInfo', number>>;
  readonly sizes: Readonly<Record<'funcInfo' | 'lineInfo' | 'jitedLineInfo', number>>;
}

/** The device that an object is offloaded to; `ifindex` 0 for none. */
export interface Device {
  readonly ifindex: number;
  readonly netnsDev: bigint;
  readonly netnsIno: bigint;
}

/** struct bpf_map_info. */
export interface MapInfo {
  readonly id: number;
  readonly type: number;
  readonly name: string;
  readonly flags: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly device: Device;
  readonly btfId: number;
  readonly btfKeyTypeId: number;
  readonly btfValueTypeId: number;
  /** In the kernel's own types, for struct_ops. */
  readonly btfVmlinuxValueTypeId: number;
  readonly extra: bigint;
}

/** struct bpf_link_info: the numbers of its kind by the kernel's names, and the texts and lists that it points to. */
export interface LinkInfo {
  readonly id: number;
  readonly type: number;
  readonly progId: number;
  readonly fields: Readonly<Record<string, number | bigint>>;
  readonly texts: Readonly<Record<string, string>>;
  readonly lists: Readonly<Record<string, readonly bigint[]>>;
}

type Field = number | bigint | Uint8Array;

/** Every field of a structure that starts at byte 0 of `view`. */
export function readFields(layout: AttrLayout, view: DataView): Record<string, Field> {
  const read = ({ type, at, size }: AttrLayout[number]): Field => {
    if (type === 'u32' || type === 'fd') return view.getUint32(at, true);
    if (type === 's32') return view.getInt32(at, true);
    if (type === 'u64' || type === 'ptr') return view.getBigUint64(at, true);
    return new Uint8Array(view.buffer, view.byteOffset + at, size);
  };
  return Object.fromEntries(layout.map((field) => [field.name, read(field)]));
}

/** The bytes that a structure takes. */
export const sizeOfLayout = (layout: AttrLayout): number => {
  const end = layout.reduce((most, { at, size }) => Math.max(most, at + size), 0);
  const align = layout.some(({ size, type }) => size === 8 && !type.startsWith('char')) ? 8 : 4;
  return Math.ceil(end / align) * align;
};

const deviceOf = (f: Record<string, Field>): Device => ({
  ifindex: Number(f.ifindex),
  netnsDev: f.netns_dev as bigint,
  netnsIno: f.netns_ino as bigint,
});

export function progInfoOf(view: DataView): ProgInfo {
  const f = readFields(BPF_PROG_INFO, view);
  const n = (name: string) => f[name] as number;
  return {
    id: n('id'),
    type: n('type'),
    tag: hex(f.tag as Uint8Array),
    name: textUntilNul(f.name as Uint8Array),
    gplCompatible: (n('gpl_compatible') & 1) !== 0,
    loadTime: f.load_time as bigint,
    uid: n('created_by_uid'),
    xlatedLength: n('xlated_prog_len'),
    jitedLength: n('jited_prog_len'),
    mapCount: n('nr_map_ids'),
    btfId: n('btf_id'),
    device: deviceOf(f),
    runTimeNs: f.run_time_ns as bigint,
    runCount: f.run_cnt as bigint,
    recursionMisses: f.recursion_misses as bigint,
    verifiedInsns: n('verified_insns'),
    attachBtfObjId: n('attach_btf_obj_id'),
    attachBtfId: n('attach_btf_id'),
    counts: {
      ksyms: n('nr_jited_ksyms'),
      funcLens: n('nr_jited_func_lens'),
      funcInfo: n('nr_func_info'),
      lineInfo: n('nr_line_info'),
      jitedLineInfo: n('nr_jited_line_info'),
    },
    sizes: {
      funcInfo: n('func_info_rec_size'),
      lineInfo: n('line_info_rec_size'),
      jitedLineInfo: n('jited_line_info_rec_size'),
    },
  };
}

export function mapInfoOf(view: DataView): MapInfo {
  const f = readFields(BPF_MAP_INFO, view);
  const n = (name: string) => f[name] as number;
  return {
    id: n('id'),
    type: n('type'),
    name: textUntilNul(f.name as Uint8Array),
    flags: n('map_flags'),
    keySize: n('key_size'),
    valueSize: n('value_size'),
    maxEntries: n('max_entries'),
    device: deviceOf(f),
    btfId: n('btf_id'),
    btfKeyTypeId: n('btf_key_type_id'),
    btfValueTypeId: n('btf_value_type_id'),
    btfVmlinuxValueTypeId: n('btf_vmlinux_value_type_id'),
    extra: f.map_extra as bigint,
  };
}

/** Layouts of what is in the union, for this link: the part of its type, and of its kind of perf event. */
export function linkLayouts(view: DataView): readonly AttrLayout[] {
  const part = BPF_LINK_INFO_OF[readFields(BPF_LINK_INFO, view).type as number];
  if (!part) return [];
  const kind = part.length === 1 && part[0]?.name === 'type' ? BPF_PERF_EVENT_INFO[view.getUint32(part[0].at, true)] : undefined;
  return kind ? [part, kind] : [part];
}

/** @param texts, lists What the structure's pointers lead to, which whoever asked the kernel has. */
export function linkInfoOf(view: DataView, texts: LinkInfo['texts'], lists: LinkInfo['lists']): LinkInfo {
  const head = readFields(BPF_LINK_INFO, view);
  const [part = [], kind] = linkLayouts(view);
  const fields = readFields(part, view) as Record<string, number | bigint>;
  return {
    id: head.id as number,
    type: head.type as number,
    progId: head.prog_id as number,
    fields: kind
      ? { perf_event_type: fields.type as number, ...(readFields(kind, view) as Record<string, number | bigint>) }
      : fields,
    texts,
    lists,
  };
}
