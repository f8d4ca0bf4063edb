// .kconfig: which types its externs may have, and the map that they become.

import { type Btf, findType, resolved } from '../btf/index.js';
import { BPF_F_RDONLY_PROG } from '../uapi/bpf.js';
import { BTF_INT_BOOL, BTF_INT_SIGNED } from '../uapi/btf.js';
import { BPF_MAP_TYPE } from '../uapi/enums.js';
import { mmapableFlag } from './data-sections.js';
import { dataMapName, emptyMap } from './map-names.js';
import type { BpfMapDef, Extern, KconfigType } from './object.js';

export const KCONFIG = '.kconfig';

/** Longer than any configuration: what a hostile array of char may claim. */
export const MOST_KCONFIG_BYTES = 1024 * 1024;

/**
 * How values are written to a variable of this type; undefined for a type that cannot hold any.
 * @see libbpf find_kcfg_type, src/libbpf.c
 */
export function kconfigType(btf: Btf, id: number): KconfigType | undefined {
  const type = resolved(btf, id);
  switch (type.kind) {
    case 'INT': {
      if (type.encoding & BTF_INT_BOOL) return type.size === 1 ? { value: 'bool', signed: false } : undefined;
      const signed = (type.encoding & BTF_INT_SIGNED) !== 0;
      if (type.size === 1) return { value: 'char', signed };
      return [2, 4, 8].includes(type.size) ? { value: 'int', signed } : undefined;
    }
    case 'ENUM':
    case 'ENUM64':
      return type.name === 'libbpf_tristate' && (type.kind === 'ENUM64' || type.size === 4)
        ? { value: 'tristate', signed: false }
        : undefined;
    case 'ARRAY': {
      const element = resolved(btf, type.type);
      const isChar = element.kind === 'INT' && kconfigType(btf, type.type)?.value === 'char';
      return type.nelems > 0 && isChar ? { value: 'string', signed: false } : undefined;
    }
    default:
      return undefined;
  }
}

/** The map of an object's .kconfig, if it has any. Its image stays zero until a machine's configuration is known. */
export function kconfigMap(btf: Btf | undefined, externs: readonly Extern[], objectName: string): BpfMapDef[] {
  const size = externs.reduce((end, extern) => (extern.kind === 'kconfig' ? extern.offset + extern.size : end), 0);
  if (size === 0) return [];
  const name = dataMapName(objectName, KCONFIG);
  const datasec = btf && findType(btf, KCONFIG);
  return [
    {
      ...emptyMap(name),
      type: BPF_MAP_TYPE.BPF_MAP_TYPE_ARRAY,
      keySize: 4,
      valueSize: size,
      maxEntries: 1,
      flags: BPF_F_RDONLY_PROG | mmapableFlag(btf, datasec),
      ...(datasec !== undefined && { valueType: datasec }),
      data: { section: KCONFIG, frozen: true, image: new Uint8Array(size) },
    },
  ];
}
