// The steps that attach tracing, LSM and iterator programs, and what happens on kernels that know only the older command.

import { describe, expect, it } from 'vitest';
import { planAttach } from '../../src/attach/index.js';
import { SyscallError, UnsupportedError } from '../../src/errors.js';
import { drive, dryRunKernel, execute, type Kernel, reply, Session, type StepEvent } from '../../src/load/index.js';
import { describeFacts, type Step } from '../../src/plan/index.js';
import { BPF_ATTACH_TYPE } from '../../src/uapi/enums.js';
import { programs } from '../support/object-builder.js';

const facts = describeFacts();
const steps = (...sections: string[]): Step[] => planAttach(programs(...sections), facts);
const prog_fd = { fd: 'prog p0' };

describe('attaching', () => {
  it.each([
    ['tp_btf/sched_switch', 'BPF_TRACE_RAW_TP', 'runs p0 at each tracepoint sched_switch', true],
    ['fentry/vfs_read', 'BPF_TRACE_FENTRY', 'runs p0 whenever vfs_read is called', true],
    ['fentry.s/vmlinux:vfs_read', 'BPF_TRACE_FENTRY', 'runs p0 whenever vfs_read is called', true],
    ['fexit/vfs_read', 'BPF_TRACE_FEXIT', 'runs p0 whenever vfs_read returns', true],
    ['fmod_ret/vfs_read', 'BPF_MODIFY_RETURN', 'runs p0 before vfs_read, which it may keep from running', true],
    ['lsm/file_open', 'BPF_LSM_MAC', 'runs p0 at the LSM hook file_open, where it may say no', true],
    ['lsm.s/file_open', 'BPF_LSM_MAC', 'runs p0 at the LSM hook file_open, where it may say no', true],
    ['fsession/vfs_read', 'BPF_TRACE_FSESSION', 'runs p0 whenever vfs_read is called, and when it returns', false],
    ['iter/task', 'BPF_TRACE_ITER', 'lets p0 be read as an iterator', false],
  ] as const)('%s is one link', (section, type, why, older) => {
    const [link, ...more] = steps(section);
    expect(more).toEqual([]);
    expect(link).toMatchObject({
      id: 'link p0',
      makes: 'fd',
      call: 'bpf',
      cmd: 'BPF_LINK_CREATE',
      attr: { prog_fd, attach_type: BPF_ATTACH_TYPE[type] },
      where: { program: 'p0', section },
    });
    expect(link?.why).toBe(`${why}, for as long as this descriptor is open`);
    expect(link?.otherwise?.call).toEqual(older ? { call: 'bpf', cmd: 'BPF_RAW_TRACEPOINT_OPEN', attr: { prog_fd } } : undefined);
  });

  it('leaves to their users what has no place of its own', () => {
    expect(steps('xdp', 'lsm_cgroup/socket_bind', '?fentry/vfs_read')).toEqual([]);
    expect(steps('xdp', 'tp_btf/sched_switch').map(({ id }) => id)).toEqual(['link p1']);
  });

  it.each(['fentry.multi/vfs_*', 'fexit.multi/vfs_*'])('refuses %s', (section) => {
    expect(() => steps(section)).toThrow(UnsupportedError);
  });
});

describe('a kernel before 5.19', () => {
  const EINVAL = 22;
  const EPERM = 1;
  /** A kernel that answers with these errnos, in turn, and then gives descriptor 9. */
  const run = (section: string, ...errnos: number[]) => {
    const asked: Step[] = [];
    const closed: number[] = [];
    const kernel: Kernel = {
      run: (step) => {
        asked.push(step);
        const errno = errnos.shift();
        return reply(errno ? -errno : 9);
      },
      unmap: () => {},
      close: (fd) => closed.push(fd),
    };
    const events: StepEvent[] = [];
    const calls = () => asked.map((step) => step.call === 'bpf' && step.cmd);
    try {
      const session = drive(execute(steps(section), kernel, new Session(kernel, new Map([['prog p0', 5]]))), (event) =>
        events.push(event),
      );
      return { calls: calls(), events, session, error: undefined, closed };
    } catch (error) {
      return { calls: calls(), events, session: undefined, error: error as SyscallError, closed };
    }
  };

  it.each(['tp_btf/x', 'fentry/x', 'fexit/x', 'fmod_ret/x', 'lsm/x'])('gets %s by the older command', (section) => {
    const { calls, events, session, closed } = run(section, EINVAL);
    expect(calls).toEqual(['BPF_LINK_CREATE', 'BPF_RAW_TRACEPOINT_OPEN']);
    expect(events.map(({ at }) => at)).toEqual(['before', 'failed', 'retry', 'before', 'after']);
    expect(events[2]).toMatchObject({ why: 'kernels before 5.19 attach such programs by another command' });
    expect(session?.ids).toEqual(['link p0']);
    session?.[Symbol.dispose]();
    expect(closed).toEqual([9]);
  });

  it('is tried once: the error is that of the older command', () => {
    const { calls, error } = run('fentry/x', EINVAL, EINVAL);
    expect(calls).toEqual(['BPF_LINK_CREATE', 'BPF_RAW_TRACEPOINT_OPEN']);
    expect(error).toBeInstanceOf(SyscallError);
    expect(error?.message).toContain('Cannot do "link p0"');
    expect(error?.message).toContain('bpf(BPF_RAW_TRACEPOINT_OPEN) failed with EINVAL');
  });

  it('is not assumed because of another errno, nor for what it never had', () => {
    expect(run('fentry/x', EPERM)).toMatchObject({ calls: ['BPF_LINK_CREATE'], error: { errno: 'EPERM' } });
    expect(run('fsession/x', EINVAL)).toMatchObject({ calls: ['BPF_LINK_CREATE'], error: { errno: 'EINVAL' } });
    expect(run('iter/x', EINVAL)).toMatchObject({ calls: ['BPF_LINK_CREATE'], error: { errno: 'EINVAL' } });
  });

  it('can be described, for a dry run', () => {
    for (const perfLink of [false, true]) {
      const kernel = dryRunKernel({ features: new Map([['perf_link', perfLink]]) });
      using earlier = drive(
        execute([{ id: 'prog p0', why: '', makes: 'fd', call: 'bpf', cmd: 'BPF_PROG_LOAD', attr: {} }], kernel),
      );
      const seen: string[] = [];
      for (const section of ['tp_btf/x', 'iter/x'])
        drive(execute(steps(section), kernel, earlier), ({ at, step }) => {
          if (at === 'after' && step.call === 'bpf') seen.push(step.cmd);
        })[Symbol.dispose]();
      expect(seen).toEqual([perfLink ? 'BPF_LINK_CREATE' : 'BPF_RAW_TRACEPOINT_OPEN', 'BPF_LINK_CREATE']);
    }
  });
});
