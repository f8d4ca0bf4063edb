// A loaded object: its maps and variables live in the kernel; this side owns descriptors and mappings, and closes them.

import type { Btf } from '../btf/index.js';
import { nearest } from '../bytes/index.js';
import { UsageError } from '../errors.js';
import type { Session } from '../load/index.js';
import {
  ASKED_BY_JAVASCRIPT,
  BpfMap,
  bytesCodec,
  type Codec,
  compileDecoder,
  type Decode,
  eventType,
  type MapOps,
  RingBuffer,
  RingReader,
  shapeOf,
  typedCodec,
  variablesOf,
} from '../maps/index.js';
import { type BpfFunction, type BpfMapDef, type BpfObject, isArena } from '../object/index.js';
import { type FdRef, loadable, stepIds } from '../plan/index.js';
import { type Mapping, map as mapMemory, mapOps, memoryOf, pageSize, pollWaiter, readToEnd } from '../syscall/index.js';
import { BPF_F_MMAPABLE } from '../uapi/bpf.js';
import { BPF_MAP_TYPE } from '../uapi/enums.js';
import { named } from './settings.js';
import type { ObjectTypes, Section, Untyped } from './types.js';

export interface LoadedParts {
  readonly object: BpfObject;
  readonly session: Session;
  /** Nothing of it is in any kernel: see `Kernel`. */
  readonly pretended?: boolean;
  /** Of the verifier, by program. */
  readonly logs: ReadonlyMap<string, string>;
  /** Runs the attach plan, which refers to what the session holds. */
  readonly attach: (session: Session) => Session;
  /** Makes an iterator of a program. */
  readonly iterate: (session: Session, program: BpfFunction) => Session;
  readonly onClose: () => void;
}

const TYPE = BPF_MAP_TYPE;
const ELEMENT_MAPS: ReadonlySet<number> = new Set([TYPE.BPF_MAP_TYPE_HASH, TYPE.BPF_MAP_TYPE_ARRAY, TYPE.BPF_MAP_TYPE_LRU_HASH]);

/** Whether `map` has an answer, so that walking through all maps stumbles over none. */
const isReadable = ({ type, autocreate }: BpfMapDef): boolean =>
  autocreate && (type === TYPE.BPF_MAP_TYPE_RINGBUF || ELEMENT_MAPS.has(type));

/** An object whose maps and programs are in the kernel, for as long as this is open. */
export class LoadedObject<T extends ObjectTypes = Untyped> implements Disposable {
  readonly object: BpfObject;
  /** By name, made when first used: a RingBuffer for ring buffers, a BpfMap for hash and array maps. Others are not listed. */
  readonly maps: T['maps'];
  readonly #session: Session;
  readonly #pretended: boolean;
  readonly #attach: LoadedParts['attach'];
  readonly #iterate: LoadedParts['iterate'];
  readonly #onClose: () => void;
  readonly #logs: LoadedParts['logs'];
  readonly #made = new Map<string, BpfMap | RingBuffer>();
  readonly #memory = new Map<string, Mapping>();
  readonly #links = new Set<Links>();
  #closed = false;

  constructor({ object, session, pretended = false, logs, attach, iterate, onClose }: LoadedParts) {
    this.object = object;
    this.#pretended = pretended;
    this.#session = session.move();
    this.#logs = logs;
    this.#attach = attach;
    this.#iterate = iterate;
    this.#onClose = onClose;
    const definitions = new Map(object.maps.map((map) => [map.name, map]));
    const readable = new Set(object.maps.filter(isReadable).map(({ name }) => name));
    this.maps = new Proxy({} as Record<string, unknown>, {
      get: (_, name) =>
        typeof name === 'symbol' || (!definitions.has(name) && ASKED_BY_JAVASCRIPT.has(name)) ? undefined : this.map(name),
      has: (_, name) => typeof name === 'string' && readable.has(name),
      ownKeys: () => [...readable],
      getOwnPropertyDescriptor: (_, name) => (readable.has(String(name)) ? { enumerable: true, configurable: true } : undefined),
    }) as T['maps'];
  }

  /** Variables as they are in the kernel now. Constants cannot be set any more; data and bss can, at any time. */
  get rodata(): Readonly<Section<T, 'rodata'>> {
    return this.section('.rodata') as Section<T, 'rodata'>;
  }
  get data(): Section<T, 'data'> {
    return this.section('.data') as Section<T, 'data'>;
  }
  get bss(): Section<T, 'bss'> {
    return this.section('.bss') as Section<T, 'bss'>;
  }
  /** @throws {UsageError} when the object has no such section, or one without types. */
  section(name: string): Record<string, unknown> {
    const { btf, maps, where } = this.object;
    const map = maps.find((candidate) => candidate.data?.section === name);
    if (!map || !btf || map.valueType === undefined)
      throw new UsageError(`The object has no section ${name} with types`, { where });
    const readOnly = map.data?.frozen
      ? 'constants are frozen once the object is loaded'
      : (map.flags & BPF_F_MMAPABLE) === 0
        ? `${name} has only static variables, which cannot be shared`
        : undefined;
    return variablesOf(btf, map.valueType, {
      section: name,
      bytes: () => this.#sectionMemory(map),
      ...(readOnly && { readOnly }),
    });
  }

  /**
   * A map by name, where `maps` is too tightly typed.
   * @throws {UsageError} when there is none, or its type has no elements that tsbpf can read.
   */
  map(name: string): BpfMap | RingBuffer {
    const known = this.#made.get(name);
    if (known) return known;
    const definition = this.object.maps.find((candidate) => candidate.name === name);
    if (!definition) {
      const similar = nearest(
        name,
        this.object.maps.map((candidate) => candidate.name),
      );
      throw new UsageError(`The object has no map "${name}"`, {
        where: this.object.where,
        remedy: similar ? `Did you mean "${similar}"?` : `Maps: ${this.object.maps.map((map) => map.name).join(', ')}.`,
      });
    }
    const made = definition.type === TYPE.BPF_MAP_TYPE_RINGBUF ? this.#ring(definition) : this.#elements(definition);
    this.#made.set(name, made);
    return made;
  }

  /**
   * A ring buffer by name, for objects without a type parameter.
   * @typeParam E What its events decode to.
   * @throws {UsageError} when there is no such map, or it is none.
   */
  ring<E = Record<string, unknown>>(name: string): RingBuffer<E> {
    const map = this.map(name);
    if (!(map instanceof RingBuffer)) throw new UsageError(`Map ${name} is no ring buffer`);
    return map as RingBuffer<E>;
  }

  /**
   * A map with elements by name, for objects without a type parameter.
   * @throws {UsageError} when there is no such map, or it is a ring buffer.
   */
  elements<K = unknown, V = unknown>(name: string): BpfMap<K, V> {
    const map = this.map(name);
    if (!(map instanceof BpfMap)) throw new UsageError(`Map ${name} has no elements: it is a ring buffer`);
    return map as BpfMap<K, V>;
  }

  /**
   * The memory of the object's arena, which programs and user space share. What the object defines in it is `arenaVariables`. With
   * BPF_F_SEGV_ON_FAULT the process ends when it touches a page that no program has allocated.
   * @throws {UsageError} when the object has none, or its memory is not in this process.
   */
  arena(): ArrayBuffer {
    const { where, maps } = this.object;
    const arena = maps.find((map) => isArena(map) && map.autocreate);
    if (!arena) throw new UsageError('The object has no arena', { where });
    const memory = this.#inKernel.memory(stepIds.memory(arena.name));
    if (!memory)
      throw new UsageError(`The memory of arena ${arena.name} is not mapped into this process`, {
        where: { ...where, map: arena.name },
        remedy: 'One that was pinned before is shared between programs only. Without a pinPath, each load has its own.',
      });
    return memoryOf(memory);
  }

  /** What the verifier wrote down of a program, if it was asked to: see `LoadOptions.logLevel`. */
  log(program: string): string | undefined {
    return this.#logs.get(program);
  }

  /**
   * The part of the arena that has the object's own variables: the last pages since Linux 7.0, the first ones before.
   * @throws {UsageError} when the object has none.
   */
  arenaVariables(): Uint8Array<ArrayBuffer> {
    const data = this.object.maps.find(isArena)?.data;
    if (!data) throw new UsageError('The object defines no variables in an arena', { where: this.object.where });
    return new Uint8Array(this.arena(), data.offset ?? 0, data.image.length);
  }

  /**
   * The descriptor of a map or program, for calls that tsbpf does not have; it stays ours.
   * @throws {UsageError} when none of that name is loaded.
   */
  fd(kind: 'map' | 'program', name: string): number {
    const maps = this.object.maps.filter(({ autocreate }) => autocreate);
    const { name: found } = named<{ readonly name: string }>(
      kind,
      kind === 'map' ? maps : loadable(this.object),
      name,
      this.object,
    );
    return this.#inKernel.get({ fd: kind === 'map' ? stepIds.map(found) : stepIds.program(found) });
  }

  /**
   * Attaches every program whose section says where.
   * @returns What holds them attached; closing it detaches them, and so does closing this object.
   */
  attach(): Links {
    const links = new Links(this.#attach(this.#open), () => this.#links.delete(links));
    this.#links.add(links);
    return links;
  }

  /**
   * Runs a SEC("iter/…") program over everything that it lists, now; it need not be attached.
   * @param name The program.
   * @returns    What it wrote with bpf_seq_write and bpf_seq_printf.
   * @throws {UsageError} when the object has no such iterator; {SyscallError}
   */
  iterate(name: string): Uint8Array<ArrayBuffer> {
    const iterators = loadable(this.object).filter(({ def }) => def?.attach === 'iter');
    const program = iterators.find((candidate) => candidate.name === name);
    if (!program) {
      const similar = nearest(
        name,
        iterators.map((candidate) => candidate.name),
      );
      throw new UsageError(`The object has no iterator "${name}"`, {
        where: this.object.where,
        remedy: similar ? `Did you mean "${similar}"?` : 'Iterators are programs of sections such as SEC("iter/task").',
      });
    }
    using session = this.#iterate(this.#inKernel, program);
    return readToEnd(session.get({ fd: stepIds.iterator(name) }));
  }

  /** @throws {UsageError} when this is closed: nothing may be read from memory that is gone, or from a number that is another's. */
  get #open(): Session {
    if (this.#closed) throw new UsageError(`${this.object.name} is closed`, { where: this.object.where });
    return this.#session;
  }

  /** @throws {UsageError} too where nothing was done: the numbers of a dry run may be those of something else of this process. */
  get #inKernel(): Session {
    if (!this.#pretended) return this.#open;
    throw new UsageError(`${this.object.name} was loaded by a dry run or a replay: nothing of it is in the kernel`, {
      where: this.object.where,
      remedy: 'Load it without { kernel }, or with one that passes on to realKernel.',
    });
  }

  #fdOf(map: BpfMapDef): number {
    return this.#inKernel.get({ fd: stepIds.map(map.name) } satisfies FdRef);
  }

  #elements(map: BpfMapDef): BpfMap {
    if (!ELEMENT_MAPS.has(map.type))
      throw new UsageError(`Map ${map.name} is of type ${map.type}, whose elements tsbpf cannot read yet`, {
        where: { ...this.object.where, map: map.name },
      });
    const codec = (id: number | undefined, size: number): Codec =>
      id === undefined || !this.object.btf ? bytesCodec(size) : typedCodec(shapeOf(this.object.btf, id));
    // Array maps are indexed by a number, whether their definition says so or not.
    const keyType =
      map.type === TYPE.BPF_MAP_TYPE_ARRAY && map.keyType === undefined
        ? typedCodec({ kind: 'int', size: 4, signed: false })
        : codec(map.keyType, map.keySize);
    return new BpfMap(
      map.name,
      this.#ops(map),
      keyType,
      map.data ? bytesCodec(map.valueSize) : codec(map.valueType, map.valueSize),
    );
  }

  #ops(map: BpfMapDef): MapOps {
    return mapOps(() => this.#fdOf(map), map);
  }

  #ring(map: BpfMapDef): RingBuffer {
    const { object } = this;
    const fd = this.#fdOf(map);
    const page = pageSize();
    const consumer = mapMemory(fd, 0, page, 'read-write');
    const producer = closingOnFailure(consumer, () => mapMemory(fd, page, page + 2 * map.maxEntries, 'read'));
    const reader = new RingReader({
      consumer: consumer.buffer,
      producer: producer.buffer,
      pageSize: page,
      size: map.maxEntries,
      weaklyOrdered: process.arch !== 'x64',
    });
    const decoders = new Map<string | undefined, { decode: Decode; size: number }>();
    return new RingBuffer({
      name: map.name,
      reader,
      waiter: pollWaiter(fd),
      decoder: (type) => {
        const known = decoders.get(type);
        if (known) return known;
        const id = eventType(object, map, type);
        const shape = shapeOf(object.btf as Btf, id); // without BTF there is no event type
        const decoder = { decode: compileDecoder(shape), size: shape.size };
        decoders.set(type, decoder);
        return decoder;
      },
      close: () => {
        producer.close();
        consumer.close();
      },
    });
  }

  #sectionMemory(map: BpfMapDef): Uint8Array {
    if ((map.flags & BPF_F_MMAPABLE) === 0) {
      const value = new Uint8Array(map.valueSize);
      this.#ops(map).lookup(new Uint8Array(4), value);
      return value;
    }
    const fd = this.#fdOf(map);
    const known = this.#memory.get(map.name) ?? mapMemory(fd, 0, map.valueSize, map.data?.frozen ? 'read' : 'read-write');
    this.#memory.set(map.name, known);
    return new Uint8Array(known.buffer, 0, map.valueSize);
  }

  /** Detaches, ends all readers, unmaps, and closes every descriptor. May be called again. */
  close(): void {
    this.#closed = true;
    for (const links of [...this.#links]) links.close();
    for (const made of this.#made.values()) if (made instanceof RingBuffer) made.close();
    for (const mapping of this.#memory.values()) mapping.close();
    this.#session[Symbol.dispose]();
    this.#onClose();
  }
  [Symbol.dispose](): void {
    this.close();
  }
}

function closingOnFailure<T>(owned: Disposable, make: () => T): T {
  try {
    return make();
  } catch (error) {
    owned[Symbol.dispose]();
    throw error;
  }
}

/** Programs stay attached for as long as this is open. */
export class Links implements Disposable {
  readonly #session: Session;
  readonly #onClose: () => void;

  constructor(session: Session, onClose: () => void) {
    this.#session = session;
    this.#onClose = onClose;
  }
  /** Names of what is held: links and perf events. */
  get names(): readonly string[] {
    return this.#session.ids;
  }
  /** Detaches. May be called again. */
  close(): void {
    this.#session[Symbol.dispose]();
    this.#onClose();
  }
  [Symbol.dispose](): void {
    this.close();
  }
}
