// BTF for kernels that are older than some of its kinds: each type that they do not know is replaced by one that they do, of the
// same length, so that ids and places stay as they are.

import { Btf, type BtfKind } from '../btf/index.js';
import { region, toCString } from '../bytes/index.js';
import { BTF_FUNC_GLOBAL, BTF_KIND, BTF_KIND_FLAG } from '../uapi/btf.js';
import type { FeatureName } from './features.js';

type Words = Uint32Array;
interface Row {
  readonly kind: BtfKind;
  readonly needs: FeatureName;
  /** Whether this type needs it; all of the kind, without. */
  readonly when?: (info: number, name: () => string) => boolean;
  /** Rewrites the type whose three words start at `at`. */
  readonly replace: (words: Words, at: number, context: Context) => void;
}
interface Context {
  readonly btf: Btf;
  /** The type that stands for 64-bit enumerators. */
  readonly placeholder: number;
  /** Makes a `?` in a name a `_`, and of `all` that older kernels refuse there, also a `.`. */
  readonly cleaned: (nameOffset: number, all: boolean) => void;
}

const INT_8_BITS = 8;
const vlen = (info: number): number => info & 0xffff;
const setInfo = (words: Words, at: number, kind: BtfKind, length: number, size?: number): void => {
  words[at + 1] = ((BTF_KIND[kind] << 24) | length) >>> 0;
  if (size !== undefined) words[at + 2] = size;
};
const toByte = (words: Words, at: number): void => {
  setInfo(words, at, 'INT', 0, 1);
  words[at + 3] = INT_8_BITS;
};

/**
 * In the order in which libbpf looks; the first that fits is applied.
 * @see libbpf bpf_object__sanitize_btf, src/libbpf.c
 */
const ROWS: readonly Row[] = [
  { kind: 'VAR', needs: 'btf_datasec', replace: toByte },
  { kind: 'DECL_TAG', needs: 'btf_decl_tag', replace: toByte },
  {
    kind: 'DATASEC',
    needs: 'btf_datasec',
    replace: (words, at, { btf, cleaned }) => {
      cleaned(words[at] as number, true);
      const length = vlen(words[at + 1] as number);
      setInfo(words, at, 'STRUCT', length);
      for (let i = at + 3; i < at + 3 + 3 * length; i += 3) {
        const [variable, offset] = [words[i] as number, words[i + 1] as number];
        words.set([nameOffset(btf, variable), variable, offset * 8], i);
      }
    },
  },
  {
    kind: 'DATASEC',
    needs: 'btf_qmark_datasec',
    when: (_, name) => name().startsWith('?'),
    replace: (words, at, { cleaned }) => cleaned(words[at] as number, false),
  },
  { kind: 'FUNC_PROTO', needs: 'btf_func', replace: (words, at) => setInfo(words, at, 'ENUM', vlen(words[at + 1] as number), 4) },
  { kind: 'FUNC', needs: 'btf_func', replace: (words, at) => setInfo(words, at, 'TYPEDEF', 0) },
  {
    kind: 'FUNC',
    needs: 'btf_global_func',
    when: (info) => vlen(info) === BTF_FUNC_GLOBAL,
    replace: (words, at) => setInfo(words, at, 'FUNC', 0),
  },
  {
    kind: 'FLOAT',
    needs: 'btf_float',
    replace: (words, at) => {
      words[at] = 0;
      setInfo(words, at, 'STRUCT', 0);
    },
  },
  {
    kind: 'TYPE_TAG',
    needs: 'btf_type_tag',
    replace: (words, at) => {
      words[at] = 0;
      setInfo(words, at, 'CONST', 0);
    },
  },
  {
    kind: 'ENUM',
    needs: 'btf_enum64',
    when: (info) => (info & BTF_KIND_FLAG) !== 0,
    replace: (words, at) => setInfo(words, at, 'ENUM', vlen(words[at + 1] as number)),
  },
  {
    kind: 'ENUM64',
    needs: 'btf_enum64',
    replace: (words, at, { placeholder }) => {
      const length = vlen(words[at + 1] as number);
      setInfo(words, at, 'UNION', length);
      for (let i = at + 3; i < at + 3 + 3 * length; i += 3) words.set([placeholder, 0], i + 1);
    },
  },
];

const nameOffset = (btf: Btf, id: number): number => btf.words[btf.starts[id - btf.firstId] as number] as number;

function* rowsOf(btf: Btf): Generator<readonly [Row, id: number]> {
  for (let id = btf.firstId; id < btf.length; id++) {
    const kind = btf.kindNumber(id);
    const info = btf.words[(btf.starts[id - btf.firstId] as number) + 1] as number;
    for (const row of ROWS) if (BTF_KIND[row.kind] === kind && (row.when?.(info, () => btf.name(id)) ?? true)) yield [row, id];
  }
}

/** The features that a kernel must have to take these types as they are. */
export const btfFeatures = (btf: Btf | undefined): FeatureName[] => [
  ...new Set(btf ? [...rowsOf(btf)].map(([row]) => row.needs) : []),
];

/** The bytes for BPF_BTF_LOAD. A feature that is not known is taken to be there. */
export function sanitizeBtf(btf: Btf, features: ReadonlyMap<FeatureName, boolean>): Uint8Array<ArrayBuffer> {
  const lacking = [...rowsOf(btf)].filter(([{ needs }]) => features.get(needs) === false);
  if (lacking.length === 0) return btf.toBytes();
  const words = btf.words.slice();
  const strings = btf.strings.bytes.slice();
  const done = new Set<number>();
  const context: Context = {
    btf,
    placeholder: btf.length,
    cleaned: (offset, all) => {
      for (let at = offset; strings[at]; at++)
        if (strings[at] === QUESTION || (all && strings[at] === DOT)) strings[at] = UNDERSCORE;
    },
  };
  let enum64 = false;
  for (const [row, id] of lacking) {
    if (done.has(id)) continue;
    done.add(id);
    row.replace(words, btf.starts[id - btf.firstId] as number, context);
    enum64 ||= row.kind === 'ENUM64';
  }
  const { starts, base } = btf;
  if (!enum64) return new Btf({ words, starts, strings: region(strings, btf.where), base }).toBytes();
  const placeholder = [strings.length, (BTF_KIND.INT << 24) >>> 0, 1, INT_8_BITS];
  return new Btf({
    words: Uint32Array.from([...words, ...placeholder]),
    starts: Uint32Array.from([...starts, words.length]),
    strings: region(Uint8Array.from([...strings, ...toCString('enum64_placeholder')]), btf.where),
    base,
  }).toBytes();
}

const QUESTION = '?'.charCodeAt(0);
const DOT = '.'.charCodeAt(0);
const UNDERSCORE = '_'.charCodeAt(0);
