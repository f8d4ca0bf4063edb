// Whether a kernel has what a program is to be attached to, as far as its types tell: functions, tracepoints, LSM hooks, iterators.

import { typesOf } from '../btf/index.js';
import { nearest } from '../bytes/index.js';
import { BpfError } from '../errors.js';
import type { AttachFamily, BpfFunction, BpfObject } from '../object/index.js';
import { attachTarget, findKernelType, type KernelFacts, targetOf, tracepointOf } from '../plan/index.js';
import { BPF_ATTACH_TYPE, type BpfAttachType } from '../uapi/enums.js';
import { ATTACH_TYPE_SINCE } from '../uapi/since.js';
import type { Finding } from './finding.js';
import { type CheckedKernel, hasKind, hasNumber, isCode, TRACEPOINT, unlessPartial } from './kernel.js';
import { isBuiltWith, settingsOf } from './kernel-config.js';
import type { KernelSymbol, KernelSymbols } from './kernel-symbols.js';
import { checkLists } from './lists.js';
import { olderWay } from './needs.js';

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

/** Kernels that do not know it do not look at the attach type of such programs. */
const MIGRATION = 'BPF_SK_REUSEPORT_SELECT_OR_MIGRATE';

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
    const { module } = attachTarget(object, program, def, facts);
    const atFunction = def.attachType === undefined ? [] : checkAtFunction(program, def.attachType, kernel, module);
    return atFunction.length > 0 ? atFunction : [...allowed(program, kernel), ...checkOrder(program, kernel)];
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    return [unlessPartial(kernel, untyped(program, error, kernel))];
  }
}

/** Attach types that run at the start or end of a function of the kernel, and what its name begins with. */
const AT_FUNCTIONS: Readonly<Partial<Record<BpfAttachType, string>>> = {
  BPF_TRACE_FENTRY: '',
  BPF_TRACE_FEXIT: '',
  BPF_TRACE_FSESSION: '',
  BPF_MODIFY_RETURN: '',
  BPF_LSM_MAC: 'bpf_lsm_',
  BPF_LSM_CGROUP: 'bpf_lsm_',
};

/** `veth:veth_open` -> `veth_open`. */
const functionOf = (program: BpfFunction): string => (targetOf(program) ?? '').replace(/^.*:/, '');

const PROBED: ReadonlySet<string> = new Set<AttachFamily>(['kprobe', 'kprobe_multi', 'kprobe_session']);

/** Functions of the kernel's own that a program names as its target. */
export function hookedFunctions(program: BpfFunction): string[] {
  const { def, targetProgram } = program;
  const target = targetOf(program);
  if (!def || targetProgram || target === undefined) return [];
  const prefix = def.attachType && AT_FUNCTIONS[def.attachType];
  if (prefix !== undefined) return target.includes(':') ? [] : [prefix + target];
  const name = def.attach && PROBED.has(def.attach) ? probedName(target) : undefined;
  return name === undefined ? [] : [name];
}

/** `vfs_read+0x10` -> `vfs_read`; undefined for a pattern. */
const probedName = (target: string): string | undefined => (/[*?]/.test(target) ? undefined : /^[\w.]+/.exec(target)?.[0]);

function checkAtFunction(
  program: BpfFunction,
  attachType: BpfAttachType,
  kernel: CheckedKernel,
  module: string | undefined,
): Finding[] {
  const prefix = AT_FUNCTIONS[attachType];
  if (prefix === undefined) return [];
  const name = prefix + functionOf(program);
  if (module !== undefined) return checkArguments(name, kernel);
  return [...checkAddress(name, kernel), ...checkLists(program, name, kernel), ...checkArguments(name, kernel)];
}

/** `printf(const char *, ...)` ends with a parameter of no type. */
function checkArguments(name: string, { btf, modules }: CheckedKernel): Finding[] {
  const found = findKernelType({ kernelBtf: btf, modules }, name, 'FUNC');
  const owner = modules.find((module) => module.name === found?.module)?.btf ?? btf;
  const type = found && owner.type(found.id);
  const proto = type?.kind === 'FUNC' ? owner.type(type.type) : undefined;
  if (proto?.kind !== 'FUNC_PROTO' || proto.params.at(-1)?.type !== 0) return [];
  return [
    {
      concern: 'attach',
      verdict: 'red',
      stage: 'load',
      what: `${name} takes arguments without end (...), and no program hooks into such a function by its type`,
      remedy: `SEC("kprobe/${name}") does.`,
    },
  ];
}

/** A function may have a type and no code of its own: the verifier asks for its address. */
function checkAddress(name: string, { symbols }: CheckedKernel): Finding[] {
  if (!symbols || symbols.find(name).length > 0) return [];
  const made = symbols.variants(name);
  const why = made.length > 0 ? `: the compiler made ${made.join(', ')} of it` : ' (compilers make some inline)';
  return [
    {
      concern: 'attach',
      verdict: 'red',
      stage: 'load',
      what: `The kernel has a type of function ${name}, and no code by that name${why}`,
      remedy: 'Hook into a function that calls it, or that it calls.',
    },
  ];
}

/** What has no type may still be there: symbols tell where. */
function untyped(program: BpfFunction, { what, remedy }: BpfError, { symbols }: CheckedKernel): Finding {
  const name = functionOf(program);
  const isTracepoint = program.def?.attachType === 'BPF_TRACE_RAW_TP';
  const found = (isTracepoint ? [`__tracepoint_${name}`, `__traceiter_${name}`] : [name]).flatMap(
    (one) => symbols?.find(one) ?? [],
  );
  const module = found.find((symbol) => symbol.module !== undefined)?.module;
  if (module !== undefined) return unknown('load', `${name} is in module ${module}, whose types are not given`);
  const own =
    found.length > 0 && !isTracepoint
      ? `The kernel has the function, and no type of it: SEC("kprobe/${name}") does without. `
      : '';
  return { concern: 'attach', verdict: 'red', stage: 'load', what, remedy: `${own}${remedy ?? ''}` };
}

/** Hooks of LSM run only what the kernel was started with. */
function checkOrder({ def }: BpfFunction, { kconfig }: CheckedKernel): Finding[] {
  const order = kconfig && settingsOf(kconfig).get('CONFIG_LSM');
  if (def?.attachType !== 'BPF_LSM_MAC' || order === undefined || order.slice(1, -1).split(',').includes('bpf')) return [];
  return [
    {
      ...unknown(
        'attach',
        `bpf is not among CONFIG_LSM (${order}): its hooks run nothing, unless the kernel is started with lsm=…,bpf`,
      ),
      setting: 'CONFIG_LSM',
    },
  ];
}

/** Made by ALLOW_ERROR_INJECTION, for each function in the list. */
const INJECTABLE = '_eil_addr_';

/**
 * That a function is there does not say that programs may change what it returns, or sleep in it: lists tell, which have no types. One of
 * them has a symbol for each function, where symbols of variables are known.
 */
function allowed(program: BpfFunction, { symbols, kconfig }: CheckedKernel): Finding[] {
  const name = targetOf(program) ?? '';
  const { attachType, sleepable } = program.def ?? {};
  if (symbols && symbols.find(INJECTABLE + name).length > 0) return [];
  const list =
    isBuiltWith(kconfig, 'CONFIG_FUNCTION_ERROR_INJECTION') === false
      ? 'the kernel was built without CONFIG_FUNCTION_ERROR_INJECTION, so only lists of its own tell'
      : 'its error injection list tells';
  if (attachType === 'BPF_MODIFY_RETURN' && (sleepable || !name.startsWith('security_')))
    return [unknown('load', `whether programs may ${sleepable ? 'sleep in it and ' : ''}change what ${name} returns (${list})`)];
  const sleeps = sleepable && (attachType === 'BPF_TRACE_FENTRY' || attachType === 'BPF_TRACE_FEXIT');
  if (sleeps) return [unknown('load', `whether programs may sleep in ${name} (${list})`)];
  return [];
}

function checkAttachType(program: BpfFunction, type: BpfAttachType, kernel: CheckedKernel): Finding[] {
  const since = ATTACH_TYPE_SINCE[type];
  const has = hasNumber(kernel, 'bpf_attach_type', BPF_ATTACH_TYPE[type], since);
  if (has === true) return [];
  const stage = AT_LOAD.has(program.type) ? 'load' : 'attach';
  if (has === false && type === MIGRATION)
    return [unknown('attach', `no ${type} here: it is asked for new connections only, not where they migrate`, since)];
  if (has === undefined) return [unknown(stage, `whether the kernel has attach type ${type}`)];
  const older = olderWay(program);
  if (older !== undefined) return [unknown('attach', `no ${type} here: it runs ${older}, not by a link`, since)];
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

function tracepointNamed(name: string, kernel: CheckedKernel): Finding[] {
  if (hasKind(kernel, TRACEPOINT + name, 'TYPEDEF')) return [];
  const module = [`__tracepoint_${name}`, `__traceiter_${name}`]
    .flatMap((symbol) => kernel.symbols?.find(symbol) ?? [])
    .find((symbol) => symbol.module !== undefined)?.module;
  if (module !== undefined) return [];
  const similar = nearest(name, tracepointNames(kernel));
  const missing: Finding = {
    concern: 'attach',
    verdict: 'red',
    stage: 'attach',
    what: `The kernel's BTF has no tracepoint ${name}`,
    remedy: `${similar === undefined ? '' : `Did you mean "${similar}"? `}Some are in modules; others depend on version and configuration.`,
  };
  return [unlessPartial(kernel, missing)];
}

function* tracepointNames({ btf }: CheckedKernel): Generator<string> {
  for (const id of typesOf(btf, 'TYPEDEF')) {
    const name = btf.name(id);
    if (name.startsWith(TRACEPOINT)) yield name.slice(TRACEPOINT.length);
  }
}

/** How the function of a system call begins, by machine. */
const SYSCALL_PREFIXES = ['__x64_sys_', '__arm64_sys_', '__riscv_sys_', '__s390x_sys_', '__se_sys_', 'sys_'];

function syscallNamed(name: string, kernel: CheckedKernel): Finding[] {
  const { symbols } = kernel;
  const names = SYSCALL_PREFIXES.map((prefix) => prefix + name);
  if (names.some((one) => hasKind(kernel, one, 'FUNC') || (symbols?.find(one).length ?? 0) > 0)) return [];
  if (symbols)
    return [
      { concern: 'attach', verdict: 'red', stage: 'attach', what: `The kernel has no system call ${name} (${symbols.file})` },
    ];
  return [unknown('attach', `the kernel's BTF has no function of a system call ${name}; only its symbols tell`)];
}

/** Kprobes go by symbol, and not every function with a symbol has a type. */
function checkFunction(program: BpfFunction, kernel: CheckedKernel): Finding[] {
  const name = probedName(targetOf(program) ?? '');
  if (name === undefined) return [];
  const { symbols } = kernel;
  if (!symbols)
    return hasKind(kernel, name, 'FUNC')
      ? []
      : [unknown('attach', `the kernel's BTF has no function ${name}; only its symbols tell`)];
  const places = symbols.find(name).filter(isCode);
  if (places.length > 1 && program.def?.attach === 'kprobe')
    return [unknown('attach', `which of ${places.length} functions ${name} is meant: kernels of late refuse to guess`)];
  if (program.def?.attach === 'kprobe' && places.some((place) => takesNoProbe(symbols, place)))
    return [
      { concern: 'attach', verdict: 'red', stage: 'attach', what: `The kernel takes no kprobe in ${name}: it is on its list` },
    ];
  const isTyped = hasKind(kernel, name, 'FUNC');
  if (places.length > 0) return isTyped ? [] : outOfReach(name, kernel);
  if (moduleOf(kernel, name) !== undefined) return [];
  return [codeless(program, name, kernel)];
}

/** See within_notrace_func, kernel/trace/trace_kprobe.c. What has a type was compiled from C, and most of that is traced. */
function outOfReach(name: string, { kconfig }: CheckedKernel): Finding[] {
  const setting = 'CONFIG_KPROBE_EVENTS_ON_NOTRACE';
  if (isBuiltWith(kconfig, setting)) return [];
  const what = `whether ftrace reaches ${name}, which has no type: without ${setting}, kprobes go nowhere else`;
  return [{ ...unknown('attach', what), setting }];
}

/** Made by NOKPROBE_SYMBOL, for each function in the list. */
const LISTED = '_kbl_addr_';
/** Code that takes no kprobe, as a whole: see populate_kprobe_blacklist, kernel/kprobes.c, and arch/x86/kernel/kprobes/core.c. */
const UNPROBED = [
  ['__kprobes_text_start', '__kprobes_text_end'],
  ['__noinstr_text_start', '__noinstr_text_end'],
  ['__entry_text_start', '__entry_text_end'],
] as const;

function takesNoProbe(symbols: KernelSymbols, { name, address }: KernelSymbol): boolean {
  if (symbols.find(LISTED + name).length > 0) return true;
  return UNPROBED.some(([from, to]) => {
    const [[start], [end]] = [symbols.find(from), symbols.find(to)];
    return start !== undefined && end !== undefined && address >= start.address && address < end.address;
  });
}

const moduleOf = ({ btf, modules }: CheckedKernel, name: string): string | undefined =>
  findKernelType({ kernelBtf: btf, modules }, name, 'FUNC')?.module;

function codeless({ section }: BpfFunction, name: string, kernel: CheckedKernel): Finding {
  const { symbols } = kernel;
  const head = { concern: 'attach', verdict: 'red', stage: 'attach' } as const;
  const [made] = symbols?.variants(name) ?? [];
  if (made !== undefined) {
    const remedy = `SEC("${section.replace(name, made)}") hooks into that, on kernels where it is called so.`;
    return { ...head, what: `The kernel has no function ${name}: the compiler made ${made} of it`, remedy };
  }
  if (hasKind(kernel, name, 'FUNC'))
    return { ...head, what: `The kernel has a type of function ${name}, and no code by that name (compilers make some inline)` };
  if (!symbols?.hasModules)
    return unknown('attach', `neither the kernel's BTF nor ${symbols?.file} has function ${name}; modules may`);
  const similar = nearest(name, functionNames(kernel));
  const remedy = similar === undefined ? undefined : `Did you mean "${similar}"?`;
  return { ...head, what: `The kernel has no function ${name} (${symbols.file})`, remedy };
}

function* functionNames({ btf }: CheckedKernel): Generator<string> {
  for (const id of typesOf(btf, 'FUNC')) yield btf.name(id);
}
