// `tsbpf map dump`, and how any verb shows an element: by its types, as bytes, or as JSON; and what is in a map that is in a map.

import type { Btf } from '../btf/index.js';
import { SyscallError, UsageError } from '../errors.js';
import {
  type Element,
  elementJson,
  elementText,
  foundText,
  idIn,
  isMapOfMaps,
  type Json,
  listParts,
  type MapInfo,
  mapHeader,
  mapHeaderText,
  typedElement,
} from '../live/index.js';
import { btfOfMap, elements, mapInfo, openById } from '../syscall/index.js';
import { BPF_F_RDONLY } from '../uapi/bpf.js';
import { printNotice } from './notice.js';
import { type NounContext, printJson } from './nouns.js';
import { printParts } from './output.js';
import { selectAll } from './selectors.js';
import type { Words } from './verbs.js';

export interface OpenMap {
  readonly fd: number;
  readonly info: MapInfo;
  /** Undefined when it was made without. @throws {SyscallError} when this user may not read them. */
  readonly btf: Btf | undefined;
}

/** Types are read when they are asked for: bytes can be written without. */
export function openedMap(fd: number): OpenMap {
  const info = mapInfo(fd);
  let types: { readonly btf: Btf | undefined } | undefined;
  return {
    fd,
    info,
    get btf() {
      types ??= { btf: btfOfMap(info) };
      return types.btf;
    },
  };
}

/** Who may look into a map may not be one who may read its types: bytes are still worth to be seen. */
function readable(map: OpenMap): OpenMap {
  try {
    return { ...map };
  } catch (error) {
    if (!isForbidden(error)) throw error;
    printNotice(error, 'Here are bytes, without types.');
    return { fd: map.fd, info: map.info, btf: undefined };
  }
}

const isForbidden = (error: unknown): error is SyscallError => error instanceof SyscallError && error.errno === 'EPERM';

export function dump(words: Words, context: NounContext): void {
  using selected = selectAll('map', words, BPF_F_RDONLY);
  words.end();
  const maps = selected.fds.map((fd) => readable(openedMap(fd)));
  const [first] = maps;
  if (first && maps.length === 1 && first.info.keySize === 0) throw withoutKeys(first.info);
  const isTyped = maps.every(({ btf }) => btf);
  if (!context.json && !isTyped) printParts(plainDumps(maps));
  else printParts(lists(maps, context.json ? dumpJson : typedDump, context.pretty || !context.json), 'json');
}

const withoutKeys = ({ name, id }: MapInfo): UsageError =>
  new UsageError(`Map ${name || id} has no keys, so its elements cannot be walked`, {
    remedy: 'Queues and stacks: peek shows the next value, pop takes it. Ring buffers are read by who mapped them.',
  });

/** One list for one map; for several, a list of maps. */
function* lists(maps: readonly OpenMap[], listed: (map: OpenMap) => Iterable<Json>, pretty: boolean): Generator<string> {
  const [first] = maps;
  if (first && maps.length === 1) yield* listParts(listed(first), { pretty });
  else
    yield* listParts(
      maps.map((map) => ({ ...mapHeader(map.info), elements: [...listed(map)] })),
      { pretty },
    );
  yield '\n';
}

function* dumpJson(map: OpenMap): Generator<Json> {
  for (const element of elements(map.fd, map.info)) {
    const json = jsonWithInner(map, element);
    if (json) yield json;
  }
}

function jsonWithInner({ info, btf }: OpenMap, element: Element): Json | undefined {
  const json = elementJson(info, element, btf ? { btf } : {});
  const inner = json && inInner(info, element, (map) => ({ ...mapHeader(map.info), elements: [...dumpJson(map)] }));
  return inner ? { ...json, inner_map: inner } : json;
}

/** For people, by types. What cannot be looked up has its reason. */
function* typedDump({ fd, info, btf }: OpenMap): Generator<Json> {
  for (const element of elements(fd, info)) {
    const { key, value } = element;
    if (!('errno' in value)) yield typedElement(info, btf as Btf, key, value, true);
    else {
      const json = elementJson(info, element, {});
      if (json) yield json;
    }
  }
}

function* plainDumps(maps: readonly OpenMap[]): Generator<string> {
  for (const [i, map] of maps.entries()) {
    if (maps.length > 1) yield `${i > 0 ? '\n' : ''}${mapHeaderText(map.info)}`;
    yield* plainDump(map);
  }
}

function* plainDump({ fd, info }: OpenMap): Generator<string> {
  let count = 0;
  for (const element of elements(fd, info)) {
    yield plainWithInner(info, element);
    if (!('errno' in element.value)) count++;
  }
  yield foundText(count);
}

/** Bytes as lines, and below them, moved in by a tab, the map that they are the id of: by its types where it has them. */
function plainWithInner(info: MapInfo, element: Element): string {
  const inner = inInner(info, element, (map) => {
    const parts = map.btf ? lists([map], typedDump, true) : plainDump(map);
    return `${mapHeaderText(map.info)}${[...parts].join('')}`;
  });
  return `${elementText(info, element)}${inner?.replaceAll(/^(?=.)/gm, '\t') ?? ''}`;
}

/** Looks into the map that is an element of another; undefined when there is none, it is gone by now, has no keys, or is not for this user. */
function inInner<T>(info: MapInfo, { value }: Element, look: (map: OpenMap) => T): T | undefined {
  if (!isMapOfMaps(info.type) || 'errno' in value) return undefined;
  using found = ifAllowed(() => openById('map', idIn(value), BPF_F_RDONLY));
  const map = found && openedMap(found.fd);
  return map && map.info.keySize > 0 ? look(map) : undefined;
}

function ifAllowed<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if (isForbidden(error)) return undefined;
    throw error;
  }
}

/** What a verb found at a key. */
export function printElement(opened: OpenMap, key: Uint8Array, value: Uint8Array, { json, pretty }: NounContext): void {
  const map = readable(opened);
  const { info, btf } = map;
  if (json) printJson(jsonWithInner(map, { key, value }) ?? null, pretty);
  else if (btf) printJson(typedElement(info, btf, key, value, true), true);
  else printParts([plainWithInner(info, { key, value })]);
}
