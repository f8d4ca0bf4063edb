// Programs that the kernel refuses, one of each kind: the instruction, the reason and the remedy are found, whatever kernel this is.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { open } from '../../src/api/index.js';
import { fromHex } from '../../src/bytes/index.js';
import { VerifierError } from '../../src/errors.js';
import { drive, execute, FRAME_LINES, verifierFrame } from '../../src/load/index.js';
import { planLoad, type Step } from '../../src/plan/index.js';
import { realKernel } from '../../src/syscall/index.js';
import { BPF_PROG_TYPE, type BpfProgType } from '../../src/uapi/enums.js';
import { describeWithKernel, holdings } from '../support/kernel.js';

/** What the kernel says of a plan that it must refuse. */
function refusalOf(plan: readonly Step[]): VerifierError {
  const before = holdings();
  try {
    drive(execute(plan, realKernel))[Symbol.dispose]();
  } catch (error) {
    expect(holdings()).toEqual(before);
    if (error instanceof VerifierError) return error;
    throw error;
  }
  throw new Error('the kernel took it');
}

const RAW_TP = 'BPF_PROG_TYPE_RAW_TRACEPOINT';

const loading = (insns: string, license = 'GPL', type: BpfProgType = RAW_TP): Step[] => [
  {
    id: 'prog raw',
    why: 'to see it refused',
    where: { program: 'raw' },
    makes: 'fd',
    call: 'bpf',
    cmd: 'BPF_PROG_LOAD',
    attr: {
      prog_type: BPF_PROG_TYPE[type],
      insn_cnt: insns.length / 16,
      insns: { bytes: fromHex(insns), fds: [] },
      license,
    },
  },
];

const R0_IS_0 = 'b700000000000000';
const EXIT = '9500000000000000';

interface Expected {
  readonly reason: RegExp;
  readonly insn?: number;
  readonly text?: RegExp;
  readonly remedy: RegExp;
  readonly license?: string;
}

/** Instructions without a line of source. */
const RAW: readonly (readonly [name: string, insns: string, expected: Expected])[] = [
  ['no return value', EXIT, { reason: /^R0 !read_ok/, insn: 0, text: /^exit$/, remedy: /return 0/ }],
  [
    'a register that nothing was put into',
    `bf90000000000000${EXIT}`,
    { reason: /R9 !read_ok/, insn: 0, text: /^r0 = r9$/, remedy: /Initialize/ },
  ],
  [
    'a loop without an end',
    `${R0_IS_0}1500ffff00000000${EXIT}`,
    { reason: /infinite loop detected|back-edge/, insn: 1, text: /goto pc-1/, remedy: /constant bound/ },
  ],
  [
    'an instruction that nothing leads to',
    `${R0_IS_0}${EXIT}${EXIT}`,
    { reason: /unreachable insn 2/, insn: 2, text: /^exit$/, remedy: /compiler/ },
  ],
  [
    'a jump to nowhere',
    `0500100000000000${EXIT}`,
    { reason: /jump out of range from insn 0/, insn: 0, text: /goto/, remedy: /compiler/ },
  ],
  [
    'a helper that does not exist',
    `${'850000000f270000'}${EXIT}`,
    { reason: /invalid func unknown#9999/, insn: 0, text: /call unknown#9999/, remedy: /older than the helper/ },
  ],
  [
    'a helper of other programs',
    `850000002c000000${EXIT}`,
    {
      reason: /program of this type cannot use helper|unknown func/,
      insn: 0,
      text: /call bpf_xdp_adjust_head#44/,
      remedy: /type/,
    },
  ],
  [
    'a helper under the GPL',
    `8500000006000000${EXIT}`,
    { reason: /GPL/, insn: 0, text: /call bpf_trace_printk#6/, remedy: /SEC\("license"\)/, license: 'Proprietary' },
  ],
  [
    'a stack that is too large',
    `79a0f8fd00000000${EXIT}`,
    { reason: /invalid read from stack|invalid stack/, insn: 0, text: /r10 -520/, remedy: /512 bytes/ },
  ],
  [
    'a number as a pointer',
    `${R0_IS_0}7900000000000000${EXIT}`,
    {
      reason: /R0 invalid mem access '(scalar|inv)'/,
      insn: 1,
      text: /r0 = \*\(u64 \*\)\(r0 \+0\)/,
      remedy: /bpf_probe_read_kernel/,
    },
  ],
  [
    'a pointer as a number',
    `2701000003000000${R0_IS_0}${EXIT}`,
    { reason: /pointer arithmetic with \*= operator prohibited/, insn: 0, text: /r1 \*= 3/, remedy: /Pointers may only/ },
  ],
  [
    'a field that the context does not have',
    `7910a00f00000000${R0_IS_0}${EXIT}`,
    { reason: /invalid bpf_context access/, insn: 0, text: /r1 \+4000/, remedy: /context has no such field/ },
  ],
  [
    'an instruction that does not exist',
    `ff00000000000000${R0_IS_0}${EXIT}`,
    { reason: /unknown opcode ff/, remedy: /instruction set/ },
  ],
];

const withCompiler = spawnSync('clang-19', ['--version']).status === 0;
if (!withCompiler) console.warn('tests of refused C programs are skipped: no clang-19 (apt-get install clang-19)');

describeWithKernel('a program that is refused', () => {
  it.each(RAW)('for %s', (_, insns, expected) => {
    const error = refusalOf(loading(insns, expected.license));
    expect({ reason: error.reason, insn: error.insn, text: error.insnText, remedy: error.remedy }).toEqual({
      reason: expect.stringMatching(expected.reason),
      insn: expected.insn,
      text: expected.text && expect.stringMatching(expected.text),
      remedy: expect.stringMatching(expected.remedy),
    });
    expect(error.source).toBeUndefined();
    expect(verifierFrame(error).split('\n').length).toBeLessThanOrEqual(FRAME_LINES);
  });
});

/** Programs of refusals.bpf.c: text of the line that is refused, its function, and states of registers that say why. */
const COMPILED: readonly (readonly [
  program: string,
  expected: {
    readonly line: RegExp;
    readonly in?: string;
    readonly reason: RegExp;
    readonly state?: RegExp;
    readonly remedy: RegExp;
  },
])[] = [
  ['null_check', { line: /\*value \+= 1;/, reason: /map_value_or_null/, state: /map_value_or_null/, remedy: /if \(!p\)/ }],
  [
    'unbounded',
    {
      line: /value\[ctx\[1\] & 0xff\]/,
      reason: /outside of the allowed memory range/,
      state: /umax\w*=(smax32=umax32=)?255/,
      remedy: /bound/,
    },
  ],
  ['leak', { line: /}/, reason: /Unreleased reference/, remedy: /bpf_ringbuf_submit/ }],
  ['packet', { line: /data\[13\]/, reason: /packet/, state: /pkt/, remedy: /data_end/ }],
  ['scalar', { line: /\*where/, reason: /invalid mem access '(scalar|inv)'/, state: /scalar|inv/, remedy: /bpf_probe_read/ }],
  ['inside', { line: /p\[n & 7\]/, in: 'pick', reason: /stack/, state: /fp/, remedy: /bound/ }],
  ['branches', { line: /\(char \*\)p \+ 4/, reason: /map_value_or_null/, state: /map_value_or_null/, remedy: /if \(!p\)/ }],
];

describeWithKernel('a C program that is refused', () => {
  let folder = '';
  let path = '';
  beforeAll(() => {
    if (!withCompiler) return;
    folder = mkdtempSync(join(tmpdir(), 'tsbpf-refusals-'));
    path = join(folder, 'refusals.bpf.o');
    const source = join(import.meta.dirname, 'refusals.bpf.c');
    execFileSync('clang-19', ['-target', 'bpf', '-mcpu=v3', '-O2', '-g', '-c', source, '-o', path]);
  });
  afterAll(() => {
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  /** The plan of one of its programs alone. */
  const planOf = (name: string): Step[] => {
    const { object, facts } = open(path).plan();
    return planLoad({ ...object, programs: object.programs.map((fn) => ({ ...fn, autoload: fn.name === name })) }, facts);
  };

  it.skipIf(!withCompiler).each(COMPILED)('in %s() leads to its line of C', (name, expected) => {
    const error = refusalOf(planOf(name));
    expect(error.source).toMatchObject({
      file: expect.stringMatching(/refusals\.bpf\.c$/),
      text: expect.stringMatching(expected.line),
      function: expected.in ?? name,
    });
    expect(error.reason).toMatch(expected.reason);
    expect(error.remedy).toMatch(expected.remedy);
    if (expected.state) expect(Object.values(error.states.at(-1)?.registers ?? {}).join(' ')).toMatch(expected.state);
    const frame = verifierFrame(error);
    expect(frame).toMatch(expected.line);
    expect(frame.split('\n').length).toBeLessThanOrEqual(FRAME_LINES);
    expect(error.context.some(({ line }) => line === error.source?.line)).toBe(true);
  });

  it.skipIf(!withCompiler)('for the stack of all its functions leads to no line: none is to blame', () => {
    const error = refusalOf(planOf('deep_stack'));
    expect(error.reason).toMatch(/combined stack size of 2 calls is \d+\. Too large/);
    expect(error).toMatchObject({ insn: undefined, source: undefined, remedy: expect.stringContaining('512 bytes') });
  });

  it.skipIf(!withCompiler)('is mapped by its own line_info, where the log has no lines of source', () => {
    const plan = planOf('null_check');
    // The kernel is given no types, so it cannot print source.
    const bare = plan.map((step): Step => {
      if (step.call !== 'bpf' || step.id !== 'btf') return step;
      return { ...step, attr: { ...step.attr, btf_size: 3 } };
    });
    const error = refusalOf(bare);
    expect(error.log).not.toContain('; *value');
    expect(error.source).toMatchObject({ text: expect.stringContaining('*value += 1;'), function: 'null_check' });
  });
});
