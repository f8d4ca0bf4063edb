// Naming objects in the kernel: `id 12`, `pinned /sys/fs/bpf/x`, `name foo`, `tag 0123456789abcdef`. A name or a tag may mean several.

import { SyscallError, UsageError } from '../errors.js';
import { type Descriptor, kindOf, mapInfo, openById, openPinned, progInfo, progName, walk } from '../syscall/index.js';
import { type Words, WordsError } from './verbs.js';

export type SelectedKind = 'prog' | 'map' | 'link';

const KEYWORDS = {
  prog: ['id', 'tag', 'name', 'pinned'],
  map: ['id', 'name', 'pinned'],
  link: ['id', 'pinned'],
} as const;

/** Words that name an object, as help shows them. */
export const LEGENDS: Readonly<Record<SelectedKind, string>> = {
  prog: 'PROG := { id N | pinned PATH | tag TAG | name NAME }',
  map: 'MAP := { id N | pinned PATH | name NAME }',
  link: 'LINK := { id N | pinned PATH }',
};

/** Objects that are open until the end of the block. There is at least one. */
export interface Selected extends Disposable {
  readonly fds: readonly number[];
}

/**
 * @param flags What maps are to be open for; 0 for reading and writing.
 * @throws {WordsError} for words that name nothing; {SyscallError} or {UsageError} when there is no such object.
 */
export function selectAll(kind: SelectedKind, words: Words, flags?: number): Selected {
  const keyword = words.oneOf(KEYWORDS[kind]);
  if (keyword === 'id') return owning([byId(kind, words.number(`the id of a ${kind}`), flags)]);
  if (keyword === 'pinned') return owning([byPath(kind, words.next('a path'), flags)]);
  const wanted = words.next(`the ${keyword}`);
  if (keyword === 'tag' && !/^[\da-f]{16}$/i.test(wanted))
    throw new WordsError(`can't parse tag ${wanted}: it has 16 hex digits`);
  const found = matching(kind, keyword === 'tag' ? 'tag' : 'name', keyword === 'tag' ? wanted.toLowerCase() : wanted, flags);
  if (found.length === 0)
    throw new UsageError(`There is no ${kind} with ${keyword} ${wanted}`, {
      remedy: `tsbpf ${kind} list shows those that there are.`,
    });
  return owning(found);
}

/** As `selectAll`, for verbs that take one. @throws {UsageError} when several are meant. */
export function selectOne(kind: SelectedKind, words: Words, flags?: number): Selected & { readonly fd: number } {
  const selected = selectAll(kind, words, flags);
  if (selected.fds.length === 1) return { ...selected, fd: selected.fds[0] as number };
  selected[Symbol.dispose]();
  throw new UsageError(`several ${kind}s match this handle`, { remedy: `Name one by its id; tsbpf ${kind} list shows them.` });
}

function owning(opened: readonly Descriptor[]): Selected {
  return {
    fds: opened.map(({ fd }) => fd),
    [Symbol.dispose]: () => {
      for (const one of opened) one[Symbol.dispose]();
    },
  };
}

function byId(kind: SelectedKind, id: number, flags?: number): Descriptor {
  const found = openById(kind, id, flags);
  if (found) return found;
  throw new SyscallError(`bpf(BPF_${kind.toUpperCase()}_GET_FD_BY_ID)`, 'ENOENT', {
    doing: `There is no ${kind} ${id}`,
    remedy: `tsbpf ${kind} list shows those that there are.`,
  });
}

function byPath(kind: SelectedKind, path: string, flags?: number): Descriptor {
  const found = openPinned(path, kind === 'map' ? flags : 0);
  if (!found)
    throw new SyscallError('bpf(BPF_OBJ_GET)', 'ENOENT', {
      doing: `Nothing is pinned at ${path}`,
      remedy: `tsbpf ${kind} list --bpffs shows what is pinned, and where.`,
    });
  const there = kindOf(found.fd);
  if (there === kind) return found;
  found[Symbol.dispose]();
  throw new UsageError(
    `incorrect object type: at ${path} there is ${there === undefined ? 'something else' : `a ${there}`}, not a ${kind}`,
    there === undefined ? {} : { remedy: `As in: tsbpf ${there} show pinned ${path}` },
  );
}

/** What goes away while we look is not there. */
function matching(kind: SelectedKind, by: 'name' | 'tag', wanted: string, flags?: number): Descriptor[] {
  const found: Descriptor[] = [];
  try {
    for (const { id, fd } of walk(kind)) {
      if (nameOrTag(kind, fd, by) !== wanted) continue;
      const opened = openById(kind, id, flags);
      if (opened) found.push(opened);
    }
    return found;
  } catch (error) {
    owning(found)[Symbol.dispose]();
    throw error;
  }
}

function nameOrTag(kind: SelectedKind, fd: number, by: 'name' | 'tag'): string {
  if (kind === 'map') return mapInfo(fd).name;
  const info = progInfo(fd);
  return by === 'tag' ? info.tag : progName(fd, info);
}
