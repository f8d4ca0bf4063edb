// `map event_pipe`: what came through a perf event array, a record at a time, as text and as JSON.

import type { PerfRecord } from '../maps/index.js';
import { hexLines, type Json } from './json.js';

/** Where a record came from: the CPU, and the place in the map that the program wrote to. */
export interface EventPlace {
  readonly cpu: number;
  readonly index: number;
}

const NSEC_PER_SEC = 1_000_000_000n;

export function eventText(record: PerfRecord, { cpu, index }: EventPlace): string {
  if (record.kind === 'lost') return `lost ${record.lost} events\n`;
  if (record.kind === 'other') return `unknown event type=${record.type} size=${record.size}\n`;
  const { time, data } = record;
  const nanoseconds = String(time % NSEC_PER_SEC).padStart(9, '0');
  return `== @${time / NSEC_PER_SEC}.${nanoseconds} CPU: ${cpu} index: ${index} =====\n${hexLines(data)}\n`;
}

/** Data are numbers here, where elements of maps are hex. */
export function eventJson(record: PerfRecord, { cpu, index }: EventPlace): { readonly [key: string]: Json } {
  const head = { type: record.type, cpu, index };
  if (record.kind === 'lost') return { ...head, lost: { id: record.id, count: record.lost } };
  if (record.kind === 'other') return head;
  return { ...head, timestamp: record.time, data: Array.from(record.data) };
}
