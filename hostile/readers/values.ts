// Values by BTF: elements of maps as they are dumped, and the JSON that users write for them.

import { type Btf, sizeOf } from '../../src/btf/index.js';
import {
  elementJson,
  elementText,
  hexDump,
  isMapOfMaps,
  isMapOfProgs,
  type MapInfo,
  mapInfoOf,
  parseElement,
  typedElement,
  valueJson,
  writeJson,
} from '../../src/live/index.js';
import { compileDecoder, shapeOf, variablesOf } from '../../src/maps/index.js';
import type { Random } from '../random.js';
import type { Stages } from '../stages.js';
import { parsed, someBtf } from './btf.js';
import { NAMES, randomBytes } from './bytes.js';
import { must, mustParse, type Reader } from './reader.js';

/** Sizes beyond it are the kernel's to refuse. */
const MOST_VALUE = 1 << 16;

const NO_INFO = mapInfoOf(new DataView(new ArrayBuffer(256)));

/** A type and its size, if it has one that a map could have. */
function typeIn(stages: Stages, btf: Btf, place: number): readonly [id: number, size: number] {
  for (let i = 0; i < btf.length; i++) {
    const id = 1 + ((place + i) % Math.max(1, btf.length - 1));
    const size = id < btf.length ? stages.run('sizeOf', () => sizeOf(btf, id)) : undefined;
    if (size !== undefined && size > 0 && size <= MOST_VALUE) return [id, size];
  }
  return [1, 4];
}

const MAP_TYPES = [1, 2, 5, 6, 12, 3, 13, 22] as const;

export const valueReaders = (own: readonly Uint8Array[]): Reader[] => [
  {
    name: 'map dump',
    draw: (random, notes) => {
      const input = someBtf(random, notes, own);
      const [keyAt, valueAt] = [random.below(64), random.below(64)];
      const type = random.pick(MAP_TYPES);
      const filler = randomBytes(MOST_VALUE + 8, random).subarray(0);
      const isShort = random.chance(0.1);
      const isId = isMapOfMaps(type) || isMapOfProgs(type); // whose values the kernel itself writes
      return {
        input,
        run: (stages) => {
          const btf = parsed(stages, input);
          if (!btf) return;
          const [key, keySize] = typeIn(stages, btf, keyAt);
          const [value, valueSize] = isId ? [0, 4] : typeIn(stages, btf, valueAt);
          const info: MapInfo = { ...NO_INFO, type, keySize, valueSize, btfKeyTypeId: key, btfValueTypeId: value };
          const cpus = [5, 6, 10, 21].includes(type) ? 2 : 1;
          const step = Math.ceil(valueSize / 8) * 8;
          const bytes = filler.subarray(0, isShort && !isId ? Math.floor(valueSize / 2) : cpus === 1 ? valueSize : cpus * step);
          const element = { key: filler.subarray(0, keySize), value: bytes };
          stages.run('elementText', () => elementText(info, element));
          const json = stages.run('elementJson', () => elementJson(info, element, { btf }));
          for (const pretty of [false, true])
            if (json) mustParse(stages.run('writeJson', () => writeJson(json, { pretty })) ?? '0');
          if (!isId)
            stages.run('typedElement', () => writeJson(typedElement(info, btf, element.key, bytes, true), { pretty: true }));
          stages.run('hexDump', () => hexDump(bytes));
          const shape = stages.run('shapeOf', () => shapeOf(btf, value));
          if (shape && !isShort) stages.run('decode', () => compileDecoder(shape)(viewOf(filler), filler, 0));
        },
      };
    },
  },
  {
    name: 'map update',
    draw: (random, notes) => {
      const input = someBtf(random, notes, own);
      const valueAt = random.below(64);
      const filler = randomBytes(MOST_VALUE, random);
      const change = random.chance(0.7) ? changeOf(random, notes) : (text: string) => text;
      const words = random.chance(0.15) ? wordsOf(random) : undefined;
      return {
        input,
        run: (stages) => {
          const btf = parsed(stages, input);
          if (!btf) return;
          const [id, size] = typeIn(stages, btf, valueAt);
          const info: MapInfo = { ...NO_INFO, type: 1, keySize: 4, valueSize: size, btfKeyTypeId: 1, btfValueTypeId: id };
          const current = () => filler.subarray(0, size);
          if (words) stages.run('parseElement', () => parseElement(words, info, BOTH, { btf, current }));
          const shown = stages.run('valueJson', () => writeJson(valueJson(btf, id, filler, 0, { plain: false })));
          const text = change(shown ?? '{}');
          const first = written(stages, text, info, btf, current);
          if (!first) return;
          // What was understood means the same when it is shown and given again.
          const again = stages.run('valueJson of it', () => writeJson(valueJson(btf, id, first, 0, { plain: false })));
          const second = again === undefined ? undefined : written(stages, again, info, btf, () => first);
          must(
            !second || same(first, second),
            `${text.slice(0, 200)} is read as ${again?.slice(0, 200)}, and that as other bytes`,
          );
        },
      };
    },
  },
  {
    name: 'variables',
    draw: (random, notes) => {
      const input = someBtf(random, notes, own);
      const memory = randomBytes(random.pick([0, 64, 4096]), random);
      return {
        input,
        run: (stages) => {
          const btf = parsed(stages, input);
          for (let id = 1; btf && id < Math.min(btf.length, 200); id++) {
            if (btf.kind(id) !== 'DATASEC') continue;
            const variables = stages.run('variablesOf', () => variablesOf(btf, id, { section: '.data', bytes: () => memory }));
            for (const name of Object.keys(variables ?? {})) {
              const value = stages.run('a variable', () => variables?.[name]);
              if (variables) stages.run('setting it', () => Reflect.set(variables, name, value));
            }
          }
        },
      };
    },
  },
];

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const same = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, i) => byte === b[i]);
const BOTH = { key: false, value: true, flags: true } as const;

function written(stages: Stages, text: string, info: MapInfo, btf: Btf, current: () => Uint8Array): Uint8Array | undefined {
  const found = stages.run('parseElement of JSON', () => parseElement(['value', text], info, BOTH, { btf, current }));
  return found?.value instanceof Uint8Array ? found.value : undefined;
}

const TOKENS = [
  'null',
  'true',
  '-1',
  '300',
  '1e3',
  '1.5',
  '"x"',
  '"0x1f"',
  '"zz"',
  '[]',
  '[1,2,3]',
  '[300]',
  '["a"]',
  '{}',
  '{"":{}}',
  '{"__proto__":1}',
  '18446744073709551615',
  '18446744073709551616',
  '-9223372036854775809',
  '"\\u0000"',
  '"\\u00001"',
  '"\\ud800"',
] as const;

/** A text, changed in a way that follows from what was drawn. */
function changeOf(random: Random, notes: string[]): (text: string) => string {
  const [where, length] = [random.next() / 2 ** 32, random.below(12)];
  const token = random.pick(TOKENS);
  const name = JSON.stringify(random.pick(NAMES));
  const ways: readonly ((text: string) => string)[] = [
    (text) => replacedScalar(text, where, token),
    (text) => replacedScalar(text, where, token),
    (text) => replacedScalar(text, where, token),
    (text) => text.replace(/"(?:[^"\\]|\\.)*":/, `${name}:`),
    (text) => text.slice(0, Math.floor(where * text.length)) + text.slice(Math.floor(where * text.length) + length),
    (text) => text.slice(0, Math.floor(where * text.length)) + token + text.slice(Math.floor(where * text.length)),
    (text) => `${'['.repeat(50 * length * length)}${text}${']'.repeat(50 * length * length)}`,
    (text) => `${'{"":'.repeat(50 * length * length)}${text}${'}'.repeat(50 * length * length)}`,
    () => token,
  ];
  const way = random.below(ways.length);
  notes.push(`JSON changed (${way}, ${token})`);
  return ways[way] as (text: string) => string;
}

function replacedScalar(text: string, where: number, token: string): string {
  const places = [...text.matchAll(/(?<=[:[,])(?:"(?:[^"\\]|\\.)*"(?!:)|-?\d+|true|false)/g)];
  const place = places[Math.floor(where * places.length)];
  return place ? text.slice(0, place.index) + token + text.slice(place.index + place[0].length) : token;
}

const WORDS = [
  'key',
  'value',
  'hex',
  '1',
  '0x10',
  '010',
  '256',
  '-1',
  'ff',
  'any',
  'noexist',
  '',
  'k',
  'id',
  '{}',
  '[',
  '1e400',
] as const;
const wordsOf = (random: Random): string[] => Array.from({ length: random.below(12) }, () => random.pick(WORDS));
