// Feature probes on kernels that are played: by what is refused, and how.

import { expect, it } from 'vitest';
import { type Kernel, reply } from '../../src/load/index.js';
import type { BpfStep, FeatureName } from '../../src/plan/index.js';
import { probe } from '../../src/syscall/index.js';

const [EPERM, EBADF, EINVAL, ERANGE] = [1, 9, 22, 34];

/** A kernel that says the same to every step of a command. */
const saying = (answers: Partial<Record<BpfStep['cmd'], number>>): Kernel => ({
  run: (step) => reply(step.call === 'bpf' ? (answers[step.cmd] ?? 100) : 0),
  close: () => {},
  unmap: () => {},
});

it.each<[FeatureName, Partial<Record<BpfStep['cmd'], number>>, boolean | undefined]>([
  ['btf_float', {}, true],
  ['btf_float', { BPF_BTF_LOAD: -EINVAL }, false],
  ['btf_float', { BPF_BTF_LOAD: -EPERM }, undefined],
  ['perf_link', { BPF_LINK_CREATE: -EBADF }, true],
  ['perf_link', { BPF_LINK_CREATE: -EINVAL }, false],
  ['uprobe_multi', { BPF_LINK_CREATE: -EBADF }, true],
  // Refused because the kind of link is not known at all, not because of the process: Linux 6.1.
  ['uprobe_multi_pid', { BPF_LINK_CREATE: -EINVAL }, false],
  ['ldimm64_full_range', { BPF_PROG_LOAD: -ERANGE }, true],
  ['ldimm64_full_range', { BPF_PROG_LOAD: -EINVAL }, false],
  ['ldimm64_full_range', { BPF_MAP_CREATE: -EINVAL }, false],
  ['arg_ctx_tag', { BPF_BTF_LOAD: -EINVAL }, false],
  ['arg_ctx_tag', { BPF_PROG_LOAD: -EINVAL }, false],
  ['arg_ctx_tag', {}, true],
])('%s of %o: %s', (name, answers, has) => {
  expect(probe(name, saying(answers))).toBe(has);
});
