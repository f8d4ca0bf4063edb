// How the types of one object reach the API: as a type parameter that `tsbpf gen types` writes, or a user does.

import type { BpfMap, RingBuffer } from '../maps/index.js';

/**
 * What an object has, for the compiler: variables by section, and maps.
 * @example interface Bootstrap { rodata: { min_duration_ns: bigint }; maps: { rb: RingBuffer<BootstrapEvent>; exec_start: BpfMap<number, bigint> } }
 */
export interface ObjectTypes {
  readonly rodata?: object;
  readonly data?: object;
  readonly bss?: object;
  readonly maps: object;
}

/** Of an object that nothing is known about when the application is compiled. */
export interface Untyped extends ObjectTypes {
  readonly rodata: Record<string, unknown>;
  readonly data: Record<string, unknown>;
  readonly bss: Record<string, unknown>;
  readonly maps: Readonly<Record<string, BpfMap | RingBuffer>>;
}

/** The variables of a section, for the compiler. A section that T does not have has no variables. */
export type Section<T extends ObjectTypes, Name extends 'rodata' | 'data' | 'bss'> = T[Name] extends object
  ? T[Name]
  : Record<string, never>;
