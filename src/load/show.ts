// A step as text: the call with its decoded attributes, the way strace would show it if it knew everything.

import { type Attr, type AttrValue, isFdRef, isWithFds, type Step } from '../plan/index.js';
import type { AttrLayout } from '../uapi/attr.js';
import { BPF_ATTR } from '../uapi/bpf.js';
import { PERF_EVENT_ATTR } from '../uapi/perf-event.js';
import type { StepEvent } from './execute.js';

const LONGEST_TEXT = 64;

/** `bpf(BPF_MAP_CREATE, {map_type: BPF_MAP_TYPE_HASH, key_size: 4, …})`. */
export function showStep(step: Step): string {
  switch (step.call) {
    case 'bpf':
      return `bpf(${step.cmd}, ${showAttr(BPF_ATTR[step.cmd] ?? [], step.attr)})`;
    case 'perf_event_open':
      return `perf_event_open(${showAttr(PERF_EVENT_ATTR, step.attr)}, pid ${step.pid}, cpu ${step.cpu}, group -1, flags ${step.flags})`;
    case 'ioctl':
      return `ioctl(<${step.on.fd}>, ${step.request}, ${typeof step.arg === 'number' ? step.arg : `<${step.arg.fd}>`})`;
    case 'close':
      return `close(<${step.on.fd}>)`;
    case 'fcntl':
      return `fcntl(${step.from}, ${step.request}, 3)`;
    case 'mmap':
      return `mmap(0x${step.address.toString(16)}, ${step.length}, PROT_READ|PROT_WRITE, MAP_SHARED${step.address ? '|MAP_FIXED_NOREPLACE' : ''}, <${step.on.fd}>, 0)${step.contents ? `, then ${step.contents.length} bytes written to it` : ''}`;
    case 'open':
      return `openat(AT_FDCWD, "${step.path}", O_DIRECTORY)`;
    case 'mkdir':
      return `mkdir("${step.path}", 0${step.mode.toString(8)})`;
    case 'unlink':
      return `unlink("${step.path}")`;
    case 'rmdir':
      return `rmdir("${step.path}")`;
    case 'mount':
      return `mount("${step.type}", "${step.target}", "${step.type}", 0, 0)`;
    case 'prlimit64':
      return `prlimit64(0, ${step.resource}, ${step.limit === 0xffffffffffffffffn ? 'RLIM_INFINITY' : step.limit})`;
  }
}

function showAttr(layout: AttrLayout, attr: Attr): string {
  const fields = layout.flatMap(({ name, names }) => {
    const value = attr[name];
    if (value === undefined) return [];
    const symbol = names && Object.entries(names).find(([, number]) => number === value)?.[0];
    return [`${name}: ${symbol ?? showValue(value)}`];
  });
  return `{${fields.join(', ')}}`;
}

function showValue(value: AttrValue): string {
  if (typeof value === 'string') return JSON.stringify(value.length > LONGEST_TEXT ? `${value.slice(0, LONGEST_TEXT)}…` : value);
  if (value instanceof Uint8Array) return value.length <= 16 ? `[${value.join(' ')}]` : `[${value.length} bytes]`;
  if (typeof value !== 'object') return String(value);
  if (isFdRef(value)) return `<${value.fd}>`;
  return isWithFds(value)
    ? `[${value.bytes.length} bytes, with ${[...new Set(value.fds.map(({ ref }) => `<${ref.fd}>`))].join(', ') || 'no descriptors'}]`
    : '';
}

/**
 * A line for each finished step, with its time; for `--verbose` and bug reports.
 * @param now Milliseconds of a clock that does not go back.
 */
export function tracer(write: (line: string) => void, now: () => number): (event: StepEvent) => void {
  let started = 0;
  return (event) => {
    const took = () => `(${(now() - started).toFixed(3)} ms)`;
    switch (event.at) {
      case 'before':
        started = now();
        return;
      case 'after':
        return write(
          `${showStep(event.step)} = ${event.result}${event.step.makes === 'fd' ? ` <${event.step.id}>` : ''} ${took()}  # ${event.step.why}`,
        );
      case 'failed':
        return write(
          `${showStep(event.step)} = -1 ${event.error.errno} ${took()}  # ${event.step.why}${event.step.optional ? '; goes on without' : ''}`,
        );
      case 'retry':
        return write(`  again: ${event.why}`);
    }
  };
}
