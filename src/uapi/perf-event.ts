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
export type PerfType = keyof typeof PERF_TYPE;

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

/** As x86, arm64, riscv and s390 encode them. */
export const PERF_EVENT_IOC = {
  PERF_EVENT_IOC_ENABLE: 0x2400,
  PERF_EVENT_IOC_DISABLE: 0x2401,
  PERF_EVENT_IOC_SET_BPF: 0x40042408,
} as const;
export type PerfEventIoc = keyof typeof PERF_EVENT_IOC;
