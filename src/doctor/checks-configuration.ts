// What the kernel was built with, and the types that it shows.

import type { Check } from './checks.js';
import { type DoctorFacts, known } from './facts.js';
import { isOlder } from './rights.js';
import type { Finding } from './row.js';

/** What does not work without a setting; `vital`: next to nothing does. `since`: earlier kernels have no such setting. */
interface Setting {
  readonly name: string;
  readonly without: string;
  readonly vital?: true;
  readonly since?: string;
}

const SETTINGS: readonly Setting[] = [
  { name: 'CONFIG_BPF_SYSCALL', without: 'bpf(2)', vital: true },
  { name: 'CONFIG_BPF_JIT', without: 'compiled programs, fentry, LSM, struct_ops', vital: true },
  { name: 'CONFIG_BPF_EVENTS', without: 'tracepoints, kprobes, uprobes', vital: true },
  { name: 'CONFIG_KPROBES', without: 'kprobes' },
  { name: 'CONFIG_KPROBE_EVENTS', without: 'kprobes' },
  { name: 'CONFIG_UPROBES', without: 'uprobes, USDT probes' },
  { name: 'CONFIG_UPROBE_EVENTS', without: 'uprobes, USDT probes' },
  { name: 'CONFIG_FTRACE', without: 'tracefs, fentry' },
  { name: 'CONFIG_FTRACE_SYSCALLS', without: 'tracepoints of system calls' },
  { name: 'CONFIG_FUNCTION_TRACER', without: 'fentry, fexit' },
  { name: 'CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS', without: 'fentry, fexit' },
  { name: 'CONFIG_FPROBE', without: 'kprobe.multi, kprobe.session', since: '5.18' },
  { name: 'CONFIG_BPF_LSM', without: 'LSM programs', since: '5.7' },
  { name: 'CONFIG_DEBUG_INFO_BTF', without: 'CO-RE, and everything that names types of the kernel' },
  { name: 'CONFIG_DEBUG_INFO_BTF_MODULES', without: 'types of modules', since: '5.11' },
  { name: 'CONFIG_CGROUP_BPF', without: 'programs of cgroups' },
  { name: 'CONFIG_NET_CLS_BPF', without: 'tc classifiers' },
  { name: 'CONFIG_XDP_SOCKETS', without: 'AF_XDP sockets' },
  { name: 'CONFIG_NETKIT', without: 'netkit devices', since: '6.7' },
  { name: 'CONFIG_NETFILTER_BPF_LINK', without: 'netfilter programs', since: '6.4' },
  { name: 'CONFIG_BPF_STREAM_PARSER', without: 'programs of sockmaps' },
  { name: 'CONFIG_LWTUNNEL_BPF', without: 'programs of routes' },
];

export const CONFIGURATION: readonly Check[] = [
  {
    id: 'config.file',
    group: 'configuration',
    title: 'configuration',
    asked: '/boot/config-$(uname -r), /proc/config.gz, /lib/modules/$(uname -r)/config',
    judge: ({ config }) =>
      'value' in config
        ? { state: 'ok', found: 'known', where: config.value.file }
        : {
            state: 'unknown',
            found: 'not to be found',
            where: '/boot/config-$(uname -r), /proc/config.gz, /lib/modules/$(uname -r)/config',
            means: 'What the kernel was built with is then seen only by what loads.',
            mend: 'modprobe configs; or copy the file that came with the kernel to /boot.',
          },
  },
  ...SETTINGS.map(
    (row): Check => ({
      id: `config.${row.name}`,
      group: 'configuration',
      title: row.name,
      asked: 'the configuration of the kernel',
      judge: (facts) => judgeSetting(row, facts),
    }),
  ),
  {
    id: 'types.kernel',
    group: 'types',
    title: 'kernel BTF',
    asked: '/sys/kernel/btf/vmlinux, and where else vmlinux may be',
    judge: btf,
  },
  {
    id: 'types.modules',
    group: 'types',
    title: 'module BTF',
    asked: '/proc/modules, /sys/kernel/btf',
    judge: (facts) => {
      const { loaded, withBtf } = facts.modules;
      const found = loaded === 0 ? 'no modules are loaded' : `${withBtf} of ${loaded} loaded modules`;
      if (loaded === 0 || withBtf > 0) return { state: 'ok', found, where: '/sys/kernel/btf' };
      return {
        state: 'warning',
        found,
        where: '/sys/kernel/btf',
        means: isOlder(facts, '5.11')
          ? 'Types of modules came with Linux 5.11.'
          : 'Types and functions of modules cannot be named.',
        mend: 'Use a kernel with CONFIG_DEBUG_INFO_BTF_MODULES=y.',
      };
    },
  },
];

function judgeSetting({ name, without, vital, since }: Setting, facts: DoctorFacts): Finding | undefined {
  const config = known(facts.config);
  if (!config) return undefined;
  const value = config.settings.get(name);
  const where = config.file;
  if (value !== undefined) return { state: 'ok', found: value, where };
  if (since && isOlder(facts, since)) return { state: 'ok', found: `not in this kernel (since ${since})`, where };
  return {
    state: vital ? 'problem' : 'warning',
    found: 'not set',
    where,
    means: `Not there: ${without}.`,
    mend: `Use a kernel with ${name}=y.`,
  };
}

function btf(facts: DoctorFacts): Finding {
  const found = known(facts.btf);
  if (found) return { state: 'ok', found: `${found.types} types`, where: found.file };
  return {
    state: 'problem',
    found: 'errno' in facts.btf && facts.btf.errno !== 'ENOENT' ? `cannot be read (${facts.btf.errno})` : 'none',
    where: '/sys/kernel/btf/vmlinux',
    means: 'No CO-RE against this kernel, no fentry, tp_btf, iter, lsm, struct_ops.',
    mend:
      facts.mounts.sysfs.at === undefined
        ? 'mount -t sysfs sysfs /sys: types are in it.'
        : 'For CO-RE name a file that has it: --btf FILE (BTFHub has those of many kernels). For the rest, a kernel with CONFIG_DEBUG_INFO_BTF=y.',
  };
}
