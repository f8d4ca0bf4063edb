// A plan with a token: every call that makes something carries it, and says so.

import { expect, it } from 'vitest';
import { drive, dryRunKernel, execute } from '../../src/load/index.js';
import { describeFacts, planLoad, withToken } from '../../src/plan/index.js';
import { BPF_F_TOKEN_FD } from '../../src/uapi/bpf.js';
import { programs } from '../support/object-builder.js';

it('carries the token in every call that makes something', () => {
  const facts = describeFacts();
  const plain = planLoad(programs('xdp'), facts);
  const steps = withToken(plain, '/sys/fs/bpf');
  expect(steps.slice(0, 3).map(({ call }) => call)).toEqual(['open', 'bpf', 'close']);
  const load = steps.find(({ id }) => id === 'prog p0');
  expect(load).toMatchObject({ attr: { prog_flags: BPF_F_TOKEN_FD, prog_token_fd: { fd: 'token' } } });
  using session = drive(execute(steps, dryRunKernel(facts)));
  expect(session.ids).toEqual(['token', ...plain.map(({ id }) => id)]);
});
