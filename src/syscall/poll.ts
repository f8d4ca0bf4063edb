// Waiting for descriptors on Node's own event loop: no thread is held, and nothing keeps the process alive unless somebody waits.

import type { Waiter } from '../maps/index.js';
import { pollHandle } from './libc.js';

type Settle = (readable: boolean) => void;

/**
 * Those who wait.
 * @param begin Called before the first of them waits, and may throw. @param end Called when nobody waits any more.
 */
class Waiting {
  readonly #settles = new Set<Settle>();
  readonly #begin: () => void;
  readonly #end: () => void;

  constructor(begin: () => void, end: () => void) {
    this.#begin = begin;
    this.#end = end;
  }

  wait(timeoutMs: number | undefined, signal: AbortSignal | undefined): Promise<boolean> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve(false);
      if (this.#settles.size === 0) this.#begin();
      const timer = timeoutMs === undefined ? undefined : setTimeout(() => settle(false), timeoutMs);
      const abort = () => settle(false);
      const settle: Settle = (readable) => {
        this.#settles.delete(settle);
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        if (this.#settles.size === 0) this.#end();
        resolve(readable);
      };
      this.#settles.add(settle);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  get isEmpty(): boolean {
    return this.#settles.size === 0;
  }
  settleAll(readable: boolean): void {
    for (const settle of [...this.#settles]) settle(readable);
  }
}

const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Waits for `fd` to become readable. Closing ends all waits; it does not close the descriptor. */
export function pollWaiter(fd: number): Waiter {
  let handle: ReturnType<typeof pollHandle> | undefined;
  const close = () => {
    handle?.close(); // a new handle a wait costs microseconds, and a stopped one would hide that the descriptor was closed
    handle = undefined;
  };
  const settleAll = (readable: boolean) => {
    close(); // first, so that who waits again at once has a new one
    waiting.settleAll(readable);
  };
  const waiting = new Waiting(() => {
    handle ??= pollHandle(fd, () => settleAll(true));
  }, close);
  return {
    readable: (timeoutMs, signal) => waiting.wait(timeoutMs, signal),
    wake: () => settleAll(false),
    breathe,
    [Symbol.dispose]: () => settleAll(false),
  };
}

/**
 * Waits for any of several perf events. Such a descriptor says only once that there is something: whoever asks it takes the answer
 * away, and epoll asks, too, when a descriptor is added to it. So each is added once, and stays; and what was said before is not
 * relied on: after the loop has added them all, the first wait ends as if there were something.
 * @see perf_poll, kernel/events/core.c
 */
export function perfWaiter(fds: readonly number[]): Waiter {
  let isNoticed = false;
  let isOpen = true;
  const notice = () => {
    isNoticed = waiting.isEmpty;
    waiting.settleAll(true);
  };
  const handles: ReturnType<typeof pollHandle>[] = [];
  const waiting = new Waiting(
    () => {
      for (const handle of handles) handle.ref();
    },
    () => {
      for (const handle of handles) handle.unref();
    },
  );
  const close = () => {
    isOpen = false;
    for (const handle of handles.splice(0)) handle.close();
    waiting.settleAll(false);
  };
  try {
    for (const fd of fds) handles.push(pollHandle(fd, notice));
    for (const handle of handles) handle.unref();
  } catch (error) {
    close();
    throw error;
  }
  // The loop adds what is new when it next looks for events. Two turns from here on it has, wherever in its turn it is now.
  void breathe().then(breathe).then(notice);
  return {
    readable: async (timeoutMs, signal) => {
      if (!isOpen || signal?.aborted) return false;
      if (!isNoticed) return waiting.wait(timeoutMs, signal);
      isNoticed = false;
      return true;
    },
    wake: () => waiting.settleAll(false),
    breathe,
    [Symbol.dispose]: close,
  };
}
