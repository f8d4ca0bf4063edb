// A declaration whose definition came: its BTF becomes that of a definition.

import type { TypeId } from '../btf/index.js';
import { FormatError } from '../errors.js';
import { BTF_FUNC_GLOBAL, BTF_KIND, BTF_VAR_GLOBAL_ALLOCATED } from '../uapi/btf.js';
import type { Global, Input, Output } from './model.js';

const HEAD = 3;

/**
 * Sets the linkage, and the names of parameters, which compilers leave out of declarations and without which deduplication would
 * take both for different.
 * @param type The VAR or FUNC of `input` that defines what `global` declared.
 * @see libbpf complete_extern_btf_info, src/linker.c
 */
export function completeDeclaration({ btf }: Output, global: Global, input: Input, type: TypeId): void {
  const from = input.btf;
  if (!from || global.type === undefined) return;
  const { words } = btf;
  const at = btf.at(global.type);
  const kind = kindOf(words, at);
  if (kind === BTF_KIND.VAR) {
    words[at + HEAD] = BTF_VAR_GLOBAL_ALLOCATED;
    return;
  }
  words[at + 1] = ((BTF_KIND.FUNC << 24) | BTF_FUNC_GLOBAL) >>> 0;
  const source = from.starts[(from.words[(from.starts[type - 1] as number) + 2] as number) - 1];
  const proto = words[at + 2] as number;
  const target = proto === 0 ? undefined : btf.at(proto);
  if (source === undefined || target === undefined) return;
  const count = (words[target + 1] as number) & 0xffffff;
  const isProto = (words_: Uint32Array, start: number) => kindOf(words_, start) === BTF_KIND.FUNC_PROTO;
  if (!isProto(from.words, source) || !isProto(words, target) || ((from.words[source + 1] as number) & 0xffffff) !== count)
    throw new FormatError(`Function ${global.name} has another number of parameters in ${input.file}`, {
      where: { file: input.file },
    });
  for (let i = 0; i < count; i++) {
    const name = from.words[source + HEAD + 2 * i] as number;
    if (name !== 0) words[target + HEAD + 2 * i] = btf.addString(from, name);
  }
}

const kindOf = (words: Uint32Array, at: number): number => ((words[at + 1] as number) >>> 24) & 0x7f;
