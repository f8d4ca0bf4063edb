// What a user may change of an object before it is loaded: which programs and maps, and how large. The object itself is a value;
// each setting puts another one in its place.

import { hasLink } from '../attach/index.js';
import { nearest } from '../bytes/index.js';
import { UsageError } from '../errors.js';
import { autoloadStructOps, type BpfFunction, type BpfMapDef, type BpfObject } from '../object/index.js';
import { kindOf, mapInfo } from '../syscall/index.js';
import { BPF_OBJ_NAME_LEN } from '../uapi/bpf.js';
import { BPF_ATTACH_TYPE, BPF_PROG_TYPE, type BpfAttachType, type BpfProgType } from '../uapi/enums.js';

/** Whoever holds the current value of an object. */
export interface Holder {
  object: BpfObject;
}

/** A program that is not loaded yet. */
export class ProgramSettings {
  readonly #holder: Holder;
  readonly name: string;

  constructor(holder: Holder, name: string) {
    this.#holder = holder;
    this.name = name;
  }
  /**
   * Whether it will be loaded. False from the start for sections like `SEC("?tp/…")`. A struct_ops program follows the structures that
   * refer to it: it is loaded if one of them is made.
   */
  get autoload(): boolean {
    return this.#program.autoload;
  }
  set autoload(autoload: boolean) {
    this.#change({ autoload });
  }
  /**
   * Whether `attach` attaches it, where its section name says where. False: nothing is asked either about what it would hook into, so
   * a program loads whose tracepoint this kernel lacks.
   */
  get autoattach(): boolean {
    return this.#program.autoattach ?? true;
  }
  set autoattach(autoattach: boolean) {
    this.#change({ autoattach });
  }
  /** Whether its section name says where to attach it, and that can be done by a link, which can be pinned. */
  get hasLink(): boolean {
    return hasLink(this.#program);
  }
  /**
   * BPF_PROG_TYPE_…. One that differs from the section's takes away all else that the section name means: attach type, flags, what it
   * hooks into and how it is attached.
   */
  get type(): BpfProgType {
    return this.#program.type;
  }
  set type(type: BpfProgType) {
    checkName(BPF_PROG_TYPE, type, 'program type', this.name);
    const { def, section } = this.#program;
    if (def?.type !== type) this.#change({ type, def: { sec: section, type } });
  }
  /** BPF_… of bpf_attach_type, in place of what its section name means; undefined for none. */
  get expectedAttachType(): BpfAttachType | undefined {
    const { expectedAttachType, def } = this.#program;
    return (expectedAttachType === undefined ? def?.attachType : expectedAttachType) ?? undefined;
  }
  set expectedAttachType(type: BpfAttachType | undefined) {
    if (type !== undefined) checkName(BPF_ATTACH_TYPE, type, 'attach type', this.name);
    this.#change({ expectedAttachType: type ?? null });
  }
  /** BPF_F_… flags, besides those that its section name means. */
  get flags(): number {
    return this.#program.flags ?? 0;
  }
  set flags(flags: number) {
    this.#change({ flags });
  }
  /** See `LoadOptions.logLevel`; this program's own. */
  get logLevel(): number {
    return this.#program.logLevel ?? 0;
  }
  set logLevel(logLevel: number) {
    this.#change({ logLevel });
  }
  /**
   * Makes it hook into another BPF program, or replace a function of it (`SEC("freplace/…")`).
   * @param fd   Of that program, which stays its owner's.
   * @param name The function; by default what stands in this program's section.
   */
  attachTo(fd: number, name?: string): void {
    this.#change({ targetProgram: { fd, ...(name !== undefined && { name }) } });
  }

  get #program(): BpfFunction {
    return this.#holder.object.programs.find(({ name }) => name === this.name) as BpfFunction;
  }
  #change(fields: Partial<BpfFunction>): void {
    const { object } = this.#holder;
    const programs = object.programs.map((program) => (program.name === this.name ? { ...program, ...fields } : program));
    this.#holder.object = { ...object, programs: autoloadStructOps(programs, object.maps) };
  }
}

/** A map that is not created yet. */
export class MapSettings {
  readonly #holder: Holder;
  readonly name: string;

  constructor(holder: Holder, name: string) {
    this.#holder = holder;
    this.name = name;
  }
  /** Elements; bytes of a ring buffer, pages of an arena. */
  get maxEntries(): number {
    return this.#map.maxEntries;
  }
  set maxEntries(maxEntries: number) {
    checkU32(maxEntries, 'max_entries', this.name);
    this.#change({ maxEntries });
  }
  /** Where it is pinned, or taken from; undefined for a map of this process alone. */
  get pinPath(): string | undefined {
    return this.#map.pinPath;
  }
  set pinPath(pinPath: string | undefined) {
    if (pinPath !== undefined && !/^\/.*[^/]$/.test(pinPath))
      throw new UsageError(`"${pinPath}" is no absolute path of a file`, {
        where: { map: this.name },
        remedy: `Name a file in a BPF file system: /sys/fs/bpf/${this.name}.`,
      });
    if (pinPath !== undefined && /\.[^/]*$/.test(pinPath))
      throw new UsageError(`The kernel takes no dot in the name of what is pinned: ${pinPath}`, {
        where: { map: this.name },
        remedy: `Another name will do: ${pinPath.replace(/[^/]*$/, (name) => name.replaceAll('.', '_'))}.`,
      });
    const { pinPath: _, ...rest } = this.#map;
    this.#replace(pinPath === undefined ? rest : { ...rest, pinPath });
  }
  /**
   * A map that is there takes the place of this one: it is not created, and has the contents that it has. Its sizes become those of this one;
   * whether they suit the programs, the verifier says.
   * @param fd Of a map of this process, which stays its owner's, and must be open while the object is loaded.
   * @throws {UsageError} when it is none.
   */
  reuseFd(fd: number): void {
    if (kindOf(fd) !== 'map')
      throw new UsageError(`Descriptor ${fd} is no map, so it cannot take the place of ${this.name}`, {
        where: { map: this.name },
      });
    const { type, keySize, valueSize, maxEntries, flags, extra, name } = mapInfo(fd);
    this.#change({ type, keySize, valueSize, maxEntries, flags, extra, reuse: { fd, name: this.#nameWith(name) } });
  }
  /**
   * What `pinmaps` of bpftool calls it: its own name; where another map takes its place that map's, unless that is this name cut short.
   * @see libbpf bpf_map__reuse_fd and bpf_map__name, src/libbpf.c
   */
  get pinName(): string {
    return this.#map.reuse?.name ?? this.name;
  }
  #nameWith(kernelName: string): string {
    const { name, data } = this.#map;
    const isCut = kernelName.length === BPF_OBJ_NAME_LEN - 1 && name.startsWith(kernelName);
    return isCut || name === data?.section ? name : kernelName;
  }
  /** Whether it will be created. Programs that are loaded must not reach what refers to one that is not. */
  get autocreate(): boolean {
    return this.#map.autocreate;
  }
  set autocreate(autocreate: boolean) {
    this.#change({ autocreate });
  }
  get flags(): number {
    return this.#map.flags;
  }
  set flags(flags: number) {
    checkU32(flags, 'map_flags', this.name);
    this.#change({ flags });
  }
  get numaNode(): number {
    return this.#map.numaNode;
  }
  set numaNode(numaNode: number) {
    checkU32(numaNode, 'numa_node', this.name);
    this.#change({ numaNode });
  }

  get #map(): BpfMapDef {
    return this.#holder.object.maps.find(({ name }) => name === this.name) as BpfMapDef;
  }
  #change(fields: Partial<BpfMapDef>): void {
    this.#replace({ ...this.#map, ...fields });
  }
  #replace(changed: BpfMapDef): void {
    const { object } = this.#holder;
    const maps = object.maps.map((map) => (map.name === this.name ? changed : map));
    this.#holder.object = { ...object, maps, programs: autoloadStructOps(object.programs, maps) };
  }
}

function checkName(names: Readonly<Record<string, number>>, name: string, what: string, program: string): void {
  if (Object.hasOwn(names, name)) return;
  const similar = nearest(name, Object.keys(names));
  throw new UsageError(`"${name}" is no ${what}`, {
    where: { program },
    remedy: similar ? `Did you mean "${similar}"?` : "The names are the kernel's, as in <linux/bpf.h>.",
  });
}

function checkU32(value: number, what: string, map: string): void {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff)
    throw new UsageError(`${what} of map ${map} cannot be ${value}`, {
      where: { map },
      remedy: 'Set it to a whole number from 0 to 4294967295.',
    });
}

/**
 * Of several things, the one of this name.
 * @throws {UsageError} naming a similar one.
 */
export function named<T extends { readonly name: string }>(
  what: string,
  things: readonly T[],
  name: string,
  object: BpfObject,
): T {
  const found = things.find((thing) => thing.name === name);
  if (found) return found;
  const names = things.map((thing) => thing.name);
  const similar = nearest(name, names);
  throw new UsageError(`The object has no ${what} "${name}"`, {
    where: object.where,
    remedy: similar ? `Did you mean "${similar}"?` : `There ${names.length > 0 ? `are: ${names.join(', ')}` : 'are none'}.`,
  });
}
