// The schemas in docs/schemas, and values that they must refuse.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';

const FOLDER = join(import.meta.dirname, '../../docs/schemas');

export interface Schema {
  readonly $schema: string;
  readonly $id: string;
  readonly title: string;
  readonly $defs?: Readonly<Record<string, unknown>>;
}

/** By the name of the file, without `.json`. */
export const SCHEMAS: ReadonlyMap<string, Schema> = new Map(
  readdirSync(FOLDER).map((file) => [
    file.replace(/\.json$/, ''),
    JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Schema,
  ]),
);

/** Strict: a keyword that is misspelt, or says nothing where it stands, is an error. */
const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, schemas: [...SCHEMAS.values()] });

/** What is wrong with a value; empty if nothing is. @throws {Error} when there is no such schema. */
export function faults(schema: string, value: unknown): string[] {
  const validate = ajv.getSchema(`${schema}.json`);
  if (!validate) throw new Error(`There is no docs/schemas/${schema}.json`);
  return validate(value) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message}`);
}

/** Every object with `properties` that is in a schema, with the way to it. */
export function* objectsIn(schema: unknown, path = ''): Generator<readonly [path: string, object: Record<string, unknown>]> {
  if (typeof schema !== 'object' || schema === null) return;
  if ('type' in schema && 'properties' in schema) yield [path, schema as Record<string, unknown>];
  for (const [key, value] of Object.entries(schema)) yield* objectsIn(value, `${path}/${key}`);
}

/** A schema and all that it refers to. */
function reachable(schema: string, seen = new Set<unknown>()): Set<unknown> {
  const visit = (node: unknown, file: string): void => {
    if (typeof node !== 'object' || node === null || seen.has(node)) return;
    seen.add(node);
    for (const [key, value] of Object.entries(node)) {
      if (key === '$defs') continue;
      if (key === '$ref') visit(...referred(value as string, file));
      else visit(value, file);
    }
  };
  visit(SCHEMAS.get(schema), schema);
  return seen;
}

/** `common.json#/$defs/verdict`: what stands there, and in which file. */
function referred(ref: string, from: string): [node: unknown, file: string] {
  const [name = '', path = ''] = ref.split('#');
  const file = name === '' ? from : name.replace(/\.json$/, '');
  const keys = path.split('/').slice(1);
  return [keys.reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], SCHEMAS.get(file)), file];
}

/** Names that some object of this schema may lack. */
export function optionalKeys(schema: string): ReadonlySet<string> {
  const objects = [...reachable(schema)] as { readonly properties?: unknown; readonly required?: readonly string[] }[];
  return new Set(
    objects.flatMap(({ properties, required = [] }) =>
      typeof properties === 'object' ? Object.keys(properties as object).filter((key) => !required.includes(key)) : [],
    ),
  );
}
/** Under these keys stand names that are not ours: of variables, attributes, registers, settings. */
const OPEN =
  /^(formatted|metadata|attr|registers|value|functions|system_config|program_types|map_types|helpers|misc|attach_types)$/;
/** So many elements of a list are like all others. */
const SOME = 3;

export interface Mutant {
  readonly what: string;
  readonly value: unknown;
}

/**
 * `value` with one thing wrong, in each way that a schema is to notice: a key too many, a key too few, a value of another type.
 * @param optional Keys that may be absent.
 */
export function* mutants(value: unknown, optional: ReadonlySet<string>, path = ''): Generator<Mutant> {
  yield { what: `${path}: another type`, value: { 'not a': ['type of ours'] } };
  if (Array.isArray(value)) {
    for (const [i, item] of value.slice(0, SOME).entries())
      for (const { what, value: wrong } of mutants(item, optional, `${path}/${i}`)) yield { what, value: value.with(i, wrong) };
  } else if (typeof value === 'object' && value !== null) {
    yield { what: `${path}: a key too many`, value: { ...value, nobody_knows: 1 } };
    for (const [key, member] of Object.entries(value)) {
      const { [key]: _, ...rest } = value as Record<string, unknown>;
      if (!optional.has(key)) yield { what: `${path}: no ${key}`, value: rest };
      if (OPEN.test(key)) continue;
      for (const { what, value: wrong } of mutants(member, optional, `${path}/${key}`))
        yield { what, value: { ...value, [key]: wrong } };
    }
  }
}
