// A bound on the work that one object may cause: hostile types nest so that comparing them has no end.

import { RelocationError } from '../errors.js';

/** A step decodes a member. A relocation takes a few hundred, a large object a million. */
const MOST_STEPS = 30_000_000;
/** Comparing members, and their names, takes as long as decoding so many. */
const COMPARISON = 60;

export class Effort {
  readonly #most: number;
  #left: number;

  constructor(most = MOST_STEPS) {
    this.#most = most;
    this.#left = most;
  }

  /**
   * For decoding so many members.
   * @throws {RelocationError} when there is nothing left to spend.
   */
  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw new RelocationError(`Comparing the types of this object takes more than ${this.#most} steps`);
  }

  /** For comparing two types that have so many members together. */
  spendOnComparison(members: number): void {
    this.spend(COMPARISON * (1 + members));
  }
}
