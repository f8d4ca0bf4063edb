// Waiting for a descriptor on Node's own event loop: no thread is held, and nothing keeps the process alive unless somebody waits.

import type { Waiter } from '../maps/index.js';
import { pollHandle } from './libc.js';

type Settle = (readable: boolean) => void;

/** Waits for `fd` to become readable. Closing ends all waits; it does not close the descriptor. */
export function pollWaiter(fd: number): Waiter {
  let handle: ReturnType<typeof pollHandle> | undefined;
  const waiting = new Set<Settle>();

  const settleAll = (readable: boolean) => {
    handle?.close(); // a new handle a wait costs microseconds, and a stopped one would hide that the descriptor was closed
    handle = undefined;
    for (const settle of [...waiting]) settle(readable);
  };
  const wait = (timeoutMs: number | undefined, signal: AbortSignal | undefined) =>
    new Promise<boolean>((resolve) => {
      if (signal?.aborted) return resolve(false);
      handle ??= pollHandle(fd, () => settleAll(true)); // first, because it may throw
      const timer = timeoutMs === undefined ? undefined : setTimeout(() => settle(false), timeoutMs);
      const abort = () => settle(false);
      const settle: Settle = (readable) => {
        waiting.delete(settle);
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        if (waiting.size === 0) {
          handle?.close();
          handle = undefined;
        }
        resolve(readable);
      };
      waiting.add(settle);
      signal?.addEventListener('abort', abort, { once: true });
    });

  return {
    readable: wait,
    wake: () => settleAll(false),
    breathe: () => new Promise((resolve) => setImmediate(resolve)),
    [Symbol.dispose]: () => settleAll(false),
  };
}
