// What bootstrap reads of the kernel's types.

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { open } from '../../src/api/index.js';
import { usedTypes } from '../../src/plan/index.js';

test('members by the struct that has them', () => {
  const { object } = open(join(import.meta.dirname, '../../fixtures/bootstrap.bpf.o'));
  const used = usedTypes(object);
  expect([...(used.get('struct task_struct')?.parts ?? [])].sort()).toEqual(['exit_code', 'real_parent', 'tgid']);
  expect(used.get('struct trace_event_raw_sched_process_exec')).toEqual({
    parts: new Set(['__data_loc_filename']),
    size: false,
    whole: false,
  });
  expect(used.size).toBe(2);
});
