// Who owns what a plan makes, when the caller stops in the middle.

import { describe, expect, test } from 'vitest';
import { drive, execute, type Kernel, reply, type StepEvent } from '../../src/load/index.js';
import { callName, type Step } from '../../src/plan/index.js';

const STEPS: readonly Step[] = [
  {
    id: 'map a',
    why: 'a map',
    makes: 'fd',
    call: 'bpf',
    cmd: 'BPF_MAP_CREATE',
    attr: { map_type: 1, key_size: 4, value_size: 4, max_entries: 1 },
  },
  {
    id: 'pin a',
    why: 'a pin',
    call: 'bpf',
    cmd: 'BPF_OBJ_PIN',
    attr: { pathname: '/sys/fs/bpf/a', bpf_fd: { fd: 'map a' } },
    undo: { call: 'unlink', path: '/sys/fs/bpf/a' },
  },
  {
    id: 'a written',
    why: 'in use from now on',
    call: 'bpf',
    cmd: 'BPF_MAP_UPDATE_ELEM',
    attr: { map_fd: { fd: 'map a' }, flags: 0 },
    end: { call: 'bpf', cmd: 'BPF_MAP_DELETE_ELEM', attr: { map_fd: { fd: 'map a' } } },
  },
  { id: 'memory a', why: 'memory', makes: 'memory', call: 'mmap', on: { fd: 'map a' }, address: 0n, length: 4096 },
];

/** Takes everything, and writes down what it was told. */
function noting(log: string[]): Kernel {
  return {
    run: (step) => {
      log.push(callName(step));
      return reply(step.makes === 'memory' ? 0x1000 : 7);
    },
    close: (fd) => void log.push(`close ${fd}`),
    unmap: ({ address }) => void log.push(`unmap ${address}`),
  };
}

const stopAfter = (id: string) => (event: StepEvent) => {
  if (event.at === 'after' && event.step.id === id) throw new Error('enough');
};

describe('a caller that stops right after', () => {
  test.each([
    ['map a', ['close 7']],
    ['pin a', ['unlink', 'close 7']],
    ['a written', ['unlink', 'bpf(BPF_MAP_DELETE_ELEM)', 'close 7']],
    ['memory a', ['unlink', 'bpf(BPF_MAP_DELETE_ELEM)', 'unmap 4096', 'close 7']],
  ])('%s leaves nothing behind', (id, taken) => {
    const log: string[] = [];
    expect(() => drive(execute(STEPS, noting(log)), stopAfter(id))).toThrow('enough');
    expect(log.slice(STEPS.findIndex((step) => step.id === id) + 1)).toEqual(taken);
  });

  test('has nothing taken back before', () => {
    const log: string[] = [];
    const session = drive(execute(STEPS, noting(log)));
    expect(log).toHaveLength(STEPS.length);
    session[Symbol.dispose]();
    expect(log.slice(STEPS.length)).toEqual(['bpf(BPF_MAP_DELETE_ELEM)', 'unmap 4096', 'close 7']);
  });
});

test('a step that needs what was switched off says which, and who needs it', () => {
  const [, pin] = STEPS as [Step, Step];
  const log: string[] = [];
  expect(() => drive(execute([pin], noting(log)))).toThrow('Cannot do "pin a" (a pin): it needs "map a", which is not there');
  expect(log).toEqual([]);
});
