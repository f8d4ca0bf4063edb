// What to write in C where a relocation has no value on some kernels: a guard, and where the kernel has a likely stand-in, a flavor.

import { essentialName, resolved, spell } from '../btf/index.js';
import { declare } from './declare.js';
import { classOf } from './kinds.js';
import { membersOf } from './members.js';
import type { Verdict } from './relocate.js';
import type { Spec } from './spec.js';

export interface Found {
  /** The candidate that matches best, if any has the name. */
  readonly best?: Verdict;
  readonly nearest: readonly string[];
  readonly moved: readonly string[];
  /** Where the field is there, but of a size that a load cannot be changed to. */
  readonly resized?: Spec | undefined;
}

const FLAVOR = '___new';

/** C code, of one or several lines. */
export function suggestionFor(local: Spec, found: Found): string {
  const { btf, root, kind } = local;
  const type = spell(btf, root);
  switch (classOf(kind)) {
    case 'type':
      return `if (bpf_core_type_exists(${type})) …`;
    case 'enumval':
      return enumerator(type, local, found);
    case 'field':
      if (!found.best) return [`if (bpf_core_type_exists(${type})) …`, ...instead(type, found)].join('\n');
      return field(type, local, found);
  }
}

const instead = (type: string, { nearest: [name] }: Found): string[] => (name ? [`or use ${type.replace(/\S+$/, name)}`] : []);

function enumerator(type: string, { accessors }: Spec, { best, nearest: [near] }: Found): string {
  if (!best) return `if (bpf_core_type_exists(${type})) …`;
  const name = essentialName(accessors[0]?.name ?? '');
  const guard = `if (bpf_core_enum_value_exists(${type}, ${accessors[0]?.name ?? name})) …`;
  if (!near) return guard;
  const flavor = `${withFlavor(type)} { ${near} };`;
  return `${guard}\nelse with a flavor, for bpf_core_enum_value(${withFlavor(type)}, ${near}):\n${flavor}`;
}

function field(type: string, local: Spec, found: Found): string {
  if (found.resized) return resized(type, local, found.resized);
  const { accessors } = local;
  const step = found.best?.at?.step ?? accessors.length - 1;
  const guard = `if (bpf_core_field_exists(${type}, ${fieldText(local)})) …`;
  const flavor = flavorOf(type, local, step, found);
  return flavor ? `${guard}\nelse with a flavor:\n${flavor}` : guard;
}

/** What stands after the type in a CO-RE macro: `i_atime.tv_sec`. */
const fieldText = ({ accessors }: Spec): string =>
  accessors
    .slice(1)
    .map(({ name, index }, i) => (name === undefined ? `[${index}]` : `${i > 0 ? '.' : ''}${name}`))
    .join('');

/** A flavor that declares what the kernel has, where it has it. Of a nested struct, the flavor is of the one that lacks the member. */
function flavorOf(type: string, local: Spec, step: number, { best, nearest: [near], moved: [path] }: Found): string | undefined {
  if (!best?.at) return undefined;
  const { btf, at } = best;
  const owner = resolved(btf, at.owner);
  const head = step === 1 ? type : owner.name ? spell(btf, owner.id) : undefined;
  if (head === undefined || !/^(struct|union) \S+$/.test(head) || head.includes('<')) return undefined;
  const body = path ? nested(path.split('.'), local, step) : near ? memberText(best, near) : undefined;
  return body && `${withFlavor(head)} {\n\t${body}\n} __attribute__((preserve_access_index));`;
}

function memberText({ btf, at }: Verdict, name: string): string | undefined {
  const member = at && membersOf(btf, at.owner).find((candidate) => candidate.name === name);
  return member && `${declare(btf, member.type, name)}${member.bits > 0 ? ` : ${member.bits}` : ''};`;
}

/** `struct { … rx; } stats;` with the type that the object gives the member. */
function nested(path: readonly string[], { btf, accessors }: Spec, step: number): string | undefined {
  const accessor = accessors[step];
  const owner = accessor && btf.type(accessor.type);
  if (!owner || (owner.kind !== 'STRUCT' && owner.kind !== 'UNION')) return undefined;
  const member = owner.members[accessor.index];
  if (!member) return undefined;
  return path.reduceRight(
    (inner, name, i) => (i === path.length - 1 ? `${declare(btf, member.type, name)};` : `struct { ${inner} } ${name};`),
    '',
  );
}

/** The kernel's type of the field, for a load of the right size. */
function resized(type: string, local: Spec, spec: Spec): string {
  const last = spec.accessors.at(-1);
  const owner = last && spec.btf.type(last.type);
  const member = owner && (owner.kind === 'STRUCT' || owner.kind === 'UNION') ? owner.members[last.index] : undefined;
  const read = `BPF_CORE_READ_BITFIELD_PROBED() reads integers of any size`;
  if (!member || last?.name === undefined || spec.accessors.length !== 2 || !/^(struct|union) \S+$/.test(type))
    return `${read}: ${fieldText(local)}`;
  const bits = member.bitfieldSize > 0 ? ` : ${member.bitfieldSize}` : '';
  return `with a flavor that has the kernel's type:\n${withFlavor(type)} {\n\t${declare(spec.btf, member.type, last.name)}${bits};\n} __attribute__((preserve_access_index));`;
}

/** `struct inode___old` -> `struct inode___new`. */
const withFlavor = (type: string): string => type.replace(/\S+$/, (name) => `${essentialName(name)}${FLAVOR}`);
