// BTF for tests, from a few calls: the bytes are written here by hand, so that what reads them is tested too.

import { type Btf, parseBtf, type TypeId } from '../../src/btf/index.js';
import { region, utf8Bytes } from '../../src/bytes/index.js';
import { BTF_KIND } from '../../src/uapi/btf.js';

export interface Member {
  /** Empty for an anonymous struct or union. */
  readonly name: string;
  readonly type: TypeId;
  readonly bitOffset: number;
  readonly bits?: number;
}
export interface Variable {
  readonly name: string;
  readonly type: TypeId;
  readonly offset: number;
  readonly size: number;
}

const SIGNED = 1;
const BOOL = 4;

export class BtfBuilder {
  readonly #words: number[] = [];
  #strings = '\0';
  #next = 1;

  int(name: string, size: number, signed = false): TypeId {
    return this.#type(name, BTF_KIND.INT, size, { words: [((signed ? SIGNED : 0) << 24) | (size * 8)] });
  }
  bool(): TypeId {
    return this.#type('_Bool', BTF_KIND.INT, 1, { words: [(BOOL << 24) | 8] });
  }
  float(name: string, size: number): TypeId {
    return this.#type(name, BTF_KIND.FLOAT, size);
  }
  pointer(to: TypeId): TypeId {
    return this.#type('', BTF_KIND.PTR, to);
  }
  const(of: TypeId): TypeId {
    return this.#type('', BTF_KIND.CONST, of);
  }
  typedef(name: string, of: TypeId): TypeId {
    return this.#type(name, BTF_KIND.TYPEDEF, of);
  }
  array(of: TypeId, length: number): TypeId {
    return this.#type('', BTF_KIND.ARRAY, 0, { words: [of, 1, length] });
  }
  enum(name: string, size: number, values: Readonly<Record<string, bigint>>, signed: boolean): TypeId {
    const rows = Object.entries(values);
    const kind = size === 8 ? BTF_KIND.ENUM64 : BTF_KIND.ENUM;
    const words = rows.flatMap(([row, value]) => {
      const low = Number(BigInt.asUintN(32, value));
      return [this.#string(row), low, ...(size === 8 ? [Number(BigInt.asUintN(32, value >> 32n))] : [])];
    });
    return this.#type(name, kind, size, { words, vlen: rows.length, flag: signed });
  }
  struct(name: string, size: number, members: readonly Member[]): TypeId {
    return this.#composite(BTF_KIND.STRUCT, name, size, members);
  }
  union(name: string, size: number, members: readonly Member[]): TypeId {
    return this.#composite(BTF_KIND.UNION, name, size, members);
  }
  forward(name: string): TypeId {
    return this.#type(name, BTF_KIND.FWD, 0);
  }
  function(name: string, params: readonly TypeId[]): TypeId {
    const proto = this.#type('', BTF_KIND.FUNC_PROTO, 0, {
      words: params.flatMap((type) => [this.#string('ctx'), type]),
      vlen: params.length,
    });
    return this.#type(name, BTF_KIND.FUNC, proto, { vlen: 1 });
  }
  datasec(name: string, variables: readonly Variable[]): TypeId {
    const words = variables.flatMap((variable) => [
      this.#type(variable.name, BTF_KIND.VAR, variable.type, { words: [1] }),
      variable.offset,
      variable.size,
    ]);
    const size = Math.max(0, ...variables.map((variable) => variable.offset + variable.size));
    return this.#type(name, BTF_KIND.DATASEC, size, { words, vlen: variables.length });
  }

  build(): Btf {
    const strings = utf8Bytes(this.#strings);
    const header = [0x0001eb9f, 24, 0, this.#words.length * 4, this.#words.length * 4, strings.length];
    const bytes = new Uint8Array(24 + this.#words.length * 4 + strings.length);
    const view = new DataView(bytes.buffer);
    for (const [i, word] of [...header, ...this.#words].entries()) view.setUint32(i * 4, word, true);
    bytes.set(strings, 24 + this.#words.length * 4);
    return parseBtf(region(bytes, { file: 'built' }));
  }

  #composite(kind: number, name: string, size: number, members: readonly Member[]): TypeId {
    const flag = members.some(({ bits }) => bits !== undefined);
    const words = members.flatMap(({ name: member, type, bitOffset, bits = 0 }) => [
      this.#string(member),
      type,
      flag ? (bits << 24) | bitOffset : bitOffset,
    ]);
    return this.#type(name, kind, size, { words, vlen: members.length, flag });
  }
  #type(
    name: string,
    kind: number,
    third: number,
    { words = [], vlen = 0, flag = false }: { words?: readonly number[]; vlen?: number; flag?: boolean } = {},
  ): TypeId {
    this.#words.push(
      this.#string(name),
      ((flag ? 0x80000000 : 0) | (kind << 24) | vlen) >>> 0,
      third,
      ...words.map((word) => word >>> 0),
    );
    return this.#next++;
  }
  #string(text: string): number {
    if (text === '') return 0;
    const at = utf8Bytes(this.#strings).length;
    this.#strings += `${text}\0`;
    return at;
  }
}
