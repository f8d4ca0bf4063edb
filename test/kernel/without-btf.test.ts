// A kernel that refuses an object's BTF: everything is loaded without types, and works.

import { expect, test } from 'vitest';
import { open } from '../../src/api/index.js';
import { type Kernel, reply, type StepEvent } from '../../src/load/index.js';
import type { Bootstrap } from '../../src/run/index.js';
import { realKernel } from '../../src/syscall/index.js';
import { describeWithKernel } from '../support/kernel.js';
import { workload } from '../support/workload.js';

const EINVAL = 22;
const withoutBtf: Kernel = {
  ...realKernel,
  run: (step, fds) => (step.id === 'btf' ? reply(-EINVAL) : realKernel.run(step, fds)),
};

describeWithKernel('a kernel that refuses the BTF of an object', () => {
  test('is given maps and programs without types, and runs them', async () => {
    const events: StepEvent[] = [];
    using object = open<Bootstrap>('fixtures/bootstrap.bpf.o');
    const loaded = object.load({ kernel: withoutBtf, observe: (event) => events.push(event) });
    loaded.attach();
    const done = events.flatMap((event) => (event.at === 'after' && event.step.call === 'bpf' ? [event.step] : []));
    expect(done.map(({ id }) => id)).toContain('prog handle_exit');
    for (const { attr } of done)
      for (const field of ['btf_fd', 'prog_btf_fd', 'func_info', 'line_info_cnt']) expect(attr).not.toHaveProperty(field);

    const [job] = await workload([5]);
    const codes: number[] = [];
    loaded.maps.rb.consume((event) => {
      if (event.pid === job?.pid && event.exit_event) codes.push(event.exit_code);
    });
    expect(codes).toEqual([5]);
  });
});
