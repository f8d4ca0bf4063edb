// `tsbpf map`: what is in maps.

import type { Command } from 'commander';
import type { Btf } from '../btf/index.js';
import { SyscallError, UsageError } from '../errors.js';
import {
  type ElementWords,
  elementJson,
  elementText,
  foundText,
  hexBytes,
  hexLines,
  idIn,
  isIndexed,
  isMapOfMaps,
  type Json,
  type MapInfo,
  mapHeader,
  mapHeaderText,
  mapJson,
  mapText,
  parseElement,
  typedElement,
  writeJson,
  writeList,
} from '../live/index.js';
import {
  btfOfMap,
  elementOps,
  elements,
  forEachCpu,
  freezeMap,
  mapInfo,
  openById,
  pinObject,
  popElement,
  shownMap,
  valueRoom,
  walk,
} from '../syscall/index.js';
import { BPF_F_RDONLY } from '../uapi/bpf.js';
import { contextOf, type NounContext, negative, nounCommand, printAll, printDone, printJson } from './nouns.js';
import { LEGENDS, selectAll, selectOne } from './selectors.js';
import { Words as WordList, type Words, WordsError } from './verbs.js';

export const mapCommand = (): Command =>
  nounCommand({
    name: 'map',
    description: 'show and change maps: bpftool map',
    legend: `${LEGENDS.map}\nDATA := { [hex] BYTES | JSON }, JSON by the types of the map\nVALUE := { DATA | MAP | PROG }\nFLAGS := { any | exist | noexist }`,
    verbs: [
      { name: 'show', words: '[MAP]', run: show },
      { name: 'list', words: '[MAP]', run: show },
      { name: 'dump', words: 'MAP', run: dump },
      { name: 'update', words: 'MAP [key DATA] [value VALUE] [FLAGS]', run: update },
      { name: 'lookup', words: 'MAP [key DATA]', run: lookup },
      { name: 'getnext', words: 'MAP [key DATA]', run: getNext },
      { name: 'delete', words: 'MAP key DATA', run: remove },
      { name: 'pin', words: 'MAP PATH', run: pin },
      { name: 'peek', words: 'MAP', run: lookup },
      { name: 'push', words: 'MAP value VALUE', run: update },
      { name: 'enqueue', words: 'MAP value VALUE', run: update },
      { name: 'pop', words: 'MAP', run: pop },
      { name: 'dequeue', words: 'MAP', run: pop },
      { name: 'freeze', words: 'MAP', run: freeze },
    ],
  });

function show(words: Words, context: NounContext): void {
  const as = { json: mapJson, text: mapText };
  if (words.left === 0) {
    const asked = contextOf('map', context);
    printAll(
      context,
      Array.from(walk('map'), ({ fd }) => shownMap(fd, asked)),
      as,
      { list: true },
    );
    return;
  }
  using selected = selectAll('map', words);
  words.end();
  const asked = contextOf('map', context);
  printAll(
    context,
    selected.fds.map((fd) => shownMap(fd, asked)),
    as,
    { list: false },
  );
}

interface OpenMap {
  readonly fd: number;
  readonly info: MapInfo;
  readonly btf: Btf | undefined;
}
function opened(fd: number): OpenMap {
  const info = mapInfo(fd);
  return { fd, info, btf: btfOfMap(info) };
}

function dump(words: Words, context: NounContext): void {
  using selected = selectAll('map', words, BPF_F_RDONLY);
  words.end();
  const maps = selected.fds.map(opened);
  const isSeveral = maps.length > 1;
  const [first] = maps;
  if (first && !isSeveral && first.info.keySize === 0) throw withoutKeys(first.info);
  if (context.json || maps.every(({ btf }) => btf)) {
    const style = { pretty: context.pretty || !context.json };
    const listed = context.json ? dumpJson : typedDump;
    const text =
      first && !isSeveral
        ? writeList(listed(first), style)
        : writeList(
            maps.map((map) => ({ ...mapHeader(map.info), elements: [...listed(map)] })),
            style,
          );
    process.stdout.write(`${text}\n`);
  } else {
    for (const [i, map] of maps.entries()) {
      if (isSeveral) process.stdout.write(`${i > 0 ? '\n' : ''}${mapHeaderText(map.info)}`);
      process.stdout.write(dumpText(map));
    }
  }
}

const withoutKeys = ({ name, id }: MapInfo): UsageError =>
  new UsageError(`Map ${name || id} has no keys, so its elements cannot be walked`, {
    remedy: 'Queues and stacks: peek shows the next value, pop takes it. Ring buffers are read by who mapped them.',
  });

function* dumpJson({ fd, info, btf }: OpenMap): Generator<Json> {
  for (const element of elements(fd, info)) {
    const json = elementJson(info, element, btf ? { btf } : {});
    if (!json) continue;
    const inner = isMapOfMaps(info.type) && !('errno' in element.value) ? innerMap(idIn(element.value)) : undefined;
    yield inner ? { ...json, inner_map: inner } : json;
  }
}

/** What is in a map that is the value of another; undefined when it is gone by now, or has no keys. */
function innerMap(id: number): Json | undefined {
  using found = openById('map', id, BPF_F_RDONLY);
  const map = found && opened(found.fd);
  return map && map.info.keySize > 0 ? { ...mapHeader(map.info), elements: [...dumpJson(map)] } : undefined;
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

function dumpText({ fd, info }: OpenMap): string {
  const parts: string[] = [];
  let count = 0;
  for (const element of elements(fd, info)) {
    parts.push(elementText(info, element));
    if (!('errno' in element.value)) count++;
  }
  return `${parts.join('')}${foundText(count)}`;
}

/** Words that are not what the map takes are wrong usage, too. */
function elementOf(words: Words, map: OpenMap, wants: Parameters<typeof parseElement>[2]): ElementWords {
  const current = () => {
    const value = new Uint8Array(valueRoom(map.info));
    return elementOps(map.fd, map.info).lookup(new Uint8Array(map.info.keySize), value) ? value : undefined;
  };
  try {
    return parseElement(words.rest(), map.info, wants, { btf: map.btf, current, index: isIndexed(map.info.type) });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new WordsError(error.what, { cause: error, ...(error.remedy !== undefined && { remedy: error.remedy }) });
  }
}

const NO_KEY = new Uint8Array();

function update(words: Words, context: NounContext): void {
  using selected = selectOne('map', words, 0);
  const map = opened(selected.fd);
  const { key = NO_KEY, value = new Uint8Array(), flags = 0 } = elementOf(words, map, { key: true, value: true, flags: true });
  const ops = elementOps(map.fd, map.info);
  if (value instanceof Uint8Array) ops.update(key, forEachCpu(map.info, value), flags);
  else {
    using named = selectOne(isMapOfMaps(map.info.type) ? 'map' : 'prog', new WordList(value.selector), 0);
    ops.update(key, new Uint8Array(Uint32Array.of(named.fd).buffer), flags);
  }
  printDone(context);
}

function lookup(words: Words, context: NounContext): void {
  using selected = selectOne('map', words, BPF_F_RDONLY);
  const map = opened(selected.fd);
  const { key = NO_KEY } = elementOf(words, map, { key: true, value: false });
  const value = new Uint8Array(valueRoom(map.info));
  if (elementOps(map.fd, map.info).lookup(key, value)) printElement(map, key, value, context);
  else notFound(key, context);
}

function notFound(key: Uint8Array, { json, pretty }: NounContext): void {
  if (json) printJson(null, pretty);
  else process.stdout.write(`key:\n${hexLines(key)}\n\nNot found\n`);
  negative();
}

function printElement({ info, btf }: OpenMap, key: Uint8Array, value: Uint8Array, { json, pretty }: NounContext): void {
  if (json) printJson(elementJson(info, { key, value }, btf ? { btf } : {}) ?? null, pretty);
  else if (btf) process.stdout.write(`${writeJson(typedElement(info, btf, key, value, true), { pretty: true })}\n`);
  else process.stdout.write(elementText(info, { key, value }));
}

function getNext(words: Words, context: NounContext): void {
  using selected = selectOne('map', words, BPF_F_RDONLY);
  const map = opened(selected.fd);
  const { key } = words.left > 0 ? elementOf(words, map, { key: true, value: false }) : {};
  const next = new Uint8Array(map.info.keySize);
  if (!elementOps(map.fd, map.info).nextKey(key, next))
    throw new SyscallError('bpf(BPF_MAP_GET_NEXT_KEY)', 'ENOENT', {
      doing: "can't get next key",
      remedy: key ? 'This is the last one.' : 'The map is empty.',
    });
  if (context.json) printJson({ key: key ? hexBytes(key) : null, next_key: hexBytes(next) }, context.pretty);
  else process.stdout.write(`${key ? `key:\n${hexLines(key)}\n` : 'key: None\n'}next key:\n${hexLines(next)}\n`);
}

function remove(words: Words, context: NounContext): void {
  using selected = selectOne('map', words, 0);
  const map = opened(selected.fd);
  const { key = NO_KEY } = elementOf(words, map, { key: true, value: false });
  if (!elementOps(map.fd, map.info).delete(key))
    throw new SyscallError('bpf(BPF_MAP_DELETE_ELEM)', 'ENOENT', { doing: 'delete failed', remedy: 'There is no such key.' });
  printDone(context);
}

function pop(words: Words, context: NounContext): void {
  using selected = selectOne('map', words, 0);
  const map = opened(selected.fd);
  words.end();
  const value = popElement(map.fd, map.info);
  if (value) printElement(map, NO_KEY, value, context);
  else {
    if (context.json) printJson(null, context.pretty);
    else process.stdout.write('Error: empty map\n');
    negative();
  }
}

function pin(words: Words, context: NounContext): void {
  using map = selectOne('map', words, 0);
  const path = words.next('a path');
  words.end();
  pinObject(map.fd, path, context);
  printDone(context);
}

function freeze(words: Words, context: NounContext): void {
  using map = selectOne('map', words, 0);
  words.end();
  freezeMap(map.fd);
  printDone(context);
}
