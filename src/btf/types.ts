// What a BTF type is, as a value. Types refer to each other by id, so they are small, lazy, printable and comparable.

import type { BtfKind } from '../uapi/btf.js';

/** 0 is void; ids count up in the order of the file, continuing the base's in split BTF. */
export type TypeId = number;

export type { BtfKind };

/** `bitfieldSize` is 0 for what is not a bitfield; `bitOffset` counts from the start of the struct. */
export interface BtfMember {
  readonly name: string;
  readonly type: TypeId;
  readonly bitOffset: number;
  readonly bitfieldSize: number;
}
export interface BtfEnumerator {
  readonly name: string;
  readonly value: bigint;
}
export interface BtfParam {
  readonly name: string;
  readonly type: TypeId;
}
/** A variable's place in a DATASEC. */
export interface BtfSecinfo {
  readonly type: TypeId;
  readonly offset: number;
  readonly size: number;
}

export type BtfType = { readonly id: TypeId; readonly name: string } & (
  | { readonly kind: 'VOID' }
  | { readonly kind: 'INT'; readonly size: number; readonly bits: number; readonly bitOffset: number; readonly encoding: number }
  | { readonly kind: 'PTR' | 'VOLATILE' | 'CONST' | 'RESTRICT' | 'TYPEDEF'; readonly type: TypeId }
  | { readonly kind: 'TYPE_TAG'; readonly type: TypeId; readonly attribute: boolean }
  | { readonly kind: 'ARRAY'; readonly type: TypeId; readonly indexType: TypeId; readonly nelems: number }
  | { readonly kind: 'STRUCT' | 'UNION'; readonly size: number; readonly members: readonly BtfMember[] }
  | {
      readonly kind: 'ENUM' | 'ENUM64';
      readonly size: number;
      readonly signed: boolean;
      readonly values: readonly BtfEnumerator[];
    }
  | { readonly kind: 'FWD'; readonly union: boolean }
  | { readonly kind: 'FUNC'; readonly type: TypeId; readonly linkage: number }
  | { readonly kind: 'FUNC_PROTO'; readonly type: TypeId; readonly params: readonly BtfParam[] }
  | { readonly kind: 'VAR'; readonly type: TypeId; readonly linkage: number }
  | { readonly kind: 'DATASEC'; readonly size: number; readonly vars: readonly BtfSecinfo[] }
  | { readonly kind: 'FLOAT'; readonly size: number }
  | { readonly kind: 'DECL_TAG'; readonly type: TypeId; readonly component: number; readonly attribute: boolean }
);
export type BtfOf<K extends BtfKind> = BtfType & { readonly kind: K };
