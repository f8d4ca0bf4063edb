// What a kernel can do, asked one thing at a time: the sections, keys and words of `bpftool feature probe`.

import { BpfError } from '../errors.js';
import {
  attachTypeProbe,
  HELPERS,
  helperProbe,
  MAP_TYPES,
  MISC_PROBES,
  mapTypeProbe,
  miscProbe,
  NOISY_HELPERS,
  PROG_TYPES,
  progTypeProbe,
  shortName,
  TRACING_ATTACH_TYPES,
} from '../plan/index.js';
import { ask, effectiveCapabilities, kernelConfig, outcomeOf, read, withoutCapabilities } from '../syscall/index.js';
import { type Capability, capabilityBit, hasCapability } from '../uapi/capability.js';
import type { BpfProgType } from '../uapi/enums.js';

/** What was found, by section; keys are bpftool's. Sections behind `misc` are ours. */
export interface FeatureReport {
  /** Sysctls as numbers, -1 where they cannot be read; settings of the kernel as text, null where they are not set. */
  readonly system_config: Readonly<Record<string, number | string | null>>;
  readonly syscall_config: { readonly have_bpf_syscall: boolean };
  /** Absent, like all that follows, where there is no bpf(2). */
  readonly program_types?: Readonly<Record<string, boolean>>;
  readonly map_types?: Readonly<Record<string, boolean>>;
  readonly helpers?: Readonly<Record<string, readonly string[]>>;
  readonly misc?: Readonly<Record<string, boolean>>;
  /** `have_tracing_prog_type` speaks of fentry alone; this of each way in which tracing and LSM programs are attached. */
  readonly attach_types?: Readonly<Record<string, boolean>>;
}

export interface FeatureOptions {
  /** Also helpers whose probing makes the kernel write warnings to its log. */
  readonly full?: boolean;
  /** What a process without capabilities can do. */
  readonly unprivileged?: boolean;
}

const NEEDED: readonly Capability[] = ['CAP_SYS_ADMIN', 'CAP_BPF', 'CAP_NET_ADMIN', 'CAP_PERFMON'];

/**
 * Loads and closes some six thousand small programs; nothing is attached.
 * @throws {BpfError} without the rights that a full answer needs, unless `unprivileged` is set.
 */
export function probeFeatures({ full = false, unprivileged = false }: FeatureOptions = {}): FeatureReport {
  const held = effectiveCapabilities();
  const missing = NEEDED.filter((name) => !hasCapability(held, name));
  if (unprivileged) {
    const drop = NEEDED.reduce((set, name) => set | capabilityBit(name), 0n) & held;
    return withoutCapabilities(drop, () => probeAll(full));
  }
  if (missing.length > 0)
    throw new BpfError(`missing ${missing.join(', ')}, required for full feature probing`, {
      remedy: "Run as root, or add the word 'unprivileged' to see what this process can do.",
    });
  return probeAll(full);
}

function probeAll(full: boolean): FeatureReport {
  const system_config = systemConfig();
  if (!hasBpf()) return { system_config, syscall_config: { have_bpf_syscall: false } };
  const types = new Map(PROG_TYPES.map((type) => [type, ask(progTypeProbe(type))]));
  return {
    system_config,
    syscall_config: { have_bpf_syscall: true },
    program_types: table(types, (type) => `have_${shortName(type)}_prog_type`),
    map_types: table(
      new Map(MAP_TYPES.map((type) => [type, ask(mapTypeProbe(type))])),
      (type) => `have_${shortName(type)}_map_type`,
    ),
    helpers: Object.fromEntries(
      [...types].map(([type, has]) => [`${shortName(type)}_available_helpers`, has ? helpersOf(type, full) : []]),
    ),
    misc: Object.fromEntries(MISC_PROBES.map(({ key, insns }) => [`have_${key}`, ask(miscProbe(insns))])),
    attach_types: table(
      new Map(TRACING_ATTACH_TYPES.map((type) => [type, ask(attachTypeProbe(type))])),
      (type) => `have_${shortName(type)}_attach_type`,
    ),
  };
}

const table = <T extends string>(found: ReadonlyMap<T, boolean>, key: (name: T) => string): Record<string, boolean> =>
  Object.fromEntries([...found].map(([name, has]) => [key(name), has]));

/** Any answer but ENOSYS shows that the call is there. */
function hasBpf(): boolean {
  const outcome = outcomeOf([
    {
      id: 'probe bpf',
      why: 'see whether there is a bpf(2)',
      call: 'bpf',
      cmd: 'BPF_MAP_LOOKUP_ELEM',
      attr: { map_fd: -1 },
    },
  ]);
  return outcome.ok || outcome.errno !== 'ENOSYS';
}

const helpersOf = (type: BpfProgType, full: boolean): string[] =>
  HELPERS.flatMap((helper) => {
    if (!full && NOISY_HELPERS.has(helper)) return [];
    const probe = helperProbe(type, helper);
    return probe && ask(probe) ? [`bpf_${shortName(helper)}`] : [];
  });

interface Sysctl {
  readonly key: string;
  readonly file: string;
  /** Words for each value, and for one that cannot be read; a text with % takes any other. */
  readonly words: Readonly<Record<string, string>>;
}

const SYSCTLS: readonly Sysctl[] = [
  {
    key: 'unprivileged_bpf_disabled',
    file: 'kernel/unprivileged_bpf_disabled',
    words: {
      0: 'bpf() syscall for unprivileged users is enabled',
      1: 'bpf() syscall restricted to privileged users (without recovery)',
      2: 'bpf() syscall restricted to privileged users (admin can change)',
      '-1': 'Unable to retrieve required privileges for bpf() syscall',
      '%': 'bpf() syscall restriction has unknown value %',
    },
  },
  {
    key: 'bpf_jit_enable',
    file: 'net/core/bpf_jit_enable',
    words: {
      0: 'JIT compiler is disabled',
      1: 'JIT compiler is enabled',
      2: 'JIT compiler is enabled with debugging traces in kernel logs',
      '-1': 'Unable to retrieve JIT-compiler status',
      '%': 'JIT-compiler status has unknown value %',
    },
  },
  {
    key: 'bpf_jit_harden',
    file: 'net/core/bpf_jit_harden',
    words: {
      0: 'JIT compiler hardening is disabled',
      1: 'JIT compiler hardening is enabled for unprivileged users',
      2: 'JIT compiler hardening is enabled for all users',
      '-1': 'Unable to retrieve JIT hardening status',
      '%': 'JIT hardening status has unknown value %',
    },
  },
  {
    key: 'bpf_jit_kallsyms',
    file: 'net/core/bpf_jit_kallsyms',
    words: {
      0: 'JIT compiler kallsyms exports are disabled',
      1: 'JIT compiler kallsyms exports are enabled for root',
      '-1': 'Unable to retrieve JIT kallsyms export status',
      '%': 'JIT kallsyms exports status has unknown value %',
    },
  },
  {
    key: 'bpf_jit_limit',
    file: 'net/core/bpf_jit_limit',
    words: {
      '-1': 'Unable to retrieve global memory limit for JIT compiler for unprivileged users',
      '%': 'Global memory limit for JIT compiler for unprivileged users is % bytes',
    },
  },
];

/** Settings of the kernel that bpftool lists, in its order. */
const SETTINGS = `BPF BPF_SYSCALL HAVE_EBPF_JIT BPF_JIT BPF_JIT_ALWAYS_ON DEBUG_INFO_BTF DEBUG_INFO_BTF_MODULES CGROUPS CGROUP_BPF
CGROUP_NET_CLASSID SOCK_CGROUP_DATA BPF_EVENTS KPROBE_EVENTS UPROBE_EVENTS TRACING FTRACE_SYSCALLS FUNCTION_ERROR_INJECTION
BPF_KPROBE_OVERRIDE NET XDP_SOCKETS LWTUNNEL_BPF NET_ACT_BPF NET_CLS_BPF NET_CLS_ACT NET_SCH_INGRESS XFRM IP_ROUTE_CLASSID
IPV6_SEG6_BPF BPF_LIRC_MODE2 BPF_STREAM_PARSER NETFILTER_XT_MATCH_BPF BPFILTER BPFILTER_UMH TEST_BPF HZ`
  .split(/\s/)
  .map((name) => `CONFIG_${name}`);

function systemConfig(): Record<string, number | string | null> {
  const config = settings();
  return {
    ...Object.fromEntries(SYSCTLS.map(({ key, file }) => [key, sysctl(file)])),
    ...Object.fromEntries(SETTINGS.map((name) => [name, config.get(name) ?? null])),
  };
}

function sysctl(name: string): number {
  const text = readable(() => new TextDecoder().decode(read(`/proc/sys/${name}`)));
  return text !== undefined && /^-?\d+\s*$/.test(text) ? Number(text) : -1;
}

function settings(): ReadonlyMap<string, string> {
  const text = readable(() => kernelConfig().text) ?? '';
  return new Map([...text.matchAll(/^(CONFIG_\w+)=(.+)$/gm)].map(([, name, value]) => [name as string, value as string]));
}

function readable<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch (error) {
    if (error instanceof BpfError) return undefined;
    throw error;
  }
}

const available = (what: string, has: boolean): string => `${what} is ${has ? '' : 'NOT '}available`;

/** As bpftool prints it, a section after the other. */
export function featureText(report: FeatureReport): string {
  const { system_config: system, syscall_config: call, program_types, map_types, helpers, misc, attach_types } = report;
  const section = (title: string, lines: readonly string[]) =>
    `Scanning ${title}...\n${lines.map((line) => `${line}\n`).join('')}\n`;
  const types = (what: string, found: Readonly<Record<string, boolean>>) =>
    Object.entries(found).map(([key, has]) =>
      available(`eBPF ${what} ${key.replace(/^have_|_(prog|map|attach)_type$/g, '')}`, has),
    );
  return [
    section('system configuration', [
      ...SYSCTLS.map(({ key, words }) => (words[String(system[key])] ?? words['%'] ?? '').replace('%', String(system[key]))),
      ...SETTINGS.map((name) => (system[name] == null ? `${name} is not set` : `${name} is set to ${system[name]}`)),
    ]),
    section('system call availability', [available('bpf() syscall', call.have_bpf_syscall)]),
    program_types && section('eBPF program types', types('program_type', program_types)),
    map_types && section('eBPF map types', types('map_type', map_types)),
    helpers &&
      section(
        'eBPF helper functions',
        Object.entries(helpers).map(([key, names]) => helperText(key, names, report)),
      ),
    misc &&
      section(
        'miscellaneous eBPF features',
        MISC_PROBES.map(({ key, title }) => available(title, misc[`have_${key}`] === true)),
      ),
    attach_types && section('how tracing and LSM programs are attached', types('attach_type', attach_types)),
  ]
    .filter((text) => text !== undefined)
    .join('');
}

function helperText(key: string, names: readonly string[], { program_types }: FeatureReport): string {
  const type = key.replace(/_available_helpers$/, '');
  const none = program_types?.[`have_${type}_prog_type`]
    ? '\tCould not determine which helpers are available'
    : '\tProgram type not supported';
  const list = names.length > 0 ? names.map((name) => `\t- ${name}`).join('\n') : none;
  return `eBPF helpers supported for program type ${type}:\n${list}`;
}
