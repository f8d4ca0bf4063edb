// A struct_ops structure before it is loaded, as a JavaScript object: values of its fields, and names of programs for its functions.

import { type BtfOf, resolved } from '../btf/index.js';
import { UsageError } from '../errors.js';
import { fieldsOf } from '../maps/index.js';
import { autoloadStructOps, type BpfMapDef, type BpfObject, type StructOps } from '../object/index.js';
import { type Holder, named } from './settings.js';

/** Reading and writing goes to the image that will be loaded; a function is the name of a program, or null. */
export function structOpsOf(holder: Holder, name: string): Record<string, unknown> {
  const { object } = holder;
  const { btf } = object;
  const map = named(
    'struct_ops',
    object.maps.filter(({ structOps }) => structOps),
    name,
    object,
  );
  if (!btf || !map.structOps) throw new UsageError(`${name} has no types`, { where: object.where });
  const { type, image } = map.structOps;
  const struct = resolved(btf, type) as BtfOf<'STRUCT'>;
  const values = fieldsOf(btf, type, { section: name, bytes: () => image });
  const functionAt = (field: string | symbol): number =>
    struct.members.findIndex((member) => {
      const pointer = member.name === field ? resolved(btf, member.type) : undefined;
      return pointer?.kind === 'PTR' && resolved(btf, pointer.type).kind === 'FUNC_PROTO';
    });
  const current = (): StructOps => holder.object.maps.find((candidate) => candidate.name === name)?.structOps as StructOps;
  return new Proxy(values, {
    get: (target, field) => {
      const member = functionAt(field);
      return member < 0 ? Reflect.get(target, field) : (current().programs.get(member) ?? null);
    },
    set: (target, field, value) => {
      const member = functionAt(field);
      if (member < 0) return Reflect.set(target, field, value);
      holder.object = withFunction(holder.object, name, member, String(field), value);
      return true;
    },
  });
}

/** A program that no structure needs any more is not loaded. */
function withFunction(object: BpfObject, name: string, member: number, field: string, value: unknown): BpfObject {
  const programs = object.programs.filter(({ type }) => type === 'BPF_PROG_TYPE_STRUCT_OPS');
  if (value !== null && typeof value !== 'string')
    throw new UsageError(`${name}.${field} is a function: set it to the name of a program, or to null`, { where: object.where });
  if (value !== null) named('struct_ops program', programs, value, object);
  const changed = ({ structOps, ...map }: BpfMapDef): BpfMapDef => {
    if (!structOps) return map;
    const set = new Map(structOps.programs);
    if (value === null) set.delete(member);
    else set.set(member, value);
    return { ...map, structOps: { ...structOps, programs: set } };
  };
  const before = object.maps.find((map) => map.name === name)?.structOps?.programs.get(member);
  const maps = object.maps.map((map) => (map.name === name ? changed(map) : map));
  const dropped = object.programs.map((program) =>
    program.name === before && before !== value ? { ...program, autoload: false } : program,
  );
  return { ...object, maps, programs: autoloadStructOps(dropped, maps) };
}
