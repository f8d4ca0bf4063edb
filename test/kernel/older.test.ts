// The way older kernels are served, tried on this one: a program on its perf event by ioctl, and a limit that is raised if it may be.

import { expect, test } from 'vitest';
import { open } from '../../src/api/index.js';
import type { StepEvent } from '../../src/load/index.js';
import type { FeatureName } from '../../src/plan/index.js';
import type { Bootstrap } from '../../src/run/index.js';
import { describeWithKernel, holdings } from '../support/kernel.js';
import { workload } from '../support/workload.js';

const OLD: ReadonlyMap<FeatureName, boolean> = new Map([
  ['memcg_account', false],
  ['perf_link', false],
]);

describeWithKernel('a kernel without links on perf events, that charges RLIMIT_MEMLOCK', () => {
  test('runs the programs all the same, and closing detaches them', async () => {
    const before = holdings();
    {
      using object = open<Bootstrap>('fixtures/bootstrap.bpf.o');
      const { facts } = object.plan();
      const events: StepEvent[] = [];
      const loaded = object.load({ facts: { ...facts, features: OLD }, observe: (event) => events.push(event) });
      using links = loaded.attach();
      expect(links.names.every((name) => name.startsWith('perf event '))).toBe(true);
      const calls = events
        .filter(({ at }) => at === 'before')
        .map(({ step }) => (step.call === 'ioctl' ? step.request : step.call));
      expect(calls[0]).toBe('prlimit64'); // may fail for want of CAP_SYS_RESOURCE; the load goes on
      expect(calls.filter((call) => call === 'PERF_EVENT_IOC_SET_BPF')).toHaveLength(2);

      const [job] = await workload([9]);
      const seen: number[] = [];
      loaded.maps.rb.consume((event) => {
        if (event.pid === job?.pid && event.exit_event) seen.push(event.exit_code);
      });
      expect(seen).toEqual([9]);

      links.close();
      loaded.maps.rb.consume(() => {});
      const [later] = await workload([1]);
      expect(loaded.maps.rb.consume((event) => expect(event.pid).not.toBe(later?.pid))).toBe(0);
    }
    expect(holdings().fds).toEqual(before.fds);
  });
});
