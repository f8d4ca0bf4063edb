// Attachments in cgroups, on network devices and on perf events, as we and bpftool show them in the same moment. TSBPF_BPFTOOL names
// another bpftool, which is compared with as well: 7.1 shows neither tcx nor netfilter. Devices are in a network namespace of this
// process, which ends with it; so nothing of the machine's own is touched.

import { spawnSync } from 'node:child_process';
import { closeSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LoadedObject, open } from '../../src/api/index.js';
import { drive, execute } from '../../src/load/index.js';
import {
  cgroupProgs,
  cgroupTree,
  type Descriptor,
  mountPoints,
  mustBpf,
  netAttachments,
  openById,
  perfAttachments,
  progInfo,
  progName,
  realKernel,
  syscall,
  walk,
} from '../../src/syscall/index.js';
import { BPF_ATTACH_TYPE, BPF_CMD, type BpfAttachType } from '../../src/uapi/enums.js';
import { PERF_ATTR_SIZE_VER1, PERF_FLAG_FD_CLOEXEC } from '../../src/uapi/perf-event.js';
import { type Finished, tsbpf } from '../support/cli.js';
import { compilePart, describeWithCompiler } from '../support/compile.js';
import { describeWithKernel, holdings } from '../support/kernel.js';
import { ownNetwork } from '../support/network.js';

/** With the version, as a number to compare: 7.1 is 701. */
interface Tool {
  readonly name: string;
  readonly version: number;
  readonly run: (...args: string[]) => Finished;
}
const tools = ['bpftool', ...(process.env.TSBPF_BPFTOOL ? [process.env.TSBPF_BPFTOOL] : [])].flatMap((command): Tool[] => {
  const run = (...args: string[]): Finished => spawnSync(command, args, { encoding: 'utf8', timeout: 60_000 });
  const found = /^bpftool v(\d+)\.(\d+)/.exec(run('version').stdout ?? '');
  return found ? [{ name: found[0], version: 100 * Number(found[1]) + Number(found[2]), run }] : [];
});
if (tools.length === 0) console.warn('the comparison of attachments is skipped: no bpftool (apt-get install bpftool)');

const BPF_F_ALLOW_OVERRIDE = 1;
const BPF_F_ALLOW_MULTI = 2;
const BPF_F_BEFORE = 8;
const XDP_FLAGS_SKB_MODE = 2;
const T = BPF_ATTACH_TYPE;

function must(command: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.trim()}`);
}

const compiled = (part: number): string =>
  compilePart(
    join(import.meta.dirname, 'show.bpf.c'),
    part,
    '-I/usr/include/x86_64-linux-gnu',
    '-I/usr/include/aarch64-linux-gnu',
  );

/** What a program attached in one place ends with. */
const made: number[] = [];
const link = (prog_fd: number, target_fd: number, attach_type: number, flags = 0): void => {
  const attr = { prog_fd, target_fd, attach_type, flags };
  made.push(mustBpf('BPF_LINK_CREATE', attr, 'Cannot make a link').result);
};
const attach = (attach_bpf_fd: number, target_fd: number, attach_type: number, attach_flags = 0): void => {
  mustBpf('BPF_PROG_ATTACH', { target_fd, attach_bpf_fd, attach_type, attach_flags }, 'Cannot attach');
};

/** Others come and go meanwhile: what both see must be the same in one of a few moments. */
function sameAsBpftool(
  args: readonly string[],
  theirs: (text: string) => unknown,
  ours: (text: string) => unknown,
  tool: Tool,
): void {
  for (let tries = 5; ; tries--) {
    const [expected, { stdout, stderr, status }] = [tool.run(...args), tsbpf(args)];
    expect({ args, stderr, status }).toEqual({ args, stderr: '', status: expected.status });
    const [left, right] = [ours(stdout), theirs(expected.stdout)];
    if (tries > 1 && JSON.stringify(left) !== JSON.stringify(right)) continue;
    expect(left).toEqual(right);
    expect(JSON.stringify(left)).toBe(JSON.stringify(right)); // names in the same order
    return;
  }
}
const asItIs = (text: string): string => text;

/** bpftool 7.1 lists attach types in another order, and knows none of Unix sockets. */
function sameCgroups(args: readonly string[]): void {
  const isOther = (line: string) => !/cgroup_unix_/.test(line);
  const sorted = (text: string) => text.split('\n').filter(isOther).sort();
  const sortedJson = (text: string): unknown => {
    const programs = (list: readonly { attach_type: string; id: number }[]) =>
      list
        .filter((row) => isOther(row.attach_type))
        .sort((a, b) => `${a.attach_type}${a.id}`.localeCompare(`${b.attach_type}${b.id}`));
    const list = JSON.parse(text) as { programs?: [] }[];
    const isTree = list.some((row) => row.programs !== undefined);
    return isTree ? list.map((row) => ({ ...row, programs: programs(row.programs ?? []) })) : programs(list as never);
  };
  for (const tool of tools) {
    const isNew = tool.version >= 708;
    const [text, json] = isNew ? [asItIs, JSON.parse] : [sorted, sortedJson];
    sameAsBpftool(args, text, text, tool);
    sameAsBpftool(['-j', ...args], json, json, tool);
    if (isNew) sameAsBpftool(['-p', ...args], asItIs, asItIs, tool);
  }
}

describe.skipIf(tools.length === 0)(`attachments, as ${tools.map(({ name }) => name).join(' and ')} show them`, () => {
  describeWithCompiler('of a compiled object', () => {
    describeWithKernel('in the kernel', () => {
      let loaded: LoadedObject;
      let folder: string;
      let network: Disposable;
      let groups: string;
      let group: string;
      let kid: string;
      const progs = new Map<string, Descriptor>();
      const prog = (name: string): number => progs.get(name)?.fd ?? expect.fail(`no program ${name}`);
      const mounted = mountPoints('cgroup2')[0];
      const skipped: string[] = [];

      beforeAll(() => {
        folder = mkdtempSync(join(tmpdir(), 'tsbpf-show-'));
        const object = open(compiled(0));
        const before = new Set(Array.from(walk('prog'), ({ id }) => id));
        loaded = object.load();
        for (const { id, fd } of walk('prog')) {
          const opened = before.has(id) ? undefined : openById('prog', id);
          const name = opened && progName(fd, progInfo(fd));
          if (opened && name && object.program(name)) progs.set(name, opened);
          else opened?.[Symbol.dispose]();
        }
        network = ownNetwork();
        must('ip', 'link', 'set', 'lo', 'up');
        must('ip', 'link', 'add', 'left', 'type', 'veth', 'peer', 'name', 'right');

        groups = mounted ?? join(folder, 'cgroup');
        if (mounted === undefined) {
          mkdirSync(groups);
          must('mount', '-t', 'cgroup2', 'none', groups);
        }
        group = join(groups, `tsbpf-show-${process.pid}`);
        kid = join(group, 'kid');
        mkdirSync(kid, { recursive: true });
      }, 60_000);

      afterAll(() => {
        if (skipped.length > 0) console.warn(`not attached here: ${skipped.join('; ')}`);
        for (const fd of made) closeSync(fd);
        for (const opened of progs.values()) opened[Symbol.dispose]();
        loaded?.close();
        network?.[Symbol.dispose]();
        for (const path of [kid, group]) if (existsSync(path)) rmdirSync(path);
        if (mounted === undefined) spawnSync('umount', [groups]);
        rmSync(folder, { recursive: true, force: true });
      });

      const unlessRefused = (what: string, attempt: () => void): void => {
        try {
          attempt();
        } catch (error) {
          skipped.push(`${what}: ${(error as Error).message.replaceAll('\n', ' ')}`);
        }
      };

      test('cgroup show, of every attach type, as a link and without one', () => {
        const types = [
          'INET_INGRESS INET_EGRESS INET_SOCK_CREATE INET_SOCK_RELEASE INET4_BIND INET6_BIND INET4_POST_BIND INET6_POST_BIND',
          'INET4_CONNECT INET6_CONNECT UNIX_CONNECT INET4_GETPEERNAME INET6_GETPEERNAME UNIX_GETPEERNAME INET4_GETSOCKNAME',
          'INET6_GETSOCKNAME UNIX_GETSOCKNAME UDP4_SENDMSG UDP6_SENDMSG UNIX_SENDMSG UDP4_RECVMSG UDP6_RECVMSG UNIX_RECVMSG',
          'SOCK_OPS DEVICE SYSCTL GETSOCKOPT SETSOCKOPT',
        ].flatMap((line) => line.split(' '));
        const nameOf = (type: string) =>
          `c_${type
            .toLowerCase()
            .replace(/^(inet|udp|unix)(\d?)_(.*)$/, (_, family, version, what) =>
              version ? `${what}${version}` : family === 'unix' ? `${what}_unix` : what,
            )}`;
        const [top, below] = [openSync(group, 'r'), openSync(kid, 'r')];
        made.push(top, below);
        const flags = [0, BPF_F_ALLOW_OVERRIDE, BPF_F_ALLOW_MULTI];
        for (const [i, type] of types.entries())
          unlessRefused(`cgroup ${type}`, () => {
            const attachType = T[`BPF_CGROUP_${type}` as BpfAttachType];
            if (i % 4 === 3) link(prog(nameOf(type)), top, attachType);
            else attach(prog(nameOf(type)), top, attachType, flags[i % 4]);
          });
        attach(prog('c_egress_in_all_groups_below'), below, T.BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI);
        expect(cgroupProgs(group, false).length).toBeGreaterThanOrEqual(20);
        expect(new Set(cgroupProgs(group, false).map(({ attachFlags }) => attachFlags))).toEqual(new Set([0, 1, 2]));

        for (const path of [group, kid]) for (const words of [[], ['effective']]) sameCgroups(['cgroup', 'show', path, ...words]);
        sameCgroups(['cg', 'l', `${kid}/`, 'eff']);
        expect(tsbpf(['cgroup', 'show', kid, 'effective']).stdout.split('\n').length).toBeGreaterThan(10);
      }, 120_000);

      test('cgroup tree, of a group and of all', () => {
        for (const words of [[], [group], [`${group}//`], [group, 'effective'], [groups, 'eff']])
          sameCgroups(['cgroup', 'tree', ...words]);
        const effective = cgroupTree(group, true);
        expect(effective.map(({ path, isRoot }) => [path, isRoot])).toEqual([
          [group, true],
          [kid, false],
        ]);
        expect(tsbpf(['cgroup', 'tree', 'effective']).stdout).toBe(tsbpf(['cgroup', 'tree', groups, 'effective']).stdout);
      }, 120_000);

      test('a group without programs has nothing to show', () => {
        const empty = join(groups, `tsbpf-show-${process.pid}-empty`);
        mkdirSync(empty);
        try {
          for (const tool of tools) sameAsBpftool(['cgroup', 'show', empty], asItIs, asItIs, tool);
          // bpftool prints an empty line, which is no JSON.
          expect(tsbpf(['cgroup', 'show', empty, '--json']).stdout).toBe('[]\n');
        } finally {
          rmdirSync(empty);
        }
      });

      test('paths that are no cgroups', () => {
        expect(tsbpf(['cgroup', 'show', `${group}x`])).toMatchObject({
          status: 1,
          stdout: '',
          stderr: `tsbpf: There is no cgroup at ${group}x\n  Did you mean ${group}?\n`,
        });
        expect(tsbpf(['cgroup', 'show', group.slice(groups.length)]).stderr).toContain(`Did you mean ${group}?`);
        expect(tsbpf(['cgroup', 'tree', '/proc', '-j'])).toMatchObject({ status: 1, stderr: '' });
        expect(JSON.parse(tsbpf(['cgroup', 'tree', '/proc', '-j']).stdout).error).toMatchObject({
          errno: 'EBADF',
          remedy: expect.stringContaining(`It is no cgroup of version 2. Paths of cgroups start with ${groups}`),
        });
        expect(tsbpf(['cgroup', 'show'])).toMatchObject({
          status: 2,
          stderr: expect.stringContaining('path of a cgroup is missing'),
        });
        expect(tsbpf(['cgroup', 'show', group, 'all'])).toMatchObject({
          status: 2,
          stderr: expect.stringContaining('expected effective'),
        });
      }, 60_000);

      /** What a bpftool that knows neither tcx nor netfilter prints of the same. */
      const older = (text: string): string =>
        text.replaceAll(/^.* (tcx|netkit)\/.*\n/gm, '').replace(/\nnetfilter:\n(.*\n)*/, '\n');
      const olderJson = (text: string): unknown => {
        const [{ netfilter: _, ...net }] = JSON.parse(text);
        return [{ ...net, tc: net.tc.filter(({ kind }: { kind: string }) => !/^(tcx|netkit)/.test(kind)) }];
      };
      /** bpftool writes a name into a list there, which is no JSON. */
      const mended = (text: string): unknown => JSON.parse(text.replace(/\["id":(\d+)\]/, '[{"id":$1}]'));

      function sameNet(...words: string[]): void {
        for (const tool of tools) {
          const isNew = tool.version >= 708;
          sameAsBpftool(['net', ...words], asItIs, isNew ? asItIs : older, tool);
          sameAsBpftool(['-j', 'net', ...words], mended, isNew ? JSON.parse : olderJson, tool);
        }
      }

      test('net show: nothing at first', () => {
        sameNet();
        for (const tool of tools.filter(({ version }) => version >= 708)) sameAsBpftool(['-p', 'net'], asItIs, asItIs, tool);
      }, 60_000);

      test('net show: XDP, tcx, filters on clsact, ingress, a qdisc and a class, flow dissector, netfilter', () => {
        const index = (name: string): number =>
          netAttachments().devices.find((device) => device.name === name)?.ifindex ?? expect.fail(`no device ${name}`);
        const [lo, left, right] = [index('lo'), index('left'), index('right')];
        must('ip', 'link', 'property', 'add', 'dev', 'right', 'altname', 'the-right-one');
        link(prog('let_pass'), lo, T.BPF_XDP, XDP_FLAGS_SKB_MODE);
        link(prog('let_pass'), left, T.BPF_XDP);
        unlessRefused('tcx', () => {
          attach(prog('go_on'), lo, T.BPF_TCX_INGRESS);
          attach(prog('a_classifier_with_a_long_name'), lo, T.BPF_TCX_INGRESS, BPF_F_BEFORE);
          link(prog('go_on'), right, T.BPF_TCX_EGRESS);
        });
        attach(prog('dissect'), 0, T.BPF_FLOW_DISSECTOR);
        unlessRefused('netfilter', () => {
          for (const [hook, priority] of [
            [4, 100],
            [1, 100],
            [1, -7],
          ] as const) {
            // The part of union bpf_attr for netfilter is in no layout of ours: family, hook, priority, flags at byte 16.
            const attr = new Uint8Array(Int32Array.of(prog('accept'), 0, T.BPF_NETFILTER, 0, 2, hook, priority, 0).buffer);
            const fd = syscall('bpf', BPF_CMD.BPF_LINK_CREATE, attr, attr.length);
            if (fd < 0) throw new Error(`bpf(BPF_LINK_CREATE) gave ${fd}`);
            made.push(fd);
          }
        });
        unlessRefused('netkit', () => must('ip', 'link', 'add', 'kit', 'type', 'netkit'));

        // tc takes programs by a pin.
        const pins = `/sys/fs/bpf/tsbpf-show-${process.pid}`;
        try {
          const id = progInfo(prog('a_classifier_with_a_long_name')).id;
          expect(tsbpf(['prog', 'pin', 'id', String(id), pins])).toMatchObject({ status: 0, stderr: '' });
          const filter = (...words: string[]) => must('tc', 'filter', 'add', 'dev', ...words);
          const run = ['bpf', 'da', 'object-pinned', pins];
          must('tc', 'qdisc', 'add', 'dev', 'lo', 'clsact');
          filter('lo', 'ingress', ...run);
          filter('lo', 'egress', 'prio', '3', ...run);
          filter('lo', 'egress', 'prio', '2', ...run);
          must('tc', 'qdisc', 'add', 'dev', 'right', 'ingress');
          filter('right', 'ingress', ...run);
          must('tc', 'qdisc', 'add', 'dev', 'left', 'root', 'handle', '1:', 'htb');
          must('tc', 'class', 'add', 'dev', 'left', 'parent', '1:', 'classid', '1:5', 'htb', 'rate', '1mbit');
          filter('left', 'parent', '1:', 'bpf', 'object-pinned', pins, 'classid', '1:5');
          filter('left', 'parent', '1:5', 'bpf', 'object-pinned', pins, 'classid', '1:5');
          unlessRefused('a filter that is no program', () =>
            filter('left', 'parent', '1:', 'prio', '9', 'matchall', 'classid', '1:5'),
          );
          unlessRefused('an action', () => filter('lo', 'ingress', 'prio', '9', 'bpf', 'object-pinned', pins, 'action', 'ok'));
        } finally {
          rmSync(pins, { force: true });
        }

        const { devices, flowDissector, netfilter } = netAttachments();
        expect(devices.map(({ name, xdp }) => [name, xdp?.programs[0]?.mode]).sort()).toEqual([
          ['left', 'driver'],
          ['lo', 'generic'],
          ['right', undefined],
        ]);
        expect(devices.flatMap(({ filters }) => filters.map(({ kind }) => kind))).toEqual(
          expect.arrayContaining(['clsact/ingress', 'clsact/egress', 'ingress', 'htb']),
        );
        expect(devices.flatMap(({ progs: attached }) => attached).length).toBe(3);
        expect(flowDissector).toBe(progInfo(prog('dissect')).id);
        expect(netfilter.length).toBe(3);
        sameNet();
        for (const name of ['lo', 'left', 'right', 'the-right-one']) sameNet('show', 'dev', name);
        sameNet('l', 'd', 'lo');

        // bpftool takes the queueing disciplines of other devices for this one's, and shows filters again under their kind.
        const { stdout } = tsbpf(['net', 'show', 'dev', 'left']);
        must('tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'handle', '1:', 'htb');
        expect(tsbpf(['net', 'show', 'dev', 'left']).stdout).toBe(stdout);
      }, 120_000);

      test('net show: devices that are not there', () => {
        expect(tsbpf(['net', 'show', 'dev', 'lefd'])).toMatchObject({
          status: 1,
          stdout: '',
          stderr: 'tsbpf: There is no network device lefd\n  Did you mean left?\n',
        });
        expect(tsbpf(['net', 'show', 'dev', 'nothing-like-it']).stderr).toContain('There are: lo, ');
        expect(tsbpf(['net', 'show', 'dev'])).toMatchObject({
          status: 2,
          stderr: expect.stringContaining('name of a device is missing'),
        });
        expect(tsbpf(['net', 'show', 'lo'])).toMatchObject({
          status: 2,
          stderr: expect.stringContaining("expected dev, got 'lo'"),
        });
      }, 60_000);

      test('perf show: raw tracepoint, tracepoint, uprobe, uretprobe', () => {
        using events = open(compiled(1)).load();
        events.attach();
        const program = join(folder, 'a program');
        copyFileSync('/bin/true', program); // which nobody runs
        const probes = '/sys/bus/event_source/devices';
        const sessions = (['uprobe', 'kprobe'] as const).flatMap((pmu) => {
          if (!existsSync(`${probes}/${pmu}/type`)) {
            skipped.push(`${pmu}: this kernel has none`);
            return [];
          }
          const type = Number(readFileSync(`${probes}/${pmu}/type`, 'utf8'));
          const target =
            pmu === 'uprobe' ? { uprobe_path: program, probe_offset: 0x1234 } : { kprobe_func: 'vfs_read', probe_offset: 0 };
          return [0, 1].map((config) => {
            const event = `${pmu} ${config}`;
            return drive(
              execute(
                [
                  {
                    id: event,
                    why: 'a probe',
                    makes: 'fd',
                    call: 'perf_event_open',
                    attr: { type, size: PERF_ATTR_SIZE_VER1, config, ...target },
                    pid: process.pid,
                    cpu: -1,
                    flags: PERF_FLAG_FD_CLOEXEC,
                  },
                  {
                    id: `${event} runs`,
                    why: 'a program on it',
                    call: 'ioctl',
                    on: { fd: event },
                    request: 'PERF_EVENT_IOC_SET_BPF',
                    arg: prog('on_probe'),
                  },
                ],
                realKernel,
              ),
            );
          });
        });
        try {
          const mine = (list: unknown) => (list as { pid: number }[]).filter(({ pid }) => pid === process.pid);
          const types = mine(perfAttachments()).map((row) => (row as unknown as { type: number }).type);
          expect(types.sort()).toEqual(expect.arrayContaining([0, 1, 4, 5]));
          const lines = (text: string) => text.split('\n').filter((line) => line.startsWith(`pid ${process.pid} `));
          for (const tool of tools) {
            sameAsBpftool(['perf'], lines, lines, tool);
            sameAsBpftool(['perf', 'list'], asItIs, asItIs, tool);
            sameAsBpftool(
              ['-j', 'pe', 'sh'],
              (text) => mine(JSON.parse(text)),
              (text) => mine(JSON.parse(text)),
              tool,
            );
            sameAsBpftool(['-p', 'perf', 'show'], asItIs, asItIs, tool);
          }
        } finally {
          for (const session of sessions) session[Symbol.dispose]();
        }
      }, 60_000);

      test('without rights, the message says what they are', () => {
        const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all', '--bounding-set=-all'];
        for (const args of [['cgroup', 'show', group], ['cgroup', 'tree'], ['net'], ['perf']]) {
          const { status, stdout, stderr } = tsbpf([...args, '-j'], { as: nobody });
          expect({ args, status, stderr }).toEqual({ args, status: 1, stderr: '' });
          expect(JSON.parse(stdout)).toMatchObject({ error: { errno: 'EPERM', remedy: expect.stringContaining('Run as root') } });
        }
      }, 60_000);

      test('looking leaves no descriptor behind', () => {
        const look = () => {
          cgroupTree(group, false);
          cgroupTree(group, true);
          netAttachments();
          perfAttachments();
          for (const fails of [() => cgroupProgs('/proc', false), () => netAttachments('no-such-device')])
            expect(fails).toThrow();
        };
        look();
        const before = holdings().fds;
        look();
        expect(holdings().fds).toEqual(before);
      });
    });
  });
});
