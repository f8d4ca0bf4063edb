// Text and JSON of attachments that this machine cannot make. What is expected was read off the sources of bpftool 7.8; attachments
// that it can make are compared with bpftool itself in test/parity/show.test.ts.

import { describe, expect, it } from 'vitest';
import {
  cgroupJson,
  cgroupText,
  netJson,
  netText,
  type PerfAttachment,
  perfJson,
  perfText,
  writeJson,
} from '../../src/live/index.js';
import { BPF_ATTACH_TYPE as T } from '../../src/uapi/enums.js';

describe('cgroup', () => {
  const prog = { id: 7, attachType: T.BPF_LSM_CGROUP, attachFlags: 2, name: 'guard', attachBtfObjId: 1, attachBtfId: 99 };
  const named = { ...prog, attachBtfName: 'bpf_lsm_socket_bind' };

  it('an LSM program, with the function that it hooks into where that is known', () => {
    const head =
      'ID       AttachType      AttachFlags     Name           \n7        lsm_cgroup      multi           guard          ';
    expect(cgroupText([named], false)).toBe(`${head} bpf_lsm_socket_bind\n`);
    expect(cgroupText([prog], false)).toBe(`${head} attach_btf_obj_id=1 attach_btf_id=99\n`);
    expect(writeJson(cgroupJson([named, prog]))).toBe(
      '[{"id":7,"attach_type":"lsm_cgroup","attach_flags":"multi","name":"guard","attach_btf_name":"bpf_lsm_socket_bind",' +
        '"attach_btf_obj_id":1,"attach_btf_id":99},{"id":7,"attach_type":"lsm_cgroup","attach_flags":"multi","name":"guard",' +
        '"attach_btf_obj_id":1,"attach_btf_id":99}]',
    );
  });

  it('flags and types that came after us', () => {
    expect(cgroupText([{ ...prog, attachType: 250, attachFlags: 0x42, attachBtfId: 0 }], false).split('\n')[1]).toBe(
      '7        type 250        unknown(42)     guard          ',
    );
  });
});

describe('net', () => {
  const device = { ifindex: 2, name: 'eth0', otherNames: [], progs: [], filters: [] };

  it('XDP in several modes, flags and links of tcx and netkit, actions', () => {
    const net = {
      devices: [
        {
          ...device,
          xdp: {
            isMulti: true,
            programs: [
              { mode: 'generic' as const, id: 7 },
              { mode: 'offload' as const, id: 9 },
            ],
          },
          progs: [
            { attachType: T.BPF_TCX_EGRESS, name: 'out', progId: 3, progFlags: 0x28, linkId: 4, linkFlags: 0x80000001 },
            { attachType: T.BPF_NETKIT_PEER, progId: 5, progFlags: 0, linkId: 6, linkFlags: 0 },
          ],
          filters: [
            { kind: 'htb', name: 'cls', id: 10, actions: [{ name: 'act', id: 11 }, { id: 12 }] },
            { kind: 'clsact/egress', id: 13, actions: [] },
          ],
        },
        { ...device, ifindex: 3, name: '', xdp: { isMulti: false, programs: [] } },
      ],
      netfilter: [],
    };
    expect(netText(net)).toBe(
      [
        'xdp:\neth0(2) generic id 7 offload id 9\n(3)\n',
        'tc:\neth0(2) tcx/egress out prog_id 3 prog_flags 8 32 link_id 4 link_flags 1 2147483648 ',
        'eth0(2) netkit/peer prog_id 5 link_id 6 ',
        'eth0(2) htb cls id 10 act [{act id 11}{ id 12}] ',
        'eth0(2) clsact/egress id 13 act [] \n',
        'flow_dissector:\n\nnetfilter:\n\n',
      ].join('\n'),
    );
    expect(JSON.parse(writeJson(netJson(net)))).toEqual({
      xdp: [
        {
          devname: 'eth0',
          ifindex: 2,
          multi_attachments: [
            { mode: 'generic', id: 7 },
            { mode: 'offload', id: 9 },
          ],
        },
        { ifindex: 3 },
      ],
      tc: [
        {
          devname: 'eth0',
          ifindex: 2,
          kind: 'tcx/egress',
          name: 'out',
          prog_id: 3,
          prog_flags: [8, 32],
          link_id: 4,
          link_flags: [1, 0x80000000],
        },
        { devname: 'eth0', ifindex: 2, kind: 'netkit/peer', prog_id: 5, prog_flags: [], link_id: 6, link_flags: [] },
        { devname: 'eth0', ifindex: 2, kind: 'htb', name: 'cls', id: 10, act: [{ name: 'act', id: 11 }, { id: 12 }] },
        { devname: 'eth0', ifindex: 2, kind: 'clsact/egress', id: 13, act: [] },
      ],
      flow_dissector: [],
      netfilter: [],
    });
  });
});

describe('perf', () => {
  const event: PerfAttachment = { pid: 1, fd: 5, progId: 9, type: 2, name: 'vfs_read', offset: 16n, address: 0n };

  it.each<[Partial<PerfAttachment>, string, object]>([
    [{}, 'kprobe  func vfs_read  offset 16', { fd_type: 'kprobe', func: 'vfs_read', offset: 16 }],
    [{ type: 3 }, 'kretprobe  func vfs_read  offset 16', { fd_type: 'kretprobe', func: 'vfs_read', offset: 16 }],
    [{ name: '', address: 4096n }, 'kprobe  addr 4096', { fd_type: 'kprobe', addr: 4096 }],
    [{ type: 77 }, 'type 77', {}],
  ])('$1', (change, text, json) => {
    expect(perfText({ ...event, ...change })).toBe(`pid 1  fd 5: prog_id 9  ${text}\n`);
    expect(JSON.parse(writeJson(perfJson({ ...event, ...change })))).toEqual({ pid: 1, fd: 5, prog_id: 9, ...json });
  });
});
