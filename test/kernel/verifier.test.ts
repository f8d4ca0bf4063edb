// A program that the verifier refuses: the error has the reason and the whole log, and nothing stays open.

import { expect, test } from 'vitest';
import { open } from '../../src/api/index.js';
import { UnsupportedError, VerifierError } from '../../src/errors.js';
import { drive, execute, type StepEvent } from '../../src/load/index.js';
import { isWithFds, planLoad, type Step } from '../../src/plan/index.js';
import { realKernel } from '../../src/syscall/index.js';
import { describeWithKernel, holdings } from '../support/kernel.js';

/** `r0 = r9` as the first instruction of a program: nothing has been put into r9. */
const BAD_INSN = [0xbf, 0x90, 0, 0, 0, 0, 0, 0];

function spoiled(steps: readonly Step[]): Step[] {
  return steps.map((step) => {
    if (step.call !== 'bpf' || step.cmd !== 'BPF_PROG_LOAD') return step;
    const { insns } = step.attr;
    if (insns === undefined || !isWithFds(insns)) throw new Error('a program without instructions');
    const bytes = insns.bytes.slice();
    bytes.set(BAD_INSN);
    return { ...step, attr: { ...step.attr, insns: { bytes, fds: insns.fds } } };
  });
}

describeWithKernel('a program that the verifier refuses', () => {
  test('is loaded again with a log, which the error carries whole', () => {
    const { steps } = open('fixtures/bootstrap.bpf.o').plan();
    const before = holdings();
    const events: StepEvent[] = [];
    let error: unknown;
    try {
      drive(execute(spoiled(steps), realKernel), (event) => events.push(event));
    } catch (caught) {
      error = caught;
    }
    expect(holdings()).toEqual(before);
    expect(error).toBeInstanceOf(VerifierError);
    const { log, errno, message, call } = error as VerifierError;
    expect(call).toBe('bpf(BPF_PROG_LOAD)');
    expect(errno).toBe('EACCES');
    expect(log).toContain('0: (bf) r0 = r9');
    expect(log).toMatch(/processed \d+ insns/);
    expect(message).toContain('prog handle_exec');
    expect(message).toContain('The verifier says: R9 !read_ok');
    expect(events.map((event) => event.at).slice(-4)).toEqual(['failed', 'retry', 'before', 'failed']);
  });

  test('a foreign byte order is refused before any system call', () => {
    const { object, facts } = open('fixtures/bootstrap.bpf.o').plan();
    const big = { ...object, littleEndian: false };
    expect(() => planLoad(big, facts)).toThrow(UnsupportedError);
    expect(() => planLoad(big, facts)).toThrow(/big-endian/);
  });
});
