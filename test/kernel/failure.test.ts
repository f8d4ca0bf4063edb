// A load that fails, at any step and in any way, leaves nothing behind: held against the descriptors and mappings of this process.

import { beforeAll, expect, it } from 'vitest';
import { LoadedObject, open } from '../../src/api/index.js';
import { planAttach } from '../../src/attach/index.js';
import { BpfError, SyscallError, VerifierError } from '../../src/errors.js';
import {
  drive,
  dryRunKernel,
  execute,
  type Kernel,
  type Recorded,
  recordingKernel,
  replayKernel,
  reply,
  type StepEvent,
} from '../../src/load/index.js';
import type { BpfObject } from '../../src/object/index.js';
import { fdRefs, type KernelFacts, type Step } from '../../src/plan/index.js';
import { realKernel } from '../../src/syscall/index.js';
import { describeWithKernel, type Holdings, holdings } from '../support/kernel.js';
import { fixture } from '../support/kernel-bench.js';

const ERRNO = { EPERM: 1, EAGAIN: 11, ENOMEM: 12, EINVAL: 22, ENOSPC: 28 } as const;
type Errno = keyof typeof ERRNO;

/** Passes everything on, but refuses what `refuses` says, without asking the kernel. */
const refusing = (refuses: (step: Step, call: number) => Errno | undefined, kernel: Kernel = realKernel): Kernel => {
  let calls = 0;
  return {
    run: (step, fds) => {
      const errno = refuses(step, calls++);
      return errno ? reply(-ERRNO[errno]) : kernel.run(step, fds);
    },
    unmap: () => {},
    close: (fd) => kernel.close(fd),
  };
};

const bootstrap = () => open(fixture('bootstrap.bpf.o'));
/** Loads and attaches through a kernel, and closes all of it again. */
function loadAndAttach(kernel: Kernel, observe?: (event: StepEvent) => void): void {
  using loaded = bootstrap().load({ kernel, ...(observe && { observe }) });
  using _links = loaded.attach();
}

let facts: KernelFacts;
let object: BpfObject;
let steps: readonly Step[];
let before: Holdings;

function prepare(): void {
  beforeAll(() => {
    // What is made once a process, such as the mapping of the kernel's types, is made now.
    const record: Recorded[] = [];
    loadAndAttach(recordingKernel(realKernel, record));
    ({ facts, object } = bootstrap().plan());
    steps = record.map(({ step }) => step);
    before = holdings();
  });
}

describeWithKernel('a load and attach that fails', () => {
  prepare();

  it('has steps of every kind', () => {
    expect(steps.length).toBeGreaterThan(12);
    expect(new Set(steps.map((step) => (step.call === 'bpf' ? step.cmd : step.call)))).toEqual(
      new Set([
        'BPF_BTF_LOAD',
        'BPF_MAP_CREATE',
        'BPF_MAP_UPDATE_ELEM',
        'BPF_MAP_FREEZE',
        'BPF_PROG_LOAD',
        'BPF_PROG_BIND_MAP',
        'perf_event_open',
        'BPF_LINK_CREATE',
        'ioctl',
      ]),
    );
  });

  it.each(['EPERM', 'EINVAL', 'ENOMEM'] as const)('with %s at any step leaves nothing behind, and says which step', (errno) => {
    for (const { id, optional } of steps) {
      const load = () => loadAndAttach(refusing((step) => (step.id === id ? errno : undefined)));
      if (optional) expect(load, id).not.toThrow();
      else {
        let error: unknown;
        try {
          load();
        } catch (caught) {
          error = caught;
        }
        expect(error, id).toBeInstanceOf(SyscallError);
        expect((error as SyscallError).message).toContain(`Cannot do "${id}"`);
        expect((error as SyscallError).errno).toBe(errno);
      }
      expect(holdings(), id).toEqual(before);
    }
  });

  it('with an exception of the kernel at any call leaves nothing behind', () => {
    for (const [index] of steps.entries()) {
      const kernel = refusing((_, call) => {
        if (call === index) throw new BpfError('broken');
        return undefined;
      });
      expect(() => loadAndAttach(kernel)).toThrow('broken');
      expect(holdings()).toEqual(before);
    }
  });

  it('because whoever observes it throws, at any event, leaves nothing behind', () => {
    let events = 0;
    loadAndAttach(realKernel, () => events++);
    expect(events).toBe(2 * steps.length);
    for (let stopAt = 0; stopAt < events; stopAt++) {
      let seen = 0;
      const observe = () => {
        if (seen++ === stopAt) throw new Error('enough');
      };
      expect(() => loadAndAttach(realKernel, observe)).toThrow('enough');
      expect(holdings(), `event ${stopAt}`).toEqual(before);
    }
  });

  it('because whoever observes a failure or a retry throws, leaves nothing behind', () => {
    for (const at of ['failed', 'retry'] as const) {
      const observe = (event: StepEvent) => {
        if (event.at === at) throw new Error('enough');
      };
      expect(() =>
        loadAndAttach(
          refusing((step) => (step.id === 'prog handle_exit' ? 'EINVAL' : undefined)),
          observe,
        ),
      ).toThrow('enough');
      expect(holdings()).toEqual(before);
    }
  });

  it('because the caller stops it early, leaves nothing behind', () => {
    const plan = bootstrap().plan().steps;
    for (let stopAfter = 1; stopAfter <= 2 * plan.length; stopAfter++) {
      const running = execute(plan, realKernel);
      for (let i = 0; i < stopAfter; i++) running.next();
      running.return(undefined as never);
      expect(holdings(), `${stopAfter} events`).toEqual(before);
    }
  });

  it('when it attaches keeps what was loaded, so that it can be tried again', () => {
    let refused: Errno | undefined = 'EPERM';
    using loaded = bootstrap().load({ kernel: refusing((step) => (step.id === 'link handle_exit' ? refused : undefined)) });
    const held = holdings();
    expect(() => loaded.attach()).toThrow('Cannot do "link handle_exit"');
    expect(holdings()).toEqual(held);
    refused = undefined;
    using links = loaded.attach();
    expect(links.names).toContain('link handle_exit');
  });
});

describeWithKernel('a program that is refused', () => {
  prepare();
  const attempts = (
    errno: (tries: number) => Errno | undefined,
  ): { readonly error: unknown; readonly logSizes: readonly unknown[]; readonly events: readonly string[] } => {
    const logSizes: unknown[] = [];
    const events: string[] = [];
    let error: unknown;
    try {
      const kernel = refusing((step) => {
        if (step.id !== 'prog handle_exec' || step.call !== 'bpf') return undefined;
        logSizes.push(step.attr.log_size);
        return errno(logSizes.length);
      });
      bootstrap()
        .load({ kernel, observe: ({ at, step }) => step.id === 'prog handle_exec' && events.push(at) })
        .close();
    } catch (caught) {
      error = caught;
    }
    expect(holdings()).toEqual(before);
    return { error, logSizes, events };
  };

  it('once is loaded the second time, with a log', () => {
    const { error, logSizes, events } = attempts((tries) => (tries === 1 ? 'EINVAL' : undefined));
    expect(error).toBeUndefined();
    expect(logSizes).toEqual([undefined, 1 << 20]);
    expect(events).toEqual(['before', 'failed', 'retry', 'before', 'after']);
  });

  it('because of signals is tried again undisturbed, and never for a log: it was not refused', () => {
    const { error, logSizes } = attempts(() => 'EAGAIN');
    expect((error as SyscallError).errno).toBe('EAGAIN');
    expect(error).not.toBeInstanceOf(VerifierError);
    expect((error as SyscallError).message).toContain('that says nothing of the program');
    expect(logSizes).toEqual(Array(30).fill(undefined));
  });

  it('because its log does not fit is tried with larger ones, up to a limit', () => {
    const { error, logSizes } = attempts((tries) => (tries === 1 ? 'EINVAL' : tries < 4 ? 'ENOSPC' : undefined));
    expect(error).toBeUndefined();
    expect(logSizes).toEqual([undefined, 1 << 20, 1 << 23, 1 << 26]);
  });

  it("by the verifier comes with the verifier's own words", () => {
    const broken = (step: Step): Step => {
      if (step.id !== 'prog handle_exec' || step.call !== 'bpf') return step;
      return { ...step, attr: { ...step.attr, insn_cnt: 1, insns: Uint8Array.of(0x95, 0, 0, 0, 0, 0, 0, 0), ...NO_INFO } };
    };
    const kernel: Kernel = { ...realKernel, run: (step, fds) => realKernel.run(broken(step), fds) };
    let error: unknown;
    try {
      bootstrap().load({ kernel });
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(VerifierError);
    expect((error as VerifierError).log).toContain('R0 !read_ok');
    expect((error as VerifierError).message).toContain('The verifier says: R0 !read_ok');
    expect(holdings()).toEqual(before);
  });
  const NO_INFO = {
    func_info_cnt: 0,
    line_info_cnt: 0,
    func_info_rec_size: 0,
    line_info_rec_size: 0,
    func_info: new Uint8Array(),
    line_info: new Uint8Array(),
  };
});

describeWithKernel('a load that succeeds', () => {
  prepare();

  it('leaves nothing behind when it is closed, once or twice, by close() or by using', () => {
    const loaded = bootstrap().load();
    const links = loaded.attach();
    void loaded.map('rb');
    void loaded.map('exec_start');
    void (loaded.rodata as { min_duration_ns: bigint }).min_duration_ns;
    expect(holdings().mappings.length).toBeGreaterThan(before.mappings.length);
    links.close();
    links.close();
    loaded.close();
    loaded.close();
    links[Symbol.dispose]();
    loaded[Symbol.dispose]();
    expect(holdings()).toEqual(before);
    {
      using inner = bootstrap().load();
      using _attached = inner.attach();
    }
    expect(holdings()).toEqual(before);
  });

  it('closes its links with itself', () => {
    const loaded = bootstrap().load();
    loaded.attach();
    loaded.close();
    expect(holdings()).toEqual(before);
  });

  it('leaves nothing behind after waiting', async () => {
    const loaded = bootstrap().load();
    const ring = loaded.map('rb') as unknown as { events(type?: string): AsyncIterator<unknown> };
    const pending = ring.events().next();
    await new Promise((resolve) => setTimeout(resolve, 10));
    loaded.close();
    await pending;
    expect(holdings()).toEqual(before);
  });

  it('leaves no mapping behind when only one of two can be made', () => {
    const plan = bootstrap().plan();
    // An object that says its ring is larger than it is: the consumer page can be mapped, the data cannot.
    const maps = plan.object.maps.map((map) => (map.name === 'rb' ? { ...map, maxEntries: 2 * map.maxEntries } : map));
    using loaded = new LoadedObject({
      object: { ...plan.object, maps },
      session: drive(execute(plan.steps, realKernel)),
      logs: new Map(),
      attach: (session) => session,
      iterate: (session) => session,
      onClose: () => {},
    });
    const { mappings } = holdings();
    expect(() => loaded.map('rb')).toThrow('Cannot map');
    expect(holdings().mappings).toEqual(mappings);
  });
});

describeWithKernel('kernels that are none', () => {
  prepare();
  /** Loads and attaches, and tells which steps ran, by id and what they made. */
  const run = (kernel: Kernel): readonly { readonly id: string; readonly makes: boolean }[] => {
    const ran: { id: string; makes: boolean }[] = [];
    const observe = (event: StepEvent) => {
      if (event.at === 'after') ran.push({ id: event.step.id, makes: event.step.makes === 'fd' });
    };
    using loaded = drive(execute(bootstrap().plan({ facts }).steps, kernel), observe);
    using _attached = drive(execute(planAttach(object, facts), kernel, loaded), observe);
    return ran;
  };

  it('see the same steps as the real one', () => {
    const record: Recorded[] = [];
    const real = run(recordingKernel(realKernel, record));
    const dry = dryRunKernel(facts);
    expect(run(dry)).toEqual(real);
    expect(dry.open.size).toBe(0); // closed again, all of them
    expect(record.map(({ step }) => step.id)).toEqual(real.map(({ id }) => id));
    expect(run(replayKernel(record))).toEqual(real);
    expect(holdings()).toEqual(before);
  });

  it('refuse a plan that is not the recorded one', () => {
    const record: Recorded[] = [];
    run(recordingKernel(dryRunKernel(facts), record));
    expect(() => run(replayKernel(record.slice(1)))).toThrow(
      `The recording has "${record[1]?.step.id}" where the plan has "${record[0]?.step.id}"`,
    );
    expect(() => run(replayKernel(record.slice(0, -1)))).toThrow('The recording has no more steps where the plan has');
  });

  it('refuse to refer to what is closed, as the real one would', () => {
    const dry = dryRunKernel(facts);
    const session = drive(execute(bootstrap().plan({ facts }).steps, dry));
    for (const fd of dry.open) dry.close(fd);
    expect(() => drive(execute(planAttach(object, facts), dry, session))).toThrow('which is closed');
  });

  it('get plans in which every reference is to an earlier step', () => {
    const made = new Set<string>();
    for (const step of [...bootstrap().plan({ facts }).steps, ...planAttach(object, facts)]) {
      for (const { fd } of fdRefs(step)) expect(made, `${step.id} refers to ${fd}`).toContain(fd);
      expect(made, 'ids are unique').not.toContain(step.id);
      if (step.makes === 'fd') made.add(step.id);
    }
  });
});
