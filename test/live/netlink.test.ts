// Netlink messages taken apart: captured ones, made ones for what this machine does not have, and all that is wrong with lengths.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromHex, type Region, region } from '../../src/bytes/index.js';
import { FormatError } from '../../src/errors.js';
import {
  attributeList,
  bpfFilterOf,
  linksRequest,
  type NetlinkRecord,
  netDeviceOf,
  parseAnswer,
  parseAttributes,
  tcNodeOf,
  tcRequest,
} from '../../src/live/index.js';
import * as rt from '../../src/uapi/rtnetlink.js';

type Capture = 'links' | 'qdiscs' | 'classes' | 'filters' | 'refused';
const captures = JSON.parse(readFileSync(join(import.meta.dirname, 'netlink.json'), 'utf8')) as Record<Capture, string[]>;
/** The number that each was asked with. */
const SEQ: Readonly<Record<Capture, number>> = { links: 7, qdiscs: 8, classes: 8, filters: 9, refused: 9 };
const datagrams = (capture: Capture): Uint8Array[] => captures[capture].map((hex) => fromHex(hex));
const answers = (capture: Capture) => datagrams(capture).map((bytes) => parseAnswer(region(bytes), SEQ[capture]));
const records = (capture: Capture): NetlinkRecord[] => answers(capture).flatMap((answer) => answer.records);

const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);
const text = (value: string): Uint8Array => new TextEncoder().encode(`${value}\0`);
const joined = (parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

function attribute(type: number, ...values: Uint8Array[]): Uint8Array {
  const value = joined(values);
  const bytes = new Uint8Array(Math.ceil((4 + value.length) / 4) * 4);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 4 + value.length, true);
  view.setUint16(2, type, true);
  bytes.set(value, 4);
  return bytes;
}
const record = (type: number, head: number, ...attributes: Uint8Array[]): NetlinkRecord => ({
  type,
  body: region(joined([new Uint8Array(head), ...attributes])),
});

describe('what the kernel answered', () => {
  it('devices, with the XDP program of one and the other name of another', () => {
    expect(records('links').map((row) => netDeviceOf(row))).toEqual([
      { ifindex: 1, name: 'lo', otherNames: [], xdp: { isMulti: false, programs: [{ mode: 'generic', id: 355259 }] } },
      { ifindex: 2, name: 'right', otherNames: [] },
      { ifindex: 3, name: 'left', otherNames: ['another-name'] },
    ]);
    expect(answers('links').map(({ end }) => end)).toEqual([undefined, undefined, 0]);
  });

  it('queueing disciplines and classes', () => {
    expect(records('qdiscs').map((row) => tcNodeOf(row))).toEqual([
      { ifindex: 1, handle: 0, kind: 'noqueue' },
      { ifindex: 1, handle: 0xffff0000, kind: 'clsact' },
      { ifindex: 3, handle: 0x10000, kind: 'htb' },
    ]);
    expect(records('classes').map((row) => tcNodeOf(row))).toEqual([{ ifindex: 3, handle: 0x10005, kind: 'htb' }]);
  });

  it('filters, of which the first is only the head of a list', () => {
    const found = records('filters').map((row) => bpfFilterOf(row));
    expect(found).toEqual([undefined, { name: 'tc_a_name_longer_than_fifteen:[*fsobj]', id: 355260 }]);
  });

  it('an error', () => {
    expect(answers('refused')).toEqual([{ records: [], end: 95 }]);
  });

  it('nothing for somebody else’s number, and records of other kinds are none of ours', () => {
    for (const bytes of datagrams('links')) expect(parseAnswer(region(bytes), 6)).toEqual({ records: [] });
    for (const row of records('links')) expect([tcNodeOf(row), bpfFilterOf(row)]).toEqual([undefined, undefined]);
    for (const row of records('filters')) expect([netDeviceOf(row), tcNodeOf(row)]).toEqual([undefined, undefined]);
  });
});

describe('what only other kernels and devices have', () => {
  const device = (...xdp: Uint8Array[]) =>
    netDeviceOf(record(rt.RTM_NEWLINK, 16, attribute(rt.IFLA_IFNAME, text('eth0')), attribute(rt.IFLA_XDP, ...xdp)))?.xdp;
  const attached = (how: number) => attribute(rt.IFLA_XDP_ATTACHED, Uint8Array.of(how));

  it('XDP programs in several modes', () => {
    const ids = [
      attribute(rt.IFLA_XDP_HW_PROG_ID, u32(9)),
      attribute(rt.IFLA_XDP_SKB_PROG_ID, u32(7)),
      attribute(rt.IFLA_XDP_DRV_PROG_ID, u32(8)),
    ];
    expect(device(attached(rt.XDP_ATTACHED_MULTI), ...ids)).toEqual({
      isMulti: true,
      programs: [
        { mode: 'generic', id: 7 },
        { mode: 'driver', id: 8 },
        { mode: 'offload', id: 9 },
      ],
    });
    expect(device(attached(rt.XDP_ATTACHED_HW), attribute(rt.IFLA_XDP_PROG_ID, u32(9)), ...ids)).toEqual({
      isMulti: false,
      programs: [{ mode: 'offload', id: 9 }],
    });
    expect(device(attached(rt.XDP_ATTACHED_NONE))).toBeUndefined();
    expect(device(attached(77))).toEqual({ isMulti: false, programs: [] });
  });

  it('actions, of which some are programs', () => {
    const action = (kind: string, ...options: Uint8Array[]) => [
      attribute(rt.TCA_ACT_KIND, text(kind)),
      attribute(rt.TCA_ACT_OPTIONS, ...options),
    ];
    const bpf = action('bpf', attribute(rt.TCA_ACT_BPF_NAME, text('act')), attribute(rt.TCA_ACT_BPF_ID, u32(5)));
    const filter = (...actions: Uint8Array[]) =>
      bpfFilterOf(
        record(
          rt.RTM_NEWTFILTER,
          20,
          attribute(rt.TCA_KIND, text('bpf')),
          attribute(rt.TCA_OPTIONS, attribute(rt.TCA_BPF_NAME, text('cls')), attribute(rt.TCA_BPF_ACT, ...actions)),
        ),
      );
    expect(filter(attribute(2, ...action('bpf')), attribute(1, ...bpf), attribute(3, ...action('gact')))).toEqual({
      name: 'cls',
      actions: [{ name: 'act', id: 5 }, {}],
    });
    expect(filter()).toEqual({ name: 'cls', actions: [] });
  });

  it('an attribute that says how it is encoded, and one that is there twice', () => {
    const both = region(joined([attribute(0x8000 | 5, u32(1)), attribute(0x4000 | 5, u32(2))]));
    expect(attributeList(both).map(([type, value]) => [type, value.view.getUint32(0, true)])).toEqual([
      [5, 1],
      [5, 2],
    ]);
    expect(parseAttributes(both).get(5)?.view.getUint32(0, true)).toBe(2);
  });
});

describe('requests', () => {
  it('are a header and a structure', () => {
    expect(Buffer.from(linksRequest(0x01020304)).toString('hex')).toBe(
      '20000000 1200 0103 04030201 00000000 00000000000000000000000000000000'.replaceAll(' ', ''),
    );
    expect(Buffer.from(tcRequest(rt.RTM_GETTFILTER, 2, 3, rt.TC_H_CLSACT_EGRESS)).toString('hex')).toBe(
      '24000000 2e00 0103 02000000 00000000 00000000 03000000 00000000 f3ffffff 00000000'.replaceAll(' ', ''),
    );
  });
});

describe('bytes that mean harm', () => {
  /** All that can be read of a datagram, in each of the three ways. */
  const readAll = (bytes: Uint8Array, seq: number): unknown =>
    parseAnswer(region(bytes), seq).records.map((row) => [netDeviceOf(row), tcNodeOf(row), bpfFilterOf(row)]);
  const isFormatError = (read: () => unknown): boolean => {
    try {
      read();
      return false;
    } catch (error) {
      expect(error).toBeInstanceOf(FormatError);
      return true;
    }
  };

  it.each(['links', 'qdiscs', 'classes', 'filters', 'refused'] as const)('%s, cut off anywhere', (capture) => {
    for (const bytes of datagrams(capture)) {
      const ends = messageEnds(bytes);
      for (let length = 0; length < bytes.length; length++)
        expect(isFormatError(() => readAll(bytes.subarray(0, length), SEQ[capture]))).toBe(!ends.has(length));
    }
  });

  it.each(['links', 'qdiscs', 'classes', 'filters', 'refused'] as const)('%s, with every byte changed', (capture) => {
    let refused = 0;
    for (const bytes of datagrams(capture))
      for (let at = 0; at < bytes.length; at++)
        for (const value of [1, 0xff]) {
          const changed = bytes.slice();
          changed[at] = value;
          if (isFormatError(() => readAll(changed, SEQ[capture]))) refused++;
        }
    expect(refused).toBeGreaterThan(0);
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      'a message shorter than its header',
      () => parseAnswer(region(fromHex(`0f000000${'00'.repeat(12)}`)), 0),
      /netlink message says that it has 15 bytes/,
    ],
    [
      'a message of no bytes at all',
      () => parseAnswer(region(new Uint8Array(16)), 0),
      /says that it has 0 bytes; its header alone has 16/,
    ],
    [
      'a message longer than all',
      () => parseAnswer(region(fromHex(`ffffffff${'00'.repeat(12)}`)), 0),
      /Cannot read a netlink message: 4294967295 bytes/,
    ],
    ['an attribute of no bytes', () => parseAttributes(region(new Uint8Array(4))), /netlink attribute says that it has 0 bytes/],
    [
      'an attribute longer than all',
      () => parseAttributes(region(fromHex('0900010000000000'))),
      /Cannot read a netlink attribute: 9 bytes/,
    ],
    ['a device without its structure', () => netDeviceOf(record(rt.RTM_NEWLINK, 15)), /Cannot read a device/],
    ['a filter without its structure', () => bpfFilterOf(record(rt.RTM_NEWTFILTER, 19)), /Cannot read a filter/],
    [
      'a number of one byte',
      () =>
        netDeviceOf(withXdp(attribute(rt.IFLA_XDP_ATTACHED, Uint8Array.of(2)), attribute(rt.IFLA_XDP_PROG_ID, Uint8Array.of(1)))),
      /Cannot read a number: 4 bytes at 0, but there are 1/,
    ],
    [
      'an error of two bytes',
      () => parseAnswer(region(fromHex('12000000 0200 0000 00000000 00000000 0000'.replaceAll(' ', ''))), 0),
      /Cannot read an error number/,
    ],
  ])('%s', (_, read, message) => {
    expect(read).toThrow(FormatError);
    expect(read).toThrow(message);
  });

  it('says where', () => {
    const from: Region = region(joined([attribute(1, u32(1)), new Uint8Array(4)]), { section: 'an answer' });
    expect(() => parseAttributes(from)).toThrow('(section an answer, offset 8)');
  });
});

const withXdp = (...xdp: Uint8Array[]): NetlinkRecord => record(rt.RTM_NEWLINK, 16, attribute(rt.IFLA_XDP, ...xdp));

/** Where whole messages end; cut off there, fewer are left, and nothing is wrong. */
function messageEnds(bytes: Uint8Array): Set<number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ends = new Set([0]);
  for (let at = 0; at < bytes.length; at += Math.ceil(view.getUint32(at, true) / 4) * 4) ends.add(at);
  return ends;
}
