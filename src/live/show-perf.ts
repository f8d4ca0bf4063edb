// `perf show`: programs attached to perf events and raw tracepoints that processes hold, as text and as JSON.

import type { Json } from './json.js';

/** A descriptor of a process that stands for an attachment. */
export interface PerfAttachment {
  readonly pid: number;
  readonly fd: number;
  readonly progId: number;
  /** A number of enum bpf_task_fd_type. */
  readonly type: number;
  /** Of the tracepoint, the function or the file; empty for a probe at an address. */
  readonly name: string;
  readonly offset: bigint;
  readonly address: bigint;
}

interface Kind {
  readonly name: string;
  /** What it is on, with the words for it in JSON; text has the same but for a tracepoint, whose name stands alone. */
  readonly target: (event: PerfAttachment) => { readonly [key: string]: Json };
}

const tracepoint: Kind['target'] = ({ name }) => ({ tracepoint: name });
const kprobe: Kind['target'] = ({ name, offset, address }) => (name === '' ? { addr: address } : { func: name, offset });
const uprobe: Kind['target'] = ({ name, offset }) => ({ filename: name, offset });

/** enum bpf_task_fd_type */
const KINDS: readonly Kind[] = [
  { name: 'raw_tracepoint', target: tracepoint },
  { name: 'tracepoint', target: tracepoint },
  { name: 'kprobe', target: kprobe },
  { name: 'kretprobe', target: kprobe },
  { name: 'uprobe', target: uprobe },
  { name: 'uretprobe', target: uprobe },
];

export function perfJson(event: PerfAttachment): Json {
  const { pid, fd, progId, type } = event;
  const kind = KINDS[type];
  return { pid, fd, prog_id: progId, ...(kind && { fd_type: kind.name, ...kind.target(event) }) };
}

export function perfText(event: PerfAttachment): string {
  const { pid, fd, progId, type } = event;
  const kind = KINDS[type];
  const words = Object.entries(kind?.target(event) ?? {}).map(([key, value]) =>
    key === 'tracepoint' ? value : `${key} ${value}`,
  );
  return `pid ${pid}  fd ${fd}: prog_id ${progId}  ${[kind?.name ?? `type ${type}`, ...words].join('  ')}\n`;
}
