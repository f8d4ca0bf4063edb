// Why a CO-RE relocation is poisoned, for people: which part of the path the kernel lacks, what it has instead, and what to write.
// A pure function of the Fixup; whether the program can reach the instruction is found by whoever has the program.

import { essentialName, resolved, spell, typesOf } from '../btf/index.js';
import { isExtended, nearestFew, Patience } from '../bytes/index.js';
import type { CoreExplanation, SourceLine } from '../errors.js';
import type { BtfKind } from '../uapi/btf.js';
import { classOf } from './kinds.js';
import { membersOf, movedTo } from './members.js';
import type { Fixup, Verdict } from './relocate.js';
import type { Accessor, Spec } from './spec.js';
import { suggestionFor } from './suggest.js';

/** All of an explanation that does not depend on the program around the instruction. */
export type FixupExplanation = Omit<CoreExplanation, 'guarded' | 'guards'>;

export interface ExplainOptions {
  /** The line of the instruction, where it is known. */
  readonly source?: SourceLine | undefined;
  /** Types among which a missing one is looked for by a similar name; the candidates' own if there are any. */
  readonly kernel?: Spec['btf'] | undefined;
  /** For all explanations together: without any left they come without similar names. */
  readonly patience?: Patience;
}

/** An object may have a thousand types of one name; so many of them say enough. */
const MOST_CANDIDATES = 32;

/** @param fixup A poisoned one. */
export function explainFixup(fixup: Fixup, { source, kernel, patience = new Patience() }: ExplainOptions = {}): FixupExplanation {
  const { local, verdicts, program, insn, kind } = fixup;
  const best = closest(verdicts);
  const names = best
    ? namesNear(local, best, patience)
    : { nearest: kernel ? similarTypes(kernel, local, patience) : [], moved: [] };
  const resized = verdicts.find(({ spec }) => spec);
  return {
    program,
    insn,
    source,
    kind,
    local: pathText(local),
    failed: resized
      ? { ...failedAt(local, local.accessors.length - 1), ...(fixup.reason !== undefined && { differs: fixup.reason }) }
      : { ...failedAt(local, best?.at?.step), ...(best?.at?.unlike && { differs: best.mismatch ?? '' }) },
    candidates: verdicts.slice(0, MOST_CANDIDATES).map((verdict) => ({
      type: spell(verdict.btf, verdict.id),
      reason: verdict.mismatch ?? fixup.reason ?? 'it matches',
    })),
    ...(resized ? { nearest: [], moved: [] } : names),
    suggestion: suggestionFor(local, { ...names, ...(best && { best }), resized: resized?.spec }),
  };
}

/** The candidate that matches the longest part of the path. */
const closest = (verdicts: readonly Verdict[]): Verdict | undefined =>
  verdicts.reduce<Verdict | undefined>(
    (best, verdict) => (best === undefined || (verdict.at?.step ?? -1) > (best.at?.step ?? -1) ? verdict : best),
    undefined,
  );

/** `struct inode.i_atime.tv_sec`, `struct s.list[2]`, `enum e::VALUE`, `struct s`. */
export function pathText({ btf, kind, root, accessors }: Spec, end = accessors.length): string {
  const head = spell(btf, root);
  if (classOf(kind) === 'enumval') return `${head}::${accessors[0]?.name}`;
  return `${head}${accessors
    .slice(0, end)
    .map(({ name, index }, i) => (name ? `.${name}` : i > 0 || index > 0 ? `[${index}]` : ''))
    .join('')}`;
}

function failedAt(local: Spec, step: number | undefined): NonNullable<CoreExplanation['failed']> {
  const { btf, root, accessors } = local;
  const accessor = step === undefined ? undefined : (accessors[step] as Accessor | undefined);
  if (!accessor) return { component: spell(btf, root), type: spell(btf, root) };
  const component = accessor.name === undefined ? `[${accessor.index}]` : essential(local, accessor.name);
  const type = accessor.name === undefined ? pathText(local, step) : spell(btf, accessor.type);
  return { component, type, index: accessor.index };
}

/** Flavors apply to enumerators, not to members. */
const essential = ({ kind }: Spec, name: string): string => (classOf(kind) === 'enumval' ? essentialName(name) : name);

function namesNear(local: Spec, { btf, at }: Verdict, patience: Patience): Pick<CoreExplanation, 'nearest' | 'moved'> {
  const name = at && local.accessors[at.step]?.name;
  if (!at || name === undefined || patience.isGone) return { nearest: [], moved: [] };
  const wanted = essential(local, name);
  const owner = resolved(btf, at.owner);
  if (owner.kind === 'ENUM' || owner.kind === 'ENUM64') {
    return {
      nearest: similarEnumerators(
        wanted,
        owner.values.map((value) => value.name),
        patience,
      ),
      moved: [],
    };
  }
  const names = membersOf(btf, at.owner).map((member) => member.name);
  if (names.includes(wanted)) return { nearest: [wanted], moved: [] }; // it is there, with another kind of type
  patience.spend(MEMBER_STEPS * names.length);
  const nearest = nearestFew(wanted, names, { patience });
  const isRenamed = nearest[0] !== undefined && isExtended(wanted, nearest[0]);
  return { nearest, moved: isRenamed ? [] : movedTo(btf, at.owner, wanted) };
}

/** Names like `wanted` behind what most of an enum begin with, which says nothing: `BPF_MAP_TYPE_`. */
function similarEnumerators(wanted: string, names: readonly string[], patience: Patience): string[] {
  let shared = '';
  for (const [word] of wanted.matchAll(/[^_]*_+(?=.)/g)) {
    patience.spend(names.length);
    const longer = shared + word;
    if (patience.isGone || 2 * names.filter((name) => name.startsWith(longer)).length <= names.length) break;
    shared = longer;
  }
  const rests = names.filter((name) => name.startsWith(shared)).map((name) => name.slice(shared.length));
  return nearestFew(wanted.slice(shared.length), rests, { patience }).map((rest) => shared + rest);
}

const SAME_KIND: Readonly<Partial<Record<BtfKind, readonly BtfKind[]>>> = {
  ENUM: ['ENUM', 'ENUM64'],
  ENUM64: ['ENUM', 'ENUM64'],
};
const MOST_TYPES = 200_000;
/** A missing type is often missed by many relocations, and looking for it takes some milliseconds. */
const similar = new WeakMap<Spec['btf'], Map<string, string[]>>();

/** Listing a member takes as long as so many steps of a comparison. */
const MEMBER_STEPS = 100;

/** Types of the same kind with a similar name. */
function similarTypes(kernel: Spec['btf'], { btf, root }: Spec, patience: Patience): string[] {
  const { kind, name } = btf.type(root) as { kind: BtfKind; name?: string };
  const wanted = essentialName(name ?? '');
  const known = similar.get(kernel) ?? new Map<string, string[]>();
  similar.set(kernel, known);
  const key = `${kind} ${wanted}`;
  const before = known.get(key);
  if (before) return before;
  function* names(): Generator<string> {
    let left = MOST_TYPES;
    for (const wantedKind of SAME_KIND[kind] ?? [kind]) {
      for (const id of typesOf(kernel, wantedKind)) {
        if (left-- <= 0) return;
        yield kernel.name(id);
      }
    }
  }
  if (patience.isGone) return [];
  const found = nearestFew(wanted, names(), { patience });
  known.set(key, found);
  return found;
}
