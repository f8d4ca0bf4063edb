// `btf show`: one BTF that is in the kernel, as text and as JSON.

import type { Json } from './json.js';
import { type Holder, holdersText } from './show-prog.js';

/** A BTF in the kernel, and who uses it. */
export interface ShownBtf {
  readonly id: number;
  /** `vmlinux` or a module's name; empty for what programs brought. */
  readonly name: string;
  readonly isKernel: boolean;
  /** Bytes. */
  readonly size: number;
  /** Programs and maps, in the order in which bpftool lists them. */
  readonly progIds: readonly number[];
  readonly mapIds: readonly number[];
  readonly pids: readonly Holder[];
}

export function btfText({ id, name, isKernel, size, progIds, mapIds, pids }: ShownBtf): string {
  const users = (what: string, ids: readonly number[]) => (ids.length > 0 ? `  ${what} ${ids.join(',')}` : '');
  const shown = isKernel ? `[${name}]` : name || '<anon>';
  return `${id}: name ${shown}  size ${size}B${users('prog_ids', progIds)}${users('map_ids', mapIds)}${holdersText(pids)}\n`;
}

export const btfJson = ({ id, name, isKernel, size, progIds, mapIds, pids }: ShownBtf): Json => ({
  id,
  size,
  prog_ids: progIds,
  map_ids: mapIds,
  pids: pids.length > 0 ? pids.map(({ pid, comm }) => ({ pid, comm })) : undefined,
  kernel: isKernel,
  name: name === '' ? undefined : name,
});
