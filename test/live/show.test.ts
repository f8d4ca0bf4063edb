// Text and JSON of objects, from values. What is expected was read off the sources of bpftool 7.1, of 7.7 for newer kinds of links; live
// objects are compared with bpftool itself in test/parity/live.test.ts.

import { describe, expect, it } from 'vitest';
import { fromHex } from '../../src/bytes/index.js';
import {
  type Device,
  elementJson,
  elementText,
  hexDump,
  hexLines,
  linkInfoOf,
  linkJson,
  linkText,
  listParts,
  type MapInfo,
  Members,
  mapInfoOf,
  mapJson,
  mapText,
  type ProgInfo,
  progInfoOf,
  progJson,
  progText,
  Raw,
  statsBetween,
  statsJson,
  statsText,
  writeJson,
} from '../../src/live/index.js';
import { BPF_LINK_TYPE, BPF_MAP_TYPE, BPF_PROG_TYPE } from '../../src/uapi/enums.js';
import { BPF_LINK_INFO_OF, BPF_LINK_INFO_SIZE, BPF_PERF_EVENT_INFO, BPF_PROG_INFO } from '../../src/uapi/info.js';
import { faults } from '../support/schemas.js';

const HERE: Device = { ifindex: 0, netnsDev: 0n, netnsIno: 0n };
const PROG: ProgInfo = {
  ...progInfoOf(new DataView(new ArrayBuffer(232))),
  id: 12,
  type: BPF_PROG_TYPE.BPF_PROG_TYPE_TRACING,
  tag: '0123456789abcdef',
  gplCompatible: true,
  xlatedLength: 64,
  jitedLength: 80,
  btfId: 7,
};
const MAP: MapInfo = {
  ...mapInfoOf(new DataView(new ArrayBuffer(104))),
  id: 3,
  type: BPF_MAP_TYPE.BPF_MAP_TYPE_HASH,
  name: 'counts',
  flags: 0x81,
  keySize: 4,
  valueSize: 8,
  maxEntries: 100,
};
const SHOWN_PROG = { info: PROG, name: 'handle', mapIds: [1, 2], pids: [], metadata: [] };
const SHOWN_MAP = { info: MAP, frozen: false, owner: {}, pids: [] };

describe('prog', () => {
  it('with all that there can be', () => {
    const shown = {
      ...SHOWN_PROG,
      info: {
        ...PROG,
        runTimeNs: 500n,
        runCount: 5n,
        recursionMisses: 1n,
        loadTime: 1n,
        verifiedInsns: 8,
        device: { ...HERE, ifindex: 2 },
      },
      memlock: 4096n,
      loadedAt: { seconds: 1700000000n, text: '2023-11-14T22:13:20+0000' },
      attachTo: 'vfs_read',
      pinned: ['/sys/fs/bpf/a'],
      pids: [
        { pid: 1, comm: 'init' },
        { pid: 20, comm: 'node' },
      ],
      metadata: [{ name: 'owner', json: 'me', plain: 'me' }],
      ifname: 'eth0',
    };
    expect(progText(shown)).toBe(
      '12: tracing  name handle  tag 0123456789abcdef  offloaded_to eth0  gpl run_time_ns 500 run_cnt 5 recursion_misses 1\n' +
        '\tloaded_at 2023-11-14T22:13:20+0000  uid 0\n\txlated 64B  jited 80B  memlock 4096B  map_ids 1,2\n\tpinned /sys/fs/bpf/a\n' +
        '\tbtf_id 7\n\tattach_to vfs_read\n\tpids init(1), node(20)\n\tmetadata:\n\t\towner = "me"\n',
    );
    expect(faults('prog-show', JSON.parse(writeJson(progJson(shown))))).toEqual([]);
    expect(JSON.parse(writeJson(progJson(shown)))).toEqual({
      id: 12,
      type: 'tracing',
      name: 'handle',
      tag: '0123456789abcdef',
      gpl_compatible: true,
      run_time_ns: 500,
      run_cnt: 5,
      recursion_misses: 1,
      dev: { ifindex: 2, ns_dev: 0, ns_inode: 0, ifname: 'eth0' },
      loaded_at: 1700000000,
      uid: 0,
      orphaned: false,
      bytes_xlated: 64,
      jited: true,
      bytes_jited: 80,
      bytes_memlock: 4096,
      map_ids: [1, 2],
      btf_id: 7,
      verified_insns: 8,
      attach_to: 'vfs_read',
      pinned: ['/sys/fs/bpf/a'],
      pids: [
        { pid: 1, comm: 'init' },
        { pid: 20, comm: 'node' },
      ],
      metadata: { owner: 'me' },
    });
  });

  it('with next to nothing, of a type that came after us', () => {
    const shown = {
      ...SHOWN_PROG,
      name: '',
      mapIds: [],
      info: { ...PROG, type: 99, jitedLength: 0, btfId: 0, gplCompatible: false },
    };
    expect(progText(shown)).toBe('12: type 99  tag 0123456789abcdef\n\txlated 64B  not jited\n');
    expect(writeJson(progJson(shown))).toBe(
      '{"id":12,"type":99,"tag":"0123456789abcdef","gpl_compatible":false,"orphaned":false,"bytes_xlated":64,"jited":false}',
    );
  });

  it('whose device is gone', () => {
    const shown = { ...SHOWN_PROG, info: { ...PROG, btfId: 0 }, isOrphaned: true, memlock: 4096n };
    expect(progText(shown)).toContain('\txlated 64B  jited 80B  memlock 4096B  orphaned  map_ids 1,2\n');
    expect(writeJson(progJson(shown))).toContain('"gpl_compatible":true,"orphaned":true,"bytes_xlated":64');
  });

  it('info is read from where the kernel puts it', () => {
    const view = new DataView(new ArrayBuffer(232));
    for (const { type, at } of BPF_PROG_INFO) {
      if (type === 'u32') view.setUint32(at, at, true);
      else if (type === 'u64') view.setBigUint64(at, BigInt(at), true);
    }
    expect(progInfoOf(view)).toMatchObject({
      type: 0,
      id: 4,
      uid: 48,
      btfId: 128,
      runTimeNs: 192n,
      verifiedInsns: 216,
      attachBtfId: 224,
    });
  });
});

describe('map', () => {
  it('frozen, with types, pinned and held', () => {
    const shown = {
      ...SHOWN_MAP,
      info: { ...MAP, btfId: 9 },
      frozen: true,
      memlock: 8192n,
      pinned: ['/a', '/b'],
      pids: [{ pid: 5, comm: 'x' }],
    };
    expect(mapText(shown)).toBe(
      '3: hash  name counts  flags 0x81\n\tkey 4B  value 8B  max_entries 100  memlock 8192B\n\tpinned /a\n\tpinned /b\n\tbtf_id 9  frozen\n\tpids x(5)\n',
    );
    expect(writeJson(mapJson(shown))).toBe(
      '{"id":3,"type":"hash","name":"counts","flags":129,"bytes_key":4,"bytes_value":8,"max_entries":100,"bytes_memlock":8192,"frozen":1,"btf_id":9,"pinned":["/a","/b"],"pids":[{"pid":5,"comm":"x"}]}',
    );
  });

  it('a program array with its owner', () => {
    const info = { ...MAP, type: BPF_MAP_TYPE.BPF_MAP_TYPE_PROG_ARRAY };
    const shown = { ...SHOWN_MAP, info, owner: { progType: BPF_PROG_TYPE.BPF_PROG_TYPE_XDP, jited: true } };
    expect(mapText(shown)).toContain('max_entries 100\n\towner_prog_type xdp  owner jited\n');
    expect(faults('map-show', JSON.parse(writeJson(mapJson(shown))))).toEqual([]);
    expect(mapJson(shown)).toMatchObject({ owner_prog_type: 'xdp', owner_jited: true });
  });
});

describe('elements without types', () => {
  const bytes = (length: number, first = 0) => Uint8Array.from({ length }, (_, i) => first + i);

  it.each([
    [4, 8, 'key: 00 01 02 03  value: 00 01 02 03 04 05 06 07\n'],
    [8, 16, 'key: 00 01 02 03 04 05 06 07  value: 00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f\n'],
    [12, 16, 'key: 00 01 02 03 04 05 06 07  08 09 0a 0b\nvalue: 00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f\n'],
    [1, 18, 'key:\n00\nvalue:\n00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f\n10 11\n'],
    [0, 4, 'value: 00 01 02 03\n'],
  ])('a key of %i bytes and a value of %i', (keySize, valueSize, text) => {
    expect(elementText({ ...MAP, keySize, valueSize }, { key: bytes(keySize), value: bytes(valueSize) })).toBe(text);
  });

  it('has a value for each CPU, eight bytes apart', () => {
    const info = { ...MAP, type: BPF_MAP_TYPE.BPF_MAP_TYPE_PERCPU_HASH, valueSize: 4 };
    const element = { key: bytes(4), value: bytes(16) };
    expect(elementText(info, element)).toBe('key:\n00 01 02 03\nvalue (CPU 00): 00 01 02 03\nvalue (CPU 01): 08 09 0a 0b\n');
    expect(elementJson(info, element, {})).toEqual({
      key: ['0x00', '0x01', '0x02', '0x03'],
      values: [
        { cpu: 0, value: ['0x00', '0x01', '0x02', '0x03'] },
        { cpu: 1, value: ['0x08', '0x09', '0x0a', '0x0b'] },
      ],
    });
  });

  it('says why there is none, but for empty places of maps of maps', () => {
    const gone = { key: bytes(4), value: { errno: 'ENOENT', message: 'No such file or directory' } };
    expect(elementText(MAP, gone)).toBe('key: 00 01 02 03  value: <no entry>\n');
    expect(elementJson(MAP, gone, {})).toMatchObject({ value: { error: 'No such file or directory', errno: 'ENOENT' } });
    const info = { ...MAP, type: BPF_MAP_TYPE.BPF_MAP_TYPE_ARRAY_OF_MAPS };
    expect(elementText(info, gone)).toBe('');
    expect(elementJson(info, gone, {})).toBeUndefined();
  });
});

describe('link', () => {
  const link = (type: number, fields: Readonly<Record<string, number | bigint>>, texts = {}, lists = {}, kind?: number) => {
    const view = new DataView(new ArrayBuffer(BPF_LINK_INFO_SIZE));
    view.setUint32(0, type, true);
    view.setUint32(4, 8, true);
    view.setUint32(8, 9, true);
    if (kind !== undefined) view.setUint32(16, kind, true);
    for (const { name, at, size } of (kind === undefined ? BPF_LINK_INFO_OF[type] : BPF_PERF_EVENT_INFO[kind]) ?? []) {
      if (fields[name] === undefined) continue;
      if (size === 8) view.setBigUint64(at, BigInt(fields[name]), true);
      else view.setUint32(at, Number(fields[name]), true);
    }
    return { info: linkInfoOf(view, texts, lists), pids: [] };
  };
  const T = BPF_LINK_TYPE;
  const cases: [string, ReturnType<typeof link> & { progType?: number; ifname?: string }, string, object][] = [
    [
      'raw_tracepoint',
      link(T.BPF_LINK_TYPE_RAW_TRACEPOINT, { cookie: 3 }, { tp_name: 'sys_enter' }),
      "8: raw_tracepoint  prog 9  \n\ttp 'sys_enter'  cookie 3  \n",
      { tp_name: 'sys_enter', cookie: 3n },
    ],
    [
      'tracing',
      { ...link(T.BPF_LINK_TYPE_TRACING, { attach_type: 24, target_obj_id: 1, target_btf_id: 77 }), progType: 26 },
      '8: tracing  prog 9  \n\tprog_type tracing  attach_type trace_fentry  \n\ttarget_obj_id 1  target_btf_id 77  \n',
      { prog_type: 'tracing', attach_type: 'trace_fentry', target_obj_id: 1, target_btf_id: 77 },
    ],
    [
      'cgroup',
      link(T.BPF_LINK_TYPE_CGROUP, { cgroup_id: 5n, attach_type: 0 }),
      '8: cgroup  prog 9  \n\tcgroup_id 5  attach_type cgroup_inet_ingress  \n',
      { cgroup_id: 5n },
    ],
    [
      'iter',
      link(T.BPF_LINK_TYPE_ITER, { map_id: 4 }, { target_name: 'bpf_map_elem' }),
      '8: iter  prog 9  target_name bpf_map_elem  map_id 4  \n',
      { target_name: 'bpf_map_elem', map_id: 4 },
    ],
    [
      'iter of tasks',
      link(T.BPF_LINK_TYPE_ITER, { tid: 4 }, { target_name: 'task' }),
      '8: iter  prog 9  target_name task  tid 4 \n',
      { tid: 4 },
    ],
    [
      'xdp',
      { ...link(T.BPF_LINK_TYPE_XDP, { ifindex: 1 }), ifname: 'lo' },
      '8: xdp  prog 9  \n\tifindex lo(1)  \n',
      { devname: 'lo', ifindex: 1 },
    ],
    [
      'tcx that lost its device',
      link(T.BPF_LINK_TYPE_TCX, { attach_type: 46 }),
      '8: tcx  prog 9  \n\tifindex (detached)  attach_type tcx_ingress  \n',
      { devname: '(detached)' },
    ],
    ['struct_ops', link(T.BPF_LINK_TYPE_STRUCT_OPS, { map_id: 6 }), '8: struct_ops  map 6  \n', { map_id: 6 }],
    [
      'netfilter',
      link(T.BPF_LINK_TYPE_NETFILTER, { pf: 2, hooknum: 1, priority: -5 >>> 0 }),
      '8: netfilter  prog 9  \n\tip input prio -5\n',
      { pf: 2, hook: 1, prio: -5 },
    ],
    [
      'kprobe',
      link(T.BPF_LINK_TYPE_PERF_EVENT, { addr: 0xffff0000n, offset: 4 }, { func_name: 'vfs_read' }, {}, 3),
      '8: perf_event  prog 9  \n\tkprobe ffff0000 vfs_read+0x4  \n',
      { func: 'vfs_read', retprobe: false },
    ],
    [
      'tracepoint',
      link(T.BPF_LINK_TYPE_PERF_EVENT, {}, { tp_name: 'sched_switch' }, {}, 5),
      '8: perf_event  prog 9  \n\ttracepoint sched_switch  \n',
      { tracepoint: 'sched_switch' },
    ],
    [
      'kprobe_multi',
      link(T.BPF_LINK_TYPE_KPROBE_MULTI, { count: 1, flags: 1 }, {}, { addrs: [0xabcn], cookies: [2n] }),
      '8: kprobe_multi  prog 9  \n\tkretprobe.multi  func_cnt 1  \n\taddr             cookie           func [module]\n\t0000000000000abc 2                  \n',
      { retprobe: true, func_cnt: 1 },
    ],
    ['a type that came after us', link(99, {}), '8: type 99  prog 9  \n', { type: 99 }],
  ];
  it.each(cases)('%s', (_, shown, text, json) => {
    expect(linkText(shown)).toBe(text);
    expect(linkJson(shown)).toMatchObject({ id: 8, prog_id: 9, ...json });
    expect(faults('link-show', JSON.parse(writeJson(linkJson(shown))))).toEqual([]);
  });

  const perfEvents = Object.keys(BPF_PERF_EVENT_INFO).map(Number);
  it.each([
    ...Object.entries(T).map(([name, type]) => [name, type, undefined] as const),
    ...perfEvents.map((kind) => [`perf event ${kind}`, T.BPF_LINK_TYPE_PERF_EVENT, kind] as const),
  ])('%s is as its schema says, with nothing in it', (_, type, kind) => {
    expect(faults('link-show', JSON.parse(writeJson(linkJson(link(type, {}, {}, {}, kind)))))).toEqual([]);
  });
});

describe('JSON is laid out as bpftool lays it out', () => {
  const value = { a: 1, b: [1, 'x'], c: [{ d: null }, { e: true }], f: new Members([]), g: [], gone: undefined };
  it('on one line', () => {
    expect(writeJson(value)).toBe('{"a":1,"b":[1,"x"],"c":[{"d":null},{"e":true}],"f":{},"g":[]}');
  });
  it('and for people', () => {
    expect(writeJson(value, { pretty: true })).toBe(
      '{\n    "a": 1,\n    "b": [1,"x"\n    ],\n    "c": [{\n            "d": null\n        },{\n            "e": true\n        }\n    ],\n    "f": {},\n    "g": []\n}',
    );
  });
  it('a list in parts is the same as the whole', () => {
    for (const pretty of [false, true])
      for (const list of [[], [1, 'x"y'], [value, [value], []]])
        expect([...listParts(list, { pretty })].join('')).toBe(writeJson(list, { pretty }));
  });
  it('with 64-bit numbers in full, names twice and in their order, and text as it is', () => {
    const members = new Members([
      ['z', 2n ** 64n - 1n],
      ['', new Raw('0x1f')],
      ['', 1],
      ['1', "it's"],
    ]);
    expect(writeJson(members)).toBe('{"z":18446744073709551615,"":0x1f,"":1,"1":"it\'s"}');
  });
});

describe('bytes', () => {
  it('stand in groups of eight, sixteen a line', () => {
    expect(hexLines(Uint8Array.from({ length: 18 }, (_, i) => i))).toBe(
      '00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f\n10 11',
    );
    expect(hexLines(fromHex('0102'), '')).toBe('0102');
  });
  it('stand beside their characters', () => {
    expect(hexDump(fromHex('41420a'))).toBe(`0000000\t4142 0a${' '.repeat(33)}| AB.\n`);
  });
});

describe('stats', () => {
  const sample = (id: number, runCount: bigint, runTimeNs: bigint) => ({
    info: { ...PROG, id, runCount, runTimeNs },
    name: `p${id}`,
  });
  const rows = statsBetween(
    new Map([[1, sample(1, 10n, 1000n)]]),
    [sample(1, 30n, 5000n), sample(2, 1n, 9000n), sample(3, 0n, 0n)],
    2,
  );
  it('counts what happened between, and puts what took most time first', () => {
    expect(rows.map(({ id, runs, timeNs, nsPerRun, runsPerSecond }) => [id, runs, timeNs, nsPerRun, runsPerSecond])).toEqual([
      [2, 1n, 9000n, 9000, 0.5],
      [1, 20n, 4000n, 200, 10],
      [3, 0n, 0n, 0, 0],
    ]);
  });
  it('as a table and as a line', () => {
    expect(statsText(rows).split('\n')[0]).toBe('ID  TYPE     NAME  RUNS  RUNS/S  NS/RUN   CPU%');
    expect(statsText(rows)).toContain(' 1  tracing  p1      20      10     200  0.000\n');
    expect(JSON.parse(writeJson(statsJson(rows, 5, 2)))).toMatchObject({
      time: 5,
      interval_ms: 2000,
      progs: [{ id: 2, run_cnt: 1 }, {}, {}],
    });
  });
});
