// What a plan has made so far: every descriptor has this one owner until it is moved or released.

import { UsageError } from '../errors.js';
import { BAD_FD, type FdRef } from '../plan/index.js';
import type { FdTable, Kernel } from './kernel.js';

export class Session implements FdTable, Disposable {
  readonly #kernel: Kernel;
  #fds: Map<string, number>;

  constructor(kernel: Kernel, fds: ReadonlyMap<string, number> = new Map()) {
    this.#kernel = kernel;
    this.#fds = new Map(fds);
  }

  add(id: string, fd: number): void {
    this.#fds.set(id, fd);
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
  get ids(): readonly string[] {
    return [...this.#fds.keys()];
  }

  /** Closes one descriptor now. */
  close(id: string): void {
    const fd = this.#fds.get(id);
    this.#fds.delete(id);
    if (fd !== undefined) this.#kernel.close(fd);
  }
  /** Hands everything to a new owner; this one has nothing to close any more. */
  move(): Session {
    const moved = new Session(this.#kernel, this.#fds);
    this.#fds = new Map();
    return moved;
  }
  /** Closes everything, last made first. */
  [Symbol.dispose](): void {
    for (const id of [...this.#fds.keys()].reverse()) this.close(id);
  }
}
