// `tsbpf map create`: a new map, which lives on because it is pinned.

import { nearest } from '../bytes/index.js';
import { UsageError } from '../errors.js';
import { isMapOfMaps, MAP_TYPE_NAMES, mapTypeName, mapTypeOf } from '../live/index.js';
import { createMap, type NewMap, pinObject } from '../syscall/index.js';
import { BPF_F_RDONLY, BPF_OBJ_NAME_LEN } from '../uapi/bpf.js';
import { deviceNamed } from './device.js';
import { type NounContext, printDone } from './nouns.js';
import { selectOne } from './selectors.js';
import { type Words, WordsError } from './verbs.js';

/** As help shows it. */
export const TYPE_LEGEND = `TYPE := { ${MAP_TYPE_NAMES.join(' | ').replaceAll(/(.{80,95}?\|) /g, '$1\n  ')} }`;

/** Words that a number follows, and what each is in the kernel's attribute and in messages. */
const SIZES = {
  key: ['key_size', 'key size'],
  value: ['value_size', 'value size'],
  entries: ['max_entries', 'max entries'],
  flags: ['map_flags', 'flags'],
} as const;
/** In bpftool's order: the first that starts like a word is meant. `dev` is an old name of `offload_dev`. */
const KEYWORDS = ['type', 'name', 'key', 'value', 'entries', 'flags', 'dev', 'offload_dev', 'inner_map'] as const;

export function create(words: Words, context: NounContext): void {
  const path = words.next('a path');
  const asked: { -readonly [K in keyof NewMap]?: NewMap[K] } = {};
  const set = <K extends keyof NewMap>(field: K, what: string, value: NewMap[K]) => {
    if (asked[field] !== undefined) throw new WordsError(`${what} already specified`);
    asked[field] = value;
  };
  using inner = new Held();
  while (words.left > 0) {
    const keyword = words.oneOf(KEYWORDS);
    if (keyword === 'type') set('map_type', 'map type', typeNamed(words.next('a map type')));
    else if (keyword === 'name') set('map_name', 'map name', nameOf(words.next('a name'), context));
    else if (keyword === 'inner_map') set('inner_map_fd', 'inner map', inner.take(selectOne('map', words, BPF_F_RDONLY)));
    else if (keyword === 'dev' || keyword === 'offload_dev')
      set('map_ifindex', 'offload device', deviceNamed(words.next('a network device')));
    else {
      const [field, what] = SIZES[keyword];
      set(field, what, words.number(what));
    }
  }
  const { map_type, map_name } = asked;
  if (map_name === undefined) throw new WordsError('map name not specified');
  if (map_type === undefined) throw new WordsError('map type not specified');
  if (isMapOfMaps(map_type) && asked.inner_map_fd === undefined)
    throw new UsageError(`A map of type ${mapTypeName(map_type)} needs inner_map`, {
      remedy: 'It names a map that those in the new one will be like: inner_map pinned /sys/fs/bpf/x.',
    });
  using map = createMap({ max_entries: 0, ...asked, map_type, map_name });
  pinObject(map.fd, path, context);
  printDone(context);
}

/** The map that says what the maps in a new one are like, open until that is made. */
class Held implements Disposable {
  #held: Disposable | undefined;

  take(held: Disposable & { readonly fd: number }): number {
    this.#held = held;
    return held.fd;
  }
  [Symbol.dispose](): void {
    this.#held?.[Symbol.dispose]();
  }
}

function typeNamed(name: string): number {
  const type = mapTypeOf(name);
  if (type !== undefined) return type;
  const meant = nearest(name, MAP_TYPE_NAMES);
  throw new WordsError(`unrecognized map type: ${name}`, {
    remedy: meant ? `Did you mean ${meant}?` : `There are ${MAP_TYPE_NAMES.join(', ')}.`,
  });
}

const LONGEST_NAME = BPF_OBJ_NAME_LEN - 1;

function nameOf(name: string, { json }: NounContext): string {
  if (!/^[\w.]+$/.test(name))
    throw new WordsError(`'${name}' cannot be the name of a map`, { remedy: 'It takes letters, digits, _ and dots.' });
  if (name.length > LONGEST_NAME && !json)
    process.stderr.write(`The name has more than ${LONGEST_NAME} letters: the kernel keeps ${name.slice(0, LONGEST_NAME)}\n`);
  return name;
}
