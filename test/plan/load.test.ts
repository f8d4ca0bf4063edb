// The order of a plan.

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { open } from '../../src/api/index.js';
import type { BpfMapDef } from '../../src/object/index.js';
import { describeFacts, planLoad } from '../../src/plan/index.js';

test('a map of maps is made after what it has in it, wherever it is defined', () => {
  const { object } = open(join(import.meta.dirname, '../../fixtures/bootstrap.bpf.o'));
  const inner = object.maps.find(({ name }) => name === 'exec_start') as BpfMapDef;
  const outer: BpfMapDef = { ...inner, name: 'outer', type: 12, inner, slots: [{ index: 0, name: 'exec_start' }] };
  const ids = planLoad({ ...object, maps: [outer, ...object.maps] }, describeFacts()).map(({ id }) => id);
  expect(ids.indexOf('map exec_start')).toBeLessThan(ids.indexOf('map outer [0]'));
  expect(ids.indexOf('map outer [0]')).toBeLessThan(ids.findIndex((id) => id.startsWith('prog ')));
});
