// Objects under another license than the GPL: what the kernel keeps from their programs is found before a load.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseBtf } from '../../src/btf/index.js';
import { type CheckedKernel, checkObject, type Finding } from '../../src/check/index.js';
import { parseElf } from '../../src/elf/index.js';
import { openObject } from '../../src/object/index.js';
import { compilePart, describeWithCompiler } from '../support/compile.js';
import { kernelOf } from '../support/kernels.js';

const kernel: CheckedKernel = {
  name: '6.12',
  version: (6 << 16) | (12 << 8),
  btf: parseBtf(kernelOf('6.12')),
  modules: [],
  kconfig: undefined,
  symbols: undefined,
};
let part = 0;
function findings(license?: string): Record<string, Finding[]> {
  const flags = license === undefined ? [] : [`-DLICENSED="${license}"`];
  const path = compilePart(join(import.meta.dirname, 'licenses.bpf.c'), part++, ...flags);
  const { programs } = checkObject(openObject(parseElf(readFileSync(path))), kernel);
  return Object.fromEntries(
    programs.map(({ program, findings: all }) => [program, all.filter(({ concern }) => concern === 'license')]),
  );
}

describeWithCompiler('licenses', () => {
  test('a helper, an LSM program and a kernel function are only for programs under the GPL', () => {
    const found = findings('Proprietary');
    expect(found).toMatchObject({
      plain: [],
      prints: [
        {
          verdict: 'red',
          stage: 'load',
          what: 'BPF_FUNC_trace_printk is only for programs under the GPL, and the license of this object is "Proprietary"',
          remedy: expect.stringContaining('char LICENSE[] SEC("license") = "GPL";'),
          source: { line: 24, text: expect.stringContaining('print(text') },
        },
      ],
      guarded: [],
      settings: [{ verdict: 'unknown', what: expect.stringContaining('depends on settings') }],
      one: [{ what: expect.stringContaining('BPF_FUNC_get_func_ip') }],
      many: [],
      hook: [{ verdict: 'red', what: expect.stringMatching(/^LSM programs must be under the GPL, /) }],
      kfunc: [
        {
          verdict: 'red',
          what: expect.stringMatching(/^Kernel functions are only .*, as frobnicate is, /),
          source: { line: 50 },
        },
      ],
    });
  });

  test('an object without a license is told so', () => {
    expect(findings().prints).toMatchObject([{ what: expect.stringMatching(/and this object names no license$/) }]);
  });

  test.each(['GPL', 'Dual BSD/GPL', 'GPL v2'])('"%s" will do', (license) => {
    expect(Object.values(findings(license)).flat()).toEqual([]);
  });
});
