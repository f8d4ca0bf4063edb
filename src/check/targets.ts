// Whether a kernel has what a program is to be attached to, as far as its types tell: functions, tracepoints, LSM hooks, iterators.

import { typesOf } from '../btf/index.js';
import { nearest } from '../bytes/index.js';
import { BpfError } from '../errors.js';
import type { AttachFamily, BpfFunction, BpfObject } from '../object/index.js';
import { attachTarget, type KernelFacts, targetOf, tracepointOf } from '../plan/index.js';
import { BPF_ATTACH_TYPE, type BpfAttachType } from '../uapi/enums.js';
import { ATTACH_TYPE_SINCE } from '../uapi/since.js';
import type { Finding } from './finding.js';
import { type CheckedKernel, hasKind, hasNumber } from './kernel.js';

type Check = (program: BpfFunction, kernel: CheckedKernel) => Finding[];

/** Families whose targets are in the kernel, and not found by type at loading. */
const FAMILIES: Readonly<Partial<Record<AttachFamily, Check>>> = {
  tracepoint: checkTracepoint,
  raw_tracepoint: (program, kernel) => {
    const name = targetOf(program);
    return name ? tracepointNamed(name, kernel) : [];
  },
  kprobe: checkFunction,
  kprobe_multi: checkFunction,
  kprobe_session: checkFunction,
  ksyscall: (program, kernel) => {
    const name = targetOf(program);
    return name ? syscallNamed(name, kernel) : [];
  },
};

/** Programs whose attach type the kernel looks at when they are loaded; for others it matters when they are attached. */
const AT_LOAD: ReadonlySet<string> = new Set([
  ...['TRACING', 'LSM', 'CGROUP_SOCK', 'CGROUP_SOCK_ADDR', 'CGROUP_SOCKOPT', 'SK_LOOKUP', 'SK_REUSEPORT', 'NETFILTER'].map(
    (name) => `BPF_PROG_TYPE_${name}`,
  ),
]);

/** What hooks in by its type is looked for when it is loaded. */
export function checkAttach(object: BpfObject, program: BpfFunction, kernel: CheckedKernel, facts: KernelFacts): Finding[] {
  const { def } = program;
  if (!def) return [];
  const type = def.attachType === undefined ? [] : checkAttachType(program, def.attachType, kernel);
  if (type.length > 0) return type;
  if (def.type === 'BPF_PROG_TYPE_EXT')
    return program.targetProgram ? [] : [unknown('load', 'it replaces a function of another program, which is named at loading')];
  if (!def.attachBtf) return (def.attach && FAMILIES[def.attach]?.(program, kernel)) ?? [];
  if (program.targetProgram) return [];
  try {
    attachTarget(object, program, def, facts);
    return allowed(program);
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    return [{ concern: 'attach', verdict: 'red', stage: 'load', what: error.what, remedy: error.remedy }];
  }
}

/** That a function is there does not say that programs may change what it returns, or sleep in it: lists tell, which have no types. */
function allowed(program: BpfFunction): Finding[] {
  const name = targetOf(program) ?? '';
  const { attachType, sleepable } = program.def ?? {};
  if (attachType === 'BPF_MODIFY_RETURN' && (sleepable || !name.startsWith('security_')))
    return [
      unknown(
        'load',
        `whether programs may ${sleepable ? 'sleep in it and ' : ''}change what ${name} returns (its error injection list tells)`,
      ),
    ];
  const sleeps = sleepable && (attachType === 'BPF_TRACE_FENTRY' || attachType === 'BPF_TRACE_FEXIT');
  if (sleeps) return [unknown('load', `whether programs may sleep in ${name} (its error injection list tells)`)];
  return [];
}

/** `tc/ingress` names a link of 6.6, but such programs also run as filters, as they always did. */
const hasOlderWay = ({ section }: BpfFunction): boolean => section.startsWith('tc/');

function checkAttachType(program: BpfFunction, type: BpfAttachType, kernel: CheckedKernel): Finding[] {
  const since = ATTACH_TYPE_SINCE[type];
  const has = hasNumber(kernel, 'bpf_attach_type', BPF_ATTACH_TYPE[type], since);
  if (has === true) return [];
  const stage = AT_LOAD.has(program.type) ? 'load' : 'attach';
  if (has === undefined) return [unknown(stage, `whether the kernel has attach type ${type}`)];
  if (hasOlderWay(program)) return [unknown('attach', `no ${type} here: it runs as a filter, not by a link`, since)];
  return [{ concern: 'attach', verdict: 'red', stage, what: `The kernel has no attach type ${type}`, since }];
}

const unknown = (stage: Finding['stage'], what: string, since?: string): Finding => ({
  concern: 'attach',
  verdict: 'unknown',
  stage,
  what,
  since,
});

const SYSCALLS = 'syscalls/';

function checkTracepoint(program: BpfFunction, kernel: CheckedKernel): Finding[] {
  const target = tracepointOf(program);
  if (target === undefined) return [];
  const syscall = target.startsWith(SYSCALLS) ? /^sys_(?:enter|exit)_(.+)$/.exec(target.slice(SYSCALLS.length))?.[1] : undefined;
  if (syscall !== undefined) return syscallNamed(syscall, kernel);
  return tracepointNamed(target.slice(target.indexOf('/') + 1), kernel);
}

const CONTEXT = 'btf_trace_';

/** Every tracepoint has a typedef of this name, since 5.5; its category is not among the types. */
function tracepointNamed(name: string, kernel: CheckedKernel): Finding[] {
  if (hasKind(kernel, CONTEXT + name, 'TYPEDEF')) return [];
  const similar = nearest(name, tracepointNames(kernel));
  return [
    {
      concern: 'attach',
      verdict: 'red',
      stage: 'attach',
      what: `The kernel's BTF has no tracepoint ${name}`,
      remedy: `${similar === undefined ? '' : `Did you mean "${similar}"? `}Some are in modules; others depend on version and configuration.`,
    },
  ];
}

function* tracepointNames({ btf }: CheckedKernel): Generator<string> {
  for (const id of typesOf(btf, 'TYPEDEF')) {
    const name = btf.name(id);
    if (name.startsWith(CONTEXT)) yield name.slice(CONTEXT.length);
  }
}

/** How the function of a system call begins, by machine. */
const SYSCALL_PREFIXES = ['__x64_sys_', '__arm64_sys_', '__riscv_sys_', '__s390x_sys_', '__se_sys_', 'sys_'];

function syscallNamed(name: string, kernel: CheckedKernel): Finding[] {
  if (SYSCALL_PREFIXES.some((prefix) => hasKind(kernel, prefix + name, 'FUNC'))) return [];
  return [unknown('attach', `the kernel's BTF has no function of a system call ${name}; only its symbols tell`)];
}

/** Kprobes go by symbol, and not every function with a symbol has a type. */
function checkFunction(program: BpfFunction, kernel: CheckedKernel): Finding[] {
  const target = targetOf(program);
  const name = target === undefined ? undefined : /^[\w.]+/.exec(target)?.[0];
  if (!name || /[*?]/.test(target ?? '') || hasKind(kernel, name, 'FUNC')) return [];
  const addresses = kernel.kallsyms?.get(name);
  if (addresses !== undefined && addresses.length > 0) return [];
  return [unknown('attach', `the kernel's BTF has no function ${name}; only its symbols tell`)];
}
