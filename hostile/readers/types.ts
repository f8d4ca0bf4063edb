// Types that nobody declared: most of them sound, so that readers go deep, some with a member that lies outside, a reference ahead, or
// a tower that has more ways through it than there is time.

import { type BtfTypeInput, encodeBtf } from '../../src/btf/index.js';
import { mutatedBtf } from '../mutate.js';
import type { Random } from '../random.js';
import { NAMES } from './bytes.js';

/** So many cases have a tower. */
const TOWERS = 0.03;
/** So many references lead anywhere: to what does not exist, ahead, or back to itself. */
const WILD = 0.008;

interface Invented {
  readonly type: BtfTypeInput;
  /** Undefined for what has none. */
  readonly size: number | undefined;
}

/**
 * @param first The id of the first of them.
 * @param below Sizes of the types before it, whose references are as good.
 */
export function inventedTypes(random: Random, notes: string[], first = 1): BtfTypeInput[] {
  const known: Invented[] = [];
  const count = 3 + random.below(random.pick([8, 20, 60]));
  for (let i = 0; i < count; i++) known.push(invented(random, known, first));
  const types = known.map(({ type }) => type);
  notes.push(`${count} invented types`);
  if (random.chance(TOWERS)) types.push(...tower(random, notes, first + count, Math.max(1, first)));
  return types;
}

/** Their bytes, now and then with words changed. */
export function inventedBtf(random: Random, notes: string[]): Uint8Array {
  const bytes = encodeBtf(inventedTypes(random, notes));
  return random.chance(0.4) ? mutatedBtf(bytes, random, notes) : bytes;
}

const nameFor = (random: Random): string =>
  random.chance(0.6) ? `n${random.below(12)}` : random.chance(0.2) ? '' : random.pick(NAMES);
const SIZES = [1, 2, 4, 8, 16] as const;

/** A type and its size: one that has a size, where `sized`. */
function refer(random: Random, known: readonly Invented[], first: number, sized: boolean): { id: number; size: number } {
  if (known.length === 0 || random.chance(WILD)) {
    const id = random.pick([0, first + known.length, first + known.length + 1 + random.below(5), 0xffffffff]);
    return { id, size: random.pick([0, ...SIZES]) };
  }
  for (let tries = 0; tries < 8; tries++) {
    const place = random.below(known.length);
    const size = known[place]?.size;
    if (!sized || size !== undefined) return { id: first + place, size: size ?? 0 };
  }
  return { id: first, size: known[0]?.size ?? 0 };
}

function invented(random: Random, known: readonly Invented[], first: number): Invented {
  const name = nameFor(random);
  if (known.length === 0) return { type: intOf(random, 'int', 4), size: 4 };
  switch (random.below(22)) {
    case 0:
    case 1:
    case 2: {
      const size = random.chance(0.95) ? random.pick(SIZES) : random.below(40);
      return { type: intOf(random, name, size), size };
    }
    case 3:
      return { type: { kind: 'PTR', type: refer(random, known, first, false).id }, size: 8 };
    case 4:
    case 5: {
      const { id, size } = refer(random, known, first, true);
      return { type: { kind: 'TYPEDEF', name, type: id }, size };
    }
    case 6: {
      const { id, size } = refer(random, known, first, true);
      return { type: { kind: random.pick(['CONST', 'VOLATILE', 'RESTRICT'] as const), type: id }, size };
    }
    case 7: {
      const { id, size } = refer(random, known, first, true);
      return { type: { kind: 'TYPE_TAG', name, type: id, attribute: random.chance(0.3) }, size };
    }
    case 8:
    case 9: {
      const { id, size } = refer(random, known, first, true);
      const nelems = random.pick([0, 1, 2, 3, 16, 17, 100, random.chance(0.1) ? random.next() : 5]);
      return { type: { kind: 'ARRAY', type: id, indexType: first, nelems }, size: size * nelems };
    }
    case 10:
    case 11:
    case 12:
    case 13:
    case 14:
      return composite(random, known, first, name);
    case 15:
    case 16: {
      const kind = random.pick(['ENUM', 'ENUM', 'ENUM64'] as const);
      const size = random.chance(0.9) ? (kind === 'ENUM' ? random.pick([1, 2, 4, 4, 8]) : 8) : random.below(20);
      const values = Array.from({ length: random.below(6) }, () => ({
        name: nameFor(random),
        value: BigInt(random.pick([0, 1, 2, -1, 127, 255, random.next()])),
      }));
      return { type: { kind, name, size, signed: random.chance(0.5), values }, size };
    }
    case 17:
      return { type: { kind: 'FWD', name, union: random.chance(0.5) }, size: undefined };
    case 18: {
      const params = Array.from({ length: random.below(5) }, () => ({
        name: nameFor(random),
        type: refer(random, known, first, false).id,
      }));
      return { type: { kind: 'FUNC_PROTO', type: refer(random, known, first, false).id, params }, size: undefined };
    }
    case 19: {
      const protos = known.flatMap(({ type }, i) => (type.kind === 'FUNC_PROTO' ? [first + i] : []));
      const type = protos.length > 0 ? random.pick(protos) : refer(random, known, first, false).id;
      return { type: { kind: 'FUNC', name, type, linkage: random.below(4) }, size: undefined };
    }
    case 20:
      return dataSection(random, known, first, name);
    default: {
      if (random.chance(0.5)) {
        const size = random.chance(0.8) ? random.pick([4, 8]) : random.pick([2, 10, 12, 16]);
        return { type: { kind: 'FLOAT', name, size }, size };
      }
      if (random.chance(0.5)) {
        const { id, size } = refer(random, known, first, true);
        return { type: { kind: 'VAR', name, type: id, linkage: random.below(3) }, size };
      }
      const component = random.pick([-1, 0, 1, random.below(100)]);
      const { id } = refer(random, known, first, false);
      return { type: { kind: 'DECL_TAG', name, type: id, component, attribute: random.chance(0.3) }, size: undefined };
    }
  }
}

function intOf(random: Random, name: string, size: number): BtfTypeInput {
  const isPlain = random.chance(0.85);
  return {
    kind: 'INT',
    name: random.chance(0.2) ? random.pick(['char', 'unsigned char', '_Bool', 'long unsigned int']) : name,
    size,
    bits: isPlain ? Math.min(255, size * 8) : random.below(130),
    bitOffset: isPlain ? 0 : random.below(20),
    encoding: random.pick([0, 0, 1, 1, 2, 4, random.below(8)]),
  };
}

function composite(random: Random, known: readonly Invented[], first: number, name: string): Invented {
  const kind = random.chance(0.75) ? 'STRUCT' : 'UNION';
  const hasBits = random.chance(0.25);
  let end = 0;
  let most = 0;
  const members = Array.from({ length: random.below(random.pick([3, 8, 20])) }, () => {
    const { id, size } = refer(random, known, first, true);
    const bits = hasBits && random.chance(0.6) ? 1 + random.below(Math.min(255, Math.max(1, size * 8))) : 0;
    const start = kind === 'UNION' ? 0 : bits > 0 ? end : Math.ceil(end / 8) * 8 + 8 * random.pick([0, 0, 0, 1, 4]);
    const bitOffset = random.chance(0.02) ? random.next() : start;
    end = start + (bits || Math.min(size, 1 << 20) * 8);
    most = Math.max(most, end);
    const isSmall = bitOffset <= (hasBits ? 0xffffff : 0xffffffff);
    return { name: nameFor(random), type: id, bitOffset: isSmall ? bitOffset : 0, bitfieldSize: bits };
  });
  const size = random.chance(0.95) ? Math.ceil(most / 64) * 8 : random.below(64);
  return { type: { kind, name, size, members }, size };
}

function dataSection(random: Random, known: readonly Invented[], first: number, name: string): Invented {
  const variables = known.flatMap(({ type, size }, i) => (type.kind === 'VAR' ? [{ id: first + i, size: size ?? 0 }] : []));
  let end = 0;
  const vars = variables.map(({ id, size }) => {
    const offset = random.chance(0.02) ? random.next() : end;
    end += Math.min(size, 1 << 20);
    return { type: id, offset, size: random.chance(0.95) ? Math.min(size, 0xffffffff) : random.below(64) };
  });
  return { type: { kind: 'DATASEC', name, size: random.chance(0.9) ? end : random.next(), vars }, size: end };
}

type Level = (below: number, random: Random) => BtfTypeInput;
const member = (name: string, type: number, bitOffset: number) => ({ name, type, bitOffset, bitfieldSize: 0 });

/** Each level leads twice, or once, to the one below. */
const LEVELS: readonly Level[] = [
  (below) => ({ kind: 'STRUCT', name: `s${below}`, size: 8, members: [member('l', below, 0), member('r', below, 32)] }),
  (below) => ({ kind: 'UNION', name: `u${below}`, size: 4, members: [member('l', below, 0), member('r', below, 0)] }),
  (below) => ({ kind: 'UNION', name: '', size: 4, members: [member('', below, 0), member('', below, 0)] }),
  (below) => ({ kind: 'STRUCT', name: '', size: 0, members: [member('', below, 0), member('', below, 0)] }),
  (below) => ({
    kind: 'FUNC_PROTO',
    type: below,
    params: [
      { name: 'l', type: below },
      { name: 'r', type: below },
    ],
  }),
  (below) => ({ kind: 'TYPEDEF', name: `t${below}`, type: below }),
  (below) => ({ kind: 'PTR', type: below }),
  (below) => ({ kind: 'CONST', type: below }),
  (below) => ({ kind: 'ARRAY', type: below, indexType: 1, nelems: 1 }),
  (below) => ({ kind: 'ARRAY', type: below, indexType: 1, nelems: 2 }),
  (below) => ({ kind: 'STRUCT', name: '', size: 4, members: [member('', below, 0)] }),
];

function tower(random: Random, notes: string[], first: number, ground: number): BtfTypeInput[] {
  const height = random.pick([10, 25, 31, 60, 500, 3000]);
  const levels = random.chance(0.6) ? [random.pick(LEVELS)] : LEVELS;
  const isCircle = random.chance(0.1);
  const types = Array.from({ length: height }, (_, i) => {
    const below = i > 0 ? first + i - 1 : isCircle ? first + height - 1 : ground;
    return random.pick(levels)(below, random);
  });
  notes.push(`a tower of ${height}`);
  if (!random.chance(0.2)) return types;
  const count = random.pick([1000, 30_000]);
  notes.push(`a struct of ${count} members`);
  const members = Array.from({ length: count }, (_, i) => member(`m${i % 7}`, ground, 32 * i));
  return [...types, { kind: 'STRUCT', name: 'wide', size: 4 * count, members }];
}
