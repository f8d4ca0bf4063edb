// Which helpers are kept for programs under the GPL: what src/uapi/licenses.ts says, and what this kernel does.

import { expect, test } from 'vitest';
import { SyscallError, VerifierError } from '../../src/errors.js';
import { drive, execute } from '../../src/load/index.js';
import { callHelper, EXIT, probeProgram } from '../../src/plan/index.js';
import { realKernel } from '../../src/syscall/index.js';
import { BPF_FUNC, type BpfFunc, type BpfProgType } from '../../src/uapi/enums.js';
import { GPL_COMPATIBLE, GPL_ONLY_HELPERS } from '../../src/uapi/licenses.js';
import { describeWithKernel } from '../support/kernel.js';

const TYPES: readonly BpfProgType[] = [
  'BPF_PROG_TYPE_KPROBE',
  'BPF_PROG_TYPE_PERF_EVENT',
  'BPF_PROG_TYPE_TRACEPOINT',
  'BPF_PROG_TYPE_SCHED_CLS',
  'BPF_PROG_TYPE_XDP',
  'BPF_PROG_TYPE_CGROUP_SKB',
  'BPF_PROG_TYPE_SOCK_OPS',
  'BPF_PROG_TYPE_LWT_XMIT',
  'BPF_PROG_TYPE_LIRC_MODE2',
];

/** What the verifier says of a program that does nothing but call it; undefined where the program does not get that far. */
function verified(type: BpfProgType, helper: number, license: string): string | undefined {
  try {
    drive(execute([probeProgram(type, `${callHelper(helper)}${EXIT}`, { license })], realKernel))[Symbol.dispose]();
    return '';
  } catch (error) {
    if (error instanceof VerifierError) return error.log;
    if (error instanceof SyscallError) return undefined;
    throw error;
  }
}

const isRestricted = (log = '') => /cannot call GPL-restricted function/.test(log);
/** Whether programs of that type may call it, if they are under the GPL. */
const isFor = (type: BpfProgType, helper: number): boolean =>
  !/cannot use helper|unknown func|invalid func/.test(verified(type, helper, 'GPL') ?? 'cannot use helper');

describeWithKernel('licenses', () => {
  test('helpers for programs under the GPL are those of the list', () => {
    const asked = (Object.entries(BPF_FUNC) as [BpfFunc, number][]).flatMap(([name, helper]) => {
      const type = TYPES.find((candidate) => isFor(candidate, helper));
      return type === undefined ? [] : [{ name, restricted: isRestricted(verified(type, helper, 'Proprietary')) }];
    });
    expect(asked.length).toBeGreaterThan(120);
    expect(asked.filter(({ restricted }) => restricted).map(({ name }) => name)).toEqual(
      asked.filter(({ name }) => GPL_ONLY_HELPERS.includes(name)).map(({ name }) => name),
    );
  });

  test.each([...GPL_COMPATIBLE, 'GPL v3', 'gpl', 'Dual BSD', 'GPLv2', 'MIT', ''])('license "%s"', (license) => {
    const log = verified('BPF_PROG_TYPE_TRACEPOINT', BPF_FUNC.BPF_FUNC_trace_printk, license);
    expect(isRestricted(log)).toBe(!GPL_COMPATIBLE.includes(license));
  });
});
