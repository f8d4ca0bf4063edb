// Object + facts -> the steps that load it: BTF, maps and their contents, programs, and what of maps needs programs.

import { UnsupportedError } from '../errors.js';
import { type BpfMapDef, type BpfObject, ProgramLinker } from '../object/index.js';
import { RLIM_INFINITY } from '../uapi/resource.js';
import { withContexts } from './arg-ctx.js';
import { resolveExterns } from './externs.js';
import type { KernelFacts } from './facts.js';
import { planModules } from './kernel-types.js';
import { loadable } from './loadable.js';
import { planMap, planProgramSlots } from './maps.js';
import { type PinOptions, planPinRoot } from './pins.js';
import { planProgram } from './programs.js';
import { sanitizeBtf } from './sanitize-btf.js';
import type { Step } from './step.js';
import { stepIds } from './step-ids.js';
import { resolveStructOps } from './struct-ops.js';

/**
 * The whole load, in order, of an object that is relocated and whose maps are fitted (`fitMaps`).
 * @param pinning What will be pinned later: directories are made for it.
 * @throws {UnsupportedError} for an object that needs what tsbpf cannot do yet; {RelocationError} when a call leads nowhere.
 */
export function planLoad(object: BpfObject, facts: KernelFacts, pinning: PinOptions = {}): Step[] {
  if (!object.littleEndian) {
    throw new UnsupportedError('The object is big-endian; this machine is little-endian', {
      where: object.where,
      remedy: 'Compile with clang -target bpfel, or -target bpf on this machine. Inspecting it works as it is.',
    });
  }
  const externs = resolveExterns(object, facts);
  const structOps = resolveStructOps(object, facts);
  const maps = withMapsInMapsLast(externs.object.maps.filter(({ autocreate }) => autocreate));
  const linker = new ProgramLinker();
  const linked = loadable(object).map((program) => linker.link(object, program));
  const { object: typed, programs } = withContexts(object, linked, facts.features);
  const loading = programs.flatMap((linked) => planProgram(object, linked, { facts, externs: externs.answers, structOps }));
  const creating = maps.flatMap((map) => planMap(object, map, facts, structOps.get(map.name)));
  return [
    ...planLimits(facts),
    ...planBtf(typed, facts),
    ...planModules(facts, [...creating, ...loading]),
    ...planPinRoot(object, facts, pinning),
    ...creating,
    ...loading,
    ...maps.flatMap((map) => planProgramSlots(object, map)),
  ];
}

/** What a map of maps has in it must exist before, wherever the object defines it. */
const withMapsInMapsLast = (maps: readonly BpfMapDef[]): BpfMapDef[] => [
  ...maps.filter(({ inner }) => !inner),
  ...maps.filter(({ inner }) => inner),
];

/** Before 5.11 all BPF memory counted against RLIMIT_MEMLOCK, which starts at 64 KiB. Where it cannot be raised it may still do. */
export const planLimits = ({ features }: Pick<KernelFacts, 'features'>): Step[] =>
  features.get('memcg_account') === false
    ? [
        {
          id: 'memlock',
          why: 'kernels before 5.11 charge maps and programs to this limit',
          optional: true,
          call: 'prlimit64',
          resource: 'RLIMIT_MEMLOCK',
          limit: RLIM_INFINITY,
        },
      ]
    : [];

/**
 * Without it the kernel still loads programs; maps and functions only lose their types. So a kernel that refuses it, because of a
 * fault in it, is loaded into all the same, as libbpf does. Kinds of types that the kernel is too old for are replaced before.
 */
function planBtf(object: BpfObject, { features }: KernelFacts): Step[] {
  if (!object.btf) return [];
  const btf = sanitizeBtf(object.btf, features);
  return [
    {
      id: stepIds.btf,
      why: 'the types of this object, which maps and programs refer to',
      where: object.where,
      ...(!needsBtf(object) && { optional: true }),
      makes: 'fd',
      call: 'bpf',
      cmd: 'BPF_BTF_LOAD',
      attr: { btf, btf_size: btf.length },
    },
  ];
}

/** A struct_ops map has no meaning without it. */
const needsBtf = ({ maps }: BpfObject): boolean => maps.some(({ structOps, autocreate }) => structOps && autocreate);
