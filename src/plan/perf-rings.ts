// Rings for bpf_perf_event_output(): a perf event on each CPU, its memory, and its place in the map that programs write through.

import {
  PERF_ATTR_SIZE_VER0,
  PERF_COUNT_SW_BPF_OUTPUT,
  PERF_FLAG_FD_CLOEXEC,
  PERF_SAMPLE,
  PERF_TYPE,
} from '../uapi/perf-event.js';
import type { Step } from './step.js';
import { stepIds } from './step-ids.js';

/** The ring of a CPU, at a place of the map: the same number, most often, because programs say BPF_F_CURRENT_CPU. */
export interface PerfPlace {
  readonly cpu: number;
  readonly index: number;
}

const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);

/**
 * Closing takes the ring out of the map again before its event is closed. Somebody else's ring at that place is replaced, and does not
 * come back: the kernel does not tell of it.
 * @param map    Whose descriptor must be open until then.
 * @param length Bytes to map: a page, and a power of two of pages.
 * @see libbpf perf_buffer__open_cpu_buf, src/libbpf.c
 */
export function perfRingSteps(
  map: { readonly name: string; readonly fd: number },
  { cpu, index }: PerfPlace,
  length: number,
): Step[] {
  const where = { map: map.name };
  const event = { fd: stepIds.perfEvent(cpu) };
  return [
    {
      id: event.fd,
      why: 'what programs write on that CPU goes to this event, with its time; a reader is woken for each record',
      where,
      makes: 'fd',
      call: 'perf_event_open',
      attr: {
        type: PERF_TYPE.PERF_TYPE_SOFTWARE,
        size: PERF_ATTR_SIZE_VER0,
        config: PERF_COUNT_SW_BPF_OUTPUT,
        sample_period: 1,
        sample_type: PERF_SAMPLE.PERF_SAMPLE_TIME | PERF_SAMPLE.PERF_SAMPLE_RAW,
        wakeup_events: 1,
      },
      pid: -1,
      cpu,
      flags: PERF_FLAG_FD_CLOEXEC,
    },
    {
      id: stepIds.perfRing(cpu),
      why: 'its ring, from which records are read',
      where,
      makes: 'memory',
      call: 'mmap',
      on: event,
      address: 0n,
      length,
    },
    { id: `${event.fd} enable`, why: 'start it', where, call: 'ioctl', on: event, request: 'PERF_EVENT_IOC_ENABLE', arg: 0 },
    {
      id: `place ${index} of map ${map.name}`,
      why: 'here programs find the ring',
      where,
      call: 'bpf',
      cmd: 'BPF_MAP_UPDATE_ELEM',
      attr: { map_fd: map.fd, key: u32(index), value: { bytes: u32(0), fds: [{ at: 0, ref: event }] } },
      end: { call: 'bpf', cmd: 'BPF_MAP_DELETE_ELEM', attr: { map_fd: map.fd, key: u32(index) } },
    },
  ];
}
