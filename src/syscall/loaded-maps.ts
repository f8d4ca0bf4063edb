// Maps that are in the kernel: what it says of them, and their types.

import type { Btf } from '../btf/index.js';
import { type MapInfo, mapInfoOf, type ShownMap, sizeOfLayout } from '../live/index.js';
import { BPF_MAP_INFO } from '../uapi/info.js';
import { btfById } from './btf-by-id.js';
import { fdInfo, type ObjectContext } from './holders.js';
import { deviceName } from './interfaces.js';
import { kernelBtf } from './kernel-btf.js';
import { infoOf } from './objects.js';

const SIZE = sizeOfLayout(BPF_MAP_INFO);

/** @throws {SyscallError} */
export const mapInfo = (fd: number): MapInfo => mapInfoOf(infoOf(fd, SIZE));

/**
 * Everything that `map show` shows.
 * @throws {SyscallError}
 */
export function shownMap(fd: number, { pids, pinned }: ObjectContext): ShownMap {
  const info = mapInfo(fd);
  const lines = fdInfo(fd);
  const memlock = lines.get('memlock');
  const progType = lines.get('owner_prog_type');
  const jited = lines.get('owner_jited');
  const ifname = deviceName(info.device);
  return {
    info,
    ...(memlock !== undefined && { memlock: BigInt(memlock) }),
    frozen: lines.get('frozen') === '1',
    owner: {
      ...(progType !== undefined && { progType: Number(progType) }),
      ...(jited !== undefined && { jited: Number(jited) !== 0 }),
    },
    ...(pinned && pinned.size > 0 && { pinned: pinned.get(info.id) ?? [] }),
    pids: pids.get(info.id) ?? [],
    ...(ifname !== undefined && { ifname }),
  };
}

/** The types that a map's elements are shown with; undefined when it was made without. @throws {SyscallError} */
export function btfOfMap(info: MapInfo): Btf | undefined {
  if (info.btfVmlinuxValueTypeId > 0) return kernelBtf();
  return info.btfValueTypeId > 0 ? btfById(info.btfId) : undefined;
}
