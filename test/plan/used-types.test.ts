// What bootstrap reads of the kernel's types.

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { open } from '../../src/api/index.js';
import type { BpfObject } from '../../src/object/index.js';
import { usedTypes } from '../../src/plan/index.js';
import { array, btfOf, INT, ptr, struct, union } from '../support/btf-types.js';

test('members by the struct that has them', () => {
  const { object } = open(join(import.meta.dirname, '../../fixtures/bootstrap.bpf.o'));
  const used = usedTypes(object);
  expect([...(used.get('struct task_struct')?.parts ?? [])].sort()).toEqual(['exit_code', 'real_parent', 'tgid']);
  expect(used.get('struct trace_event_raw_sched_process_exec')).toEqual({
    parts: new Set(['__data_loc_filename']),
    size: false,
  });
  expect(used.size).toBe(2);
});

test('of what type_matches compares, the members that the object declares, and those of what they are', () => {
  const inner = struct('inner', 8, ['x', 1], ['rest', 3, 4]);
  const types = [INT, struct('behind', 4, ['y', 1]), ptr(2), inner, array(4, 2), union('', 4, ['u', 1])];
  const btf = btfOf([...types, struct('s___mine', 32, ['p', 3], ['in', 5, 8], ['', 6, 24])]);
  const relo = { insn: 0, type: 7, access: '0', kind: 12 };
  const object = { btf, coreRelos: new Map([['xdp', [relo]]]), externs: [], where: {} } as unknown as BpfObject;
  expect(Object.fromEntries(usedTypes(object))).toMatchObject({
    'struct s': { parts: new Set(['p', 'in', 'u']), size: false },
    'struct inner': { parts: new Set(['x', 'rest']), size: false },
  });
  expect(usedTypes(object).has('struct behind')).toBe(false);
});
