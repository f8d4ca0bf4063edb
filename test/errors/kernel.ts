// The kernel of the situations: a few types that are described here, and an answer of its own to one step of a load.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { open } from '../../src/api/index.js';
import { type BtfTypeInput, encodeBtf, parseBtf } from '../../src/btf/index.js';
import { region, toCString } from '../../src/bytes/index.js';
import { VerifierError } from '../../src/errors.js';
import { dryRunKernel, type Kernel, reply } from '../../src/load/index.js';
import { describeFacts, type KernelFacts, type Step } from '../../src/plan/index.js';
import { INT, int, proto, ptr, struct, typedef } from '../support/btf-types.js';

const func = (name: string): BtfTypeInput => ({ kind: 'FUNC', name, type: 2, linkage: 0 });
const enumOf = (name: string, ...values: readonly string[]): BtfTypeInput => ({
  kind: 'ENUM',
  name,
  size: 4,
  signed: false,
  values: values.map((value, i) => ({ name: value, value: BigInt(i) })),
});

/** Ids from 1, in this order. */
const TYPES: readonly BtfTypeInput[] = [
  INT,
  proto(1, 1),
  int('long long int', 8, 1),
  func('vfs_read'),
  func('vfs_write'),
  func('bpf_lsm_file_open'),
  func('bpf_iter_task'),
  typedef('btf_trace_sched_process_exec', 2),
  typedef('btf_trace_sys_enter', 2),
  struct('inode', 24, ['i_ino', 3, 0], ['i_atime_sec', 3, 8], ['i_atime_nsec', 1, 16]),
  struct('task_struct', 16, ['pid', 1, 0], ['tgid', 1, 4]),
  enumOf('bpf_map_type', 'BPF_MAP_TYPE_UNSPEC', 'BPF_MAP_TYPE_HASH', 'BPF_MAP_TYPE_ARRAY'),
  struct('file', 16, ['f_pos', 3, 8]),
  struct('twice', 8, ['x', 1, 0]),
  struct('twice', 8, ['y', 1, 0], ['x', 1, 4]),
  ptr(2),
  struct('demo_ops', 16, ['open', 16, 0], ['limit', 1, 8]),
  struct('bpf_struct_ops_demo_ops', 80, ['data', 17, 64]),
  { kind: 'VAR', name: 'runqueues', type: 3, linkage: 1 },
  func('bpf_task_acquire'),
];
export const KERNEL_TYPES = encodeBtf(TYPES);
export const kernelBtf = parseBtf(region(KERNEL_TYPES, { file: '/sys/kernel/btf/vmlinux' }));
/** The same without the structures that programs may stand in for. */
export const withoutStructOps = parseBtf(region(encodeBtf(TYPES.slice(0, 16)), { file: '/sys/kernel/btf/vmlinux' }));

export const facts = (known: Partial<KernelFacts> = {}): KernelFacts =>
  describeFacts({ kernelBtf, tracepointIds: new Map([['sched/sched_process_exec', 311]]), ...known });

const ERRNO = { EPERM: 1, ENOENT: 2, E2BIG: 7, ENOMEM: 12, EACCES: 13, EBUSY: 16, EEXIST: 17, EINVAL: 22, ENOSYS: 38 } as const;

/** Takes every step but one. @param log What the kernel writes where the refused step has room for it. */
export function refusing(
  step: (step: Step) => boolean,
  errno: keyof typeof ERRNO,
  { log, field = 'log_buf' }: { log?: string; field?: string } = {},
): Kernel {
  const kernel = dryRunKernel(facts());
  return {
    ...kernel,
    run: (asked, fds) => {
      if (!step(asked)) return kernel.run(asked, fds);
      const hasRoom = asked.call === 'bpf' && asked.attr[field] !== undefined;
      return log !== undefined && hasRoom
        ? { result: -ERRNO[errno], out: new Map([[field, toCString(log)]]) }
        : reply(-ERRNO[errno]);
    },
  };
}

export const command =
  (cmd: string) =>
  (step: Step): boolean =>
    step.call === 'bpf' && step.cmd === cmd;

export const objectFile = (name: string): Uint8Array => readFileSync(join(import.meta.dirname, 'objects', `${name}.bpf.o`));

const LOGS = join(import.meta.dirname, '../load/logs');
const OWN_LOGS = join(import.meta.dirname, 'logs');

/** Loads one program of an object, and has it refused as a kernel once did. @param log Of test/load/logs, or, without, of `logs`. */
export function refused(file: string, program: string, log?: string, errno: 'EACCES' | 'EINVAL' = 'EACCES'): void {
  const own = join(OWN_LOGS, `${program}.log`);
  if (!log && process.env.TSBPF_RECORD) record(file, program, own);
  const text = readFileSync(log ? join(LOGS, log) : own, 'utf8');
  load(file, program, facts(), refusing(command('BPF_PROG_LOAD'), errno, { log: text }));
}

export function load(file: string, program: string, known = facts(), kernel: Kernel = dryRunKernel(known)): void {
  using object = open(objectFile(file), { name: `${file}.bpf.o` });
  object.program(program).autoload = true;
  object.load({ facts: known, kernel }).attach();
}

/** What the kernel of this machine says, with types for CO-RE that are those of the situations. */
function record(file: string, program: string, to: string): void {
  using object = open(objectFile(file), { name: `${file}.bpf.o`, btf: KERNEL_TYPES });
  object.program(program).autoload = true;
  try {
    object.load();
  } catch (error) {
    if (!(error instanceof VerifierError)) throw error;
    writeFileSync(to, error.log);
  }
}
