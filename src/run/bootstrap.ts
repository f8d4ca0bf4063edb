// The tool `bootstrap`: traces the start and the end of processes, and prints what the well-known C tool of that name prints.

import { type LoadOptions, type OpenOptions, open } from '../api/index.js';
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
  readonly maps: { readonly rb: RingBuffer<BootstrapEvent>; readonly exec_start: BpfMap<number, bigint> };
}

export interface BootstrapOptions {
  /** Only processes that lived at least so long, in milliseconds; 0 for all. */
  readonly durationMs: number;
  readonly json: boolean;
  /** Takes whole lines, with their newlines. */
  readonly write: (text: string) => void;
  /** Ends the tool: it detaches, prints what is still in the ring, and closes everything. */
  readonly signal: AbortSignal;
  readonly open?: OpenOptions;
  readonly load?: LoadOptions;
}

const NS_PER_MS = 1_000_000n;

export const HEADER = row('TIME', 'EVENT', 'COMM', 'PID', 'PPID', 'FILENAME/EXIT CODE');

function row(time: string, event: string, comm: string, pid: string, ppid: string, rest: string): string {
  return `${time.padEnd(8)} ${event.padEnd(5)} ${comm.padEnd(16)} ${pid.padEnd(7)} ${ppid.padEnd(7)} ${rest}\n`;
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
export async function bootstrap({ durationMs, json, write, signal, ...options }: BootstrapOptions): Promise<void> {
  const object = open<Bootstrap>(bundled('bootstrap'), options.open);
  object.rodata.min_duration_ns = BigInt(durationMs) * NS_PER_MS;
  using loaded = object.load(options.load);
  using links = loaded.attach();
  if (!json) write(HEADER);

  let lines = '';
  const flush = () => {
    if (lines) write(lines);
    lines = '';
  };
  const print = (event: BootstrapEvent) => {
    if (lines === '') queueMicrotask(flush); // one write for all events of a turn
    lines += json ? `${toJson(event)}\n` : showEvent(event, clock(new Date()));
  };
  await loaded.maps.rb.forEach(print, { type: 'event', signal });
  links.close(); // from here on nothing new comes
  loaded.maps.rb.consume(print, 'event');
  flush();
}
