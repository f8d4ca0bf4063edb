// The table of options that src/check/needs.ts has, against this kernel: no hook works that it says cannot.

import { expect, test } from 'vitest';
import { findType } from '../../src/btf/index.js';
import { isBuiltWith, SIGN_ROWS } from '../../src/check/index.js';
import { BpfError } from '../../src/errors.js';
import { kernelBtf, kernelConfig, readDoctorFacts } from '../../src/syscall/index.js';
import { describeWithKernel } from '../support/kernel.js';
import { needsAgainst } from '../support/needs.js';

describeWithKernel('needs', () => {
  test('a hook whose option this kernel was built without does not work, and types show no option that is off', ({ skip }) => {
    let kconfig: ReturnType<typeof kernelConfig>;
    try {
      kconfig = kernelConfig();
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      return skip(error.message);
    }
    const signs = SIGN_ROWS.filter(([, sign]) => findType(kernelBtf(), sign, 'FUNC') !== undefined);
    expect(signs.length).toBeGreaterThan(5);
    expect(signs.filter(([setting]) => !isBuiltWith(kconfig, setting))).toEqual([]);
    const { wrong, looked } = needsAgainst(kconfig, readDoctorFacts().hooks);
    expect(wrong).toEqual([]);
    expect(looked).toBeGreaterThan(60);
  });
});
