// A refused step -> the error that says what was being done, and what to do next.

import { textUntilNul } from '../bytes/index.js';
import { SyscallError, VerifierError } from '../errors.js';
import { callName, type Step } from '../plan/index.js';
import { BPF_F_LINK } from '../uapi/bpf.js';
import { BPF_ATTACH_TYPE, BPF_MAP_TYPE } from '../uapi/enums.js';
import { errnoName } from '../uapi/errno.js';
import type { Reply } from './kernel.js';
import { placeInPlan } from './places.js';
import { parseVerifierLog } from './verifier-log.js';
import { remedyFor } from './verifier-remedies.js';

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
  readonly when?: (step: Step) => boolean;
  readonly remedy: string | ((step: Step) => string);
}

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
const mapHasLink = (step: Step): boolean =>
  step.call === 'bpf' &&
  step.attr.map_type === BPF_MAP_TYPE.BPF_MAP_TYPE_STRUCT_OPS &&
  (Number(step.attr.map_flags ?? 0) & BPF_F_LINK) !== 0;
const UNKNOWN_MAP = 'The kernel does not take this type with these sizes and flags, or is older than the map type.';

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
  { errno: 'EPERM', remedy: RIGHTS },
  { call: 'perf_event_open', errno: 'EACCES', remedy: `${RIGHTS} The sysctl kernel.perf_event_paranoid decides too.` },
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
    when: (step) => mapType(step) !== undefined,
    remedy: (step) => `${UNKNOWN_MAP} ${mapType(step)?.what} came with Linux ${mapType(step)?.since}.`,
  },
  { call: 'bpf(BPF_MAP_CREATE)', errno: 'EINVAL', remedy: UNKNOWN_MAP },
  { call: 'bpf(BPF_MAP_CREATE)', errno: 'E2BIG', remedy: 'Key, value or max_entries are larger than the kernel allows.' },
  {
    call: 'bpf(BPF_MAP_CREATE)',
    errno: 'ENOMEM',
    remedy:
      'Not enough memory for the whole map, or the memory cgroup is full. A smaller max_entries or BPF_F_NO_PREALLOC helps.',
  },
  { call: 'bpf(BPF_PROG_LOAD)', errno: 'E2BIG', remedy: 'The program has too many instructions.' },
  { call: 'bpf(BPF_LINK_CREATE)', errno: 'EEXIST', remedy: 'The program is attached there already.' },
  { errno: 'ENOSYS', remedy: 'This kernel is built without bpf(2) (CONFIG_BPF_SYSCALL), or a seccomp filter hides it.' },
];

/**
 * The error for a reply whose result is negative.
 * @param plan Where the step is from: source lines of a program are found by what its other steps hold.
 */
export function failure(step: Step, { result, out }: Reply, plan: readonly Step[] = [step]): SyscallError {
  const call = callName(step);
  const errno = errnoName(-result);
  const { where = {} } = step;
  const doing = `Cannot do "${step.id}" (${step.why})`;
  const log = textUntilNul(out.get('log_buf') ?? new Uint8Array());
  if (step.call === 'bpf' && step.cmd === 'BPF_PROG_LOAD' && log) return refusal(step, plan, { call, errno, doing, log });
  const types = textUntilNul(out.get('btf_log_buf') ?? new Uint8Array()).trimEnd();
  if (types) {
    const remedy = `The kernel says of these types: ${types.split('\n').at(-1)}`;
    return new SyscallError(call, errno, { doing, where, remedy });
  }
  const row = REMEDIES.find((row) => row.errno === errno && (row.call ?? call) === call && (row.when?.(step) ?? true));
  const remedy = typeof row?.remedy === 'function' ? row.remedy(step) : row?.remedy;
  return new SyscallError(call, errno, remedy ? { doing, where, remedy } : { doing, where });
}

type Said = Readonly<{ call: string; errno: string; doing: string; log: string }>;

/** What the log says, with the source line of the instruction by the program's own line_info, else by the log. */
function refusal({ id, where = {} }: Step, plan: readonly Step[], { call, errno, doing, log }: Said): VerifierError {
  const { reason, terse, suggestion, insn, insnText, states, path } = parseVerifierLog(log);
  const place = insn === undefined ? undefined : placeInPlan(plan, id, insn);
  const source = place?.source
    ? `${baseName(place.source.file)}:${place.source.line}`
    : /^\S+:\d+(?=: )/.exec(path.at(-1)?.source ?? '')?.[0];
  const remedies = [remedyFor(terse) ?? remedyFor(reason), suggestion].filter((text) => text !== undefined);
  return new VerifierError(call, errno, log, {
    doing,
    where: source ? { ...where, source } : where,
    remedy: [`The verifier says: ${reason}`, ...remedies].join('\n  '),
    refusal: {
      reason,
      insn,
      insnText: insnText ?? place?.insnText,
      source: place?.source,
      context: place?.context ?? [],
      states,
      path,
    },
  });
}

/** As the kernel's log has it: objects keep the path that the compiler was given. */
const baseName = (path: string): string => path.replace(/^.*\//, '');
