// `format c`: a header that declares every type, as `bpftool btf dump … format c` prints it.

import type { TextSink } from '../bytes/index.js';
import { toCString } from '../bytes/index.js';
import { BTF_KIND } from '../uapi/btf.js';
import type { Btf } from './btf.js';
import { declare } from './dump-declare.js';
import { emit } from './dump-emit.js';
import { Texts } from './dump-names.js';
import { order } from './dump-order.js';
import { checkRoots } from './dump-raw.js';
import { sortedForC } from './dump-sort.js';
import { CDump } from './dump-state.js';
import { compareText } from './dump-texts.js';
import { flatten } from './flat.js';
import type { TypeId } from './types.js';

export interface CDumpOptions {
  /** These types and what they need, in this order; otherwise all, and the kernel's functions for BPF programs. */
  readonly roots?: readonly TypeId[];
  /** In the order of their ids, as bpftool did before 7.5; otherwise by kind and name. */
  readonly unsorted?: boolean;
}

const HEAD = `#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

#ifndef __ksym
#define __ksym __attribute__((section(".ksyms")))
#endif

#ifndef __weak
#define __weak __attribute__((weak))
#endif

#ifndef __bpf_fastcall
#if __has_attribute(bpf_fastcall)
#define __bpf_fastcall __attribute__((bpf_fastcall))
#else
#define __bpf_fastcall
#endif
#endif

`;
const TAIL = `#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
`;

/** What is printed may be larger than its BTF, because anonymous types are printed wherever they are used; but not by so much. */
const MOST_TEXT = 64;
const LEAST_TEXT = 1 << 24;

/**
 * Writes a header that a C compiler takes.
 * @throws {FormatError} when the BTF refers to what it does not have, there is no such root, or types hold themselves.
 * @see bpftool dump_btf_c, src/btf.c; libbpf src/btf_dump.c
 */
export function dumpC(btf: Btf, out: TextSink, { roots, unsorted = false }: CDumpOptions = {}): void {
  const flat = flatten(btf);
  const asked = roots && checkRoots(btf, roots);
  out.allow(Math.max(LEAST_TEXT, (flat.words.length * 4 + flat.strings.length) * MOST_TEXT));
  const texts = new Texts(flat.strings);
  const d = new CDump(flat, out, texts);
  out.ascii(HEAD);
  if (asked) for (const id of asked) request(d, id);
  else if (unsorted) for (let id = 1; id < btf.length; id++) request(d, id);
  else for (const id of sortedForC(flat, texts)) request(d, id);
  if (!asked) kernelFunctions(d);
  out.ascii(TAIL);
}

function request(d: CDump, id: TypeId): void {
  d.queue.length = 0;
  order(d, id, false);
  for (const queued of d.queue) emit(d, queued, 0);
}

const KFUNC = toCString('bpf_kfunc');
const FASTCALL = toCString('bpf_fastcall');
const WHOLE = 0xffffffff;

/** Functions that BPF programs may call are tagged in the kernel's BTF. */
function kernelFunctions(d: CDump): void {
  const { flat, out } = d;
  const { at, kinds, names, strings, thirds, words } = flat;
  const isText = (name: number, text: Uint8Array) => text.every((byte, i) => strings[name + i] === byte);
  const kfuncs: TypeId[] = [];
  const fast = new Set<TypeId>();
  for (let id = kinds.indexOf(BTF_KIND.DECL_TAG); id > 0; id = kinds.indexOf(BTF_KIND.DECL_TAG, id + 1)) {
    const func = thirds[id] as TypeId;
    if (words[(at[id] as number) + 3] !== WHOLE || kinds[func] !== BTF_KIND.FUNC) continue;
    if (isText(names[id] as number, KFUNC)) kfuncs.push(func);
    if (isText(names[id] as number, FASTCALL)) fast.add(func);
  }
  kfuncs.sort((a, b) => compareText(strings, names[a] as number, names[b] as number));
  out.ascii('\n/* BPF kfuncs */\n#ifndef BPF_NO_KFUNC_PROTOTYPES\n');
  for (const func of kfuncs) {
    out.ascii(fast.has(func) ? 'extern __bpf_fastcall ' : 'extern ');
    declare(d, thirds[func] as TypeId, names[func] as number, 1, 0);
    out.ascii(' __weak __ksym;\n');
  }
  out.ascii('#endif\n\n');
}
