// The bundled tool: tracepoints, a hash map, a ring buffer. 5.10 has no links on perf events, and charges memory to a limit.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { open } from '../../../src/api/index.js';
import type { StepEvent } from '../../../src/load/index.js';
import type { Bootstrap } from '../../../src/run/index.js';
import { workload } from '../../support/workload.js';
import { clean, group, since } from '../support/kernel.js';

group('basics', () => {
  clean('bootstrap tells of processes, by the calls that this kernel knows', async () => {
    using object = open<Bootstrap>('fixtures/bootstrap.bpf.o');
    const events: StepEvent[] = [];
    const loaded = object.load({ observe: (event) => events.push(event) });
    using _links = loaded.attach();
    const done = events.flatMap(({ at, step }) =>
      at === 'after' ? (step.call === 'ioctl' ? step.request : step.call === 'bpf' ? step.cmd : step.call) : [],
    );
    assert.equal(done.includes('prlimit64'), !since('5.11'), 'the limit on locked memory');
    assert.equal(done.includes('PERF_EVENT_IOC_SET_BPF'), !since('5.15'), 'attaching by ioctl');
    assert.equal(done.includes('BPF_LINK_CREATE'), since('5.15'), 'attaching by link');

    const jobs = await workload([3, 0]);
    const seen: [number, number, string][] = [];
    loaded.maps.rb.consume(({ pid, exit_event, exit_code, comm }) => {
      if (exit_event) seen.push([pid, exit_code, comm]);
    });
    assert.doesNotMatch(readFileSync('/proc/self/mounts', 'utf8'), /tracefs/); // it was looked at, and left unmounted
    for (const { pid, exitCode, comm } of jobs)
      assert.deepEqual(
        seen.find(([seenPid]) => seenPid === pid),
        [pid, exitCode, comm],
      );
  });
});
