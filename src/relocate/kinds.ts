// The thirteen CO-RE relocation kinds, by enum bpf_core_relo_kind number, with the words that libbpf's messages use.

/** What a record's access string describes: a path into a type, a whole type, or an enumerator. */
export type CoreClass = 'field' | 'type' | 'enumval';

export const CORE_KINDS = [
  { name: 'byte_off', class: 'field' },
  { name: 'byte_sz', class: 'field' },
  { name: 'field_exists', class: 'field' },
  { name: 'signed', class: 'field' },
  { name: 'lshift_u64', class: 'field' },
  { name: 'rshift_u64', class: 'field' },
  { name: 'local_type_id', class: 'type' },
  { name: 'target_type_id', class: 'type' },
  { name: 'type_exists', class: 'type' },
  { name: 'type_size', class: 'type' },
  { name: 'enumval_exists', class: 'enumval' },
  { name: 'enumval_value', class: 'enumval' },
  { name: 'type_matches', class: 'type' },
] as const satisfies readonly { readonly name: string; readonly class: CoreClass }[];

export type CoreKind = (typeof CORE_KINDS)[number]['name'];
export const classOf = (kind: CoreKind): CoreClass => CORE_KINDS.find((row) => row.name === kind)?.class as CoreClass;
