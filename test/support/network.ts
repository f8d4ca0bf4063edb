// Network namespaces of a test's own, so that nothing of the machine's own is touched.

import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';

const CLONE_NEWNET = 0x40000000;

/** This thread, and what it starts, in a network namespace of its own until it is taken back. */
export function ownNetwork(): Disposable {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  const libc = koffi.load(null);
  const [unshare, setns] = [libc.func('int unshare(int)'), libc.func('int setns(int, int)')];
  const before = openSync('/proc/thread-self/ns/net', 'r');
  if (unshare(CLONE_NEWNET) !== 0) throw new Error('unshare(CLONE_NEWNET) failed');
  return {
    [Symbol.dispose]: () => {
      const failed = setns(before, CLONE_NEWNET) !== 0;
      closeSync(before);
      if (failed) throw new Error('setns: this thread is still in another network namespace');
    },
  };
}
