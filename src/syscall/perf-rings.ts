// Reading a perf event array: the rings of its CPUs, opened, mapped and put into the map.

import { drive, execute, type Memory } from '../load/index.js';
import { PerfBuffer, PerfRingReader } from '../maps/index.js';
import { type PerfPlace, perfRingSteps, stepIds } from '../plan/index.js';
import { onlineCpus } from './facts.js';
import { memoryOf, realKernel } from './kernel.js';
import { pageSize } from './libc.js';
import { perfWaiter } from './poll.js';

/** As much as bpftool maps for each CPU. */
const PAGES = 16;

export interface PerfMap {
  readonly name: string;
  /** Stays open until the buffer is closed. */
  readonly fd: number;
  readonly maxEntries: number;
}

/**
 * @param place One ring; not given, there is one for each CPU that runs, at the place of its number, as far as the map has that many.
 * @throws {SyscallError}; nothing is left open then.
 */
export function openPerfBuffer(map: PerfMap, place?: PerfPlace): PerfBuffer {
  const places = place
    ? [place]
    : onlineCpus()
        .filter((cpu) => cpu < map.maxEntries)
        .map((cpu) => ({ cpu, index: cpu }));
  const page = pageSize();
  const length = page * (1 + PAGES);
  const session = drive(
    execute(
      places.flatMap((one) => perfRingSteps(map, one, length)),
      realKernel,
    ),
  );
  try {
    const rings = places.map((one) => {
      const mapped = session.memory(stepIds.perfRing(one.cpu)) as Memory;
      return { ...one, reader: new PerfRingReader({ memory: memoryOf(mapped), pageSize: page }) };
    });
    const waiter = perfWaiter(places.map(({ cpu }) => session.get({ fd: stepIds.perfEvent(cpu) })));
    return new PerfBuffer({ name: map.name, rings, waiter, close: () => session[Symbol.dispose]() });
  } catch (error) {
    session[Symbol.dispose]();
    throw error;
  }
}
