// What can be asked of each thing that bpftool calls a component: the kernel, or a network device that runs programs itself.

import { BPF_FUNC, BPF_MAP_TYPE, type BpfFunc, type BpfMapType, type BpfProgType } from '../uapi/enums.js';
import { callHelper, EXIT, probeProgram } from './probe-program.js';
import {
  helperProbe,
  MAP_TYPES,
  mapTypeProbe,
  mayCallHelper,
  miscProbe,
  type Outcome,
  PROG_TYPES,
  type Probe,
  progTypeProbe,
} from './type-probes.js';

export interface Component {
  readonly progTypes: readonly BpfProgType[];
  readonly mapTypes: readonly BpfMapType[];
  readonly progType: (type: BpfProgType) => Probe;
  readonly mapType: (type: BpfMapType) => Probe;
  /** Undefined where no program of the type could call one. */
  readonly helper: (type: BpfProgType, helper: BpfFunc) => Probe | undefined;
  /** @param insns Of a row of `MISC_PROBES`. */
  readonly misc: (insns: string) => Probe;
}

export const KERNEL: Component = {
  progTypes: PROG_TYPES,
  mapTypes: MAP_TYPES,
  progType: progTypeProbe,
  mapType: mapTypeProbe,
  helper: helperProbe,
  misc: miscProbe,
};

const R0_IS_2 = 'b700000002000000';
/** How Netronome's driver refuses a helper that the kernel has. */
const REFUSED_BY_DEVICE = /not supported by FW|unsupported function id/;
const succeeds = ({ ok }: Outcome): boolean => ok;

/**
 * The types of programs and maps that the kernel hands on to devices.
 * @see bpftool probe_prog_type_ifindex, probe_map_type_ifindex, probe_helper_ifindex, src/feature.c
 */
export function deviceComponent(ifindex: number): Component {
  const load = (type: BpfProgType, insns: string) => probeProgram(type, insns, { prog_ifindex: ifindex });
  return {
    progTypes: ['BPF_PROG_TYPE_SCHED_CLS', 'BPF_PROG_TYPE_XDP'],
    mapTypes: ['BPF_MAP_TYPE_HASH', 'BPF_MAP_TYPE_ARRAY'],
    // Netronome's takes no filter that returns 0.
    progType: (type) => ({ steps: [load(type, R0_IS_2 + EXIT)], has: succeeds }),
    mapType: (type) => ({
      steps: [
        {
          id: 'probe map',
          why: 'see whether the device takes a small map',
          makes: 'fd',
          call: 'bpf',
          cmd: 'BPF_MAP_CREATE',
          attr: { map_type: BPF_MAP_TYPE[type], key_size: 4, value_size: 4, max_entries: 1, map_ifindex: ifindex },
        },
      ],
      has: succeeds,
    }),
    helper: (type, helper) => ({
      steps: [load(type, callHelper(BPF_FUNC[helper]) + EXIT)],
      has: (outcome) => mayCallHelper(outcome) && (outcome.ok || !REFUSED_BY_DEVICE.test(outcome.log)),
    }),
    // As bpftool asks: of a socket filter, which the kernel hands on to no device. So the answer is no.
    misc: (insns) => ({ steps: [load('BPF_PROG_TYPE_SOCKET_FILTER', insns)], has: succeeds }),
  };
}
