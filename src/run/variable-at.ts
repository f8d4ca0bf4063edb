// Which variable lies at a place of a data section, as its types tell.

import type { BtfOf } from '../btf/index.js';
import type { BpfObject } from '../object/index.js';

type Variables = BtfOf<'DATASEC'>['vars'];

/** `total (my.bss + 0)`, `pair + 4 (my.bss + 12)`; `my.rodata + 3` where no variable is known. */
export function placesIn({ btf, maps }: Pick<BpfObject, 'btf' | 'maps'>): (map: string, offset: number) => string {
  const known = new Map<string, Variables>();
  const variablesOf = (name: string): Variables => {
    const valueType = maps.find((map) => map.name === name && map.data)?.valueType;
    const type = btf && valueType !== undefined ? btf.type(valueType) : undefined;
    return type?.kind === 'DATASEC' ? [...type.vars].sort((a, b) => a.offset - b.offset) : [];
  };
  return (map, offset) => {
    const variables = known.get(map) ?? variablesOf(map);
    known.set(map, variables);
    const found = lastAtOrBefore(variables, offset);
    const place = `${map} + ${offset}`;
    if (!btf || !found || offset >= found.offset + found.size) return place;
    const inside = offset - found.offset;
    return `${btf.name(found.type)}${inside > 0 ? ` + ${inside}` : ''} (${place})`;
  };
}

function lastAtOrBefore(variables: Variables, offset: number): Variables[number] | undefined {
  let low = 0;
  let high = variables.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((variables[middle]?.offset ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return variables[low - 1];
}
