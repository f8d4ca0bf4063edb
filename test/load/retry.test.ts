// When a program is loaded again, and with which log.

import { describe, expect, it } from 'vitest';
import { utf8Bytes } from '../../src/bytes/index.js';
import { retryOf } from '../../src/load/index.js';
import type { Step } from '../../src/plan/index.js';

const step = (attr: Record<string, number>): Step => ({
  id: 'prog p',
  why: 'a test',
  call: 'bpf',
  cmd: 'BPF_PROG_LOAD',
  attr,
});
const [EACCES, ENOSPC, EAGAIN] = [-13, -28, -11];
const told = (log: string, result = EACCES) => ({ result, out: new Map([['log_buf', utf8Bytes(`${log}\0\0`)]]) });
const loadedAgain = (attr: Record<string, number>, reply: ReturnType<typeof told>) => {
  const retry = retryOf(step(attr), reply, 1);
  return retry?.step.call === 'bpf' ? { level: retry.step.attr.log_level, size: retry.step.attr.log_size } : undefined;
};

const OLD = '; int x;\n0: (bf) r6 = r9\nR9 !read_ok\nprocessed 1 insns (limit 1000000)\n';

describe('a refused program', () => {
  it('is loaded again with a log', () => {
    expect(loadedAgain({}, told(''))).toEqual({ level: 1, size: 1 << 20 });
  });
  it('whose log has the states of registers is not loaded again', () => {
    expect(loadedAgain({ log_level: 1, log_size: 4096 }, told(`0: R1=ctx() R10=fp0\n${OLD}`))).toBeUndefined();
  });
  it('whose log has none, as before Linux 5.18, is loaded again at level 2, and that once', () => {
    expect(loadedAgain({ log_level: 1, log_size: 4096 }, told(OLD))).toEqual({ level: 2, size: 4096 });
    expect(loadedAgain({ log_level: 2, log_size: 4096 }, told(OLD))).toBeUndefined();
  });
  it('whose log has no instructions is not: there are no states to be had', () => {
    expect(loadedAgain({ log_level: 1, log_size: 4096 }, told('unknown opcode ff\nprocessed 0 insns\n'))).toBeUndefined();
  });
  it('whose log is long is not: the next would be ten times as long', () => {
    expect(loadedAgain({ log_level: 1, log_size: 1 << 20 }, told(OLD + 'x'.repeat(1 << 16)))).toBeUndefined();
  });
  it('whose log does not fit is loaded again with a larger one of the same level', () => {
    expect(loadedAgain({ log_level: 2, log_size: 4096 }, told(OLD, ENOSPC))).toEqual({ level: 2, size: 4096 * 8 });
  });

  it('is loaded once more with as much room as its log takes, where the kernel says it', () => {
    const { out, result } = told('', ENOSPC);
    const saying = (size: number) => ({
      result,
      out: new Map([...out, ['log_true_size', new Uint8Array(Uint32Array.of(size).buffer)]]),
    });
    expect(loadedAgain({ log_level: 1, log_size: 4096 }, saying(61_191))).toEqual({ level: 1, size: 61_191 });
    expect(loadedAgain({ log_level: 1, log_size: 4096 }, saying(0))).toEqual({ level: 1, size: 4096 * 8 });
  });
});

describe('a program whose verification a signal interrupted', () => {
  it('is loaded again while signals wait, as it was', () => {
    const first = step({ log_level: 1, log_size: 4096 });
    expect(retryOf(first, told('0: R1=ctx()', EAGAIN), 1)).toEqual({
      step: { ...first, undisturbed: true },
      why: 'a signal interrupted the verifier; signals wait from here on',
    });
  });
  it('and refused then, is loaded undisturbed for its log too', () => {
    const retry = retryOf({ ...step({}), undisturbed: true }, told(''), 2);
    expect(retry?.step).toMatchObject({ undisturbed: true, attr: { log_level: 1 } });
  });
  it('is given up after thirty times', () => {
    expect(retryOf(step({}), told('', EAGAIN), 29)).toBeDefined();
    expect(retryOf(step({}), told('', EAGAIN), 30)).toBeUndefined();
  });
});
