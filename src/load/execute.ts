// Runs a plan, step by step, through whichever Kernel it is given. There is no second way to load anything: a trace, a
// stepper and a dry run drive this same generator.

import { textUntilNul } from '../bytes/index.js';
import { type SyscallError, UsageError } from '../errors.js';
import { BAD_FD, type FdRef, fdRefs, type Step } from '../plan/index.js';
import { failure } from './failure.js';
import type { FdTable, Kernel, Reply } from './kernel.js';
import { retryOf } from './retry.js';
import { Session } from './session.js';

/** `failed` is followed by `retry`, by the next step when the failed one may fail, or by the end. */
export type StepEvent =
  | { readonly at: 'before'; readonly step: Step }
  /** `log` is the verifier's, where one was asked for. */
  | { readonly at: 'after'; readonly step: Step; readonly result: number; readonly log?: string }
  | { readonly at: 'failed'; readonly step: Step; readonly error: SyscallError }
  | { readonly at: 'retry'; readonly step: Step; readonly why: string };

/**
 * Yields before and after each step. If a step fails, or the caller stops early, all that was made is closed again.
 * @param earlier Descriptors of another session that the plan refers to; they stay with their owner.
 * @returns       The owner of every descriptor that was made.
 * @throws {SyscallError} of the step that failed; {VerifierError} with its log when that was a program.
 */
export function* execute(plan: readonly Step[], kernel: Kernel, earlier?: Session): Generator<StepEvent, Session> {
  using made = new Session(kernel);
  using undo = new Undo(kernel);
  const fds: FdTable = { get: (ref: FdRef) => (earlier?.has(ref.fd) ? earlier : made).get(ref) };
  for (const step of plan) {
    const isThere = (fd: string) => made.has(fd) || earlier?.has(fd) === true;
    const possible = withoutMissing(step, isThere);
    checkRefs(possible, isThere);
    yield* attempt(possible, plan, kernel, fds, (result) => {
      undo.add(step);
      made.addEnd(step, fds);
      if (step.makes === 'fd') made.add(step.id, result);
      if (step.makes === 'memory' && step.call === 'mmap') made.addMemory(step.id, { address: result, length: step.length });
      if (step.call === 'close') made.forget(step.on.fd);
    });
  }
  undo.forget();
  return made.move();
}

/** What takes steps back that left something behind besides descriptors, the last first, unless the plan came to its end. */
class Undo implements Disposable {
  readonly #kernel: Kernel;
  #calls: Step[] = [];

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }
  add({ id, undo }: Step): void {
    if (undo) this.#calls.push({ id: `${id} undone`, why: 'a later step failed', ...undo });
  }
  forget(): void {
    this.#calls = [];
  }
  [Symbol.dispose](): void {
    for (const step of this.#calls.reverse()) this.#kernel.run(step, NO_FDS);
  }
}

const NO_FDS: FdTable = {
  get: ({ fd }) => {
    throw new UsageError(`Taking back refers to the descriptor "${fd}"`);
  },
};

/** The step without the fields that need a descriptor which an optional step did not make. */
function withoutMissing(step: Step, isThere: (fd: string) => boolean): Step {
  const { lessWithout: less } = step;
  if (step.call !== 'bpf' || !less || isThere(less.fd)) return step;
  return { ...step, attr: Object.fromEntries(Object.entries(step.attr).filter(([field]) => !less.fields.includes(field))) };
}

/** @throws {UsageError} naming what was switched off although something that is loaded needs it. */
function checkRefs(step: Step, isThere: (fd: string) => boolean): void {
  const missing = [...fdRefs(step)].find(({ fd }) => fd !== BAD_FD.fd && !isThere(fd));
  if (missing)
    throw new UsageError(`Cannot do "${step.id}" (${step.why}): it needs "${missing.fd}", which is not there`, {
      ...(step.where && { where: step.where }),
      remedy: 'Was it switched off by autoload or autocreate? Then switch off too what needs it.',
    });
}

/**
 * One step with its retries.
 * @param done Takes what it made, before the caller sees that it is made: the caller may stop there.
 */
function* attempt(
  step: Step,
  plan: readonly Step[],
  kernel: Kernel,
  fds: FdTable,
  done: (result: number) => void,
): Generator<StepEvent, void> {
  let current = step;
  for (let tries = 1; ; tries++) {
    yield { at: 'before', step: current };
    const reply: Reply = kernel.run(current, fds);
    const { result } = reply;
    if (result >= 0) {
      done(result);
      const log = reply.out.get('log_buf');
      yield { at: 'after', step: current, result, ...(log && { log: textUntilNul(log) }) };
      return;
    }
    const error = failure(current, reply, plan);
    yield { at: 'failed', step: current, error };
    if (error.errno === step.doneIf) return;
    const retry = retryOf(current, reply, tries);
    if (!retry) {
      if (step.optional) return;
      throw error;
    }
    yield { at: 'retry', step: retry.step, why: retry.why };
    current = retry.step;
  }
}

/** Runs a plan to its end. `observe` sees every event, as a trace does. */
export function drive<T = Session>(steps: Generator<StepEvent, T>, observe?: (event: StepEvent) => void): T {
  try {
    for (;;) {
      const next = steps.next();
      if (next.done) return next.value;
      observe?.(next.value);
    }
  } finally {
    steps.return(undefined as never); // does nothing after the end; undoes all when `observe` threw
  }
}
