// The tool `bootstrap`: traces the start and the end of processes, and prints what the well-known C tool of that name prints.

import { type LoadOptions, type OpenOptions, open } from '../api/index.js';
import { printable } from '../bytes/index.js';
import type { BpfMap, RingBuffer } from '../maps/index.js';
import { bundled } from './bundled.js';
import { toJson } from './json.js';

/** struct event of bpf/bootstrap.h. */
export interface BootstrapEvent {
  readonly pid: number;
  readonly ppid: number;
  readonly exit_code: number;
  readonly duration_ns: bigint;
  readonly comm: string;
  readonly filename: string;
  readonly exit_event: boolean;
}
export interface Bootstrap {
  readonly rodata: { min_duration_ns: bigint };
  /** `dropped` counts the events that found the ring full. */
  readonly bss: { dropped: bigint };
  readonly maps: { readonly rb: RingBuffer<BootstrapEvent>; readonly exec_start: BpfMap<number, bigint> };
}

export interface BootstrapOptions {
  /** Only processes that lived at least so long, in milliseconds; 0 for all. */
  readonly durationMs: number;
  readonly json: boolean;
  /**
   * Takes whole lines, with their newlines; settles when they are out and the next may come, and at the latest when `signal` aborts.
   * Until then events wait in the ring, which is bounded and counts what it has no room for.
   */
  readonly write: (text: string) => Promise<void>;
  /** Takes what the user must know besides the events, a line without newline. */
  readonly warn: (message: string) => void;
  /** Ends the tool: it detaches, prints what is still in the ring, and closes everything. */
  readonly signal: AbortSignal;
  readonly open?: OpenOptions;
  readonly load?: LoadOptions;
}

const NS_PER_MS = 1_000_000n;
/** The longest duration that the program can be told, in whole milliseconds: its variable has 64 bits, and counts nanoseconds. */
export const MAX_DURATION_MS = Number((2n ** 64n - 1n) / NS_PER_MS);
/** Lines are written together, up to about so many characters, unless the ring has nothing more before. */
const WRITE_SIZE = 64 * 1024;

export const HEADER = row('TIME', 'EVENT', 'COMM', 'PID', 'PPID', 'FILENAME/EXIT CODE');

function row(time: string, event: string, comm: string, pid: string, ppid: string, rest: string): string {
  return `${time.padEnd(8)} ${event.padEnd(5)} ${printable(comm).padEnd(16)} ${pid.padEnd(7)} ${ppid.padEnd(7)} ${printable(rest)}\n`;
}

/** One line, as the C tool's printf has it. The duration is there when the start was seen, in whole milliseconds. */
export function showEvent(e: BootstrapEvent, time: string): string {
  const ran = e.duration_ns === 0n ? '' : ` (${e.duration_ns / NS_PER_MS}ms)`;
  return row(
    time,
    e.exit_event ? 'EXIT' : 'EXEC',
    e.comm,
    String(e.pid),
    String(e.ppid),
    e.exit_event ? `[${e.exit_code}]${ran}` : e.filename,
  );
}

/** Local time, `HH:MM:SS`. */
export const clock = (date: Date): string =>
  [date.getHours(), date.getMinutes(), date.getSeconds()].map((n) => String(n).padStart(2, '0')).join(':');

/** Runs until `signal` aborts. */
export async function bootstrap({ durationMs, json, write, warn, signal, ...options }: BootstrapOptions): Promise<void> {
  const object = open<Bootstrap>(bundled('bootstrap'), options.open);
  object.rodata.min_duration_ns = BigInt(durationMs) * NS_PER_MS;
  using loaded = object.load(options.load);
  using links = loaded.attach();
  if (!json) await write(HEADER);

  const { rb } = loaded.maps;
  const show = (event: BootstrapEvent) => (json ? `${toJson(event)}\n` : showEvent(event, clock(new Date())));
  let lines = '';
  const flush = async () => {
    const text = lines;
    lines = '';
    if (text) await write(text);
  };
  for await (const event of rb.events('event', { signal })) {
    lines += show(event);
    if (lines.length >= WRITE_SIZE || rb.fill.bytes === 0) await flush();
  }
  links.close(); // from here on nothing new comes
  rb.consume((event) => {
    lines += show(event);
  }, 'event');
  await flush();
  const { dropped } = loaded.bss;
  if (dropped > 0n) warn(`${dropped} ${dropped === 1n ? 'event was' : 'events were'} lost: the ring buffer was full`);
}
