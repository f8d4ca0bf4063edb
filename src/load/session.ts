// What a plan has made so far: every descriptor and mapping has this one owner until it is moved or released.

import { UsageError } from '../errors.js';
import { BAD_FD, type FdRef, fdRefs, type Step } from '../plan/index.js';
import type { FdTable, Kernel, Memory } from './kernel.js';

export class Session implements FdTable, Disposable {
  readonly #kernel: Kernel;
  #fds: Map<string, number>;
  #memory = new Map<string, Memory>();
  #ends: (() => void)[] = [];

  constructor(kernel: Kernel, fds: ReadonlyMap<string, number> = new Map()) {
    this.#kernel = kernel;
    this.#fds = new Map(fds);
  }

  add(id: string, fd: number): void {
    this.#fds.set(id, fd);
  }
  addMemory(id: string, memory: Memory): void {
    this.#memory.set(id, memory);
  }
  /** Notes what ends a step. @param fds Knows the descriptors that it refers to. */
  addEnd({ id, end }: Step, fds: FdTable): void {
    if (!end) return;
    const refs = new Map([...fdRefs(end)].map((ref) => [ref.fd, fds.get(ref)]));
    const known: FdTable = { get: ({ fd }) => refs.get(fd) as number };
    this.#ends.push(() => this.#kernel.run({ id: `${id} ended`, why: 'its session is closed', ...end }, known));
  }
  get({ fd: id }: FdRef): number {
    if (id === BAD_FD.fd) return -1;
    const fd = this.#fds.get(id);
    if (fd === undefined) throw new UsageError(`There is no descriptor "${id}"`);
    return fd;
  }
  has(id: string): boolean {
    return this.#fds.has(id);
  }
  /** Memory that a step mapped, by the step's id. */
  memory(id: string): Memory | undefined {
    return this.#memory.get(id);
  }
  get ids(): readonly string[] {
    return [...this.#fds.keys()];
  }

  /** Closes one descriptor now. */
  close(id: string): void {
    const fd = this.#fds.get(id);
    this.#fds.delete(id);
    if (fd !== undefined) this.#kernel.close(fd);
  }
  /** A step has closed it. */
  forget(id: string): void {
    this.#fds.delete(id);
  }
  /** Hands everything to a new owner; this one has nothing to close any more. */
  move(): Session {
    const moved = new Session(this.#kernel, this.#fds);
    [moved.#memory, moved.#ends] = [this.#memory, this.#ends];
    [this.#fds, this.#memory, this.#ends] = [new Map(), new Map(), []];
    return moved;
  }
  /** Ends, unmaps and closes everything, last made first. */
  [Symbol.dispose](): void {
    for (const end of this.#ends.splice(0).reverse()) end();
    for (const memory of this.#memory.values()) this.#kernel.unmap(memory);
    this.#memory.clear();
    for (const id of [...this.#fds.keys()].reverse()) this.close(id);
  }
}
