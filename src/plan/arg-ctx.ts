// __arg_ctx: "this parameter of a global function is the program's context". Kernels before 6.8 do not read that tag; they know a
// context by the type of the pointer. So they get the function once more, with the type that they look for.

import { Btf, type BtfOf, type BtfType, type FuncInfo, resolved, type TypeId, typesOf } from '../btf/index.js';
import { region, toCString } from '../bytes/index.js';
import type { BpfObject, LinkedProgram } from '../object/index.js';
import { BTF_FUNC_GLOBAL, BTF_KIND } from '../uapi/btf.js';
import type { BpfProgType } from '../uapi/enums.js';
import type { FeatureName } from './features.js';
import { loadable } from './loadable.js';

const TAG = 'arg:ctx';
const SK_BUFF = '__sk_buff';

/**
 * The structure that a program of each type is given. The other types have none with a name.
 * @see libbpf global_ctx_map, src/libbpf.c
 */
const CONTEXTS: Readonly<Partial<Record<BpfProgType, string>>> = {
  BPF_PROG_TYPE_CGROUP_DEVICE: 'bpf_cgroup_dev_ctx',
  BPF_PROG_TYPE_CGROUP_SKB: SK_BUFF,
  BPF_PROG_TYPE_CGROUP_SOCK: 'bpf_sock',
  BPF_PROG_TYPE_CGROUP_SOCK_ADDR: 'bpf_sock_addr',
  BPF_PROG_TYPE_CGROUP_SOCKOPT: 'bpf_sockopt',
  BPF_PROG_TYPE_CGROUP_SYSCTL: 'bpf_sysctl',
  BPF_PROG_TYPE_FLOW_DISSECTOR: SK_BUFF,
  BPF_PROG_TYPE_KPROBE: 'bpf_user_pt_regs_t',
  BPF_PROG_TYPE_LWT_IN: SK_BUFF,
  BPF_PROG_TYPE_LWT_OUT: SK_BUFF,
  BPF_PROG_TYPE_LWT_SEG6LOCAL: SK_BUFF,
  BPF_PROG_TYPE_LWT_XMIT: SK_BUFF,
  BPF_PROG_TYPE_NETFILTER: 'bpf_nf_ctx',
  BPF_PROG_TYPE_PERF_EVENT: 'bpf_perf_event_data',
  BPF_PROG_TYPE_RAW_TRACEPOINT: 'bpf_raw_tracepoint_args',
  BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE: 'bpf_raw_tracepoint_args',
  BPF_PROG_TYPE_SCHED_ACT: SK_BUFF,
  BPF_PROG_TYPE_SCHED_CLS: SK_BUFF,
  BPF_PROG_TYPE_SK_LOOKUP: 'bpf_sk_lookup',
  BPF_PROG_TYPE_SK_MSG: 'sk_msg_md',
  BPF_PROG_TYPE_SK_REUSEPORT: 'sk_reuseport_md',
  BPF_PROG_TYPE_SK_SKB: SK_BUFF,
  BPF_PROG_TYPE_SOCK_OPS: 'bpf_sock_ops',
  BPF_PROG_TYPE_SOCKET_FILTER: SK_BUFF,
  BPF_PROG_TYPE_XDP: 'xdp_md',
};

/** Functions of BPF programs take no more, on the kernels that this is for. */
const MOST_PARAMS = 5;

/** A tag on a parameter of a global function. */
interface Tagged {
  readonly id: TypeId;
  readonly func: BtfOf<'FUNC'>;
  readonly proto: BtfOf<'FUNC_PROTO'>;
  readonly param: number;
  readonly nameOffset: number;
}

/** In the order of the file. */
function taggedParams(btf: Btf): Tagged[] {
  return [...typesOf(btf, 'DECL_TAG')].flatMap((id): Tagged[] => {
    if (btf.name(id) !== TAG) return [];
    const tag = btf.type(id) as BtfOf<'DECL_TAG'>;
    const func = btf.type(tag.type);
    if (func.kind !== 'FUNC' || func.linkage !== BTF_FUNC_GLOBAL) return [];
    const proto = btf.type(func.type);
    if (proto.kind !== 'FUNC_PROTO' || !proto.params[tag.component] || proto.params.length > MOST_PARAMS) return [];
    return [{ id, func, proto, param: tag.component, nameOffset: btf.nameOffset(id) }];
  });
}

/** The feature that decides what a kernel is given of this object, if there is anything to decide. */
export const argCtxFeatures = (object: BpfObject): FeatureName[] =>
  object.btf && loadable(object).some(({ type }) => CONTEXTS[type]) && taggedParams(object.btf).length > 0 ? ['arg_ctx_tag'] : [];

/**
 * The object with types, and its programs with functions, that a kernel without the tag understands. Types are only added.
 * @see libbpf bpf_program_fixup_func_info, src/libbpf.c
 */
export function withContexts(
  object: BpfObject,
  programs: readonly LinkedProgram[],
  features: ReadonlyMap<FeatureName, boolean>,
): { readonly object: BpfObject; readonly programs: readonly LinkedProgram[] } {
  const { btf } = object;
  if (!btf || features.get('arg_ctx_tag') !== false) return { object, programs };
  const tagged = new Map<TypeId, Tagged[]>();
  for (const one of taggedParams(btf)) {
    const others = tagged.get(one.func.id);
    if (others) others.push(one);
    else tagged.set(one.func.id, [one]);
  }
  const added = new Added(btf);
  const changed = programs.map((linked) => withContext(btf, linked, tagged, added));
  return { object: { ...object, btf: added.toBtf() }, programs: changed };
}

function withContext(
  btf: Btf,
  linked: LinkedProgram,
  tagged: ReadonlyMap<TypeId, readonly Tagged[]>,
  added: Added,
): LinkedProgram {
  const { type } = linked.program;
  const context = CONTEXTS[type];
  if (context === undefined) return linked;
  const clones = new Map<TypeId, TypeId>();
  let pointer: TypeId | undefined;
  const functions = new Set(linked.funcInfo.map((info) => info.type));
  const own = [...functions].flatMap((func) => tagged.get(func) ?? []).sort((a, b) => a.id - b.id);
  for (const { func, proto, param, nameOffset } of own) {
    const given = proto.params[param]?.type;
    if (given === undefined || !wantsContext(btf, given, type, context)) continue;
    const clone = clones.get(func.id) ?? added.clone(func, proto);
    clones.set(func.id, clone);
    pointer ??= added.pointerTo(context);
    added.tag(nameOffset, clone, param);
    added.setParam(clone, param, pointer);
  }
  if (clones.size === 0) return linked;
  const seen = new Set<TypeId>();
  const funcInfo = linked.funcInfo.map((info): FuncInfo => {
    const clone = clones.get(info.type);
    if (clone === undefined || seen.has(info.type)) return info; // the first record of a function stands for it
    seen.add(info.type);
    return { ...info, type: clone };
  });
  return { ...linked, funcInfo };
}

/**
 * Whether the kernel would not know a parameter of this type for a context, and the object may mean one by it all the same.
 * @see libbpf need_func_arg_type_fixup, src/libbpf.c
 */
function wantsContext(btf: Btf, param: TypeId, type: BpfProgType, context: string): boolean {
  const pointer = resolved(btf, param);
  if (pointer.kind !== 'PTR') return false;
  const named = withoutModifiers(btf, pointer.type);
  const traced = type === 'BPF_PROG_TYPE_KPROBE' || type === 'BPF_PROG_TYPE_PERF_EVENT';
  if (traced && named.kind === 'TYPEDEF' && named.name === 'bpf_user_pt_regs_t') return false;
  const target = resolved(btf, pointer.type);
  if (target.kind === 'VOID') return true;
  if (target.kind === 'STRUCT') return target.name !== context && traced && target.name === 'pt_regs';
  return RAW.has(type) && target.kind === 'INT' && target.size === 8;
}
const RAW: ReadonlySet<BpfProgType> = new Set(['BPF_PROG_TYPE_RAW_TRACEPOINT', 'BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE']);

/** Typedefs stay. */
function withoutModifiers(btf: Btf, id: TypeId): BtfType {
  let type = btf.type(id);
  for (let depth = 0; depth < MOST_MODIFIERS && MODIFIERS.has(type.kind); depth++) type = btf.type((type as BtfOf<'CONST'>).type);
  return type;
}
const MODIFIERS: ReadonlySet<string> = new Set(['CONST', 'VOLATILE', 'RESTRICT', 'TYPE_TAG']);
const MOST_MODIFIERS = 32;

const info = (kind: keyof typeof BTF_KIND, length = 0): number => ((BTF_KIND[kind] << 24) | length) >>> 0;

/** Types that come after those of a BTF, as words. */
class Added {
  readonly #btf: Btf;
  readonly #types: number[][] = [];
  readonly #strings = new Map<string, number>();
  #text: Uint8Array;

  constructor(btf: Btf) {
    this.#btf = btf;
    this.#text = btf.strings.bytes;
  }

  /** A function and its prototype, of the same names and types. */
  clone(func: BtfOf<'FUNC'>, proto: BtfOf<'FUNC_PROTO'>): TypeId {
    const { words, starts, firstId } = this.#btf;
    const at = starts[proto.id - firstId] as number;
    const type = this.#add([...words.subarray(at, at + 3 + 2 * proto.params.length)]);
    return this.#add([this.#btf.nameOffset(func.id), info('FUNC', func.linkage), type]);
  }
  pointerTo(context: string): TypeId {
    return this.#add([0, info('PTR'), this.#add([this.#name(context), info('STRUCT'), 0])]);
  }
  tag(nameOffset: number, func: TypeId, param: number): void {
    this.#add([nameOffset, info('DECL_TAG'), func, param]);
  }
  /** Of a function that was cloned. */
  setParam(func: TypeId, param: number, type: TypeId): void {
    const proto = this.#own(this.#own(func)[2] as TypeId);
    proto[3 + 2 * param + 1] = type;
  }

  toBtf(): Btf {
    const { words, starts, strings, base } = this.#btf;
    if (this.#types.length === 0) return this.#btf;
    let end = words.length;
    const places = this.#types.map((type) => {
      end += type.length;
      return end - type.length;
    });
    return new Btf({
      words: Uint32Array.from([...words, ...this.#types.flat()]),
      starts: Uint32Array.from([...starts, ...places]),
      strings: region(this.#text, strings.where),
      base,
      pointerSize: this.#btf.pointerSize,
    });
  }

  #own(id: TypeId): number[] {
    return this.#types[id - this.#btf.length] as number[];
  }
  #add(words: number[]): TypeId {
    return this.#btf.length + this.#types.push(words) - 1;
  }
  #name(text: string): number {
    const offset = this.#strings.get(text) ?? find(this.#text, text) ?? this.#append(text);
    this.#strings.set(text, offset);
    return offset;
  }
  #append(text: string): number {
    const offset = this.#text.length;
    this.#text = Uint8Array.from([...this.#text, ...toCString(text)]);
    return offset;
  }
}

/** A whole string of a table. */
function find(table: Uint8Array, text: string): number | undefined {
  const wanted = [0, ...toCString(text)];
  for (let at = table.indexOf(0); at >= 0; at = table.indexOf(0, at + 1))
    if (wanted.every((byte, i) => table[at + i] === byte)) return at + 1;
  return undefined;
}
