// Verdicts that virtual machines put right: what is listed in the kernel, functions that are verified by themselves, old attach types.

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { open } from '../../src/api/index.js';
import { encodeBtf, parseBtf } from '../../src/btf/index.js';
import { region } from '../../src/bytes/index.js';
import { type CheckedKernel, checkObject, type Finding, parseSymbols } from '../../src/check/index.js';
import { versionCode } from '../../src/plan/index.js';
import { INT, proto, struct, typedef } from '../support/btf-types.js';
import { compilePart, describeWithCompiler } from '../support/compile.js';

const SOURCE = join(import.meta.dirname, 'refusals.bpf.c');
const FUNCTIONS = ['vfs_read', 'migrate_disable', 'do_exit', 'bpf_iter_task'];
const HOOKS = ['bpf_lsm_getprocattr', 'bpf_lsm_file_open', 'bpf_lsm_task_free'];
const TYPES = encodeBtf([
  INT, // 1
  proto(1, 1), // 2
  {
    kind: 'FUNC_PROTO',
    type: 1,
    params: [
      { name: 'fmt', type: 1 },
      { name: '', type: 0 },
    ],
  }, // 3
  typedef('btf_trace_sched_switch', 1),
  struct('task_struct', 4, ['pid', 1, 0]),
  ...[...FUNCTIONS, ...HOOKS].map((name) => ({ kind: 'FUNC', name, type: 2, linkage: 0 }) as const),
  { kind: 'FUNC', name: '_printk', type: 3, linkage: 0 },
]);

const listed = (list: string, ...names: string[]): string[] => [
  `r __BTF_ID__set__${list}`,
  `R ${list}`,
  ...names.map((name, i) => `r __BTF_ID__func__${name}__${90 + i}`),
];
const SYMBOLS = [
  'T _stext',
  ...[...FUNCTIONS, ...HOOKS, '_printk'].map((name) => `T ${name}`),
  'T _etext',
  ...listed('btf_id_deny', 'migrate_disable'),
  ...listed('noreturn_deny', 'do_exit'),
  ...listed('bpf_lsm_hooks', ...HOOKS),
  ...listed('bpf_lsm_disabled_hooks', 'bpf_lsm_getprocattr'),
  ...listed('sleepable_lsm_hooks', 'bpf_lsm_file_open'),
  'r __BTF_ID__func__bpf_lsm_task_free__1',
].map((line, i) => `${(0xffffffff81000000n + BigInt(i)).toString(16)} ${line}\n`);
// What stands behind another symbol is of no list.
SYMBOLS.splice(-1, 0, 'ffffffff82000000 R something_else\n');

const kernel = (release: string, symbols = false): CheckedKernel => ({
  name: release,
  version: versionCode(release),
  btf: parseBtf(region(TYPES)),
  modules: [],
  symbols: symbols ? parseSymbols(SYMBOLS.join(''), 'kallsyms') : undefined,
});

describeWithCompiler('check', () => {
  const findings = (part: number, on: CheckedKernel): Record<string, string> => {
    const told = (all: readonly Finding[]): string => all.map(({ verdict, stage }) => `${verdict} ${stage}`).join(', ') || 'ok';
    const check = checkObject(open(compilePart(SOURCE, part)).object, on);
    return Object.fromEntries([['', told(check.findings)], ...check.programs.map((one) => [one.program, told(one.findings)])]);
  };

  test('reads the lists of a kernel from its symbols', () => {
    expect(findings(1, kernel('6.12', true))).toEqual({
      '': 'ok',
      plain: 'ok',
      denied: 'red load',
      no_return: 'red load',
      begins: 'ok',
      variadic: 'red load',
      disabled: 'red load',
      hook: 'ok',
      sleeps: 'ok',
      may_not_sleep: 'red load',
    });
  });

  test('knows without symbols which hooks it does not know of', () => {
    const open = { disabled: 'unknown load', may_not_sleep: 'unknown load', variadic: 'red load', denied: 'ok', no_return: 'ok' };
    expect(findings(1, kernel('6.12'))).toMatchObject({ ...open, sleeps: 'ok' });
    expect(findings(1, kernel('5.10'))).toMatchObject({ ...open, sleeps: 'unknown load' });
  });

  test('before 6.8 a global function is not guarded by what stands before its call', () => {
    expect(findings(2, kernel('6.1'))).toEqual({ '': 'ok', guarded: 'red load' });
    expect(findings(2, kernel('6.12'))).toEqual({ '': 'ok', guarded: 'ok' });
  });

  test('is not red where an old kernel loads a program and does less', () => {
    expect(findings(3, kernel('5.10'))).toEqual({ '': 'ok', iterator: 'unknown attach', migrates: 'unknown attach' });
    expect(findings(3, kernel('6.1'))).toEqual({ '': 'ok', iterator: 'ok', migrates: 'ok' });
  });

  test('links to structures of functions came with 6.4', () => {
    const what = (release: string): string[] =>
      checkObject(open(compilePart(SOURCE, 4)).object, kernel(release)).findings.map((finding) => finding.what);
    expect(what('6.1')).toEqual([expect.stringContaining('SEC(".struct_ops.link")')]);
    expect(what('6.12')).not.toEqual(what('6.1'));
  });
});
