// What the doctor says of described machines, and that its tables leave nothing out.

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Btf, type BtfTypeInput, encodeBtf, parseBtf } from '../../src/btf/index.js';
import { region } from '../../src/bytes/index.js';
import { CHECKS, describeMachine, diagnose } from '../../src/doctor/index.js';
import { drive, dryRunKernel, execute } from '../../src/load/index.js';
import { SEC_DEFS } from '../../src/object/index.js';
import { attachOf, BAD_FD, describeFacts, fdRefs, HOOKS, type HookTargets, loadOf, type Step } from '../../src/plan/index.js';
import { doctorJson, doctorText, toJson } from '../../src/run/index.js';
import { MACHINES } from './machines.js';

describe.each(Object.entries(MACHINES))('%s', (name, facts) => {
  const diagnosis = diagnose(facts);
  const all = [...diagnosis.rows, ...diagnosis.hooks];

  test('the page', async () => {
    const file = join(import.meta.dirname, 'golden', `${name.replaceAll(/\W+/g, '-')}.txt`);
    await expect(doctorText(diagnosis)).toMatchFileSnapshot(file);
  });

  test('whatever is not well says what it means or what mends it', () => {
    const mute = all.filter(({ state, means, mend }) => state !== 'ok' && state !== 'unknown' && !means && !mend);
    expect(mute).toEqual([]);
  });

  test('as JSON it has every row', () => {
    const json = JSON.parse(toJson(doctorJson(diagnosis))) as { ok: boolean; checks: unknown[]; hooks: { parts: unknown[] }[] };
    expect(json.checks).toHaveLength(diagnosis.rows.length);
    expect(json.hooks.flatMap(({ parts }) => parts)).toHaveLength(HOOKS.flatMap(({ parts }) => parts).length);
    expect(json.ok).toBe(!all.some(({ state }) => state === 'problem'));
  });
});

test('a machine that has everything has no problems and no warnings', () => {
  expect(diagnose(MACHINES['everything is there'] ?? describeMachine()).count).toMatchObject({
    warning: 0,
    problem: 0,
    unknown: 0,
  });
});

test('ids and names are unique', () => {
  const ids = [
    ...CHECKS.map(({ id }) => id),
    ...HOOKS.map(({ id }) => id),
    ...HOOKS.flatMap(({ parts }) => parts.map(({ name }) => `part ${name}`)),
  ];
  expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
});

test('every type and attach type that a section can have is probed', () => {
  const probed = new Set(HOOKS.flatMap(({ parts }) => parts.map(({ type, attachType }) => `${type} ${attachType}`)));
  const missing = SEC_DEFS.filter(({ type, attachType }) => !probed.has(`${type} ${attachType}`)).map(({ sec }) => sec);
  expect(missing).toEqual([]);
});

describe('probes of hooks', () => {
  const targets: HookTargets = {
    btf: typesOfTargets(),
    tracepoint: 1,
    kprobePmu: 8,
    uprobePmu: 9,
    address: 0xffffffff81000000n,
    file: { path: '/bin/true', offset: 4096n, pid: 1 },
  };
  const plans = HOOKS.flatMap(({ parts }) =>
    parts.flatMap((part) =>
      [loadOf(part, targets), attachOf(part, targets)].flatMap((found) => (found && 'steps' in found ? [found.steps] : [])),
    ),
  );

  test('leave nothing open, whichever step fails', () => {
    expect(plans.length).toBeGreaterThan(80);
    for (const steps of plans) {
      for (let failing = 0; failing <= steps.length; failing++) {
        const kernel = dryRunKernel(describeFacts());
        const refused = (step: Step) => step.id === steps[failing]?.id || [...fdRefs(step)].includes(BAD_FD);
        const run = () =>
          drive(
            execute(steps, {
              ...kernel,
              run: (step, fds) => (refused(step) ? { result: -9, out: new Map() } : kernel.run(step, fds)),
            }),
          )[Symbol.dispose]();
        if (steps.some(refused)) expect(run).toThrow('EBADF');
        else run();
        expect([...kernel.open]).toEqual([]);
      }
    }
  });

  test('without what they need they say what is missing', () => {
    const blind: HookTargets = {
      ...targets,
      btf: undefined,
      tracepoint: undefined,
      kprobePmu: undefined,
      uprobePmu: undefined,
      address: undefined,
    };
    const missing = HOOKS.flatMap(({ parts }) =>
      parts.flatMap((part) =>
        [loadOf(part, blind), attachOf(part, blind)].flatMap((found) => (found && 'missing' in found ? [found.missing] : [])),
      ),
    );
    expect(new Set(missing)).toMatchInlineSnapshot(`
      Set {
        "the id of a tracepoint, which is in tracefs",
        "the kernel's BTF",
        "the perf event source of kprobes (/sys/bus/event_source/devices/kprobe)",
        "the address of bpf_fentry_test1, which /proc/kallsyms shows to those with CAP_SYSLOG",
        "the perf event source of uprobes (/sys/bus/event_source/devices/uprobe)",
      }
    `);
  });
});

/** BTF with everything that a hook is for. */
function typesOfTargets(): Btf {
  const targets = HOOKS.flatMap(({ parts }) => parts.flatMap(({ target }) => target ?? []));
  const types: BtfTypeInput[] = [
    { kind: 'INT', name: 'int', size: 4, bits: 32, bitOffset: 0, encoding: 0 },
    { kind: 'FUNC_PROTO', type: 0, params: [] },
    ...targets.map(({ kind, name, member = '' }): BtfTypeInput => {
      if (kind === 'FUNC') return { kind, name, type: 2, linkage: 0 };
      if (kind === 'STRUCT') return { kind, name, size: 4, members: [{ name: member, type: 1, bitOffset: 0, bitfieldSize: 0 }] };
      return { kind: 'TYPEDEF', name, type: 1 };
    }),
  ];
  return parseBtf(region(encodeBtf(types), { file: 'targets' }));
}
