// What to do about a call that failed, by the call and its errno: a table, of which the first row that fits is taken.

import { callName, RING_BUFFERS, type Step } from '../plan/index.js';
import { BPF_F_LINK } from '../uapi/bpf.js';
import { BPF_ATTACH_TYPE, BPF_MAP_TYPE } from '../uapi/enums.js';
import { PERF_COUNT_SW_BPF_OUTPUT } from '../uapi/perf-event.js';

/** Storages that grow with what they belong to: max_entries is 0. */
const COUNTLESS: ReadonlySet<number> = new Set([
  BPF_MAP_TYPE.BPF_MAP_TYPE_SK_STORAGE,
  BPF_MAP_TYPE.BPF_MAP_TYPE_INODE_STORAGE,
  BPF_MAP_TYPE.BPF_MAP_TYPE_TASK_STORAGE,
  BPF_MAP_TYPE.BPF_MAP_TYPE_CGRP_STORAGE,
  BPF_MAP_TYPE.BPF_MAP_TYPE_CGROUP_STORAGE_DEPRECATED,
  BPF_MAP_TYPE.BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE_DEPRECATED,
]);

/** What a process needs to load and attach tracing programs. */
export const RIGHTS =
  'Run as root. Without root the process needs CAP_BPF and CAP_PERFMON (CAP_SYS_ADMIN before Linux 5.8); for tracepoints also CAP_DAC_READ_SEARCH, and a mounted tracefs: mount -t tracefs tracefs /sys/kernel/tracing.';

/** Attach types of programs that the kernel calls by changing its own code. */
const PATCHING: ReadonlySet<unknown> = new Set([
  BPF_ATTACH_TYPE.BPF_TRACE_FENTRY,
  BPF_ATTACH_TYPE.BPF_TRACE_FEXIT,
  BPF_ATTACH_TYPE.BPF_MODIFY_RETURN,
  BPF_ATTACH_TYPE.BPF_TRACE_FSESSION,
  BPF_ATTACH_TYPE.BPF_LSM_MAC,
  BPF_ATTACH_TYPE.BPF_LSM_CGROUP,
]);

interface Row {
  readonly call?: string;
  readonly errno: string;
  readonly when?: (step: Step, plan: readonly Step[]) => boolean;
  readonly remedy: string | ((step: Step) => string);
}

const PINNING =
  'Only root may write to /sys/fs/bpf, unless it was mounted otherwise: run as root, or pin in a BPF file system of this user (open(file, { pinRoot })).';

const SIZES = ['map_type', 'key_size', 'value_size', 'max_entries', 'map_flags'] as const;
/** A number that the kernel was asked for. */
const asked = (step: Step, field: string): string => String((step.call === 'bpf' && step.attr[field]) || 0);

/** Types of maps that some kernels in use are too old for, by their numbers. */
const MAP_TYPES: ReadonlyMap<unknown, { readonly what: string; readonly since: string }> = new Map([
  [BPF_MAP_TYPE.BPF_MAP_TYPE_RINGBUF, { what: 'Ring buffers', since: '5.8' }],
  [BPF_MAP_TYPE.BPF_MAP_TYPE_INODE_STORAGE, { what: 'Maps for inodes', since: '5.10' }],
  [BPF_MAP_TYPE.BPF_MAP_TYPE_TASK_STORAGE, { what: 'Maps for tasks', since: '5.11' }],
  [BPF_MAP_TYPE.BPF_MAP_TYPE_BLOOM_FILTER, { what: 'Bloom filters', since: '5.16' }],
  [BPF_MAP_TYPE.BPF_MAP_TYPE_USER_RINGBUF, { what: 'Ring buffers that user space writes to', since: '6.1' }],
  [BPF_MAP_TYPE.BPF_MAP_TYPE_CGRP_STORAGE, { what: 'Maps for cgroups', since: '6.2' }],
  [BPF_MAP_TYPE.BPF_MAP_TYPE_ARENA, { what: 'Arenas', since: '6.9' }],
]);
const mapType = (step: Step) => (step.call === 'bpf' ? MAP_TYPES.get(step.attr.map_type) : undefined);
/** For a type that some kernels are too old for. */
const since = (step: Step): string => {
  const type = mapType(step);
  return type ? ` ${type.what} came with Linux ${type.since}.` : '';
};
const mapHasLink = (step: Step): boolean =>
  step.call === 'bpf' &&
  step.attr.map_type === BPF_MAP_TYPE.BPF_MAP_TYPE_STRUCT_OPS &&
  (Number(step.attr.map_flags ?? 0) & BPF_F_LINK) !== 0;

const isRing = (step: Step): boolean => step.call === 'perf_event_open' && step.attr.config === PERF_COUNT_SW_BPF_OUTPUT;

/** The first row that fits. */
const REMEDIES: readonly Row[] = [
  {
    call: 'bpf(BPF_PROG_LOAD)',
    errno: 'EPERM',
    when: (step) => step.call === 'bpf' && PATCHING.has(step.attr.expected_attach_type),
    remedy: `The kernel refused before its verifier looked at the program. As root, that is not for want of rights: fentry, fexit, fmod_ret, fsession and LSM programs need a kernel that lets itself be patched, and lockdown (cat /sys/kernel/security/lockdown, where securityfs is mounted), a security module or the kernel's configuration can forbid it. Where they do, SEC("tp_btf/…"), SEC("tp/…") and SEC("raw_tp/…") may still work. Without root the process needs CAP_BPF and CAP_PERFMON.`,
  },
  {
    call: 'bpf(BPF_PROG_LOAD)',
    errno: 'EPERM',
    remedy: `The kernel refused before its verifier looked at the program. ${RIGHTS} If it has those rights, lockdown (cat /sys/kernel/security/lockdown, where securityfs is mounted) or a security module forbids it.`,
  },
  {
    call: 'bpf(BPF_PROG_LOAD)',
    errno: 'EINVAL',
    remedy:
      'The kernel refused before its verifier looked at the program: it does not know this program type, attach type or flag. A newer one may.',
  },
  {
    call: 'bpf(BPF_PROG_LOAD)',
    errno: 'EAGAIN',
    remedy:
      'The verifier did not come to its end, each time something interrupted it: that says nothing of the program. Load again without what stops or traces this process or sends it signals over and over: a debugger, strace, a profiler, a cgroup that is frozen and thawed.',
  },
  {
    call: 'bpf(BPF_MAP_UPDATE_ELEM)',
    errno: 'EBUSY',
    when: (step) => step.end !== undefined,
    remedy: 'A structure without a link can be attached once. Put it into SEC(".struct_ops.link"), or load the object again.',
  },
  {
    call: 'bpf(BPF_TOKEN_CREATE)',
    errno: 'ENOENT',
    remedy:
      'This BPF file system hands nothing on. Whoever mounts it says what: mount -t bpf -o delegate_cmds=any,delegate_maps=any,delegate_progs=any,delegate_attachs=any …',
  },
  {
    call: 'bpf(BPF_TOKEN_CREATE)',
    errno: 'EOPNOTSUPP',
    remedy: 'A token is for processes in a user namespace of their own; in the first one, rights are enough.',
  },
  { call: 'bpf(BPF_TOKEN_CREATE)', errno: 'EINVAL', remedy: 'The path is no BPF file system, or the kernel is older than 6.9.' },
  {
    call: 'bpf(BPF_TOKEN_CREATE)',
    errno: 'EPERM',
    remedy: 'The process needs CAP_BPF in its own user namespace, the one in which the BPF file system was mounted.',
  },
  {
    call: 'open',
    errno: 'ENOENT',
    remedy: 'There is no such directory: containers have the BPF file system that hands on rights most often at /sys/fs/bpf.',
  },
  {
    call: 'bpf(BPF_MAP_CREATE)',
    errno: 'EPERM',
    when: (_, plan) => plan.some(({ call }) => call === 'prlimit64'),
    remedy: `Kernels before 5.11 count maps and programs against RLIMIT_MEMLOCK, which starts at 64 KiB; raising it needs CAP_SYS_RESOURCE. Without: ulimit -l unlimited in a root shell, or LimitMEMLOCK=infinity in the systemd unit. ${RIGHTS}`,
  },
  ...(['EPERM', 'EACCES'] as const).map((errno) => ({ call: 'bpf(BPF_OBJ_PIN)', errno, remedy: PINNING })),
  {
    call: 'bpf(BPF_OBJ_PIN)',
    errno: 'EEXIST',
    when: ({ id }) => /^pin (program|map|link) /.test(id),
    remedy: 'Something is pinned by that name. Choose another, or remove it. Nothing of this load is left.',
  },
  {
    call: 'bpf(BPF_OBJ_PIN)',
    errno: 'ENOTDIR',
    remedy: 'A part of the path is not a folder: something is pinned by that name. Choose another, or remove it.',
  },
  {
    call: 'bpf(BPF_OBJ_PIN)',
    errno: 'EEXIST',
    remedy:
      'Something is pinned there by now. If another process did that, load again: the map is then shared. Two maps of one object cannot have one path.',
  },
  {
    call: 'mmap',
    errno: 'EEXIST',
    remedy:
      'The arena wants an address (map_extra) where this process has something else: another load of the object that is not closed, for example. Without map_extra the kernel finds a place.',
  },
  {
    call: 'mmap',
    errno: 'EPERM',
    when: (step, plan) => step.call === 'mmap' && plan.some((made) => made.id === step.on.fd && isRing(made)),
    remedy:
      'Rings of perf events take memory that is locked: more than the sysctl kernel.perf_event_mlock_kb allows a user. Raise it, or run as root.',
  },
  { errno: 'EPERM', remedy: RIGHTS },
  { call: 'perf_event_open', errno: 'EACCES', remedy: `${RIGHTS} The sysctl kernel.perf_event_paranoid decides too.` },
  {
    call: 'perf_event_open',
    errno: 'ENODEV',
    when: isRing,
    remedy: 'That CPU is offline: /sys/devices/system/cpu/online lists those that are not.',
  },
  {
    call: 'perf_event_open',
    errno: 'EINVAL',
    when: isRing,
    remedy: 'There is no such CPU: /sys/devices/system/cpu/online lists those that there are.',
  },
  {
    call: 'bpf(BPF_MAP_UPDATE_ELEM)',
    errno: 'E2BIG',
    remedy: 'The index is past the end of the map: its max_entries are the number of places.',
  },
  {
    call: 'bpf(BPF_MAP_CREATE)',
    errno: 'EINVAL',
    when: mapHasLink,
    remedy:
      'Kernels before 6.4 attach structures without a link only: write SEC(".struct_ops") in place of SEC(".struct_ops.link").',
  },
  {
    call: 'bpf(BPF_MAP_CREATE)',
    errno: 'EINVAL',
    when: (step) => step.call === 'bpf' && RING_BUFFERS.has(Number(step.attr.map_type)),
    remedy: (step) =>
      `max_entries of a ring buffer is its size in bytes, a power of two of at least one page (4096 on most machines); here it is ${asked(step, 'max_entries')}. Kernels before 5.8 have no ring buffers.`,
  },
  {
    call: 'bpf(BPF_MAP_CREATE)',
    errno: 'EINVAL',
    when: (step) => step.call === 'bpf' && step.attr.max_entries === 0 && !COUNTLESS.has(Number(step.attr.map_type)),
    remedy: 'A map of this type has at least 1 entry: max_entries is 0.',
  },
  {
    call: 'bpf(BPF_MAP_CREATE)',
    errno: 'EINVAL',
    remedy: (step) =>
      `The kernel does not take this type with these sizes and flags, or is older than the map type: ${SIZES.map((field) => `${field} ${asked(step, field)}`).join(', ')}.${since(step)}`,
  },
  {
    call: 'bpf(BPF_MAP_CREATE)',
    errno: 'E2BIG',
    remedy: (step) =>
      `Key, value or max_entries are larger than the kernel allows: ${SIZES.map((field) => `${field} ${asked(step, field)}`).join(', ')}.`,
  },
  {
    call: 'bpf(BPF_MAP_CREATE)',
    errno: 'ENOMEM',
    remedy:
      'Not enough memory for the whole map, or the memory cgroup is full. A smaller max_entries or BPF_F_NO_PREALLOC helps.',
  },
  {
    call: 'bpf(BPF_PROG_LOAD)',
    errno: 'E2BIG',
    remedy: (step) =>
      `The program has ${asked(step, 'insn_cnt')} instructions. Kernels take at most 1,000,000, before 5.2 and without CAP_BPF 4,096: split it up with tail calls. If it is shorter, the kernel is too old for something else that it is given.`,
  },
  {
    call: 'bpf(BPF_LINK_CREATE)',
    errno: 'EEXIST',
    when: (step) => step.call === 'bpf' && step.attr.attach_type === BPF_ATTACH_TYPE.BPF_STRUCT_OPS,
    remedy:
      'The kernel has a structure of that name already. Give the name in it another value, or end the process that registered the other one.',
  },
  {
    call: 'bpf(BPF_LINK_CREATE)',
    errno: 'EEXIST',
    remedy: 'The program is attached there already: close the links of an earlier attach() first.',
  },
  {
    call: 'ioctl(PERF_EVENT_IOC_SET_BPF)',
    errno: 'EEXIST',
    remedy: 'Kernels before 5.15 run one program for each perf event, and this one has it already: close what attached it.',
  },
  {
    call: 'bpf(BPF_LINK_CREATE)',
    errno: 'EBUSY',
    remedy: 'Something else is attached there, and does not share the place. tsbpf link list shows what, and of which process.',
  },
  ...(['bpf(BPF_LINK_CREATE)', 'bpf(BPF_RAW_TRACEPOINT_OPEN)'] as const).map((call) => ({
    call,
    errno: 'EINVAL',
    remedy:
      'The kernel does not attach programs of this type in this way: it is older than this kind of link (uname -r says how old).',
  })),
  {
    call: 'bpf(BPF_RAW_TRACEPOINT_OPEN)',
    errno: 'ENOENT',
    remedy:
      'The kernel has no tracepoint of that name, or it is in a module that is not loaded. ls /sys/kernel/tracing/events/* lists the names, without their category; of system calls there are only sys_enter and sys_exit.',
  },
  { errno: 'ENOSYS', remedy: 'This kernel is built without bpf(2) (CONFIG_BPF_SYSCALL), or a seccomp filter hides it.' },
];

/**
 * What to do about it; undefined where nothing is known.
 * @param plan Where the step is from: what else it does decides too.
 */
export function remedyOf(step: Step, errno: string, plan: readonly Step[]): string | undefined {
  const call = callName(step);
  const row = REMEDIES.find((one) => one.errno === errno && (one.call ?? call) === call && (one.when?.(step, plan) ?? true));
  return typeof row?.remedy === 'function' ? row.remedy(step) : row?.remedy;
}
