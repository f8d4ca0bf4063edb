// Values as JSON for programs: 64-bit integers are numbers as long as they are exact, strings beyond; bytes are hex.

import { hex } from '../bytes/index.js';
import { type BpfError, VerifierError } from '../errors.js';

export const toJson = (value: unknown): string =>
  JSON.stringify(value, (_, member: unknown) => {
    if (typeof member === 'bigint') return Number.isSafeInteger(Number(member)) ? Number(member) : member.toString();
    return member instanceof Uint8Array ? hex(member) : member;
  });

/** An error as a value for `toJson`: `{ code, message, where, remedy?, errno?, log? }`, and for a refusal what its log comes to. */
export const describeError = (error: BpfError): Record<string, unknown> => ({
  code: error.code,
  message: error.what,
  where: error.where,
  ...(error.remedy && { remedy: error.remedy }),
  ...('errno' in error && { errno: error.errno }),
  ...(error instanceof VerifierError && refusal(error)),
});

const refusal = ({ log, reason, insn, insnText, source, states, path, explanation }: VerifierError): Record<string, unknown> => ({
  log,
  reason,
  insn,
  instruction: insnText,
  source,
  states,
  path,
  ...(explanation && { explanation }),
});
