import { describe, expect, it } from 'vitest';
import { hex } from '../../src/bytes/index.js';
import { UsageError } from '../../src/errors.js';
import { type SectionMemory, variablesOf } from '../../src/maps/index.js';
import { BtfBuilder } from './build-btf.js';

function make(more: Partial<SectionMemory> = {}) {
  const builder = new BtfBuilder();
  const u64 = builder.int('unsigned long', 8);
  const pair = builder.struct('pair', 4, [
    { name: 'a', type: builder.int('unsigned short', 2), bitOffset: 0 },
    { name: 'b', type: builder.int('unsigned short', 2), bitOffset: 16 },
  ]);
  const list = builder.array(builder.int('short', 2, true), 2);
  const datasec = builder.datasec('.data', [
    { name: 'count', type: builder.const(u64), offset: 0, size: 8 },
    { name: 'pair', type: pair, offset: 8, size: 4 },
    { name: 'list', type: list, offset: 12, size: 4 },
    { name: 'odd', type: builder.float('long double', 16), offset: 16, size: 16 },
    { name: 'late', type: u64, offset: 28, size: 8 },
  ]);
  const bytes = new Uint8Array(32);
  const memory = { section: '.data', bytes: () => bytes, ...more };
  return {
    bytes,
    variables: variablesOf(builder.build(), datasec, memory) as Record<string, unknown> & { count: bigint; pair: unknown },
  };
}

describe('variablesOf', () => {
  it('reads the memory as it is at that moment, and writes into it', () => {
    const { bytes, variables } = make();
    expect(variables.count).toBe(0n);
    bytes[0] = 7;
    expect(variables.count).toBe(7n);
    variables.count = 0x0102030405060708n;
    variables.pair = { a: 1, b: 2 };
    variables.list = [-1, 1];
    expect(hex(bytes.subarray(0, 16))).toBe('080706050403020101000200ffff0100');
  });

  it('leaves alone members that a value does not name', () => {
    const { variables } = make();
    variables.pair = { a: 1, b: 2 };
    variables.pair = { b: 3 };
    expect(variables.pair).toEqual({ a: 1, b: 3 });
  });

  it('writes nothing of a value that it refuses', () => {
    const { bytes, variables } = make();
    expect(() => {
      variables.list = [5, 70_000];
    }).toThrow('list[1]: 70000 does not fit a signed integer of 16 bits');
    expect(() => {
      variables.pair = { a: 5, c: 1 };
    }).toThrow('pair: there is no member c');
    expect(bytes).toEqual(new Uint8Array(32));
  });

  it('has the keys of an object', () => {
    const { variables } = make();
    expect(Object.keys(variables)).toEqual(['count', 'pair', 'list', 'odd', 'late']);
    expect('count' in variables).toBe(true);
    expect('counter' in variables).toBe(false);
    expect(Object.getOwnPropertyDescriptor(variables, 'count')?.writable).toBe(true);
  });

  it('suggests a name that is near, and lists them all where none is', () => {
    const { variables } = make();
    expect(() => variables.cuont).toThrow(
      new UsageError('There is no variable "cuont" in .data', { where: { section: '.data' }, remedy: 'Did you mean "count"?' }),
    );
    expect(() => {
      variables.somethingElse = 1;
    }).toThrow('Variables: count, pair, list, odd, late.');
  });

  it('refuses to write what is read-only, and says why', () => {
    const { variables } = make({ readOnly: 'constants are frozen' });
    expect(() => {
      variables.count = 1n;
    }).toThrow(new UsageError('Cannot set "count": constants are frozen'));
    expect(variables.count).toBe(0n);
    expect(Object.getOwnPropertyDescriptor(variables, 'count')?.writable).toBe(false);
  });

  it('keeps the others usable when one has a type without values, or ends past the memory', () => {
    const { variables } = make();
    expect(() => variables.odd).toThrow('long double has 16 bytes');
    expect(() => variables.late).toThrow('Variable "late" ends past the 32 bytes of .data');
    expect(variables.count).toBe(0n);
  });

  it('may be awaited and logged like any value', async () => {
    const { variables } = make();
    expect(await Promise.resolve(variables)).toBe(variables);
    expect(() => `${JSON.stringify(Object.keys(variables))}`).not.toThrow();
    expect((variables as { toJSON?: unknown }).toJSON).toBeUndefined();
  });

  it('finds nothing in what is no DATASEC', () => {
    const builder = new BtfBuilder();
    const id = builder.int('int', 4, true);
    expect(Object.keys(variablesOf(builder.build(), id, { section: '.data', bytes: () => new Uint8Array() }))).toEqual([]);
  });
});
