// A kernel attribute structure as data. One layout encodes the call, names its fields in a trace and is checked against BTF.

/** `ptr` is a u64 address of data that travels with the structure; `fd` is a u32 file descriptor. */
export type AttrFieldType = 'u32' | 's32' | 'u64' | 'ptr' | 'fd' | `char[${number}]`;

export interface AttrField {
  readonly name: string;
  readonly type: AttrFieldType;
  readonly at: number;
  readonly size: number;
  /** The enum whose member names may stand for the value: `BPF_MAP_TYPE`. */
  readonly names?: Readonly<Record<string, number>>;
}
export type AttrLayout = readonly AttrField[];

const SIZES: Readonly<Record<string, number>> = { u32: 4, s32: 4, u64: 8, ptr: 8, fd: 4 };

type Row = readonly [name: string, type: AttrFieldType, names?: Readonly<Record<string, number>>];

/** Fields one after the other, each aligned to its own size (a `char` array to 1), from byte `start`. */
export function attrLayout(rows: readonly Row[], start = 0): AttrLayout {
  let end = start;
  return rows.map(([name, type, names]) => {
    const element = SIZES[type] ?? 1;
    const size = SIZES[type] ?? Number(/\d+/.exec(type)?.[0]);
    const at = Math.ceil(end / element) * element;
    end = at + size;
    return names ? { name, type, at, size, names } : { name, type, at, size };
  });
}
