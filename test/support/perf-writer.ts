// A program that writes to perf event arrays when it is told to, and on which CPU.

import { join } from 'node:path';
import { type LoadedObject, open } from '../../src/api/index.js';
import { mapInfo } from '../../src/syscall/index.js';
import { compilePart } from './compile.js';
import { runOnCpu } from './programs.js';

/** What is written: `count` records of `size` bytes, the first 8 of which count up from `first`, at `place` or at this CPU's. */
export interface Written {
  readonly size?: number;
  readonly count?: number;
  readonly first?: number;
  readonly cpu?: number;
  readonly place?: number;
}

export class PerfWriter implements Disposable {
  readonly #loaded: LoadedObject;

  constructor() {
    const source = join(import.meta.dirname, '../kernel/perf.bpf.c');
    const includes = ['-I/usr/include/x86_64-linux-gnu', '-I/usr/include/aarch64-linux-gnu'];
    this.#loaded = open(compilePart(source, 0, '-mcpu=v3', ...includes)).load();
  }
  fd(map: string): number {
    return this.#loaded.fd('map', map);
  }
  id(map: string): string {
    return String(mapInfo(this.fd(map)).id);
  }
  /** What is to be opened of a map. */
  map(name: string): { readonly name: string; readonly fd: number; readonly maxEntries: number } {
    return { name, fd: this.fd(name), maxEntries: mapInfo(this.fd(name)).maxEntries };
  }
  /** @returns The first error of the last record, of the two large maps; -2 (ENOENT) when nobody reads there. */
  write({ size = 8, count = 1, first = 0, cpu = 0, place = -1 }: Written = {}): number {
    const context = new BigInt64Array([size, count, first, place].map(BigInt));
    return runOnCpu(this.#loaded.fd('program', 'write_both'), new Uint8Array(context.buffer), cpu);
  }
  /** Who reads what a CPU writes, at its own place or another: bit 0 stands for pipe_a, bit 1 for pipe_b. */
  readers({ cpu = 0, place = -1 }: { readonly cpu?: number; readonly place?: number } = {}): number {
    const context = new Uint8Array(BigInt64Array.of(BigInt(place)).buffer);
    return runOnCpu(this.#loaded.fd('program', 'who_reads'), context, cpu);
  }
  [Symbol.dispose](): void {
    this.#loaded.close();
  }
}
