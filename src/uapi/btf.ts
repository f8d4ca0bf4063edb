// BTF, from include/uapi/linux/btf.h (v6.18; vlen and kind with the wider masks of later kernels, whose new bits were zero before).

import { struct } from '../bytes/index.js';

export const BTF_MAGIC = 0xeb9f;
export const BTF_VERSION = 1;

/** struct btf_header. `hdr_len` may be larger; offsets count from its end. */
export const btfHeader = struct('btf_header', {
  magic: 'u16',
  version: 'u8',
  flags: 'u8',
  hdr_len: 'u32',
  type_off: 'u32',
  type_len: 'u32',
  str_off: 'u32',
  str_len: 'u32',
});

/** struct btf_ext_header. The core_relo pair is there only if `hdr_len` covers it. */
export const btfExtHeader = struct('btf_ext_header', {
  magic: 'u16',
  version: 'u8',
  flags: 'u8',
  hdr_len: 'u32',
  func_info_off: 'u32',
  func_info_len: 'u32',
  line_info_off: 'u32',
  line_info_len: 'u32',
  core_relo_off: 'u32',
  core_relo_len: 'u32',
});

/** BTF_KIND_*, by number. */
export const BTF_KINDS = [
  'VOID',
  'INT',
  'PTR',
  'ARRAY',
  'STRUCT',
  'UNION',
  'ENUM',
  'FWD',
  'TYPEDEF',
  'VOLATILE',
  'CONST',
  'RESTRICT',
  'FUNC',
  'FUNC_PROTO',
  'VAR',
  'DATASEC',
  'FLOAT',
  'DECL_TAG',
  'TYPE_TAG',
  'ENUM64',
] as const;
export type BtfKind = (typeof BTF_KINDS)[number];
export const BTF_KIND = Object.fromEntries(BTF_KINDS.map((kind, number) => [kind, number])) as {
  readonly [K in BtfKind]: number;
};

/**
 * What follows the 12 bytes of struct btf_type, in 32-bit words: `fixed` once and `element` for each of vlen.
 * A BTF type section is made of nothing but 32-bit words, so this table is all that it takes to walk one.
 */
export const BTF_KIND_WORDS: readonly { readonly fixed: number; readonly element: number }[] = BTF_KINDS.map((kind) => {
  switch (kind) {
    case 'INT':
    case 'VAR':
    case 'DECL_TAG':
      return { fixed: 1, element: 0 };
    case 'ARRAY':
      return { fixed: 3, element: 0 };
    case 'STRUCT':
    case 'UNION':
    case 'DATASEC':
    case 'ENUM64':
      return { fixed: 0, element: 3 };
    case 'ENUM':
    case 'FUNC_PROTO':
      return { fixed: 0, element: 2 };
    default:
      return { fixed: 0, element: 0 };
  }
});

/** The top bit of a type's info. */
export const BTF_KIND_FLAG = 0x80000000;

export const BTF_INT_SIGNED = 1;
export const BTF_INT_CHAR = 2;
export const BTF_INT_BOOL = 4;

export const BTF_FUNC_STATIC = 0;
export const BTF_FUNC_GLOBAL = 1;
export const BTF_FUNC_EXTERN = 2;

export const BTF_VAR_STATIC = 0;
export const BTF_VAR_GLOBAL_ALLOCATED = 1;
export const BTF_VAR_GLOBAL_EXTERN = 2;
