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

/** A line of the C source that an instruction came from, as line_info has it. */
export interface SourceLine {
  readonly file: string;
  readonly line: number;
  /** 0 where it is not known. */
  readonly column: number;
  /** As it stood in the file. */
  readonly text: string;
  /** The function that the instruction is in: the program, or one that it calls. */
  readonly function?: string;
}

/** What the verifier knew at an instruction: registers and stack slots by name (`R1`, `fp-8`), each in its own words. */
export interface RegisterState {
  readonly insn: number;
  /** What the log says there: all of it, or only what that instruction changed. */
  readonly text: string;
  /** All that is known there, earlier lines included. */
  readonly registers: Readonly<Record<string, string>>;
}

/** An instruction on the way to the refusal. */
export interface PathStep {
  readonly insn: number;
  readonly text: string;
  /** The source line in the log, `file:line: text` as far as the kernel gives it. */
  readonly source?: string;
  /** What it changed. */
  readonly state?: string;
  /** What the verifier itself says of it (Linux 7.3 and later): `branch: took the true branch of this conditional`. */
  readonly note?: string;
}

/** What a verifier log comes to. */
export interface Refusal {
  /** The verifier's reason; several lines are joined by "; ". */
  readonly reason: string;
  /** The instruction that was refused, a slot of the program with all functions that it calls, as the log counts. */
  readonly insn?: number | undefined;
  readonly insnText?: string | undefined;
  readonly source?: SourceLine | undefined;
  /** Lines of that file around `source`, and `source` itself, as far as instructions came from them. */
  readonly context?: readonly SourceLine[];
  /** The last states before the refusal, the latest last. */
  readonly states?: readonly RegisterState[];
  readonly path?: readonly PathStep[];
  readonly explanation?: CoreExplanation | undefined;
}

/** Why a CO-RE relocation has no value on a kernel, and what to do about it. */
export interface CoreExplanation {
  /** The function that has the instruction, and its slot there. */
  readonly program: string;
  readonly insn: number;
  readonly source: SourceLine | undefined;
  /** `byte_off`, `enumval_value`, … */
  readonly kind: string;
  /** `struct inode.i_atime.tv_sec`, `enum e::VALUE`. */
  readonly local: string;
  /**
   * The part of `local` that no candidate has: a member or enumerator of `type`; the type itself where there is no `index`. Where the
   * kernel has it but not as the object needs it, `differs` says how.
   */
  readonly failed:
    | { readonly component: string; readonly type: string; readonly index?: number; readonly differs?: string }
    | undefined;
  /** Types of the kernel that have the name, and why each will not do. */
  readonly candidates: readonly { readonly type: string; readonly reason: string }[];
  /** Names that the kernel has where the failed one was looked for, the most alike first. */
  readonly nearest: readonly string[];
  /** Where else in the type the kernel has a member of that name: `stats.rx`. */
  readonly moved: readonly string[];
  /** Whether known constants keep every program from reaching the instruction. If not, a kernel is to refuse the program. */
  readonly guarded: boolean | 'unknown';
  /** The questions whose answers keep it from being reached: `<field_exists> struct s.x = 0`. */
  readonly guards: readonly string[];
  /** C that would do. */
  readonly suggestion: string;
}

/**
 * The kernel refused a program. `log` is the verifier's whole log; empty when the refusal came before verification. The other fields
 * say what the log and the program's own line_info come to.
 */
export class VerifierError extends SyscallError {
  override readonly code = 'ERR_TSBPF_VERIFIER';
  readonly log: string;
  readonly reason: string;
  readonly insn: number | undefined;
  readonly insnText: string | undefined;
  readonly source: SourceLine | undefined;
  readonly context: readonly SourceLine[];
  readonly states: readonly RegisterState[];
  readonly path: readonly PathStep[];
  /** Where the instruction stands for a CO-RE relocation that failed. */
  readonly explanation: CoreExplanation | undefined;

  constructor(
    call: string,
    errno: string,
    log: string,
    options: BpfErrorOptions & Readonly<{ doing?: string; refusal?: Refusal }> = {},
  ) {
    super(call, errno, options);
    const { reason = '', insn, insnText, source, context = [], states = [], path = [], explanation } = options.refusal ?? {};
    this.log = log;
    this.reason = reason;
    this.insn = insn;
    this.insnText = insnText;
    this.source = source;
    this.context = context;
    this.states = states;
    this.path = path;
    this.explanation = explanation;
  }
}
