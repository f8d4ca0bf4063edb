// Asks this machine what the doctor wants to know: files are read, programs that do nothing are loaded, and nothing is left of it.

import { closeSync, existsSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { arch, release } from 'node:os';
import {
  type Answer,
  type DoctorFacts,
  FILE_SYSTEMS,
  type FileSystem,
  type HookOutcome,
  type Mount,
  SYSCTLS,
  type Sysctl,
  type Told,
} from '../doctor/index.js';
import { BpfError, UnsupportedError } from '../errors.js';
import {
  attachOf,
  HOOKS,
  type HookPart,
  type HookTargets,
  loadOf,
  type Outcome,
  type Prepared,
  QUIET_FUNCTION,
} from '../plan/index.js';
import { errnoName } from '../uapi/errno.js';
import { outcomeOf } from './ask.js';
import { mountRefusal } from './detached-mount.js';
import { probe } from './facts.js';
import { readKallsyms } from './kallsyms.js';
import { realKernel } from './kernel.js';
import { kernelBtf } from './kernel-btf.js';
import { kernelConfig } from './kernel-config.js';
import { kernelVersion } from './kernel-version.js';
import { syscall } from './libc.js';
import { securityfs } from './lockdown.js';
import { infoOf, walk } from './objects.js';
import { read } from './read-whole.js';
import { openTracefs, readTracepointId } from './tracefs.js';

const STATUS = '/proc/self/status';

/**
 * Everything; takes a few tenths of a second.
 * @throws {UnsupportedError} where this is not Linux, or nothing is mounted at /proc.
 */
export function readDoctorFacts(): DoctorFacts {
  const calls = harmlessCalls(); // first, because it says so where this is not Linux
  if (!existsSync(STATUS))
    throw new UnsupportedError('Nothing of this process can be told: /proc is not mounted', {
      remedy: 'mount -t proc proc /proc',
    });
  const status = statusOf(text(STATUS));
  const set = (name: string) => BigInt(`0x${status.get(name) ?? '0'}`);
  const mounted = mountTable();
  const confined = security(mounted('securityfs'));
  const mounts = readMounts(mounted, confined.lockdown);
  const btf = tell(kernelBtf);
  return {
    kernel: { release: release(), version: kernelVersion(), arch: arch() },
    uid: process.getuid?.() ?? -1,
    capabilities: { effective: set('CapEff'), permitted: set('CapPrm'), bounding: set('CapBnd') },
    uidMap: text('/proc/self/uid_map'),
    userNamespace: userNamespace(),
    noNewPrivs: status.get('NoNewPrivs') === '1',
    seccomp: Number(status.get('Seccomp') ?? 0),
    containerSigns: containerSigns(status),
    calls,
    ...confined,
    lsmPrograms: lsmPrograms(),
    sysctls: Object.fromEntries(SYSCTLS.map((name) => [name, text(`/proc/sys/${name.replaceAll('.', '/')}`)])) as Record<
      Sysctl,
      Told<string>
    >,
    memlock: map(text('/proc/self/limits'), memlockOf),
    memcgAccount: probe('memcg_account', realKernel),
    config: map(tell(kernelConfig), ({ file, text: config }) => ({
      file,
      settings: new Map(
        [...config.matchAll(/^(CONFIG_\w+)=(.+)$/gm)].map(([, name, value]) => [name as string, value as string]),
      ),
    })),
    btf: map(btf, (types) => ({ file: types.where.file ?? '', types: types.length - 1 })),
    modules: {
      loaded: lines(text('/proc/modules')),
      withBtf: existsSync('/sys/kernel/btf') ? readdirSync('/sys/kernel/btf').filter((name) => name !== 'vmlinux').length : 0,
    },
    mounts,
    hooks: probeHooks({ btf: 'value' in btf ? btf.value : undefined, ...hookTargets(mounts.tracefs) }),
  };
}

/** A file's text without its last newline. */
const text = (file: string): Told<string> =>
  map(
    tell(() => read(file)),
    (bytes) => new TextDecoder().decode(bytes).trimEnd(),
  );

function tell<T>(ask: () => T): Told<T> {
  try {
    return { value: ask() };
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    return { errno: 'errno' in error ? String(error.errno) : 'ENOENT' };
  }
}

const map = <T, U>(answer: Told<T>, change: (value: T) => U): Told<U> =>
  'value' in answer ? { value: change(answer.value) } : answer;
const lines = (answer: Told<string>): number => ('value' in answer && answer.value ? answer.value.split('\n').length : 0);

function userNamespace(): Told<string> {
  try {
    return { value: readlinkSync('/proc/self/ns/user') };
  } catch (error) {
    return { errno: (error as NodeJS.ErrnoException).code ?? 'EIO' };
  }
}

/** `CapEff:	000001ffffffffff` -> CapEff. */
const statusOf = (status: Told<string>): ReadonlyMap<string, string> =>
  new Map(
    ('value' in status ? status.value : '')
      .split('\n')
      .map((line) => [line.split(':')[0] ?? '', line.slice(line.indexOf(':') + 1).trim()]),
  );

function memlockOf(limits: string): number {
  const soft = /^Max locked memory\s+(\S+)/m.exec(limits)?.[1];
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}

const CONTAINER_CGROUP = /docker|kubepods|containerd|libpod|lxc|crio|garden/;

function containerSigns(status: ReadonlyMap<string, string>): string[] {
  const cgroup = text('/proc/self/cgroup');
  const name = 'value' in cgroup ? CONTAINER_CGROUP.exec(cgroup.value)?.[0] : undefined;
  return [
    ...['/.dockerenv', '/run/.containerenv'].filter((file) => existsSync(file)),
    ...(process.env.container ? [`container=${process.env.container} in the environment`] : []),
    ...(process.env.KUBERNETES_SERVICE_HOST ? ['KUBERNETES_SERVICE_HOST in the environment'] : []),
    ...(name ? [`${name} in /proc/self/cgroup`] : []),
    ...((status.get('NSpid') ?? '').split(/\s+/).length > 1 ? ['a pid namespace of its own'] : []),
  ];
}

const NO_SUCH_COMMAND = 9999;
const NO_SUCH_FLAGS = 0xff00;

/** Calls that can have no effect: their errno shows who refuses them. */
function harmlessCalls(): DoctorFacts['calls'] {
  const nothing = new Uint8Array(new ArrayBuffer(64));
  return {
    bpf: errnoName(-syscall('bpf', NO_SUCH_COMMAND, nothing, nothing.length)),
    perf_event_open: errnoName(-syscall('perf_event_open', nothing, 0, -1, -1, NO_SUCH_FLAGS)),
  };
}

function security(mount: Mounted | undefined): Pick<DoctorFacts, 'lockdown' | 'lsm'> {
  const found = securityfs(mount?.at);
  if ('errno' in found) return { lockdown: { errno: found.errno }, lsm: { errno: found.errno } };
  using folder = found;
  return { lockdown: text(`${folder.path}/lockdown`), lsm: text(`${folder.path}/lsm`) };
}

type Mounted = Extract<Mount, { readonly at: string }>;

/** What /proc/self/mountinfo says of each type. */
function mountTable(): (type: FileSystem) => Mounted | undefined {
  const info = text('/proc/self/mountinfo');
  const rows = ('value' in info ? info.value : '').split('\n').map((line) => {
    const [left = '', right = ''] = line.split(' - ');
    const [type = '', , options = ''] = right.split(' ');
    return { at: left.split(' ')[4] ?? '', type, options };
  });
  return (type) => {
    const all = rows.filter((row) => row.type === type);
    const found = all.find(({ options }) => options.includes('delegate_')) ?? all[0]; // of several BPF file systems
    return found && { at: found.at, options: found.options };
  };
}

/**
 * What is not mounted is asked of the kernel. But lockdown at confidentiality leaves tracefs empty, and a Linux 6.12 that is started so
 * ends in an oops when such a tracefs goes, even one that was never mounted: there it is not asked for.
 */
function readMounts(mounted: (type: FileSystem) => Mounted | undefined, lockdown: Told<string>): Record<FileSystem, Mount> {
  const isLocked = 'value' in lockdown && lockdown.value.includes('[confidentiality]');
  const refusal = (type: FileSystem): true | string =>
    isLocked && type === 'tracefs' ? 'EPERM' : (mountRefusal(type)?.errno ?? true);
  const of = (type: FileSystem): Mount => mounted(type) ?? { at: undefined, mountable: refusal(type) };
  return Object.fromEntries(FILE_SYSTEMS.map((type) => [type, of(type)])) as Record<FileSystem, Mount>;
}

const PROG_TYPE_LSM = 29;

function lsmPrograms(): number | undefined {
  try {
    let count = 0;
    for (const { fd } of walk('prog')) if (infoOf(fd, 8).getUint32(0, true) === PROG_TYPE_LSM) count++;
    return count;
  } catch (error) {
    if (error instanceof BpfError) return undefined;
    throw error;
  }
}

/** Tracepoints that hardly ever fire; which of them there are depends on the kernel. */
const QUIET_TRACEPOINTS = ['xdp/xdp_exception', 'bpf_test_run/bpf_test_finish', 'oom/mark_victim', 'sched/sched_process_exec'];

function hookTargets(tracefs: Mount): Omit<HookTargets, 'btf'> {
  const pmu = (name: string): number | undefined => {
    const answer = text(`/sys/bus/event_source/devices/${name}/type`);
    return 'value' in answer ? Number(answer.value) : undefined;
  };
  const symbols = tell(() => readKallsyms([QUIET_FUNCTION]));
  return {
    tracepoint: tracefs.at !== undefined || tracefs.mountable === true ? quietTracepoint() : undefined,
    kprobePmu: pmu('kprobe'),
    uprobePmu: pmu('uprobe'),
    address: ('value' in symbols ? symbols.value.get(QUIET_FUNCTION)?.[0] : undefined) || undefined,
    file: { path: process.execPath, offset: entryOffset(process.execPath), pid: process.pid },
  };
}

function quietTracepoint(): number | undefined {
  const tracefs = tell(openTracefs);
  if (!('value' in tracefs)) return undefined;
  using folder = tracefs.value;
  for (const name of QUIET_TRACEPOINTS) {
    const id = tell(() => readTracepointId(folder, name));
    if ('value' in id) return id.value;
  }
  return undefined;
}

/** Where in its file the first instruction of a 64-bit program is, which is not run again. */
function entryOffset(file: string): bigint {
  const fd = openSync(file, 'r');
  try {
    const header = new DataView(new ArrayBuffer(64));
    readSync(fd, new Uint8Array(header.buffer), 0, 64, 0);
    const entry = header.getBigUint64(24, true);
    const [size, count] = [header.getUint16(54, true), header.getUint16(56, true)];
    const segments = new DataView(new ArrayBuffer(size * count));
    readSync(fd, new Uint8Array(segments.buffer), 0, size * count, Number(header.getBigUint64(32, true)));
    for (let at = 0; at < size * count; at += size) {
      const [offset, address] = [segments.getBigUint64(at + 8, true), segments.getBigUint64(at + 16, true)];
      const length = segments.getBigUint64(at + 32, true);
      const isLoaded = segments.getUint32(at, true) === 1;
      if (isLoaded && entry >= address && entry < address + length) return entry - address + offset;
    }
    return 0n;
  } finally {
    closeSync(fd);
  }
}

/** Loads a program for each part of each hook, and attaches it for a moment where that touches nobody. */
export const probeHooks = (targets: HookTargets): HookOutcome[] =>
  HOOKS.flatMap(({ id, parts }) =>
    parts.map((part): HookOutcome => {
      const loads = answerTo(loadOf(part, targets), part.loads);
      const attach = loads.answer === 'yes' ? attachOf(part, targets) : undefined;
      const attaches = attach && attached(attach, part);
      return { hook: id, part: part.name, loads, ...(attaches && { attaches }) };
    }),
  );

const isOk = ({ ok }: Outcome): boolean => ok;

function answerTo(prepared: Prepared, has: (outcome: Outcome) => boolean = isOk): Answer {
  if ('missing' in prepared) return { answer: 'unknown', missing: prepared.missing };
  const outcome = outcomeOf(prepared.steps);
  if (has(outcome)) return { answer: 'yes' };
  return outcome.ok ? { answer: 'yes' } : { answer: 'no', errno: outcome.errno, call: outcome.call, log: outcome.log };
}

/** A refusal that shows that the kernel knows the way is no attachment, but as good as one for what is asked here. */
function attached(prepared: Prepared, { attach }: HookPart): Answer {
  const answer = answerTo(prepared, attach?.has);
  return answer.answer === 'yes' && attach?.has ? { answer: 'asked' } : answer;
}
