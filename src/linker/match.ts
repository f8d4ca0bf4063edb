// Whether what two files say of one name can be true of one thing.

import { type Btf, spell, type TypeId } from '../btf/index.js';
import { FormatError, UnsupportedError } from '../errors.js';
import { Comparison } from './comparison.js';
import { mapMismatch } from './match-maps.js';
import type { Global, Input, Output } from './model.js';

/** @throws {FormatError} naming both files, when the type that `input` gives a name is not the one that files before gave it. */
export function refuseOtherType(output: Output, existing: Global, input: Input, type: TypeId): void {
  const { btf } = input;
  if (existing.type === undefined || !btf)
    throw new UnsupportedError(`${existing.name} is in several files, and one of them has no BTF for it`, {
      where: { file: input.file },
      remedy: 'Compile all of them with clang -g.',
    });
  const known = output.btf.view();
  const isMap = existing.section?.name === '.maps';
  const difference = isMap
    ? mapMismatch(known, existing.type, btf, type)
    : new Comparison(known, btf).difference(existing.type, type, true, 0);
  if (difference === undefined) return;
  const said = (from: Btf, id: TypeId): string => {
    const variable = from.type(id);
    return variable.kind === 'VAR' ? `, a ${spell(from, variable.type)}` : '';
  };
  throw new FormatError(
    `${existing.name} of ${existing.from.file}${said(known, existing.type)}, does not fit that of ${input.file}${said(btf, type)}: ${difference}`,
    { where: { file: input.file }, remedy: 'Declare it in one header that both files include.' },
  );
}
