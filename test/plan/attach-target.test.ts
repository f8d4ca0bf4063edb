// Attach targets: what a section names, and the type id that the kernel is given for it.

import { describe, expect, it } from 'vitest';
import { type Btf, type BtfTypeInput, encodeBtf, parseBtf } from '../../src/btf/index.js';
import { type BpfError, FormatError, UnsupportedError, UsageError } from '../../src/errors.js';
import type { BpfObject } from '../../src/object/index.js';
import { describeFacts, type KernelFacts, type ModuleBtf, needsModules, planLoad, wanted } from '../../src/plan/index.js';
import { BPF_ATTACH_TYPE, BPF_PROG_TYPE } from '../../src/uapi/enums.js';
import { btfOf, INT, proto, struct, typedef } from '../support/btf-types.js';
import { programs } from '../support/object-builder.js';

const func = (name: string): BtfTypeInput => ({ kind: 'FUNC', name, type: 2, linkage: 0 });

/** Ids from 1, in this order. Each name is there in another kind, or another naming, too. */
const KERNEL: readonly BtfTypeInput[] = [
  INT,
  proto(1, 1),
  struct('vfs_read', 4, ['a', 1]),
  func('vfs_read'),
  func('vfs_write'),
  func('btf_trace_sched_switch'),
  typedef('btf_trace_sched_switch', 2),
  typedef('btf_trace_sched_process_exec', 2),
  typedef('btf_trace_sched_process_exit', 2),
  func('bpf_lsm_file_open'),
  func('bpf_lsm_socket_bind'),
  func('bpf_iter_task'),
  func('bpf_iter_bpf_map'),
  func('vfs_read'),
  func('a___b'),
  func('file_open'),
];
const facts: KernelFacts = describeFacts({ kernelBtf: btfOf(KERNEL) });

function attrOf(object: BpfObject, known = facts): Record<string, unknown> {
  const step = planLoad(object, known).find(({ id }) => id === 'prog p0');
  return step?.call === 'bpf' ? step.attr : {};
}

describe('the attach target of a section', () => {
  it.each([
    ['tp_btf/sched_switch', 'BPF_PROG_TYPE_TRACING', 'BPF_TRACE_RAW_TP', 7, 0],
    ['tp_btf.s/sched_process_exec', 'BPF_PROG_TYPE_TRACING', 'BPF_TRACE_RAW_TP', 8, 0x10],
    ['fentry/vfs_read', 'BPF_PROG_TYPE_TRACING', 'BPF_TRACE_FENTRY', 4, 0],
    ['fentry.s/vfs_write', 'BPF_PROG_TYPE_TRACING', 'BPF_TRACE_FENTRY', 5, 0x10],
    ['fentry/vmlinux:vfs_write', 'BPF_PROG_TYPE_TRACING', 'BPF_TRACE_FENTRY', 5, 0],
    ['fentry/vm:vfs_write', 'BPF_PROG_TYPE_TRACING', 'BPF_TRACE_FENTRY', 5, 0],
    ['fentry/a___b', 'BPF_PROG_TYPE_TRACING', 'BPF_TRACE_FENTRY', 15, 0],
    ['fexit/vfs_read', 'BPF_PROG_TYPE_TRACING', 'BPF_TRACE_FEXIT', 4, 0],
    ['fexit.s/vfs_read', 'BPF_PROG_TYPE_TRACING', 'BPF_TRACE_FEXIT', 4, 0x10],
    ['fmod_ret/vfs_read', 'BPF_PROG_TYPE_TRACING', 'BPF_MODIFY_RETURN', 4, 0],
    ['fmod_ret.s/vfs_read', 'BPF_PROG_TYPE_TRACING', 'BPF_MODIFY_RETURN', 4, 0x10],
    ['fsession/vfs_read', 'BPF_PROG_TYPE_TRACING', 'BPF_TRACE_FSESSION', 4, 0],
    ['fsession.s/vfs_read', 'BPF_PROG_TYPE_TRACING', 'BPF_TRACE_FSESSION', 4, 0x10],
    ['lsm/file_open', 'BPF_PROG_TYPE_LSM', 'BPF_LSM_MAC', 10, 0],
    ['lsm.s/file_open', 'BPF_PROG_TYPE_LSM', 'BPF_LSM_MAC', 10, 0x10],
    ['lsm_cgroup/socket_bind', 'BPF_PROG_TYPE_LSM', 'BPF_LSM_CGROUP', 11, 0],
    ['iter/task', 'BPF_PROG_TYPE_TRACING', 'BPF_TRACE_ITER', 12, 0],
    ['iter.s/bpf_map', 'BPF_PROG_TYPE_TRACING', 'BPF_TRACE_ITER', 13, 0x10],
  ] as const)('%s', (section, type, attachType, id, flags) => {
    const object = programs(section);
    expect(wanted(object)).toMatchObject({ kernelBtf: true, attachBtf: true });
    const attr = attrOf(object);
    expect(attr.prog_type).toBe(BPF_PROG_TYPE[type]);
    expect(attr.expected_attach_type).toBe(BPF_ATTACH_TYPE[attachType]);
    expect(attr.attach_btf_id).toBe(id);
    expect(attr.prog_flags ?? 0).toBe(flags);
  });

  it('is looked up in the kernel itself, whatever types relocations are given', () => {
    const coreBtf = btfOf([INT, proto(1), func('vfs_read')]);
    expect(attrOf(programs('fentry/vfs_read'), { ...facts, coreBtf }).attach_btf_id).toBe(4);
  });

  it('is not asked for by other sections, nor by those that are switched off', () => {
    for (const section of ['tp/sched/sched_switch', 'raw_tp/sched_switch', 'xdp', '?fentry/vfs_read'])
      expect(wanted(programs(section)), section).toMatchObject({ kernelBtf: false, attachBtf: false });
    expect(attrOf(programs('xdp'))).not.toHaveProperty('attach_btf_id');
    expect(planLoad(programs('?fentry/nothing'), facts)).toEqual([]);
  });
});

describe('an attach target in a module', () => {
  const module = (name: string, id: number, ...functions: string[]): ModuleBtf => {
    const kernelBtf = facts.kernelBtf as Btf;
    return { name, id, btf: parseBtf(encodeBtf(functions.map(func), { base: kernelBtf }), kernelBtf) };
  };
  const known = { ...facts, modules: [module('ext4', 7, 'ext4_open'), module('xfs', 8, 'xfs_open', 'vfs_read')] };

  it.each([
    ['fentry/xfs_open', 17, 'xfs'],
    ['fentry/xfs:xfs_open', 17, 'xfs'],
    ['fentry/xf:xfs_open', 17, 'xfs'],
    ['fentry/ext4_open', 17, 'ext4'],
    ['fentry/xfs:vfs_read', 18, 'xfs'],
  ])('%s is found there', (section, id, name) => {
    const steps = planLoad(programs(section), known);
    expect(steps.map((step) => step.id)).toEqual([`btf of module ${name}`, 'prog p0']);
    expect(steps[0]).toMatchObject({ cmd: 'BPF_BTF_GET_FD_BY_ID', attr: { btf_id: name === 'xfs' ? 8 : 7 } });
    expect(attrOf(programs(section), known)).toMatchObject({
      attach_btf_id: id,
      attach_btf_obj_fd: { fd: `btf of module ${name}` },
    });
  });

  it("is not preferred to the kernel's own", () => {
    expect(attrOf(programs('fentry/vfs_read'), known)).not.toHaveProperty('attach_btf_obj_fd');
  });

  it('is looked for only where the kernel lacks it', () => {
    const asked = (section: string) => needsModules(facts.kernelBtf as Btf, wanted(programs(section)).types);
    expect(asked('fentry/vfs_read')).toBe(false);
    expect(asked('fentry/xfs_open')).toBe(true);
    expect(asked('lsm/file_open')).toBe(false);
  });

  it('of a module that lacks it is refused, with a similar name of that module', () => {
    expect(() => planLoad(programs('fentry/xfs:xfs_opne'), known)).toThrow('Did you mean "xfs_open"?');
  });
});

describe('an attach target in another program', () => {
  const target = (section: string, name?: string): BpfObject => {
    const object = programs(section);
    const targetProgram = { fd: 9, ...(name !== undefined && { name }) };
    return { ...object, programs: object.programs.map((program) => ({ ...program, targetProgram })) };
  };
  const programBtfs = new Map([[9, btfOf([INT, proto(1, 1), func('victim'), func('other')])]]);

  it.each([
    ['freplace/victim', undefined, 3],
    ['freplace', 'other', 4],
    ['fentry/vfs_read', 'victim', 3],
  ])('%s %s', (section, name, id) => {
    const object = target(section, name);
    expect(wanted(object)).toMatchObject({ programs: [9], attachBtf: false });
    const attr = attrOf(object, { ...facts, programBtfs });
    expect(attr).toMatchObject({ attach_btf_id: id, attach_prog_fd: 9 });
    expect(attr).not.toHaveProperty('attach_btf_obj_fd');
  });

  it('that it lacks, or without types, is refused', () => {
    expect(() => planLoad(target('freplace/victm'), { ...facts, programBtfs })).toThrow('Did you mean "victim"?');
    expect(() => planLoad(target('freplace/victim'), facts)).toThrow('has no types');
    expect(() => planLoad(target('freplace'), { ...facts, programBtfs })).toThrow('nobody said into which function');
  });
});

describe('an attach target that cannot be had', () => {
  it.each([
    ['fentry', FormatError, 'Section "fentry" does not say which function the program is for', 'SEC("fentry/<function>")'],
    ['fentry/', FormatError, 'does not say which function', 'SEC("fentry/<function>")'],
    ['fexit/vmlinux:', FormatError, 'does not say which function', 'SEC("fexit/<function>")'],
    ['tp_btf.s', FormatError, 'does not say which tracepoint', 'SEC("tp_btf.s/<tracepoint>")'],
    ['iter', FormatError, 'does not say which iterator', 'SEC("iter/<iterator>")'],
    ['fentry/vfs_raed', UnsupportedError, "The kernel's BTF has no function vfs_raed", 'Did you mean "vfs_read"?'],
    ['fentry/bpf_lsm_fileopen', UnsupportedError, 'no function bpf_lsm_fileopen', 'Did you mean "bpf_lsm_file_open"?'],
    ['fentry/zzzzzzzzzz', UnsupportedError, 'no function zzzzzzzzzz', 'Functions that are inlined are not there'],
    [
      'tp_btf/sched_proces_exec',
      UnsupportedError,
      "The kernel's BTF has no tracepoint sched_proces_exec",
      'Did you mean "sched_process_exec"?',
    ],
    ['tp_btf/vfs_read', UnsupportedError, 'no tracepoint vfs_read', "the kernel's version and configuration"],
    ['lsm/vfs_read', UnsupportedError, 'no LSM hook vfs_read', 'Some are in modules'],
    ['lsm/fileopen', UnsupportedError, 'no LSM hook fileopen', 'Did you mean "file_open"?'],
    ['iter/tasks', UnsupportedError, 'no iterator tasks', 'Did you mean "task"?'],
    ['fentry/xfs:xfs_file_open', UnsupportedError, 'Module xfs has no function xfs_file_open', 'modprobe xfs'],
    ['freplace/main', UsageError, 'p0 replaces a function of another program', "object.program('p0').attachTo(fd"],
  ])('%s: is refused by name, with what to do', (section, type, what, remedy) => {
    const load = () => planLoad(programs(section), facts);
    expect(load).toThrow(type);
    expect(load).toThrow(what);
    expect(load).toThrow(remedy);
    try {
      load();
    } catch (error) {
      expect((error as BpfError).where).toMatchObject({ program: 'p0', section });
    }
  });

  it('because nobody gave the types of the kernel', () => {
    expect(() => planLoad(programs('fentry/vfs_read'), describeFacts())).toThrow('the types of the kernel are needed');
  });

  it('among 60,000 functions is told in a moment, however long its name', () => {
    const many = Array.from({ length: 60_000 }, (_, i) => func(`some_kernel_function_${i * 7919}`));
    const kernelBtf = btfOf([INT, proto(1), ...many]);
    for (const name of ['same_kernel_function_7919', 'x'.repeat(30), 'x'.repeat(4000)]) {
      const start = performance.now();
      expect(() => planLoad(programs(`fentry/${name}`), { ...facts, kernelBtf })).toThrow('no function');
      expect(performance.now() - start).toBeLessThan(3000);
    }
  });
});
