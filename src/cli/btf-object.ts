// Objects that are asked about for their types.

import { FormatError } from '../errors.js';
import type { BpfObject } from '../object/index.js';

/** @throws {FormatError} for one without BTF: it has no CO-RE records either, and an answer would say that nothing is read. */
export function withTypes(object: BpfObject, file: string): BpfObject {
  if (object.btf) return object;
  throw new FormatError('This object has no BTF, so nothing tells what it reads of a kernel', {
    where: { file },
    remedy: 'Compile with clang -g.',
  });
}
