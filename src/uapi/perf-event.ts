// perf_event_open(2) and its ioctls. From include/uapi/linux/perf_event.h (v6.18).

import { attrLayout } from './attr.js';

export const PERF_TYPE = {
  PERF_TYPE_HARDWARE: 0,
  PERF_TYPE_SOFTWARE: 1,
  PERF_TYPE_TRACEPOINT: 2,
  PERF_TYPE_HW_CACHE: 3,
  PERF_TYPE_RAW: 4,
  PERF_TYPE_BREAKPOINT: 5,
} as const;

export const PERF_FLAG_FD_CLOEXEC = 8;

/** struct perf_event_attr up to config2: a tracepoint needs the first 64 bytes, PERF_ATTR_SIZE_VER0. */
export const PERF_EVENT_ATTR = [
  ...attrLayout([
    ['type', 'u32', PERF_TYPE],
    ['size', 'u32'],
    ['config', 'u64'],
    ['sample_period', 'u64'],
    ['sample_type', 'u64'],
    ['read_format', 'u64'],
    ['flags', 'u64'],
    ['wakeup_events', 'u32'],
    ['bp_type', 'u32'],
    ['config1', 'u64'],
  ]),
  // In the place of config1 and config2: what a kprobe or a uprobe is put on.
  ...attrLayout([['kprobe_func', 'ptr']], 56),
  ...attrLayout(
    [
      ['uprobe_path', 'ptr'],
      ['probe_offset', 'u64'],
    ],
    56,
  ),
];
export const PERF_ATTR_SIZE_VER0 = 64;
export const PERF_ATTR_SIZE_VER1 = 72;
export const PERF_COUNT_SW_CPU_CLOCK = 0;
/** What bpf_perf_event_output() writes to. */
export const PERF_COUNT_SW_BPF_OUTPUT = 10;

/** Bits of `sample_type`, as far as they are used here: each adds a part to samples, in an order of its own. */
export const PERF_SAMPLE = { PERF_SAMPLE_TIME: 1 << 2, PERF_SAMPLE_RAW: 1 << 10 } as const;

/** enum perf_event_type: what a record of the ring is, as far as it is read here. */
export const PERF_RECORD = { PERF_RECORD_LOST: 2, PERF_RECORD_SAMPLE: 9 } as const;

/** Bytes of struct perf_event_header. */
export const PERF_EVENT_HDR_SZ = 8;
/** Where struct perf_event_mmap_page has the two positions of the ring that follows it. */
export const PERF_MMAP_PAGE = { data_head: 1024, data_tail: 1032 } as const;

/** As x86, arm64, riscv and s390 encode them. */
export const PERF_EVENT_IOC = {
  PERF_EVENT_IOC_ENABLE: 0x2400,
  PERF_EVENT_IOC_DISABLE: 0x2401,
  PERF_EVENT_IOC_SET_BPF: 0x40042408,
} as const;
export type PerfEventIoc = keyof typeof PERF_EVENT_IOC;
