// Places with programs that `cgroup`, `net` and `perf` look at: a group of processes that nobody is in, a network of its own, probes.

import { spawnSync } from 'node:child_process';
import { closeSync, copyFileSync, existsSync, mkdirSync, openSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type OpenObject, open } from '../../src/api/index.js';
import { drive, execute } from '../../src/load/index.js';
import { linkInfo, mountPoints, mustBpf, openById, pinObject, realKernel, syscall } from '../../src/syscall/index.js';
import { BPF_CMD, BPF_ATTACH_TYPE as T } from '../../src/uapi/enums.js';
import { PERF_ATTR_SIZE_VER1, PERF_FLAG_FD_CLOEXEC } from '../../src/uapi/perf-event.js';
import { compilePart } from '../support/compile.js';
import { ownNetwork } from '../support/network.js';
import type { Files } from './json-files.js';

export interface Places {
  /** The path of a group with two programs. */
  readonly cgroup: string;
  /** A link to that group, which can be detached. */
  readonly detachable: readonly string[];
  /** What a command starts with that is to run in a network with programs in every place. */
  readonly inNetwork: readonly string[];
}

/** @param cgroupProgram The id of a program for what leaves a group of processes. */
export function somePlaces(files: Files, cgroupProgram: number): Places & Disposable {
  const ends: Disposable[] = [];
  const end = () => {
    for (const one of ends.toReversed()) one[Symbol.dispose]();
  };
  try {
    probes(files, ends);
    return { ...group(files, cgroupProgram, ends), ...ownDevices(ends), [Symbol.dispose]: end };
  } catch (error) {
    end();
    throw error;
  }
}

const atEnd = (ends: Disposable[], end: () => void) => ends.push({ [Symbol.dispose]: end });

function held(ends: Disposable[], fd: number): number {
  atEnd(ends, () => closeSync(fd));
  return fd;
}

function must(command: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr.trim()}`);
}

function unlessRefused(what: string, attempt: () => void): void {
  try {
    attempt();
  } catch (error) {
    console.warn(`not tried as JSON: ${what}: ${(error as Error).message.split('\n')[0]}`);
  }
}

const link = (prog_fd: number, target_fd: number, attach_type: number, flags = 0): number =>
  mustBpf('BPF_LINK_CREATE', { prog_fd, target_fd, attach_type, flags }, 'Cannot make a link').result;
const attach = (attach_bpf_fd: number, target_fd: number, attach_type: number, attach_flags = 0): void => {
  mustBpf('BPF_PROG_ATTACH', { target_fd, attach_bpf_fd, attach_type, attach_flags }, 'Cannot attach');
};

const BPF_F_ALLOW_MULTI = 2;

/** Version 2 of cgroups is mounted for that where it is not. */
function group({ path }: Files, program: number, ends: Disposable[]): Pick<Places, 'cgroup' | 'detachable'> {
  const mounted = mountPoints('cgroup2')[0];
  const at = mounted ?? path('cgroup');
  if (mounted === undefined) {
    mkdirSync(at);
    must('mount', '-t', 'cgroup2', 'none', at);
    atEnd(ends, () => must('umount', at));
  }
  const cgroup = join(at, `tsbpf-json-${process.pid}`);
  mkdirSync(cgroup);
  atEnd(ends, () => rmdirSync(cgroup));
  const target = held(ends, openSync(cgroup, 'r'));
  using prog = openById('prog', program);
  if (!prog) throw new Error(`There is no program ${program}`);
  const detachable = held(ends, link(prog.fd, target, T.BPF_CGROUP_INET_EGRESS));
  attach(prog.fd, target, T.BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI);
  return { cgroup, detachable: ['id', String(linkInfo(detachable).id)] };
}

const compiled = (part: number): OpenObject =>
  open(
    compilePart(
      join(import.meta.dirname, '../parity/show.bpf.c'),
      part,
      '-I/usr/include/x86_64-linux-gnu',
      '-I/usr/include/aarch64-linux-gnu',
    ),
  );

/** Those programs of the object, in the kernel. */
function programs(names: readonly string[], ends: Disposable[]): (name: string) => number {
  const object = compiled(0);
  for (const { name } of object.object.programs) object.program(name).autoload = names.includes(name);
  const loaded = object.load();
  atEnd(ends, () => loaded.close());
  return (name) => loaded.fd('program', name);
}

const XDP_FLAGS_SKB_MODE = 2;
const LO = 1;
const NF_INET_LOCAL_IN = 1;
const NFPROTO_IPV4 = 2;

/** A network that lives as long as a descriptor of it. */
function ownDevices(ends: Disposable[]): Pick<Places, 'inNetwork'> {
  using _there = ownNetwork();
  const network = held(ends, openSync('/proc/thread-self/ns/net', 'r'));
  const prog = programs(['let_pass', 'a_classifier_with_a_long_name', 'go_on', 'dissect'], ends);
  held(ends, link(prog('let_pass'), LO, T.BPF_XDP, XDP_FLAGS_SKB_MODE));
  unlessRefused('tcx', () => attach(prog('go_on'), LO, T.BPF_TCX_INGRESS));
  unlessRefused('a flow dissector', () => attach(prog('dissect'), 0, T.BPF_FLOW_DISSECTOR));
  unlessRefused('netfilter', () => {
    const accept = programs(['accept'], ends)('accept');
    // The part of union bpf_attr for netfilter is in no layout of ours: family, hook, priority, flags at byte 16.
    const hook = [NFPROTO_IPV4, NF_INET_LOCAL_IN, -7, 0];
    const attr = new Uint8Array(Int32Array.of(accept, 0, T.BPF_NETFILTER, 0, ...hook).buffer);
    const fd = syscall('bpf', BPF_CMD.BPF_LINK_CREATE, attr, attr.length);
    if (fd < 0) throw new Error(`bpf(BPF_LINK_CREATE) gave ${fd}`);
    held(ends, fd);
  });
  unlessRefused('traffic control', () => filters(prog('a_classifier_with_a_long_name')));
  return { inNetwork: ['nsenter', `--net=/proc/${process.pid}/fd/${network}`] };
}

/** tc takes programs by a pin. */
function filters(fd: number): void {
  const pin = `/sys/fs/bpf/tsbpf-json-${process.pid}-tc`;
  pinObject(fd, pin, { mount: true });
  try {
    must('tc', 'qdisc', 'add', 'dev', 'lo', 'clsact');
    must('tc', 'filter', 'add', 'dev', 'lo', 'egress', 'bpf', 'da', 'object-pinned', pin);
    unlessRefused('a program as an action', () =>
      must('tc', 'filter', 'add', 'dev', 'lo', 'ingress', 'bpf', 'object-pinned', pin, 'action', 'bpf', 'object-pinned', pin),
    );
  } finally {
    rmSync(pin, { force: true });
  }
}

/** A tracepoint, a raw one and, where the kernel has them, probes of a function in the kernel and of a file that nobody runs. */
function probes({ path }: Files, ends: Disposable[]): void {
  const events = compiled(1).load();
  atEnd(ends, () => events.close());
  events.attach();
  const file = path('a program');
  copyFileSync('/bin/true', file);
  const prog = programs(['on_probe'], ends);
  const targets = {
    uprobe: { uprobe_path: file, probe_offset: 0x1234 },
    kprobe: { kprobe_func: 'vfs_read', probe_offset: 0 },
  };
  for (const [kind, target] of Object.entries(targets)) {
    const type = `/sys/bus/event_source/devices/${kind}/type`;
    if (!existsSync(type)) console.warn(`not tried as JSON: ${kind}: this kernel has none`);
    else ends.push(probe({ type: Number(readFileSync(type, 'utf8')), ...target }, prog('on_probe')));
  }
}

const probe = (attr: { readonly type: number } & Readonly<Record<string, number | string>>, program: number): Disposable =>
  drive(
    execute(
      [
        {
          id: 'probe',
          why: 'a probe',
          makes: 'fd',
          call: 'perf_event_open',
          attr: { size: PERF_ATTR_SIZE_VER1, config: 0, ...attr },
          pid: process.pid,
          cpu: -1,
          flags: PERF_FLAG_FD_CLOEXEC,
        },
        {
          id: 'it runs',
          why: 'a program on it',
          call: 'ioctl',
          on: { fd: 'probe' },
          request: 'PERF_EVENT_IOC_SET_BPF',
          arg: program,
        },
      ],
      realKernel,
    ),
  );
