// Several split BTFs of one base -> one: the types of several kernel modules, for one header.

import { region } from '../bytes/index.js';
import { UsageError } from '../errors.js';
import { Btf } from './btf.js';
import { dedupBtf } from './dedup.js';
import { eachId, eachName } from './fields.js';

/**
 * What the parts have beyond `base`, one part after the other, each type once.
 * @throws {UsageError} for a part that does not continue this base; else as `dedupBtf`.
 * @see bpftool merge_btf_files, src/btf.c; libbpf btf__add_btf
 */
export function mergeBtf(parts: readonly Btf[], base: Btf): Btf {
  const words = new Uint32Array(parts.reduce((sum, part) => sum + part.words.length, 0));
  const starts = new Uint32Array(parts.reduce((sum, part) => sum + part.starts.length, 0));
  const strings = new Uint8Array(parts.reduce((sum, part) => sum + part.strings.bytes.length, 0));
  let end = { word: 0, type: 0, string: 0 };
  for (const part of parts) {
    if (part.base !== base) throw new UsageError('This BTF does not continue the one that the others do', { where: part.where });
    words.set(part.words, end.word);
    strings.set(part.strings.bytes, end.string);
    for (const [i, start] of part.starts.entries()) {
      const at = end.word + start;
      starts[end.type + i] = at;
      eachId(words, at, (place) => {
        if ((words[place] as number) >= base.length) words[place] = (words[place] as number) + end.type;
      });
      eachName(words, at, (place) => {
        if ((words[place] as number) >= base.stringsEnd) words[place] = (words[place] as number) + end.string;
      });
    }
    end = {
      word: end.word + part.words.length,
      type: end.type + part.starts.length,
      string: end.string + part.strings.bytes.length,
    };
  }
  const where = { file: parts.map((part) => part.where.file ?? '?').join(' + ') };
  return dedupBtf(new Btf({ words, starts, strings: region(strings, where), base })).btf;
}
