// `prog stats`: how often programs ran between two looks, and how long they took.

import type { ProgInfo } from './info.js';
import type { Json } from './json.js';
import { progTypeName } from './names.js';

/** A look at one program. */
export interface ProgSample {
  readonly info: ProgInfo;
  readonly name: string;
}

export interface ProgStats {
  readonly id: number;
  readonly name: string;
  readonly type: string | number;
  /** In this interval. */
  readonly runs: bigint;
  readonly timeNs: bigint;
  /** 0 when it did not run. */
  readonly nsPerRun: number;
  readonly runsPerSecond: number;
  /** Of one CPU, in percent. */
  readonly cpuPercent: number;
  /** Since statistics are on. */
  readonly totalRuns: bigint;
  readonly totalTimeNs: bigint;
  readonly recursionMisses: bigint;
}

/** What happened since `before`, of programs that are there now; those that took most time come first. */
export function statsBetween(before: ReadonlyMap<number, ProgSample>, now: readonly ProgSample[], seconds: number): ProgStats[] {
  const rows = now.map(({ info, name }): ProgStats => {
    const old = before.get(info.id)?.info;
    const runs = info.runCount - (old?.runCount ?? 0n);
    const timeNs = info.runTimeNs - (old?.runTimeNs ?? 0n);
    return {
      id: info.id,
      name,
      type: progTypeName(info.type),
      runs,
      timeNs,
      nsPerRun: runs > 0n ? Math.round(Number(timeNs) / Number(runs)) : 0,
      runsPerSecond: seconds > 0 ? Number(runs) / seconds : 0,
      cpuPercent: seconds > 0 ? Number(timeNs) / (seconds * 1e7) : 0,
      totalRuns: info.runCount,
      totalTimeNs: info.runTimeNs,
      recursionMisses: info.recursionMisses,
    };
  });
  return rows.sort((a, b) => (a.timeNs === b.timeNs ? a.id - b.id : a.timeNs < b.timeNs ? 1 : -1));
}

/** One line of a stream: `{"time":…,"interval_ms":…,"progs":[…]}`. */
export const statsJson = (rows: readonly ProgStats[], time: number, seconds: number): Json => ({
  time,
  interval_ms: Math.round(seconds * 1000),
  progs: rows.map((row) => ({
    id: row.id,
    type: row.type,
    name: row.name,
    runs: row.runs,
    time_ns: row.timeNs,
    ns_per_run: row.nsPerRun,
    runs_per_second: Math.round(row.runsPerSecond * 10) / 10,
    cpu_percent: Math.round(row.cpuPercent * 1000) / 1000,
    run_cnt: row.totalRuns,
    run_time_ns: row.totalTimeNs,
    recursion_misses: row.recursionMisses > 0n ? row.recursionMisses : undefined,
  })),
});

const HEAD = ['ID', 'TYPE', 'NAME', 'RUNS', 'RUNS/S', 'NS/RUN', 'CPU%'] as const;
/** Columns of words stand to the left, numbers to the right. */
const WORDS: ReadonlySet<string> = new Set(['TYPE', 'NAME']);

export function statsText(rows: readonly ProgStats[]): string {
  const cells = rows.map((row) =>
    [row.id, row.type, row.name || '-', row.runs, Math.round(row.runsPerSecond), row.nsPerRun, row.cpuPercent.toFixed(3)].map(
      String,
    ),
  );
  const widths = HEAD.map((name, i) => Math.max(name.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (WORDS.has(HEAD[i] as string) ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number)))
      .join('  ')
      .trimEnd();
  return `${[line(HEAD), ...cells.map(line)].join('\n')}\n`;
}
