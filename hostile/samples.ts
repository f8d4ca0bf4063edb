// What this machine shows of its kernel: seeds for mutation that nobody can make up. Gathered once, into a cache, because it changes
// all the time, and a replay needs the same.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { btfBytes } from '../src/btf/index.js';
import { BpfError } from '../src/errors.js';
import type { JitedCode, LoadedCode } from '../src/live/index.js';
import { jitedCode, kernelConfig, walk, xlatedCode } from '../src/syscall/index.js';

/** A loaded program: everything but its types is as the readers of src/live take it. */
export interface ProgSample {
  readonly btf: Uint8Array | undefined;
  readonly xlated: Omit<LoadedCode, 'btf'>;
  readonly jited: Omit<JitedCode, 'btf'> | undefined;
}

export interface Samples {
  readonly config: string | undefined;
  readonly kallsyms: string | undefined;
  readonly progs: readonly ProgSample[];
}

const FILES = { config: 'config', kallsyms: 'kallsyms', progs: 'progs.json' } as const;
const MOST_PROGS = 12;
const LINES = 300;
/** These must be there, or a list of symbols is none. */
const ENDS = /^\S+ T _[se]text$/m;

/** What is not there, or may not be read, is left out. */
export function writeSamples(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const put = (name: keyof typeof FILES, text: string) => writeFileSync(join(folder, FILES[name]), text);
  const config = attempted(() => kernelConfig().text);
  if (config !== undefined) put('config', spread(config.split('\n')).join('\n'));
  const kallsyms = attempted(() => readFileSync('/proc/kallsyms', 'latin1'));
  if (kallsyms !== undefined) {
    const lines = kallsyms.split('\n');
    put('kallsyms', [...new Set([...spread(lines), ...lines.filter((line) => ENDS.test(line))])].join('\n'));
  }
  put('progs', JSON.stringify(attempted(programs) ?? [], marked));
}

const spread = (lines: readonly string[]): string[] =>
  lines.filter((_, i) => i < LINES / 3 || i % Math.max(1, Math.floor(lines.length / LINES)) === 0);

function attempted<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch (error) {
    if (error instanceof BpfError || (error as NodeJS.ErrnoException).code !== undefined) return undefined;
    throw error;
  }
}

function programs(): ProgSample[] {
  const found = new Map<string, ProgSample>();
  for (const { fd } of walk('prog')) {
    const sample = attempted(() => {
      const { btf, ...xlated } = xlatedCode(fd);
      const { btf: _, ...jited } = attempted(() => jitedCode(fd)) ?? {};
      return { btf: btf && btfBytes(btf, true), xlated, jited: 'code' in jited ? (jited as ProgSample['jited']) : undefined };
    });
    // Programs of the same length are most often the same.
    if (sample && sample.xlated.insns.length < 8000) found.set(`${sample.btf?.length} ${sample.xlated.insns.length}`, sample);
  }
  const sorted = [...found.values()].sort((a, b) => b.xlated.funcInfo.length - a.xlated.funcInfo.length);
  return sorted.slice(0, MOST_PROGS);
}

const BYTES = '$bytes';
const BIGINT = '$bigint';
const MAP = '$map';

function marked(_: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return { [BYTES]: Buffer.from(value).toString('base64') };
  if (typeof value === 'bigint') return { [BIGINT]: String(value) };
  return value instanceof Map ? { [MAP]: [...value] } : value;
}

function unmarked(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const found = value as Record<string, unknown>;
  if (BYTES in found) return new Uint8Array(Buffer.from(String(found[BYTES]), 'base64'));
  if (BIGINT in found) return BigInt(String(found[BIGINT]));
  return MAP in found ? new Map(found[MAP] as [unknown, unknown][]) : value;
}

/** Nothing of a folder that is not there. */
export function readSamples(folder: string | undefined): Samples {
  const read = (name: keyof typeof FILES): string | undefined => {
    const file = folder === undefined ? undefined : join(folder, FILES[name]);
    return file !== undefined && existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  };
  return {
    config: read('config'),
    kallsyms: read('kallsyms'),
    progs: JSON.parse(read('progs') ?? '[]', unmarked) as ProgSample[],
  };
}
