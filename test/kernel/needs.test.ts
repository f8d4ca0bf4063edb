// The table of options that src/check/needs.ts has, against this kernel: no hook works that it says cannot.

import { expect, test } from 'vitest';
import { BpfError } from '../../src/errors.js';
import { kernelConfig, readDoctorFacts } from '../../src/syscall/index.js';
import { describeWithKernel } from '../support/kernel.js';
import { needsAgainst } from '../support/needs.js';

describeWithKernel('needs', () => {
  test('a hook whose option this kernel was built without does not work', ({ skip }) => {
    let kconfig: ReturnType<typeof kernelConfig>;
    try {
      kconfig = kernelConfig();
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      return skip(error.message);
    }
    const { wrong, looked } = needsAgainst(kconfig, readDoctorFacts().hooks);
    expect(wrong).toEqual([]);
    expect(looked).toBeGreaterThan(60);
  });
});
