// The part of a kernel's types that CO-RE looks at for some objects: a few kilobytes that stand for the whole of them, for kernels
// that show no BTF.

import { type Btf, BtfBuilder, type BtfType, btfBytes, eachId, eachName, resolved, type TypeId } from '../btf/index.js';
import { UnsupportedError } from '../errors.js';
import { BTF_KIND } from '../uapi/btf.js';
import { classOf } from './kinds.js';
import type { Fixup } from './relocate.js';
import type { Spec } from './spec.js';

/** How far one follows a type: what it is made of, what it points to as well, or with all members, as `type_matches` does. */
type Depth = 'plain' | 'pointers' | 'all' | 'all behind a pointer';

/** What is kept: types, and of structs and unions the members by their number. */
class Kept {
  readonly types = new Map<TypeId, Set<number>>();
  readonly #seen = new Set<string>();

  /** True if this type was not seen at this depth before. */
  add(id: TypeId, depth: Depth): boolean {
    const key = `${depth} ${id}`;
    if (id === 0 || this.#seen.has(key)) return false;
    this.#seen.add(key);
    if (!this.types.has(id)) this.types.set(id, new Set());
    return true;
  }
}

/**
 * BTF with what the relocations of these fixups found in `kernel`. Relocating against it comes to the same, ids of types aside.
 * @param fixups As `relocate` gives them, of objects of either byte order, all against `kernel`.
 * @throws {UnsupportedError} for split BTF: what would be written continues a base that nobody has.
 * @see bpftool gen min_core_btf (btfgen_get_btf), src/gen.c
 */
export function minCoreBtf(kernel: Btf, fixups: Iterable<Fixup>): Uint8Array<ArrayBuffer> {
  if (kernel.base)
    throw new UnsupportedError("Types of a module cannot be reduced by themselves: they continue their kernel's", {
      where: kernel.where,
      remedy: "Reduce the kernel's own, its vmlinux.",
    });
  const kept = new Kept();
  for (const { verdicts } of fixups) {
    const spec = verdicts.find((verdict) => verdict.spec)?.spec; // of several that match, one will do: they agree
    if (spec?.btf === kernel) KEEP[spec.kind === 'type_matches' ? 'match' : classOf(spec.kind)](kept, spec);
  }

  const builder = new BtfBuilder(kernel.where);
  const ids = new Map<TypeId, TypeId>([[0, 0]]);
  for (const [id, members] of [...kept.types].sort(([a], [b]) => a - b)) {
    const type = withMembers(kernel, id, members);
    eachName(type, 0, (place) => {
      type[place] = builder.addString(kernel, type[place] as number);
    });
    ids.set(id, builder.add(type));
  }
  // What is referred to and not kept becomes void: nothing looks behind a pointer.
  for (const id of ids.values())
    if (id > 0)
      eachId(builder.words, builder.at(id), (place) => {
        builder.words[place] = ids.get(builder.words[place] as number) ?? 0;
      });
  return btfBytes(builder.view(), true);
}

const KEEP: Readonly<Record<'field' | 'type' | 'enumval' | 'match', (kept: Kept, spec: Spec) => void>> = {
  field: (kept, { btf, root, raw }) => {
    keep(kept, btf, root);
    let current = resolved(btf, root);
    for (const index of raw.slice(1)) {
      if (current.kind === 'ARRAY') current = resolved(btf, current.type);
      else if (current.kind === 'STRUCT' || current.kind === 'UNION') {
        const member = current.members[index] as (typeof current.members)[number];
        kept.types.get(current.id)?.add(index);
        keep(kept, btf, member.type);
        current = resolved(btf, member.type);
      }
    }
  },
  type: (kept, { btf, root }) => keep(kept, btf, root, 'pointers'),
  enumval: (kept, { btf, root }) => keep(kept, btf, root),
  match: (kept, { btf, root }) => keepAll(kept, btf, root),
};

// Neither by recursion: types may refer to each other in a chain that is longer than any stack.

/** A type with those that it is made of; a struct at first without members. */
function keep(kept: Kept, btf: Btf, root: TypeId, depth: 'plain' | 'pointers' = 'plain'): void {
  const open = [root];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (!kept.add(id, depth)) continue;
    const type = btf.type(id);
    if (type.kind !== 'PTR' || depth === 'pointers') for (const part of partsOf(type)) open.push(part);
  }
}

/** The types that a type refers to; members of a struct aside. */
function partsOf(type: BtfType): readonly TypeId[] {
  if (type.kind === 'ARRAY') return [type.type, type.indexType];
  if (type.kind === 'FUNC_PROTO') return [type.type, ...type.params.map((param) => param.type)];
  return 'type' in type ? [type.type] : [];
}

/** Everything that `type_matches` compares: all members, but of a struct behind a pointer the name alone. */
function keepAll(kept: Kept, btf: Btf, root: TypeId): void {
  const open: (readonly [id: TypeId, depth: 'all' | 'all behind a pointer'])[] = [[root, 'all']];
  for (let next = open.pop(); next; next = open.pop()) {
    const [id, depth] = next;
    if (!kept.add(id, depth)) continue;
    const type = btf.type(id);
    for (const part of partsOf(type)) open.push([part, type.kind === 'PTR' ? 'all behind a pointer' : depth]);
    if ((type.kind !== 'STRUCT' && type.kind !== 'UNION') || depth !== 'all') continue;
    for (const [index, member] of type.members.entries()) {
      kept.types.get(id)?.add(index);
      open.push([member.type, 'all']);
    }
  }
}

const HEAD = 3;
const MEMBER = 3;
const COMPOSITES: ReadonlySet<number> = new Set([BTF_KIND.STRUCT, BTF_KIND.UNION]);

/** The words of a type; of a struct or union with these members only. */
function withMembers(btf: Btf, id: TypeId, members: ReadonlySet<number>): Uint32Array {
  const index = id - btf.firstId;
  const start = btf.starts[index] as number;
  const type = btf.words.slice(start, btf.starts[index + 1] ?? btf.words.length);
  if (!COMPOSITES.has(btf.kindNumber(id))) return type;
  const chosen = [...members].sort((a, b) => a - b);
  const trimmed = new Uint32Array(HEAD + MEMBER * chosen.length);
  trimmed.set(type.subarray(0, HEAD));
  trimmed[1] = (((type[1] as number) & ~0xffffff) | chosen.length) >>> 0;
  for (const [place, member] of chosen.entries())
    trimmed.set(type.subarray(HEAD + MEMBER * member, HEAD + MEMBER * (member + 1)), HEAD + MEMBER * place);
  return trimmed;
}
