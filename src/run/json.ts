// Values as JSON for programs: 64-bit integers are numbers as long as they are exact, strings beyond; bytes are hex.

import { hex } from '../bytes/index.js';
import { type BpfError, SyscallError, UnsupportedError, VerifierError } from '../errors.js';

export const toJson = (value: unknown): string =>
  JSON.stringify(value, (_, member: unknown) => {
    if (typeof member === 'bigint') return Number.isSafeInteger(Number(member)) ? Number(member) : member.toString();
    return member instanceof Uint8Array ? hex(member) : member;
  });

/** Names of keys as JSON has them here, `bit_hole`; of values whose keys are all ours. */
export function snakeKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      snakeKeys(member),
    ]),
  );
}

/** An error as a value for `toJson`: `{ code, message, where, remedy?, call?, errno?, since? }`, and for a refusal what its log comes to. */
export const describeError = (error: BpfError): Record<string, unknown> => ({
  code: error.code,
  message: error.what,
  where: error.where,
  ...(error.remedy && { remedy: error.remedy }),
  ...(error instanceof SyscallError && { call: error.call, errno: error.errno }),
  ...(error instanceof UnsupportedError && error.since !== undefined && { since: error.since }),
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
