// Kernels that are none: one that writes down what another answers, one that answers from such a record, and one that
// answers from facts. They make traces, replays and dry runs, on any machine.

import { UsageError } from '../errors.js';
import { callName, fdRefs, type KernelFacts, type Step } from '../plan/index.js';
import { BPF_ATTACH_TYPE } from '../uapi/enums.js';
import { type FdTable, type Kernel, type Reply, reply } from './kernel.js';

export interface Recorded {
  readonly step: Step;
  readonly reply: Reply;
}

/** Passes everything on to `kernel`, and pushes each step with its reply to `record`. */
export const recordingKernel = (kernel: Kernel, record: Recorded[]): Kernel => ({
  run(step, fds) {
    const answer = kernel.run(step, fds);
    record.push({ step, reply: answer });
    return answer;
  },
  close: (fd) => kernel.close(fd),
  unmap: (memory) => kernel.unmap(memory),
  ...(kernel.pretends && { pretends: true }),
});

/**
 * Answers as recorded.
 * @throws {UsageError} from `run` when the plan is not the recorded one.
 */
export function replayKernel(record: readonly Recorded[]): Kernel {
  let next = 0;
  return {
    pretends: true,
    run(step) {
      const recorded = record[next++];
      if (recorded?.step.id !== step.id)
        throw new UsageError(
          `The recording has ${recorded ? `"${recorded.step.id}"` : 'no more steps'} where the plan has "${step.id}"`,
        );
      return recorded.reply;
    },
    close: () => {},
    unmap: () => {},
  };
}

/** Links on perf events (5.15) and of tracing programs (5.19); those on iterators are older. */
const isYoungerLink = (step: Step): boolean =>
  step.call === 'bpf' && step.cmd === 'BPF_LINK_CREATE' && step.attr.attach_type !== BPF_ATTACH_TYPE.BPF_TRACE_ITER;

const FIRST_FD = 3;
const EINVAL = 22;

/**
 * Performs nothing. Descriptors are numbered as a new process would number them; each step checks that those it refers to are
 * open. A call that the described kernel does not know is refused as that kernel would.
 */
export function dryRunKernel(facts: Pick<KernelFacts, 'features'>): Kernel & { readonly open: ReadonlySet<number> } {
  const open = new Set<number>();
  let free = FIRST_FD; // none below it is
  const close = (fd: number): void => {
    if (open.delete(fd)) free = Math.min(free, fd);
  };
  const lowest = () => {
    while (open.has(free)) free++;
    return free;
  };
  return {
    pretends: true,
    open,
    run(step: Step, fds: FdTable) {
      for (const ref of fdRefs(step)) {
        const fd = fds.get(ref);
        if (!open.has(fd)) throw new UsageError(`${callName(step)} refers to "${ref.fd}", which is closed`);
      }
      if (facts.features.get('perf_link') === false && isYoungerLink(step)) return reply(-EINVAL);
      if (step.call === 'close') close(fds.get(step.on));
      if (step.makes !== 'fd') return reply(0);
      const fd = lowest();
      open.add(fd);
      return reply(fd);
    },
    close,
    unmap: () => {},
  };
}
