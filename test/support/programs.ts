// What tests with a kernel share, under any test runner: running a program, and what a process holds.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { BpfError, SyscallError } from '../../src/errors.js';
import { type Attr, encodeAttr } from '../../src/plan/index.js';
import { addressOf, syscall } from '../../src/syscall/index.js';
import { BPF_ATTR, BPF_F_TEST_RUN_ON_CPU } from '../../src/uapi/bpf.js';
import { BPF_CMD } from '../../src/uapi/enums.js';
import { errnoName } from '../../src/uapi/errno.js';

/**
 * Runs a SEC("syscall") program once.
 * @returns What it returned, as the signed number that it is in C.
 */
export const runSyscallProgram = (fd: number, context: Uint8Array): number =>
  testRun({ prog_fd: fd, retval: 0, ctx_size_in: context.length, ctx_in: context });

/** As `runSyscallProgram`, of a SEC("raw_tp") program, on a CPU. */
export const runOnCpu = (fd: number, context: Uint8Array, cpu: number): number =>
  testRun({ prog_fd: fd, retval: 0, ctx_size_in: context.length, ctx_in: context, flags: BPF_F_TEST_RUN_ON_CPU, cpu });

/** As `runSyscallProgram`, of a SEC("tc") program, on a packet of zeros. */
export const runPacketProgram = (fd: number): number =>
  testRun({ prog_fd: fd, retval: 0, data_size_in: 64, data_in: new Uint8Array(64) });

function testRun(attr: Attr): number {
  const layout = BPF_ATTR.BPF_PROG_TEST_RUN;
  if (!layout) throw new BpfError('The attribute of BPF_PROG_TEST_RUN is not described');
  const { bytes, size, pointers } = encodeAttr(layout, attr, () => -1);
  const view = new DataView(bytes.buffer);
  for (const { at, offset } of pointers) view.setBigUint64(at, addressOf(bytes) + BigInt(offset), true);
  const result = syscall('bpf', BPF_CMD.BPF_PROG_TEST_RUN, bytes, size);
  if (result < 0) throw new SyscallError('bpf(BPF_PROG_TEST_RUN)', errnoName(-result));
  const retval = layout.find(({ name }) => name === 'retval');
  return view.getInt32(retval?.at ?? 0, true);
}

/** What a process holds that a load may have left behind: descriptors by what they are, and mappings that are not of files. */
export interface Holdings {
  readonly fds: readonly string[];
  readonly mappings: readonly string[];
}

export function holdings(): Holdings {
  const fds = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [`${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`];
    } catch {
      return []; // the descriptor of this very listing
    }
  });
  const mappings = readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .flatMap((line) => /anon_inode\S*|\S*bpf\S*$/.exec(line.slice(49))?.[0] ?? []);
  return { fds: fds.sort(), mappings: mappings.sort() };
}
