// bpf(2): the attribute of each command that we issue, and flags. From include/uapi/linux/bpf.h (v6.18).

import { type AttrLayout, attrLayout } from './attr.js';
import { BPF_ATTACH_TYPE, BPF_MAP_TYPE, BPF_PROG_TYPE, type BpfCmd } from './enums.js';

export const BPF_OBJ_NAME_LEN = 16;

/** map_flags */
export const BPF_F_NO_PREALLOC = 0x1;
export const BPF_F_RDONLY = 0x8;
export const BPF_F_RDONLY_PROG = 0x80;
/** A page of an arena that no program has allocated: a process that touches it gets SIGSEGV instead of the page. */
export const BPF_F_SEGV_ON_FAULT = 0x20000;
export const BPF_F_MMAPABLE = 0x400;
export const BPF_F_LINK = 0x2000;
export const BPF_F_VTYPE_BTF_OBJ_FD = 0x8000;
export const BPF_F_TOKEN_FD = 0x10000;

/** query_flags of BPF_PROG_QUERY: those of cgroups above, too. */
export const BPF_F_QUERY_EFFECTIVE = 0x1;

/** prog_flags */
export const BPF_F_SLEEPABLE = 0x10;
export const BPF_F_XDP_HAS_FRAGS = 0x20;

/** flags of BPF_MAP_UPDATE_ELEM */
export const BPF_ANY = 0;
export const BPF_NOEXIST = 1;
export const BPF_EXIST = 2;

/** flags of BPF_PROG_TEST_RUN */
export const BPF_F_TEST_RUN_ON_CPU = 1;

/** Header word of a ring buffer record. */
export const BPF_RINGBUF_BUSY_BIT = 0x80000000;
export const BPF_RINGBUF_DISCARD_BIT = 0x40000000;
export const BPF_RINGBUF_HDR_SZ = 8;

const mapElem = attrLayout([
  ['map_fd', 'fd'],
  ['key', 'ptr'],
  ['value', 'ptr'],
  ['flags', 'u64'],
]);

const attachAttr = attrLayout([
  ['target_fd', 'fd'],
  ['attach_bpf_fd', 'fd'],
  ['attach_type', 'u32', BPF_ATTACH_TYPE],
  ['attach_flags', 'u32'],
]);

const objAttr = attrLayout([
  ['pathname', 'ptr'],
  ['bpf_fd', 'fd'],
  ['file_flags', 'u32'],
]);

const nextId = attrLayout([
  ['start_id', 'u32'],
  ['next_id', 'u32'],
]);
const byId = (kind: string) => [...attrLayout([[`${kind}_id`, 'u32']]), ...attrLayout([['open_flags', 'u32']], 8)];

/** Commands with an attribute of ours; a missing row means that nothing here issues that command. */
export const BPF_ATTR: Readonly<Partial<Record<BpfCmd, AttrLayout>>> = {
  BPF_MAP_CREATE: attrLayout([
    ['map_type', 'u32', BPF_MAP_TYPE],
    ['key_size', 'u32'],
    ['value_size', 'u32'],
    ['max_entries', 'u32'],
    ['map_flags', 'u32'],
    ['inner_map_fd', 'fd'],
    ['numa_node', 'u32'],
    ['map_name', `char[${BPF_OBJ_NAME_LEN}]`],
    ['map_ifindex', 'u32'],
    ['btf_fd', 'fd'],
    ['btf_key_type_id', 'u32'],
    ['btf_value_type_id', 'u32'],
    ['btf_vmlinux_value_type_id', 'u32'],
    ['map_extra', 'u64'],
    ['value_type_btf_obj_fd', 'fd'],
    ['map_token_fd', 'fd'],
  ]),
  BPF_MAP_LOOKUP_ELEM: mapElem,
  BPF_MAP_UPDATE_ELEM: mapElem,
  BPF_MAP_DELETE_ELEM: mapElem,
  BPF_MAP_LOOKUP_AND_DELETE_ELEM: mapElem,
  BPF_MAP_GET_NEXT_KEY: attrLayout([
    ['map_fd', 'fd'],
    ['key', 'ptr'],
    ['next_key', 'ptr'],
  ]),
  BPF_MAP_FREEZE: attrLayout([['map_fd', 'fd']]),
  BPF_MAP_LOOKUP_BATCH: attrLayout([
    ['in_batch', 'ptr'],
    ['out_batch', 'ptr'],
    ['keys', 'ptr'],
    ['values', 'ptr'],
    ['count', 'u32'],
    ['map_fd', 'fd'],
    ['elem_flags', 'u64'],
    ['flags', 'u64'],
  ]),
  BPF_PROG_LOAD: [
    ...attrLayout([
      ['prog_type', 'u32', BPF_PROG_TYPE],
      ['insn_cnt', 'u32'],
      ['insns', 'ptr'],
      ['license', 'ptr'],
      ['log_level', 'u32'],
      ['log_size', 'u32'],
      ['log_buf', 'ptr'],
      ['kern_version', 'u32'],
      ['prog_flags', 'u32'],
      ['prog_name', `char[${BPF_OBJ_NAME_LEN}]`],
      ['prog_ifindex', 'u32'],
      ['expected_attach_type', 'u32', BPF_ATTACH_TYPE],
      ['prog_btf_fd', 'fd'],
      ['func_info_rec_size', 'u32'],
      ['func_info', 'ptr'],
      ['func_info_cnt', 'u32'],
      ['line_info_rec_size', 'u32'],
      ['line_info', 'ptr'],
      ['line_info_cnt', 'u32'],
      ['attach_btf_id', 'u32'],
      ['attach_btf_obj_fd', 'fd'],
      ['core_relo_cnt', 'u32'],
      ['fd_array', 'ptr'],
      ['core_relos', 'ptr'],
      ['core_relo_rec_size', 'u32'],
      ['log_true_size', 'u32'],
      ['prog_token_fd', 'fd'],
    ]),
    // In the place of attach_btf_obj_fd: the program that this one replaces or hooks into.
    ...attrLayout([['attach_prog_fd', 'fd']], 112),
  ],
  BPF_PROG_ATTACH: attachAttr,
  BPF_PROG_DETACH: attachAttr,
  BPF_PROG_STREAM_READ_BY_FD: attrLayout([
    ['stream_buf', 'ptr'],
    ['stream_buf_len', 'u32'],
    ['stream_id', 'u32'],
    ['prog_fd', 'fd'],
  ]),
  BPF_PROG_TEST_RUN: attrLayout([
    ['prog_fd', 'fd'],
    ['retval', 'u32'],
    ['data_size_in', 'u32'],
    ['data_size_out', 'u32'],
    ['data_in', 'ptr'],
    ['data_out', 'ptr'],
    ['repeat', 'u32'],
    ['duration', 'u32'],
    ['ctx_size_in', 'u32'],
    ['ctx_size_out', 'u32'],
    ['ctx_in', 'ptr'],
    ['ctx_out', 'ptr'],
    ['flags', 'u32'],
    ['cpu', 'u32'],
  ]),
  BPF_OBJ_GET_INFO_BY_FD: attrLayout([
    ['bpf_fd', 'fd'],
    ['info_len', 'u32'],
    ['info', 'ptr'],
  ]),
  BPF_PROG_QUERY: attrLayout([
    // For tcx and netkit: the number of a device.
    ['target_fd', 'fd'],
    ['attach_type', 'u32', BPF_ATTACH_TYPE],
    ['query_flags', 'u32'],
    ['attach_flags', 'u32'],
    ['prog_ids', 'ptr'],
    ['prog_cnt', 'u32'],
    ['prog_attach_flags', 'ptr'],
    ['link_ids', 'ptr'],
    ['link_attach_flags', 'ptr'],
    ['revision', 'u64'],
  ]),
  BPF_TASK_FD_QUERY: attrLayout([
    ['pid', 'u32'],
    ['fd', 'u32'], // of that process
    ['flags', 'u32'],
    ['buf_len', 'u32'],
    ['buf', 'ptr'],
    ['prog_id', 'u32'],
    ['fd_type', 'u32'],
    ['probe_offset', 'u64'],
    ['probe_addr', 'u64'],
  ]),
  BPF_OBJ_PIN: objAttr,
  BPF_OBJ_GET: objAttr,
  BPF_PROG_GET_NEXT_ID: nextId,
  BPF_MAP_GET_NEXT_ID: nextId,
  BPF_BTF_GET_NEXT_ID: nextId,
  BPF_LINK_GET_NEXT_ID: nextId,
  BPF_PROG_GET_FD_BY_ID: byId('prog'),
  BPF_MAP_GET_FD_BY_ID: byId('map'),
  BPF_BTF_GET_FD_BY_ID: byId('btf'),
  BPF_LINK_GET_FD_BY_ID: byId('link'),
  BPF_LINK_DETACH: attrLayout([['link_fd', 'fd']]),
  BPF_ENABLE_STATS: attrLayout([['type', 'u32']]),
  BPF_RAW_TRACEPOINT_OPEN: attrLayout([
    ['name', 'ptr'],
    ['prog_fd', 'fd'],
    ['cookie', 'u64'],
  ]),
  BPF_BTF_LOAD: attrLayout([
    ['btf', 'ptr'],
    ['btf_log_buf', 'ptr'],
    ['btf_size', 'u32'],
    ['btf_log_size', 'u32'],
    ['btf_log_level', 'u32'],
    ['btf_log_true_size', 'u32'],
    ['btf_flags', 'u32'],
    ['btf_token_fd', 'fd'],
  ]),
  BPF_LINK_CREATE: [
    ...attrLayout([
      ['prog_fd', 'fd'],
      ['target_fd', 'fd'],
      ['attach_type', 'u32', BPF_ATTACH_TYPE],
      ['flags', 'u32'],
      ['bpf_cookie', 'u64'],
    ]),
    // From here on, each attach type has fields of its own in the same place: uprobe_multi.
    ...attrLayout(
      [
        ['path', 'ptr'],
        ['offsets', 'ptr'],
        ['ref_ctr_offsets', 'ptr'],
        ['cookies', 'ptr'],
        ['cnt', 'u32'],
      ],
      16,
    ),
    ...attrLayout([['pid', 'u32']], 56),
    // kprobe_multi: its flags and count lie where bpf_cookie lies.
    ...attrLayout([['addrs', 'ptr']], 32),
  ],
  BPF_ITER_CREATE: attrLayout([
    ['link_fd', 'fd'],
    ['flags', 'u32'],
  ]),
  BPF_TOKEN_CREATE: attrLayout([
    ['flags', 'u32'],
    ['bpffs_fd', 'fd'],
  ]),
  BPF_PROG_BIND_MAP: attrLayout([
    ['prog_fd', 'fd'],
    ['map_fd', 'fd'],
    ['flags', 'u32'],
  ]),
};
