// Attachments that this project's usual machine cannot make, as `cgroup show`, `net show` and `perf show` show them; compared with the
// host's bpftool, as far as it knows of them.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import type { LoadedObject } from '../../../src/api/index.js';
import { cgroupText, cgroupTreeText, netJson, netText, perfText, type ShownNet, writeJson } from '../../../src/live/index.js';
import { drive, execute } from '../../../src/load/index.js';
import {
  cgroupProgs,
  cgroupTree,
  type Descriptor,
  mustBpf,
  netAttachments,
  openById,
  perfAttachments,
  pinObject,
  progInfo,
  realKernel,
  walk,
} from '../../../src/syscall/index.js';
import { BPF_ATTACH_TYPE as T } from '../../../src/uapi/enums.js';
import { PERF_ATTR_SIZE_VER1, PERF_FLAG_FD_CLOEXEC } from '../../../src/uapi/perf-event.js';
import { clean, command, group, only, openNamed, since } from '../support/kernel.js';

/** Undefined where the host has none. */
function bpftool(...args: string[]): string | undefined {
  const { error, status, stdout, stderr } = spawnSync('bpftool', args, { encoding: 'utf8' });
  if (error) return undefined;
  assert.equal(status, 0, stderr);
  return stdout;
}
function sameAsBpftool(ours: string, args: readonly string[], inWords = (text: string): unknown => text): void {
  const theirs = bpftool(...args);
  if (theirs !== undefined) assert.deepEqual(inWords(ours), inWords(theirs));
}

/** These programs of the object, loaded and by name. */
class Loaded implements Disposable {
  readonly #object: LoadedObject;
  readonly #progs = new Map<string, Descriptor>();

  constructor(...names: string[]) {
    this.#object = only(openNamed('attachments'), ...names).load();
    for (const { id, fd } of walk('prog')) {
      const { name } = progInfo(fd);
      const opened = names.includes(name) ? openById('prog', id) : undefined;
      if (opened) this.#progs.set(name, opened);
    }
  }
  fd(name: string): number {
    return this.#progs.get(name)?.fd ?? assert.fail(`no program ${name}`);
  }
  [Symbol.dispose](): void {
    for (const prog of this.#progs.values()) prog[Symbol.dispose]();
    this.#object.close();
  }
}

const BPF_F_ALLOW_MULTI = 2;
const attach = (attach_bpf_fd: number, target_fd: number, attach_type: number, attach_flags = 0): void => {
  mustBpf('BPF_PROG_ATTACH', { target_fd, attach_bpf_fd, attach_type, attach_flags }, 'Cannot attach');
};
/** 7.1 lists attach types in another order. */
const sortedLines = (text: string): string[] => text.split('\n').sort();

group('attachments', () => {
  clean('programs of a cgroup, with their flags, and of those in it', () => {
    const folder = '/sys/fs/cgroup/tsbpf-vm';
    mkdirSync(`${folder}/kid`, { recursive: true });
    const lsm = since('6.0') ? ['c_bind'] : [];
    using progs = new Loaded('c_egress', 'c_connect4', ...lsm);
    const fd = openSync(folder, 'r');
    try {
      attach(progs.fd('c_egress'), fd, T.BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI);
      attach(progs.fd('c_connect4'), fd, T.BPF_CGROUP_INET4_CONNECT);
      for (const name of lsm) attach(progs.fd(name), fd, T.BPF_LSM_CGROUP, BPF_F_ALLOW_MULTI);
      const found = cgroupProgs(folder, false);
      assert.deepEqual(
        found.map(({ name, attachFlags, attachBtfName }) => [name, attachFlags, attachBtfName]),
        [
          ['c_egress', BPF_F_ALLOW_MULTI, ''],
          ['c_connect4', 0, ''],
          ...lsm.map((name) => [name, BPF_F_ALLOW_MULTI, 'bpf_lsm_socket_bind']),
        ],
      );
      assert.deepEqual(
        cgroupTree(undefined, true).map(({ path }) => path),
        [folder, `${folder}/kid`],
      );
      // Before 6.0, bpftool 7.1 gets no answer.
      if (since('6.0')) sameAsBpftool(cgroupText(found, false), ['cgroup', 'show', folder], sortedLines);
      sameAsBpftool(
        cgroupText(cgroupProgs(`${folder}/kid`, true), true),
        ['cgroup', 'show', `${folder}/kid`, 'effective'],
        sortedLines,
      );
      if (since('6.0')) sameAsBpftool(cgroupTreeText(cgroupTree(folder, false), false), ['cgroup', 'tree', folder], sortedLines);
    } finally {
      closeSync(fd);
      for (const path of [`${folder}/kid`, folder]) rmdirSync(path);
    }
  });

  clean('kprobes and raw tracepoints', () => {
    using progs = new Loaded('on_probe', 'on_fork');
    const type = Number(readFileSync('/sys/bus/event_source/devices/kprobe/type', 'utf8'));
    const sessions = [0, 1].map((config) =>
      drive(
        execute(
          [
            {
              id: 'probe',
              why: 'a probe',
              makes: 'fd',
              call: 'perf_event_open',
              attr: { type, size: PERF_ATTR_SIZE_VER1, config, kprobe_func: 'vfs_read', probe_offset: 0 },
              pid: -1,
              cpu: 0,
              flags: PERF_FLAG_FD_CLOEXEC,
            },
            {
              id: 'run',
              why: 'a program',
              call: 'ioctl',
              on: { fd: 'probe' },
              request: 'PERF_EVENT_IOC_SET_BPF',
              arg: progs.fd('on_probe'),
            },
          ],
          realKernel,
        ),
      ),
    );
    try {
      const found = perfAttachments();
      assert.deepEqual(
        found.map((row) => [row.pid, row.type, row.name, row.offset]),
        [2, 3].map((kind) => [process.pid, kind, 'vfs_read', 0n]),
      );
      sameAsBpftool(found.map(perfText).join(''), ['perf', 'list']);
    } finally {
      for (const session of sessions) session[Symbol.dispose]();
    }
  });

  /** What bpftool 7.1 prints of it. */
  const older = (net: ShownNet): string =>
    netText({ ...net, devices: net.devices.map((device) => ({ ...device, progs: [] })) }).replace(/\nnetfilter:\n(.*\n)*/, '\n');

  clean('filters with actions, and XDP', () => {
    const pins = ['classify', 'act', 'let_pass'].map((name) => [name, `/sys/fs/bpf/tsbpf-vm-${name}`] as const);
    using progs = new Loaded('classify', 'act', 'let_pass');
    try {
      for (const [name, path] of pins) pinObject(progs.fd(name), path, { mount: true });
      const run = (name: string) => ['bpf', 'object-pinned', `/sys/fs/bpf/tsbpf-vm-${name}`];
      command('ip', 'link', 'add', 'left', 'type', 'veth', 'peer', 'name', 'right');
      command('ip', 'link', 'set', 'left', 'xdp', 'pinned', '/sys/fs/bpf/tsbpf-vm-let_pass');
      command('tc', 'qdisc', 'add', 'dev', 'left', 'clsact');
      const filter = ['filter', 'add', 'dev', 'left', 'ingress'];
      command('tc', ...filter, 'prio', '1', ...run('classify'), 'action', 'ok');
      command('tc', ...filter, 'prio', '2', ...run('classify'), 'action', ...run('act'), 'action', ...run('act'));
      command('tc', ...filter, 'prio', '3', 'matchall', 'action', ...run('act'));
      const net = netAttachments();
      const left = net.devices.find(({ name }) => name === 'left');
      assert.deepEqual(
        left?.xdp?.programs.map(({ mode }) => mode),
        ['driver'],
      );
      assert.deepEqual(
        left?.filters.map(({ actions = [] }) => actions.map(({ id }) => id)),
        [[], Array(2).fill(progInfo(progs.fd('act')).id)],
      );
      sameAsBpftool(older(net), ['net']);
      sameAsBpftool(writeJson(netJson(netAttachments('left'))), ['-j', 'net', 'show', 'dev', 'left'], (text) => {
        const [all] = [JSON.parse(text)].flat();
        return [all.xdp, all.tc];
      });
    } finally {
      for (const [, path] of pins) rmSync(path, { force: true });
      if (existsSync('/sys/class/net/left')) command('ip', 'link', 'delete', 'left');
    }
  });

  clean(
    'netkit',
    () => {
      using progs = new Loaded('kit');
      command('ip', 'link', 'add', 'kit', 'type', 'netkit');
      try {
        const index = netAttachments('kit').devices[0]?.ifindex ?? 0;
        attach(progs.fd('kit'), index, T.BPF_NETKIT_PRIMARY);
        const text = netText(netAttachments('kit'));
        assert.match(text, new RegExp(`^kit\\(${index}\\) netkit/primary kit prog_id ${progInfo(progs.fd('kit')).id} $`, 'm'));
      } finally {
        command('ip', 'link', 'delete', 'kit');
      }
    },
    !since('6.7') && 'Linux has it since 6.7',
  );
});
