// Values as JSON for programs: 64-bit integers are numbers as long as they are exact, strings beyond; bytes are hex.

import { hex } from '../bytes/index.js';

export const toJson = (value: unknown): string =>
  JSON.stringify(value, (_, member: unknown) => {
    if (typeof member === 'bigint') return Number.isSafeInteger(Number(member)) ? Number(member) : member.toString();
    return member instanceof Uint8Array ? hex(member) : member;
  });
