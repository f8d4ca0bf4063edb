// The variables of a data section as the properties of an object: `object.rodata.min_duration_ns = 5n`.

import type { Btf, TypeId } from '../btf/index.js';
import { nearest } from '../bytes/index.js';
import { UsageError } from '../errors.js';
import { compileDecoder, type Decode } from './decode.js';
import { encoded, encodeValue } from './encode.js';
import { type Shape, shapeOf } from './values.js';

export interface SectionMemory {
  /** `.rodata`, for errors. */
  readonly section: string;
  readonly bytes: () => Uint8Array;
  /** Why it cannot be written, if it cannot. */
  readonly readOnly?: string;
}

/** `await` and JSON.stringify look for these on whatever they are given; no answer is an answer. */
export const ASKED_BY_JAVASCRIPT: ReadonlySet<string> = new Set(['then', 'toJSON']);

interface Variable {
  readonly offset: number;
  readonly shape: Shape;
  decode?: Decode;
}

/**
 * An object with a property for each variable of DATASEC `datasec`. Reading decodes the memory as it is at that moment; writing
 * encodes into it.
 * @throws from its properties, {UsageError} for a variable that is not there, a value that does not fit, memory that is read-only.
 */
export function variablesOf(btf: Btf, datasec: TypeId, memory: SectionMemory): Record<string, unknown> {
  const type = btf.type(datasec);
  const places = (type.kind === 'DATASEC' ? type.vars : []).flatMap(({ type: id, offset }): Place[] => {
    const variable = btf.type(id);
    return variable.kind === 'VAR' ? [{ name: variable.name, type: variable.type, offset }] : [];
  });
  return propertiesOf(btf, places, memory);
}

/** As `variablesOf`, of the members of a struct; bitfields and anonymous members are left out. */
export function fieldsOf(btf: Btf, struct: TypeId, memory: SectionMemory): Record<string, unknown> {
  const type = btf.type(struct);
  const members = type.kind === 'STRUCT' || type.kind === 'UNION' ? type.members : [];
  const places = members.filter(({ name, bitfieldSize }) => name && bitfieldSize === 0);
  return propertiesOf(
    btf,
    places.map(({ name, type: id, bitOffset }) => ({ name, type: id, offset: bitOffset / 8 })),
    memory,
  );
}

interface Place {
  readonly name: string;
  readonly type: TypeId;
  readonly offset: number;
}

function propertiesOf(btf: Btf, places: readonly Place[], memory: SectionMemory): Record<string, unknown> {
  const variables = new Map<string, Variable | TypeId>(places.map(({ name, type }) => [name, type]));
  const offsets = new Map(places.map(({ name, offset }) => [name, offset]));
  /** Shapes are made when a variable is first touched: one of an odd type must not make the others unusable. */
  const find = (name: string): Variable => {
    const known = variables.get(name);
    if (known === undefined) {
      const similar = nearest(name, variables.keys());
      throw new UsageError(`There is no variable "${name}" in ${memory.section}`, {
        where: { section: memory.section },
        remedy: similar ? `Did you mean "${similar}"?` : `Variables: ${[...variables.keys()].join(', ')}.`,
      });
    }
    if (typeof known === 'object') return known;
    const variable: Variable = { offset: offsets.get(name) as number, shape: shapeOf(btf, known) };
    variables.set(name, variable);
    return variable;
  };
  const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const check = (bytes: Uint8Array, { offset, shape }: Variable, name: string) => {
    if (offset + shape.size > bytes.length)
      throw new UsageError(`Variable "${name}" ends past the ${bytes.length} bytes of ${memory.section}`);
  };

  return new Proxy<Record<string, unknown>>(
    {},
    {
      get: (_, name) => {
        if (typeof name === 'symbol' || (!variables.has(name) && ASKED_BY_JAVASCRIPT.has(name))) return undefined;
        const variable = find(name);
        const bytes = memory.bytes();
        check(bytes, variable, name);
        variable.decode ??= compileDecoder(variable.shape);
        return variable.decode(viewOf(bytes), bytes, variable.offset);
      },
      set: (_, name, value) => {
        if (memory.readOnly) throw new UsageError(`Cannot set "${String(name)}": ${memory.readOnly}`);
        const variable = find(String(name));
        const bytes = memory.bytes();
        check(bytes, variable, String(name));
        encoded(variable.shape, value, String(name)); // what is refused half-way must not be half-written
        encodeValue(variable.shape, value, viewOf(bytes), variable.offset, String(name));
        return true;
      },
      has: (_, name) => typeof name === 'string' && variables.has(name),
      ownKeys: () => [...variables.keys()],
      getOwnPropertyDescriptor: (_, name) =>
        typeof name === 'string' && variables.has(name)
          ? { enumerable: true, configurable: true, writable: !memory.readOnly }
          : undefined,
    },
  );
}
