// What BPF_OBJ_GET_INFO_BY_FD answers, by kind of object. From include/uapi/linux/bpf.h (v6.18).

import { type AttrLayout, attrLayout } from './attr.js';
import { BPF_OBJ_NAME_LEN } from './bpf.js';
import { BPF_LINK_TYPE } from './enums.js';

export const BPF_TAG_SIZE = 8;

/** struct bpf_prog_info. `gpl_compatible` is bit 0 of a word of bits. */
export const BPF_PROG_INFO = attrLayout([
  ['type', 'u32'],
  ['id', 'u32'],
  ['tag', `char[${BPF_TAG_SIZE}]`],
  ['jited_prog_len', 'u32'],
  ['xlated_prog_len', 'u32'],
  ['jited_prog_insns', 'u64'],
  ['xlated_prog_insns', 'u64'],
  ['load_time', 'u64'],
  ['created_by_uid', 'u32'],
  ['nr_map_ids', 'u32'],
  ['map_ids', 'u64'],
  ['name', `char[${BPF_OBJ_NAME_LEN}]`],
  ['ifindex', 'u32'],
  ['gpl_compatible', 'u32'],
  ['netns_dev', 'u64'],
  ['netns_ino', 'u64'],
  ['nr_jited_ksyms', 'u32'],
  ['nr_jited_func_lens', 'u32'],
  ['jited_ksyms', 'u64'],
  ['jited_func_lens', 'u64'],
  ['btf_id', 'u32'],
  ['func_info_rec_size', 'u32'],
  ['func_info', 'u64'],
  ['nr_func_info', 'u32'],
  ['nr_line_info', 'u32'],
  ['line_info', 'u64'],
  ['jited_line_info', 'u64'],
  ['nr_jited_line_info', 'u32'],
  ['line_info_rec_size', 'u32'],
  ['jited_line_info_rec_size', 'u32'],
  ['nr_prog_tags', 'u32'],
  ['prog_tags', 'u64'],
  ['run_time_ns', 'u64'],
  ['run_cnt', 'u64'],
  ['recursion_misses', 'u64'],
  ['verified_insns', 'u32'],
  ['attach_btf_obj_id', 'u32'],
  ['attach_btf_id', 'u32'],
]);

/** struct bpf_map_info. */
export const BPF_MAP_INFO = attrLayout([
  ['type', 'u32'],
  ['id', 'u32'],
  ['key_size', 'u32'],
  ['value_size', 'u32'],
  ['max_entries', 'u32'],
  ['map_flags', 'u32'],
  ['name', `char[${BPF_OBJ_NAME_LEN}]`],
  ['ifindex', 'u32'],
  ['btf_vmlinux_value_type_id', 'u32'],
  ['netns_dev', 'u64'],
  ['netns_ino', 'u64'],
  ['btf_id', 'u32'],
  ['btf_key_type_id', 'u32'],
  ['btf_value_type_id', 'u32'],
  ['btf_vmlinux_id', 'u32'],
  ['map_extra', 'u64'],
]);

/** struct bpf_btf_info. */
export const BPF_BTF_INFO = attrLayout([
  ['btf', 'u64'],
  ['btf_size', 'u32'],
  ['id', 'u32'],
  ['name', 'u64'],
  ['name_len', 'u32'],
  ['kernel_btf', 'u32'],
]);

/** struct bpf_link_info: what all links have. */
export const BPF_LINK_INFO = attrLayout([
  ['type', 'u32'],
  ['id', 'u32'],
  ['prog_id', 'u32'],
]);
/** The whole of it; the union of what follows the head is as long as its longest member. */
export const BPF_LINK_INFO_SIZE = 64;

const UNION = 16;
const T = BPF_LINK_TYPE;

/** The union's part by type of link. That of a perf event has a union of its own: `BPF_PERF_EVENT_INFO`. */
export const BPF_LINK_INFO_OF: Readonly<Record<number, AttrLayout>> = {
  [T.BPF_LINK_TYPE_RAW_TRACEPOINT]: [
    ...attrLayout(
      [
        ['tp_name', 'u64'],
        ['tp_name_len', 'u32'],
      ],
      UNION,
    ),
    ...attrLayout([['cookie', 'u64']], 32),
  ],
  [T.BPF_LINK_TYPE_TRACING]: [
    ...attrLayout(
      [
        ['attach_type', 'u32'],
        ['target_obj_id', 'u32'],
        ['target_btf_id', 'u32'],
      ],
      UNION,
    ),
    ...attrLayout([['cookie', 'u64']], 32),
  ],
  [T.BPF_LINK_TYPE_CGROUP]: attrLayout(
    [
      ['cgroup_id', 'u64'],
      ['attach_type', 'u32'],
    ],
    UNION,
  ),
  [T.BPF_LINK_TYPE_ITER]: [
    ...attrLayout(
      [
        ['target_name', 'u64'],
        ['target_name_len', 'u32'],
      ],
      UNION,
    ),
    ...attrLayout([['map_id', 'u32']], 28),
    ...attrLayout(
      [
        ['cgroup_id', 'u64'],
        ['order', 'u32'],
      ],
      32,
    ),
    ...attrLayout(
      [
        ['tid', 'u32'],
        ['pid', 'u32'],
      ],
      32,
    ),
  ],
  [T.BPF_LINK_TYPE_NETNS]: attrLayout(
    [
      ['netns_ino', 'u32'],
      ['attach_type', 'u32'],
    ],
    UNION,
  ),
  [T.BPF_LINK_TYPE_XDP]: attrLayout([['ifindex', 'u32']], UNION),
  [T.BPF_LINK_TYPE_STRUCT_OPS]: attrLayout([['map_id', 'u32']], UNION),
  [T.BPF_LINK_TYPE_NETFILTER]: attrLayout(
    [
      ['pf', 'u32'],
      ['hooknum', 'u32'],
      ['priority', 's32'],
      ['flags', 'u32'],
    ],
    UNION,
  ),
  [T.BPF_LINK_TYPE_KPROBE_MULTI]: attrLayout(
    [
      ['addrs', 'u64'],
      ['count', 'u32'],
      ['flags', 'u32'],
      ['missed', 'u64'],
      ['cookies', 'u64'],
    ],
    UNION,
  ),
  [T.BPF_LINK_TYPE_UPROBE_MULTI]: attrLayout(
    [
      ['path', 'u64'],
      ['offsets', 'u64'],
      ['ref_ctr_offsets', 'u64'],
      ['cookies', 'u64'],
      ['path_size', 'u32'],
      ['count', 'u32'],
      ['flags', 'u32'],
      ['pid', 'u32'],
    ],
    UNION,
  ),
  [T.BPF_LINK_TYPE_TCX]: attrLayout(
    [
      ['ifindex', 'u32'],
      ['attach_type', 'u32'],
    ],
    UNION,
  ),
  [T.BPF_LINK_TYPE_NETKIT]: attrLayout(
    [
      ['ifindex', 'u32'],
      ['attach_type', 'u32'],
    ],
    UNION,
  ),
  [T.BPF_LINK_TYPE_SOCKMAP]: attrLayout(
    [
      ['map_id', 'u32'],
      ['attach_type', 'u32'],
    ],
    UNION,
  ),
  [T.BPF_LINK_TYPE_PERF_EVENT]: attrLayout([['type', 'u32']], UNION),
};

/** enum bpf_perf_event_type. */
export const BPF_PERF_EVENT_UPROBE = 1;
export const BPF_PERF_EVENT_URETPROBE = 2;
export const BPF_PERF_EVENT_KPROBE = 3;
export const BPF_PERF_EVENT_KRETPROBE = 4;
export const BPF_PERF_EVENT_TRACEPOINT = 5;
export const BPF_PERF_EVENT_EVENT = 6;

const uprobe = attrLayout(
  [
    ['file_name', 'u64'],
    ['name_len', 'u32'],
    ['offset', 'u32'],
    ['cookie', 'u64'],
    ['ref_ctr_offset', 'u64'],
  ],
  24,
);
const kprobe = attrLayout(
  [
    ['func_name', 'u64'],
    ['name_len', 'u32'],
    ['offset', 'u32'],
    ['addr', 'u64'],
    ['missed', 'u64'],
    ['cookie', 'u64'],
  ],
  24,
);
export const BPF_PERF_EVENT_INFO: Readonly<Record<number, AttrLayout>> = {
  [BPF_PERF_EVENT_UPROBE]: uprobe,
  [BPF_PERF_EVENT_URETPROBE]: uprobe,
  [BPF_PERF_EVENT_KPROBE]: kprobe,
  [BPF_PERF_EVENT_KRETPROBE]: kprobe,
  [BPF_PERF_EVENT_TRACEPOINT]: [
    ...attrLayout(
      [
        ['tp_name', 'u64'],
        ['name_len', 'u32'],
      ],
      24,
    ),
    ...attrLayout([['cookie', 'u64']], 40),
  ],
  [BPF_PERF_EVENT_EVENT]: [
    ...attrLayout(
      [
        ['config', 'u64'],
        ['type', 'u32'],
      ],
      24,
    ),
    ...attrLayout([['cookie', 'u64']], 40),
  ],
};
