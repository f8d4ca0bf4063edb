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
  const files = [existing.from.file, input.file] as const;
  throw new FormatError(`${isMap ? 'Map ' : ''}${said(existing.name, known, existing.type, btf, type, files)}: ${difference}`, {
    where: { file: input.file },
    remedy: 'Declare it in one header that all files include.',
  });
}

function said(
  name: string,
  first: Btf,
  id1: TypeId,
  second: Btf,
  id2: TypeId,
  [file1, file2]: readonly [string, string],
): string {
  const a = first.type(id1);
  const b = second.type(id2);
  const words = a.kind === 'VAR' && b.kind === 'VAR' ? [spell(first, a.type), spell(second, b.type)] : [];
  return words[0] === words[1] // structs of one name, or functions
    ? `${name} of ${file1} is not that of ${file2}`
    : `${name} is ${words[0]} in ${file1} and ${words[1]} in ${file2}`;
}
