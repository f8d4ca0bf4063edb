// `tsbpf map`: what is in maps.

import type { Command } from 'commander';
import { SyscallError } from '../errors.js';
import {
  type ElementWords,
  ElementWordsError,
  hexBytes,
  hexLines,
  isIndexed,
  isMapOfMaps,
  mapJson,
  mapText,
  parseElement,
} from '../live/index.js';
import { elementOps, forEachCpu, freezeMap, pinObject, popElement, shownMap, valueRoom, walk } from '../syscall/index.js';
import { BPF_F_RDONLY } from '../uapi/bpf.js';
import { eventPipe } from './event-pipe.js';
import { create, TYPE_LEGEND } from './map-create.js';
import { dump, type OpenMap, openedMap, printElement } from './map-dump.js';
import { contextOf, type NounContext, negative, nounCommand, printAll, printDone, printJson } from './nouns.js';
import { printText } from './output.js';
import { LEGENDS, selectAll, selectOne } from './selectors.js';
import { Words as WordList, type Words, WordsError } from './verbs.js';

export const mapCommand = (): Command =>
  nounCommand({
    name: 'map',
    legend: `${LEGENDS.map}\nDATA := { [hex] BYTES | JSON }, JSON by the types of the map\nVALUE := { DATA | MAP | PROG }\nFLAGS := { any | exist | noexist }\n${TYPE_LEGEND}\n\nevent_pipe takes its places in the map: who read there before gets nothing more, also when it has ended.`,
    verbs: [
      { name: 'show', words: '[MAP]', run: show },
      { name: 'list', words: '[MAP]', run: show },
      { name: 'dump', words: 'MAP', run: dump },
      { name: 'update', words: 'MAP [key DATA] [value VALUE] [FLAGS]', run: update },
      { name: 'lookup', words: 'MAP [key DATA]', run: lookup },
      { name: 'getnext', words: 'MAP [key DATA]', run: getNext },
      { name: 'delete', words: 'MAP key DATA', run: remove },
      { name: 'pin', words: 'MAP PATH', run: pin },
      { name: 'event_pipe', words: 'MAP [cpu N index M]', run: eventPipe },
      {
        name: 'create',
        words: 'PATH type TYPE key SIZE value SIZE entries N name NAME [flags N] [inner_map MAP] [offload_dev NAME]',
        run: create,
      },
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

/** Words that are not what the map takes are wrong usage, too; data that does not fit its types is not. */
function elementOf(words: Words, map: OpenMap, wants: Parameters<typeof parseElement>[2]): ElementWords {
  const current = () => {
    const value = new Uint8Array(valueRoom(map.info));
    return elementOps(map.fd, map.info).lookup(new Uint8Array(map.info.keySize), value) ? value : undefined;
  };
  const types = {
    get btf() {
      return map.btf;
    },
    current,
    index: isIndexed(map.info.type),
  };
  try {
    return parseElement(words.rest(), map.info, wants, types);
  } catch (error) {
    if (!(error instanceof ElementWordsError)) throw error;
    throw new WordsError(error.what, { cause: error, ...(error.remedy !== undefined && { remedy: error.remedy }) });
  }
}

const NO_KEY = new Uint8Array();

function update(words: Words, context: NounContext): void {
  using selected = selectOne('map', words, 0);
  const map = openedMap(selected.fd);
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
  const map = openedMap(selected.fd);
  const { key = NO_KEY } = elementOf(words, map, { key: true, value: false });
  const value = new Uint8Array(valueRoom(map.info));
  if (elementOps(map.fd, map.info).lookup(key, value)) printElement(map, key, value, context);
  else notFound(key, context);
}

function notFound(key: Uint8Array, { json, pretty }: NounContext): void {
  if (json) printJson(null, pretty);
  else printText(`key:\n${hexLines(key)}\n\nNot found\n`);
  negative();
}

function getNext(words: Words, context: NounContext): void {
  using selected = selectOne('map', words, BPF_F_RDONLY);
  const map = openedMap(selected.fd);
  const { key } = words.left > 0 ? elementOf(words, map, { key: true, value: false }) : {};
  const next = new Uint8Array(map.info.keySize);
  if (!elementOps(map.fd, map.info).nextKey(key, next))
    throw new SyscallError('bpf(BPF_MAP_GET_NEXT_KEY)', 'ENOENT', {
      doing: "can't get next key",
      remedy: key ? 'This is the last one.' : 'The map is empty.',
    });
  if (context.json) printJson({ key: key ? hexBytes(key) : null, next_key: hexBytes(next) }, context.pretty);
  else printText(`${key ? `key:\n${hexLines(key)}\n` : 'key: None\n'}next key:\n${hexLines(next)}\n`);
}

function remove(words: Words, context: NounContext): void {
  using selected = selectOne('map', words, 0);
  const map = openedMap(selected.fd);
  const { key = NO_KEY } = elementOf(words, map, { key: true, value: false });
  if (!elementOps(map.fd, map.info).delete(key))
    throw new SyscallError('bpf(BPF_MAP_DELETE_ELEM)', 'ENOENT', { doing: 'delete failed', remedy: 'There is no such key.' });
  printDone(context);
}

function pop(words: Words, context: NounContext): void {
  using selected = selectOne('map', words, 0);
  const map = openedMap(selected.fd);
  words.end();
  const value = popElement(map.fd, map.info);
  if (value) printElement(map, NO_KEY, value, context);
  else {
    if (context.json) printJson(null, context.pretty);
    else printText('Error: empty map\n');
    negative();
  }
}

function pin(words: Words, context: NounContext): void {
  using map = selectOne('map', words, BPF_F_RDONLY);
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
