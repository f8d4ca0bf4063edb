// Kernels made of what an object asks for: the enums of a release, and a few types that objects of tests name.

import { type BtfTypeInput, encodeBtf } from '../../src/btf/index.js';
import { versionCode } from '../../src/plan/index.js';
import { BPF_ATTACH_TYPE, BPF_FUNC, BPF_MAP_TYPE, BPF_PROG_TYPE } from '../../src/uapi/enums.js';
import { ATTACH_TYPE_SINCE, HELPER_SINCE, MAP_TYPE_SINCE, PROG_TYPE_SINCE } from '../../src/uapi/since.js';
import { INT, int, proto, struct, typedef } from './btf-types.js';

const enumOf = (
  name: string,
  numbers: Readonly<Record<string, number>>,
  since: Readonly<Record<string, string>>,
  release: string,
): BtfTypeInput => ({
  kind: 'ENUM',
  name,
  size: 4,
  signed: false,
  values: [
    ...Object.entries(numbers)
      .filter(([member]) => versionCode(since[member] ?? '99.0') <= versionCode(release))
      .map(([member, value]) => ({ name: member, value: BigInt(value) })),
    { name: '__END_MARK', value: 4095n },
  ],
});
const func = (name: string, type = 2): BtfTypeInput => ({ kind: 'FUNC', name, type, linkage: 0 });

/** BTF of a kernel as `release` has it: helpers, types of programs and maps, and what test/cli/why.bpf.c names. */
export function kernelOf(release: string): Uint8Array<ArrayBuffer> {
  const isNew = versionCode(release) >= versionCode('6.11');
  return encodeBtf([
    INT, // 1
    proto(1, 1), // 2
    int('long', 8, 1), // 3
    struct('timespec64', 16, ['tv_sec', 3, 0], ['tv_nsec', 3, 8]), // 4
    isNew
      ? struct('inode', 24, ['i_ino', 3, 0], ['i_atime_sec', 3, 8], ['i_mtime_sec', 3, 16])
      : struct('inode', 24, ['i_ino', 3, 0], ['i_atime', 4, 8]),
    { kind: 'PTR', type: 7 }, // 6
    struct('task_struct', 48, ['exit_code', 1, 8], ['pid', 1, 24], ['tgid', 1, 28], ['real_parent', 6, 32]), // 7
    struct('trace_event_raw_sched_process_exec', 24, ['__data_loc_filename', 1, 8], ['pid', 1, 12]),
    typedef('btf_trace_sched_process_exec', 3),
    typedef('btf_trace_sched_process_exit', 3),
    func('vfs_read'),
    func('bpf_lsm_file_open'),
    struct('bpf_kfunc_desc', 4, ['imm', 1, 0]),
    enumOf('bpf_func_id', BPF_FUNC, HELPER_SINCE, release),
    enumOf('bpf_prog_type', BPF_PROG_TYPE, PROG_TYPE_SINCE, release),
    enumOf('bpf_map_type', BPF_MAP_TYPE, MAP_TYPE_SINCE, release),
    enumOf('bpf_attach_type', BPF_ATTACH_TYPE, ATTACH_TYPE_SINCE, release),
    ...(isNew ? [func('frobnicate'), func('defrobnicate'), func('bpf_nf_link_attach')] : []),
  ]);
}
