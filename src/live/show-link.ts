// `link show`: one link, as text and as JSON. What each type of link tells is a row of a table.

import { BPF_LINK_TYPE as T } from '../uapi/enums.js';
import {
  BPF_PERF_EVENT_EVENT,
  BPF_PERF_EVENT_KPROBE,
  BPF_PERF_EVENT_KRETPROBE,
  BPF_PERF_EVENT_TRACEPOINT,
  BPF_PERF_EVENT_UPROBE,
  BPF_PERF_EVENT_URETPROBE,
} from '../uapi/info.js';
import type { LinkInfo } from './info.js';
import type { Json } from './json.js';
import { attachTypeName, linkTypeName, progTypeName } from './names.js';
import { type Holder, holdersText } from './show-prog.js';

/** A link in the kernel, and what is known of it beside its info. */
export interface ShownLink {
  readonly info: LinkInfo;
  /** Type of its program, where that is told. */
  readonly progType?: number;
  /** Name of what it hooks into by type. */
  readonly attachTo?: string;
  readonly ifname?: string;
  /** Names of kernel functions by address, for those that name addresses. */
  readonly symbols?: ReadonlyMap<bigint, string>;
  readonly pinned?: readonly string[];
  readonly pids: readonly Holder[];
}

type Part = { readonly [key: string]: Json | undefined };
interface Row {
  readonly json: (link: ShownLink) => Part;
  readonly text: (link: ShownLink) => string;
}

const num = ({ info }: ShownLink, name: string): number => Number(info.fields[name] ?? 0);
const big = ({ info }: ShownLink, name: string): bigint => BigInt(info.fields[name] ?? 0);
const text = ({ info }: ShownLink, name: string): string => info.texts[name] ?? '';

const attachJson = (link: ShownLink): Part => ({ attach_type: attachTypeName(num(link, 'attach_type')) });
const attachText = (link: ShownLink): string => `attach_type ${attachTypeName(num(link, 'attach_type'))}  `;
const cookieText = (link: ShownLink, before = ''): string =>
  big(link, 'cookie') === 0n ? '' : `${before}cookie ${big(link, 'cookie')}  `;
const ifaceJson = (link: ShownLink): Part => ({
  devname: link.ifname ?? (num(link, 'ifindex') ? '(unknown)' : '(detached)'),
  ifindex: num(link, 'ifindex'),
});
const ifaceText = (link: ShownLink): string => {
  const index = num(link, 'ifindex');
  return `ifindex ${index === 0 ? '(detached)' : link.ifname === undefined ? '(unknown)' : `${link.ifname}(${index})`}  `;
};

const MAP_ITERATORS = ['bpf_map_elem', 'bpf_sk_storage_map'];
const TASK_ITERATORS = ['task', 'task_file', 'task_vma'];
const CGROUP_ORDERS = ['order_unspec', 'self_only', 'descendants_pre', 'descendants_post', 'ancestors_up'];

function iterJson(link: ShownLink): Part {
  const target = text(link, 'target_name');
  const isTask = TASK_ITERATORS.includes(target);
  return {
    target_name: target,
    map_id: MAP_ITERATORS.includes(target) ? num(link, 'map_id') : undefined,
    tid: isTask && num(link, 'tid') ? num(link, 'tid') : undefined,
    pid: isTask && !num(link, 'tid') && num(link, 'pid') ? num(link, 'pid') : undefined,
    cgroup_id: target === 'cgroup' ? big(link, 'cgroup_id') : undefined,
    order: target === 'cgroup' ? (CGROUP_ORDERS[num(link, 'order')] ?? 'unknown') : undefined,
  };
}

function iterText(link: ShownLink): string {
  const { target_name, ...rest } = iterJson(link);
  const shown = Object.entries(rest).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key} ${value}${key === 'tid' || key === 'pid' ? ' ' : '  '}`],
  );
  return `target_name ${target_name}  ${shown.join('')}`;
}

const PROTOCOLS: Readonly<Record<number, string>> = { 1: 'inet', 2: 'ip', 3: 'arp', 5: 'netdev', 7: 'bridge', 10: 'ip6' };
const HOOKS = ['prerouting', 'input', 'forward', 'output', 'postrouting'];

function netfilter(link: ShownLink): { protocol: string | undefined; hook: string | undefined } {
  const protocol = PROTOCOLS[num(link, 'pf')];
  const names = protocol === 'arp' ? ['input', 'output'] : protocol === 'netdev' || protocol === undefined ? [] : HOOKS;
  return { protocol, hook: names[num(link, 'hooknum')] };
}

export function netfilterText(link: ShownLink): string {
  const { protocol, hook } = netfilter(link);
  const flags = num(link, 'flags');
  return `\n\t${protocol ?? `pf: ${num(link, 'pf')}`}${hook ? ` ${hook}` : `, hook ${num(link, 'hooknum')},`} prio ${num(link, 'priority')}${flags ? ` flags 0x${flags.toString(16)}` : ''}`;
}

const isReturn = (link: ShownLink): boolean => (num(link, 'flags') & 1) !== 0;
const list = ({ info }: ShownLink, name: string): readonly bigint[] => info.lists[name] ?? [];

function kprobesJson(link: ShownLink): Part {
  const cookies = list(link, 'cookies');
  return {
    retprobe: isReturn(link),
    func_cnt: num(link, 'count'),
    missed: big(link, 'missed'),
    funcs: list(link, 'addrs').map((addr, i) => ({
      addr,
      func: link.symbols?.get(addr) ?? null,
      module: null,
      cookie: cookies[i] ?? 0n,
    })),
  };
}

function kprobesText(link: ShownLink): string {
  const cookies = list(link, 'cookies');
  const rows = list(link, 'addrs').map(
    (addr, i) =>
      `\n\t${addr.toString(16).padStart(16, '0')} ${(cookies[i] ?? 0n).toString(16).padEnd(16)} ${link.symbols?.get(addr) ?? ''}  `,
  );
  const missed = big(link, 'missed');
  const head = `\n\t${isReturn(link) ? 'kretprobe' : 'kprobe'}.multi  func_cnt ${num(link, 'count')}  ${missed ? `missed ${missed}  ` : ''}`;
  return rows.length > 0 ? `${head}\n\t${'addr'.padEnd(16)} ${'cookie'.padEnd(16)} func [module]${rows.join('')}` : head;
}

function uprobesJson(link: ShownLink): Part {
  const [counters, cookies] = [list(link, 'ref_ctr_offsets'), list(link, 'cookies')];
  return {
    retprobe: isReturn(link),
    path: text(link, 'path'),
    func_cnt: num(link, 'count'),
    pid: num(link, 'pid'),
    funcs: list(link, 'offsets').map((offset, i) => ({
      offset,
      ref_ctr_offset: counters[i] ?? 0n,
      cookie: cookies[i] ?? 0n,
    })),
  };
}

function uprobesText(link: ShownLink): string {
  const [counters, cookies] = [list(link, 'ref_ctr_offsets'), list(link, 'cookies')];
  const cell = (value = 0n) => `0x${value.toString(16).padEnd(16)}`;
  const rows = list(link, 'offsets').map((offset, i) => `\n\t${cell(offset)} ${cell(counters[i])} ${cell(cookies[i])}`);
  const pid = num(link, 'pid');
  return `\n\t${isReturn(link) ? 'uretprobe' : 'uprobe'}.multi  path ${text(link, 'path')}  func_cnt ${num(link, 'count')}  ${pid ? `pid ${pid}  ` : ''}\n\t${'offset'.padEnd(16)}   ${'ref_ctr_offset'.padEnd(16)}   ${'cookies'.padEnd(16)}${rows.join('')}`;
}

const offsetText = (link: ShownLink): string => (num(link, 'offset') ? `+0x${num(link, 'offset').toString(16)}` : '');

const kprobeRow: Row = {
  json: (link) => ({
    retprobe: num(link, 'perf_event_type') === BPF_PERF_EVENT_KRETPROBE,
    addr: big(link, 'addr'),
    func: text(link, 'func_name'),
    offset: num(link, 'offset'),
    missed: big(link, 'missed'),
    cookie: big(link, 'cookie'),
  }),
  text: (link) => {
    if (text(link, 'func_name') === '' && big(link, 'addr') === 0n) return '';
    const kind = num(link, 'perf_event_type') === BPF_PERF_EVENT_KRETPROBE ? 'kretprobe' : 'kprobe';
    const addr = big(link, 'addr');
    const missed = big(link, 'missed');
    return `\n\t${kind} ${addr ? `${addr.toString(16)} ` : ''}${text(link, 'func_name')}${offsetText(link)}${missed ? `  missed ${missed}` : ''}${big(link, 'cookie') ? `  cookie ${big(link, 'cookie')}` : ''}  `;
  },
};
const uprobeRow: Row = {
  json: (link) => ({
    retprobe: num(link, 'perf_event_type') === BPF_PERF_EVENT_URETPROBE,
    file: text(link, 'file_name'),
    offset: num(link, 'offset'),
    cookie: big(link, 'cookie'),
    ref_ctr_offset: big(link, 'ref_ctr_offset'),
  }),
  text: (link) => {
    if (text(link, 'file_name') === '') return '';
    const kind = num(link, 'perf_event_type') === BPF_PERF_EVENT_URETPROBE ? 'uretprobe' : 'uprobe';
    const counter = big(link, 'ref_ctr_offset');
    return `\n\t${kind} ${text(link, 'file_name')}+0x${num(link, 'offset').toString(16)}  ${cookieText(link)}${counter ? `ref_ctr_offset 0x${counter.toString(16)}  ` : ''}`;
  },
};

/** Of perf events, by enum bpf_perf_event_type. */
const PERF_EVENTS: Readonly<Record<number, Row>> = {
  [BPF_PERF_EVENT_KPROBE]: kprobeRow,
  [BPF_PERF_EVENT_KRETPROBE]: kprobeRow,
  [BPF_PERF_EVENT_UPROBE]: uprobeRow,
  [BPF_PERF_EVENT_URETPROBE]: uprobeRow,
  [BPF_PERF_EVENT_TRACEPOINT]: {
    json: (link) => ({ tracepoint: text(link, 'tp_name'), cookie: big(link, 'cookie') }),
    text: (link) => (text(link, 'tp_name') === '' ? '' : `\n\ttracepoint ${text(link, 'tp_name')}  ${cookieText(link)}`),
  },
  [BPF_PERF_EVENT_EVENT]: {
    json: (link) => ({ event_type: num(link, 'type'), event_config: big(link, 'config'), cookie: big(link, 'cookie') }),
    text: (link) => `\n\tevent ${num(link, 'type')} :${big(link, 'config')}  ${cookieText(link)}`,
  },
};

const ROWS: Readonly<Record<number, Row>> = {
  [T.BPF_LINK_TYPE_RAW_TRACEPOINT]: {
    json: (link) => ({ tp_name: text(link, 'tp_name'), cookie: big(link, 'cookie') }),
    text: (link) => `\n\ttp '${text(link, 'tp_name')}'  ${cookieText(link)}`,
  },
  [T.BPF_LINK_TYPE_TRACING]: {
    json: (link) => ({
      prog_type: link.progType === undefined ? undefined : progTypeName(link.progType),
      ...attachJson(link),
      target_obj_id: num(link, 'target_obj_id'),
      target_btf_id: num(link, 'target_btf_id'),
      target_name: link.attachTo,
      cookie: big(link, 'cookie'),
    }),
    text: (link) => {
      const [object, type] = [num(link, 'target_obj_id'), num(link, 'target_btf_id')];
      const target = object || type ? `\n\ttarget_obj_id ${object}  target_btf_id ${type}  ` : '';
      return `\n\t${link.progType === undefined ? '' : `prog_type ${progTypeName(link.progType)}  `}${attachText(link)}${target}${target && link.attachTo !== undefined ? `target_name ${link.attachTo}  ` : ''}${cookieText(link, '\n\t')}`;
    },
  },
  [T.BPF_LINK_TYPE_CGROUP]: {
    json: (link) => ({ cgroup_id: big(link, 'cgroup_id'), ...attachJson(link) }),
    text: (link) => `\n\tcgroup_id ${big(link, 'cgroup_id')}  ${attachText(link)}`,
  },
  [T.BPF_LINK_TYPE_ITER]: { json: iterJson, text: iterText },
  [T.BPF_LINK_TYPE_NETNS]: {
    json: (link) => ({ netns_ino: num(link, 'netns_ino'), ...attachJson(link) }),
    text: (link) => `\n\tnetns_ino ${num(link, 'netns_ino')}  ${attachText(link)}`,
  },
  [T.BPF_LINK_TYPE_NETFILTER]: {
    json: (link) => ({
      pf: num(link, 'pf'),
      hook: num(link, 'hooknum'),
      prio: num(link, 'priority'),
      flags: num(link, 'flags'),
      protocol: netfilter(link).protocol,
      hook_name: netfilter(link).hook,
    }),
    text: netfilterText,
  },
  [T.BPF_LINK_TYPE_TCX]: {
    json: (link) => ({ ...ifaceJson(link), ...attachJson(link) }),
    text: (link) => `\n\t${ifaceText(link)}${attachText(link)}`,
  },
  [T.BPF_LINK_TYPE_NETKIT]: {
    json: (link) => ({ ...ifaceJson(link), ...attachJson(link) }),
    text: (link) => `\n\t${ifaceText(link)}${attachText(link)}`,
  },
  [T.BPF_LINK_TYPE_SOCKMAP]: {
    json: (link) => ({ map_id: num(link, 'map_id'), ...attachJson(link) }),
    text: (link) => `\n\tmap_id ${num(link, 'map_id')}  ${attachText(link)}`,
  },
  [T.BPF_LINK_TYPE_XDP]: { json: ifaceJson, text: (link) => `\n\t${ifaceText(link)}` },
  [T.BPF_LINK_TYPE_STRUCT_OPS]: { json: (link) => ({ map_id: num(link, 'map_id') }), text: () => '' },
  [T.BPF_LINK_TYPE_KPROBE_MULTI]: { json: kprobesJson, text: kprobesText },
  [T.BPF_LINK_TYPE_UPROBE_MULTI]: { json: uprobesJson, text: uprobesText },
  [T.BPF_LINK_TYPE_PERF_EVENT]: {
    json: (link) => PERF_EVENTS[num(link, 'perf_event_type')]?.json(link) ?? {},
    text: (link) => PERF_EVENTS[num(link, 'perf_event_type')]?.text(link) ?? '',
  },
};

export function linkJson(link: ShownLink): Json {
  const { info, pinned, pids } = link;
  return {
    id: info.id,
    type: linkTypeName(info.type),
    prog_id: info.progId,
    ...ROWS[info.type]?.json(link),
    pinned,
    pids: pids.length > 0 ? pids.map(({ pid, comm }) => ({ pid, comm })) : undefined,
  };
}

export function linkText(link: ShownLink): string {
  const { info, pinned = [], pids } = link;
  const type = linkTypeName(info.type);
  const head = `${info.id}: ${typeof type === 'string' ? type : `type ${type}`}  `;
  // A struct_ops link runs no program of its own.
  const of = info.type === T.BPF_LINK_TYPE_STRUCT_OPS ? `map ${num(link, 'map_id')}  ` : `prog ${info.progId}  `;
  return `${head}${of}${ROWS[info.type]?.text(link) ?? ''}${pinned.map((path) => `\n\tpinned ${path}`).join('')}${holdersText(pids)}\n`;
}
