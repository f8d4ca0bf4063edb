// Ways of hooking into what the kernel and processes do: tracepoints, functions, decisions, iterators, events.

import { type Hook, parts } from './hook.js';
import {
  iterate,
  onCgroup,
  onClock,
  onKprobe,
  onKprobes,
  onTracepoint,
  onUprobe,
  onUprobes,
  open,
  QUIET_FUNCTION,
  QUIET_TRACEPOINT,
} from './hook-attach.js';
import { progTypeProbe } from './type-probes.js';

const KPROBE = { returns: 1 } as const;
const CGROUP = { returns: 1, attach: onCgroup } as const;
const FUNCTION = { target: { kind: 'FUNC', name: QUIET_FUNCTION }, attach: open() } as const;

export const TRACING_HOOKS: readonly Hook[] = [
  {
    id: 'tracepoint',
    what: 'tracepoints, by their fields',
    since: '4.7',
    config: ['CONFIG_BPF_EVENTS', 'CONFIG_TRACEPOINTS', 'CONFIG_PERF_EVENTS'],
    needs: 'CAP_PERFMON',
    parts: parts('BPF_PROG_TYPE_TRACEPOINT', { returns: 1, attach: onTracepoint }, ['tp']),
  },
  {
    id: 'raw_tracepoint',
    what: 'tracepoints, by their arguments',
    since: '4.17',
    config: ['CONFIG_BPF_EVENTS', 'CONFIG_TRACEPOINTS'],
    needs: 'CAP_PERFMON',
    parts: [
      ...parts('BPF_PROG_TYPE_RAW_TRACEPOINT', { attach: open(QUIET_TRACEPOINT) }, ['raw_tp']),
      ...parts('BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE', { attach: open(QUIET_TRACEPOINT) }, ['raw_tp.w']),
    ],
  },
  {
    id: 'tp_btf',
    what: 'tracepoints, by their typed arguments',
    since: '5.5',
    config: ['CONFIG_BPF_EVENTS', 'CONFIG_TRACEPOINTS', 'CONFIG_DEBUG_INFO_BTF', 'CONFIG_BPF_JIT'],
    needs: 'CAP_PERFMON',
    parts: parts('BPF_PROG_TYPE_TRACING', {}, [
      'tp_btf',
      'BPF_TRACE_RAW_TP',
      { target: { kind: 'TYPEDEF', name: `btf_trace_${QUIET_TRACEPOINT}` }, attach: open() },
    ]),
  },
  {
    id: 'kprobe',
    what: 'kernel functions, by a breakpoint; system calls',
    since: '4.1',
    config: ['CONFIG_BPF_EVENTS', 'CONFIG_KPROBES', 'CONFIG_KPROBE_EVENTS'],
    needs: 'CAP_PERFMON',
    parts: parts('BPF_PROG_TYPE_KPROBE', KPROBE, ['kprobe', undefined, { attach: onKprobe }]),
  },
  {
    id: 'kprobe.multi',
    what: 'many kernel functions at once',
    since: '5.18',
    config: ['CONFIG_BPF_EVENTS', 'CONFIG_FPROBE'],
    needs: 'CAP_PERFMON',
    parts: parts('BPF_PROG_TYPE_KPROBE', { attach: onKprobes }, ['kprobe.multi', 'BPF_TRACE_KPROBE_MULTI']),
  },
  {
    id: 'kprobe.session',
    what: 'entry and exit of many kernel functions in one program',
    since: '6.10',
    config: ['CONFIG_BPF_EVENTS', 'CONFIG_FPROBE'],
    needs: 'CAP_PERFMON',
    parts: parts('BPF_PROG_TYPE_KPROBE', { attach: onKprobes }, ['kprobe.session', 'BPF_TRACE_KPROBE_SESSION']),
  },
  {
    id: 'uprobe',
    what: 'functions of programs and libraries; USDT probes',
    since: '4.1',
    config: ['CONFIG_BPF_EVENTS', 'CONFIG_UPROBES', 'CONFIG_UPROBE_EVENTS'],
    needs: 'CAP_PERFMON',
    parts: parts('BPF_PROG_TYPE_KPROBE', { ...KPROBE, attach: onUprobe }, ['uprobe'], ['usdt']),
  },
  {
    id: 'uprobe.multi',
    what: 'many functions of a program at once',
    since: '6.6',
    config: ['CONFIG_BPF_EVENTS', 'CONFIG_UPROBES'],
    needs: 'CAP_PERFMON',
    parts: parts('BPF_PROG_TYPE_KPROBE', { attach: onUprobes }, ['uprobe.multi', 'BPF_TRACE_UPROBE_MULTI']),
  },
  {
    id: 'uprobe.session',
    what: 'entry and exit of many functions of a program in one program',
    since: '6.13',
    config: ['CONFIG_BPF_EVENTS', 'CONFIG_UPROBES'],
    needs: 'CAP_PERFMON',
    parts: parts('BPF_PROG_TYPE_KPROBE', { attach: onUprobes }, ['uprobe.session', 'BPF_TRACE_UPROBE_SESSION']),
  },
  {
    id: 'fentry',
    what: 'kernel functions, by their typed arguments, at little cost',
    since: '5.5',
    config: [
      'CONFIG_BPF_EVENTS',
      'CONFIG_DEBUG_INFO_BTF',
      'CONFIG_BPF_JIT',
      'CONFIG_FUNCTION_TRACER',
      'CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS',
    ],
    needs: 'CAP_PERFMON',
    parts: [
      ...parts('BPF_PROG_TYPE_TRACING', FUNCTION, ['fentry', 'BPF_TRACE_FENTRY'], ['fexit', 'BPF_TRACE_FEXIT']),
      // Functions that may be changed are security hooks, which are called for everybody; those for tests are not on every kernel.
      ...parts('BPF_PROG_TYPE_TRACING', {}, [
        'fmod_ret',
        'BPF_MODIFY_RETURN',
        { target: { kind: 'FUNC', name: 'security_file_open' }, since: '5.7' },
      ]),
    ],
  },
  {
    id: 'fsession',
    what: 'entry and exit of a kernel function in one program',
    since: '7.0',
    config: ['CONFIG_BPF_EVENTS', 'CONFIG_DEBUG_INFO_BTF', 'CONFIG_BPF_JIT', 'CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS'],
    needs: 'CAP_PERFMON',
    parts: parts('BPF_PROG_TYPE_TRACING', FUNCTION, ['fsession', 'BPF_TRACE_FSESSION']),
  },
  {
    id: 'fentry.multi',
    what: 'many kernel functions at once, by their typed arguments',
    since: '7.2',
    config: ['CONFIG_BPF_EVENTS', 'CONFIG_DEBUG_INFO_BTF', 'CONFIG_BPF_JIT', 'CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS'],
    needs: 'CAP_PERFMON',
    parts: parts(
      'BPF_PROG_TYPE_TRACING',
      {},
      ['fentry.multi', 'BPF_TRACE_FENTRY_MULTI'],
      ['fexit.multi', 'BPF_TRACE_FEXIT_MULTI'],
      ['fsession.multi', 'BPF_TRACE_FSESSION_MULTI'],
    ),
  },
  {
    id: 'freplace',
    what: 'functions of other BPF programs',
    since: '5.6',
    config: ['CONFIG_BPF_SYSCALL', 'CONFIG_BPF_JIT'],
    needs: 'CAP_PERFMON',
    parts: parts('BPF_PROG_TYPE_EXT', {}, ['freplace', undefined, { loads: progTypeProbe('BPF_PROG_TYPE_EXT').has }]),
  },
  {
    id: 'lsm',
    what: 'decisions of the kernel about access',
    since: '5.7',
    config: ['CONFIG_BPF_LSM', 'CONFIG_DEBUG_INFO_BTF', 'CONFIG_BPF_JIT'],
    needs: 'CAP_PERFMON',
    parts: parts('BPF_PROG_TYPE_LSM', {}, ['lsm', 'BPF_LSM_MAC', { target: { kind: 'FUNC', name: 'bpf_lsm_file_open' } }]),
  },
  {
    id: 'lsm_cgroup',
    what: 'decisions about access, of the processes of a cgroup',
    since: '6.0',
    config: ['CONFIG_BPF_LSM', 'CONFIG_CGROUP_BPF', 'CONFIG_DEBUG_INFO_BTF', 'CONFIG_BPF_JIT'],
    needs: 'CAP_PERFMON',
    parts: parts('BPF_PROG_TYPE_LSM', CGROUP, [
      'lsm_cgroup',
      'BPF_LSM_CGROUP',
      { target: { kind: 'FUNC', name: 'bpf_lsm_socket_bind' } },
    ]),
  },
  {
    id: 'iter',
    what: 'lists of what is in the kernel: tasks, maps, sockets',
    since: '5.8',
    config: ['CONFIG_BPF_EVENTS', 'CONFIG_DEBUG_INFO_BTF', 'CONFIG_BPF_JIT'],
    needs: 'CAP_PERFMON',
    parts: parts('BPF_PROG_TYPE_TRACING', {}, [
      'iter',
      'BPF_TRACE_ITER',
      { target: { kind: 'FUNC', name: 'bpf_iter_task' }, attach: iterate },
    ]),
  },
  {
    id: 'perf_event',
    what: 'samples of clocks and counters',
    since: '4.9',
    config: ['CONFIG_BPF_EVENTS', 'CONFIG_PERF_EVENTS'],
    needs: 'CAP_PERFMON',
    parts: parts('BPF_PROG_TYPE_PERF_EVENT', { returns: 1, attach: onClock }, ['perf_event']),
  },
];
