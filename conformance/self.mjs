// A property that needs no witness: fitted to its own types, an object's field offsets stay what they are.

import { relocate } from 'tsbpf/relocate';
import { parse } from './ours.mjs';

const OFFSETS = new Set(['field_byte_offset', 'byte_off']);

/** @returns How many records were tried and which did not hold; nothing where the object cannot be opened or has no types. */
export function selfRelocation(path) {
  try {
    const object = parse(path);
    if (!object.btf) return { records: 0, broken: [] };
    const { fixups } = relocate(object, { kernel: object.btf });
    const offsets = fixups.filter(({ kind }) => OFFSETS.has(kind));
    return {
      records: offsets.length,
      broken: offsets
        .filter(({ before, after }) => after !== before)
        .map(({ program, insn, before, after }) => `${program} ${insn}: ${before} -> ${after}`),
    };
  } catch (error) {
    return { records: 0, broken: [], refused: error.message };
  }
}
