// What a BPF object is, as a value: the same on every machine, before any kernel is asked anything.

import type { Btf, BtfExt, CoreRelo, TypeId } from '../btf/index.js';
import type { Where } from '../errors.js';
import type { BpfAttachType, BpfProgType } from '../uapi/enums.js';
import type { SecDef } from './sec-defs.js';

/** A reference that an instruction makes to something outside its function. `insn` is a slot of that function. */
export type Reference = { readonly insn: number } & (
  | { readonly kind: 'map'; readonly map: string }
  | { readonly kind: 'map_value'; readonly map: string; readonly offset: number }
  /** A call, or an address taken, of the function in `.text` that has slot `target` of that section. */
  | { readonly kind: 'call' | 'subprog_addr'; readonly target: number }
  | { readonly kind: 'extern'; readonly name: string }
);

/** A function of the object: an entry program, or a subprogram in `.text`. */
export interface BpfFunction {
  readonly name: string;
  /** As the section is called in the file, a leading `?` included: what .BTF.ext goes by. */
  readonly section: string;
  /** First slot in the section. */
  readonly start: number;
  /** Little-endian, whatever the object's order. */
  readonly insns: Uint8Array;
  readonly references: readonly Reference[];
  readonly isSubprogram: boolean;
  /** What its section name makes of it; undefined for subprograms and for names without a meaning. */
  readonly def: SecDef | undefined;
  readonly type: BpfProgType;
  /** False when the section name starts with `?`, and for struct_ops programs that no structure needs. */
  readonly autoload: boolean;
  /** False: `attach` leaves it out, and nothing is asked about what it would hook into. */
  readonly autoattach?: boolean;
  /** In place of what its section name means; null for none. */
  readonly expectedAttachType?: BpfAttachType | null;
  /** BPF_F_… flags for the kernel, besides those that its section name means. */
  readonly flags?: number;
  /** What the verifier is to write down even if it takes the program: 1, 2 with every state, 4 statistics, and sums of them. */
  readonly logLevel?: number;
  /** Another BPF program, by its descriptor, that this one hooks into or replaces a function of. */
  readonly targetProgram?: { readonly fd: number; readonly name?: string };
  /** The subprogram that runs when it throws. */
  readonly exceptionCallback?: string;
}

export interface BpfMapDef {
  /** What users call it: the variable, or for data sections see `mapNames`. */
  readonly name: string;
  /** What the kernel is told; at most 15 bytes. */
  readonly kernelName: string;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly numaNode: number;
  readonly extra: bigint;
  /** Where it is pinned, or will be: `/sys/fs/bpf/<name>` for `__uint(pinning, LIBBPF_PIN_BY_NAME)`. */
  readonly pinPath?: string;
  /** A map of this process that takes its place: its descriptor, and the name that libbpf would know it by from then on. */
  readonly reuse?: { readonly fd: number; readonly name: string };
  /** False: it is left out of a load, and so is code that refers to it. */
  readonly autocreate: boolean;
  readonly keyType?: TypeId;
  readonly valueType?: TypeId;
  /**
   * A data section: its one value, the whole section, and its ELF name. `frozen`: not writable once the kernel has it.
   * Of an arena, the variables that the object defines in it, and on what byte of it they start, once the machine is known.
   */
  readonly data?: {
    readonly section: string;
    readonly image: Uint8Array;
    readonly frozen: boolean;
    readonly offset?: number;
  };
  /** What the maps in this map are like. */
  readonly inner?: BpfMapDef;
  /** What is in it from the start: maps in maps of maps, programs in program arrays. */
  readonly slots?: readonly MapSlot[];
  readonly structOps?: StructOps;
}

/** Key `index` has the map or program `name` as its value. */
export interface MapSlot {
  readonly index: number;
  readonly name: string;
}

/** A kernel structure of functions that BPF programs stand in for. Fields other than functions can be set until it is loaded. */
export interface StructOps {
  /** The structure as the object declares it. */
  readonly type: TypeId;
  /** Its bytes, as the object lays it out. */
  readonly image: Uint8Array;
  /** By number of the member. */
  readonly programs: ReadonlyMap<number, string>;
  /** Attached by a link, which keeps it in use; without, it stays until it is deleted. */
  readonly link: boolean;
}

/** How a value of the kernel's configuration is written to a variable. */
export interface KconfigType {
  readonly value: 'bool' | 'char' | 'int' | 'tristate' | 'string';
  readonly signed: boolean;
}

/** Declared here, defined by the kernel or its configuration. A weak one may be missing there. */
export type Extern = { readonly name: string; readonly weak: boolean } /** Has its place in the map of .kconfig. */ & (
  | ({ readonly section: '.kconfig'; readonly kind: 'kconfig'; readonly size: number; readonly offset: number } & KconfigType)
  /** `type` as declared here, modifiers and typedefs aside. It is 0 for `extern const void name __ksym`: the address alone. */
  | { readonly section: '.ksyms'; readonly kind: 'variable' | 'function'; readonly type: TypeId }
);

export interface BpfObject {
  readonly name: string;
  readonly where: Where;
  readonly littleEndian: boolean;
  readonly license: string;
  /** Of a `version` section; undefined means the running kernel's. */
  readonly kernVersion: number | undefined;
  readonly btf: Btf | undefined;
  readonly ext: BtfExt;
  readonly coreRelos: ReadonlyMap<string, readonly CoreRelo[]>;
  /** By section, then by place in it. */
  readonly programs: readonly BpfFunction[];
  readonly maps: readonly BpfMapDef[];
  /** In libbpf's order, .kconfig first. */
  readonly externs: readonly Extern[];
}
