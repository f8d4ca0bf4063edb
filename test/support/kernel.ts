// Whether BPF may be used here.

import { describe, it } from 'vitest';
import { drive, execute } from '../../src/load/index.js';
import type { Step } from '../../src/plan/index.js';
import { realKernel } from '../../src/syscall/index.js';
import { BPF_MAP_TYPE } from '../../src/uapi/enums.js';

export * from './programs.js';

const SMALL_MAP: Step = {
  id: 'map probe',
  why: 'see whether BPF may be used',
  makes: 'fd',
  call: 'bpf',
  cmd: 'BPF_MAP_CREATE',
  attr: { map_type: BPF_MAP_TYPE.BPF_MAP_TYPE_ARRAY, key_size: 4, value_size: 4, max_entries: 1 },
};

/** A map alone may be made by anybody; tracing programs need root, or CAP_BPF and CAP_PERFMON. */
function whyNot(): string | undefined {
  if (process.platform !== 'linux') return `this is ${process.platform}, not Linux`;
  if (process.getuid?.() !== 0) return 'not root';
  try {
    drive(execute([SMALL_MAP], realKernel))[Symbol.dispose]();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const reason = whyNot();
if (reason !== undefined) console.warn(`tests with the real kernel are skipped: ${reason}`);

/** `describe` for tests that load BPF: skipped with the reason where that is not possible, failing if TSBPF_REQUIRE_KERNEL=1. */
export function describeWithKernel(name: string, tests: () => void): void {
  if (reason === undefined) describe(name, tests);
  else if (process.env.TSBPF_REQUIRE_KERNEL === '1')
    describe(name, () => {
      it('needs BPF, and TSBPF_REQUIRE_KERNEL=1 says that it is here', () => {
        throw new Error(reason);
      });
    });
  else describe.skip(`${name} (${reason})`, tests);
}
