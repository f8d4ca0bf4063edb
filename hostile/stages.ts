// Stages of a case. One that ends in one of our errors hides none of the others; any other exception is a failure of ours, and carries
// the name of its stage.

import { BpfError } from '../src/errors.js';

/** Not one of our errors. */
export class Failed extends Error {
  readonly stage: string;
  constructor(stage: string, cause: unknown) {
    super(cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause), { cause });
    this.stage = stage;
  }
}

const MOST_MESSAGE = 1 << 16;

export class Stages {
  /** The code of the first error, or `works`. */
  outcome = 'works';

  /** @returns undefined where it ends in one of our errors. @throws {Failed} */
  run<T>(stage: string, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof BpfError)) throw new Failed(stage, error);
      if (error.message.length > MOST_MESSAGE)
        throw new Failed(stage, new Error(`a message of ${error.message.length} characters`));
      if (this.outcome === 'works') this.outcome = error.code;
      return undefined;
    }
  }
}
