// The errors that tsbpf throws. Each says what was being done, with which value, where, and what to do next.

/** Where something was found. `offset` counts bytes into the section, `insn` its 8-byte slots (an ldimm64 takes two). */
export type Where = Readonly<{
  file?: string;
  section?: string;
  offset?: number;
  program?: string;
  insn?: number;
  source?: string;
  map?: string;
  type?: string;
}>;

export type BpfErrorOptions = Readonly<{ where?: Where; remedy?: string; cause?: unknown }>;

/** The root of all errors of this library: `what` happened, `where`, and the `remedy` if there is one. */
export class BpfError extends Error {
  /** Stable, for programs: `ERR_TSBPF_FORMAT`, `ERR_TSBPF_SYSCALL`, … */
  readonly code: string = 'ERR_TSBPF';
  readonly what: string;
  readonly where: Where;
  readonly remedy: string | undefined;

  constructor(what: string, { where = {}, remedy, cause }: BpfErrorOptions = {}) {
    const at = Object.entries(where)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `${key} ${value}`)
      .join(', ');
    super(`${what}${at && ` (${at})`}${remedy ? `\n  ${remedy}` : ''}`, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.what = what;
    this.where = where;
    this.remedy = remedy;
  }
}

/** The bytes are not what the format says they must be. */
export class FormatError extends BpfError {
  override readonly code = 'ERR_TSBPF_FORMAT';
}

/** A reference of the object (a symbol, a CO-RE record) cannot be resolved or written back. */
export class RelocationError extends BpfError {
  override readonly code = 'ERR_TSBPF_RELOCATION';
}

/** The caller asked for something that this object or this API does not have. */
export class UsageError extends BpfError {
  override readonly code = 'ERR_TSBPF_USAGE';
}

/** The kernel, the machine or tsbpf lacks a feature. `since` is the first kernel that has it, where known. */
export class UnsupportedError extends BpfError {
  override readonly code = 'ERR_TSBPF_UNSUPPORTED';
  readonly since: string | undefined;

  constructor(what: string, options: BpfErrorOptions & Readonly<{ since?: string }> = {}) {
    super(what, options);
    this.since = options.since;
  }
}

/** A system call failed. `call` is how a manual page would write it, `errno` its name: `bpf(BPF_MAP_CREATE)`, `EPERM`. */
export class SyscallError extends BpfError {
  override readonly code: string = 'ERR_TSBPF_SYSCALL';
  readonly call: string;
  readonly errno: string;

  constructor(call: string, errno: string, options: BpfErrorOptions & Readonly<{ doing?: string }> = {}) {
    super(`${options.doing ? `${options.doing}: ` : ''}${call} failed with ${errno}`, options);
    this.call = call;
    this.errno = errno;
  }
}

/** The kernel refused a program. `log` is the verifier's whole log; empty when the refusal came before verification. */
export class VerifierError extends SyscallError {
  override readonly code = 'ERR_TSBPF_VERIFIER';
  readonly log: string;

  constructor(call: string, errno: string, log: string, options: BpfErrorOptions & Readonly<{ doing?: string }> = {}) {
    super(call, errno, options);
    this.log = log;
  }
}
