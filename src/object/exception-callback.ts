// __exception_cb(name): the function that runs when a program throws. Nothing calls it, so a declaration tag names it.

import { type Btf, typesOf } from '../btf/index.js';
import { FormatError, type Where } from '../errors.js';
import { BTF_FUNC_GLOBAL } from '../uapi/btf.js';
import type { BpfFunction } from './object.js';

const TAG = 'exception_callback:';
const WHOLE_FUNCTION = -1;

/**
 * The functions, of which programs that name a callback have it.
 * @throws {FormatError} when the callback is no global function of .text.
 * @see libbpf bpf_prog_assign_exc_cb, src/libbpf.c
 */
export function withExceptionCallbacks(functions: readonly BpfFunction[], btf: Btf | undefined, where: Where): BpfFunction[] {
  const named = new Map<string, string[]>();
  for (const id of btf ? typesOf(btf, 'DECL_TAG') : []) {
    const tag = btf?.type(id);
    if (tag?.kind !== 'DECL_TAG' || tag.component !== WHOLE_FUNCTION || !tag.name.startsWith(TAG)) continue;
    const program = btf?.type(tag.type);
    if (program?.kind !== 'FUNC' || program.linkage !== BTF_FUNC_GLOBAL)
      throw new FormatError(`"${tag.name}" is not a tag of a program`, { where: { ...where, type: program?.name ?? '' } });
    const callbacks = named.get(program.name);
    if (callbacks) callbacks.push(tag.name.slice(TAG.length));
    else named.set(program.name, [tag.name.slice(TAG.length)]);
  }
  if (!btf || named.size === 0) return [...functions];
  return functions.map((fn) => {
    const [callback, other] = fn.isSubprogram ? [] : (named.get(fn.name) ?? []);
    if (callback === undefined || other !== undefined) return fn; // of two the verifier complains
    const found = functions.filter(({ name, isSubprogram }) => isSubprogram && name === callback);
    if (found.length !== 1 || !isGlobal(btf, callback))
      throw new FormatError(`The exception callback "${callback}" of ${fn.name} is no global function of .text`, {
        where: { ...where, program: fn.name },
        remedy: 'Define it without static, __hidden and SEC().',
      });
    return { ...fn, exceptionCallback: callback };
  });
}

const isGlobal = (btf: Btf, name: string): boolean =>
  [...typesOf(btf, 'FUNC')].some((id) => {
    const type = btf.type(id);
    return type.kind === 'FUNC' && type.name === name && type.linkage === BTF_FUNC_GLOBAL;
  });
