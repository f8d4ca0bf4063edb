// The doctor on this machine: what it probes leaves nothing behind, and agrees with what loads.

import { expect, test } from 'vitest';
import { diagnose } from '../../src/doctor/index.js';
import { HELPERS, helperProbe, progTypeProbe } from '../../src/plan/index.js';
import { ask, effectiveCapabilities, outcomeOf, readDoctorFacts, withoutCapabilities } from '../../src/syscall/index.js';
import { capabilityBit } from '../../src/uapi/capability.js';
import { describeWithKernel, holdings } from '../support/kernel.js';

describeWithKernel('the doctor here', () => {
  test('holds nothing afterwards', () => {
    readDoctorFacts();
    const before = holdings();
    const facts = readDoctorFacts();
    expect(holdings()).toEqual(before);
    expect(diagnose(facts).hooks.length).toBeGreaterThan(30);
  });

  test('old hooks load for root, and attach', () => {
    const { hooks } = readDoctorFacts();
    const of = (part: string) => hooks.find((outcome) => outcome.part === part);
    for (const part of ['tp', 'raw_tp', 'perf_event', 'sk_skb/stream_verdict'])
      expect(of(part)).toMatchObject({ loads: { answer: 'yes' }, attaches: { answer: 'yes' } });
    for (const part of ['cgroup_skb/ingress', 'cgroup/connect4'])
      expect(of(part)).toMatchObject({ loads: { answer: 'yes' }, attaches: { answer: 'asked' } });
    expect(of('socket')).toEqual({ hook: 'socket', part: 'socket', loads: { answer: 'yes' } });
  });

  test('capabilities are back after doing without them', () => {
    const before = effectiveCapabilities();
    const dropped = capabilityBit('CAP_SYS_ADMIN') | capabilityBit('CAP_BPF');
    expect(withoutCapabilities(dropped, effectiveCapabilities)).toBe(before & ~dropped);
    expect(() =>
      withoutCapabilities(dropped, () => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(effectiveCapabilities()).toBe(before);
  });

  test('a helper counts as there unless the verifier says that it is not', () => {
    const available = HELPERS.filter((helper) => {
      const probe = helperProbe('BPF_PROG_TYPE_SOCKET_FILTER', helper);
      return probe && ask(probe);
    });
    expect(available).toContain('BPF_FUNC_map_lookup_elem');
    expect(available).toContain('BPF_FUNC_skb_load_bytes');
    expect(available).not.toContain('BPF_FUNC_xdp_adjust_head');
    expect(helperProbe('BPF_PROG_TYPE_TRACING', 'BPF_FUNC_map_lookup_elem')).toBeUndefined();
    expect(outcomeOf(progTypeProbe('BPF_PROG_TYPE_SOCKET_FILTER').steps)).toEqual({ ok: true });
  });
});
