// What a kernel can do, asked one thing at a time: the sections, keys and words of `bpftool feature probe`.

import { BpfError } from '../errors.js';
import {
  attachTypeProbe,
  type Component,
  deviceComponent,
  HELPERS,
  KERNEL,
  MISC_PROBES,
  NOISY_HELPERS,
  shortName,
  TRACING_ATTACH_TYPES,
} from '../plan/index.js';
import { ask, effectiveCapabilities, outcomeOf, withoutCapabilities } from '../syscall/index.js';
import { type Capability, capabilityBit, hasCapability } from '../uapi/capability.js';
import type { BpfFunc, BpfProgType } from '../uapi/enums.js';
import { type SystemConfig, systemConfig } from './feature-system.js';

/** What was found, by section; keys are bpftool's. Sections behind `misc` are ours. */
export interface FeatureReport {
  /** Absent where a device was asked for. */
  readonly system_config?: SystemConfig;
  readonly syscall_config: { readonly have_bpf_syscall: boolean };
  /** Absent, like all that follows, where there is no bpf(2). */
  readonly program_types?: Readonly<Record<string, boolean>>;
  readonly map_types?: Readonly<Record<string, boolean>>;
  readonly helpers?: Readonly<Record<string, readonly string[]>>;
  readonly misc?: Readonly<Record<string, boolean>>;
  /** `have_tracing_prog_type` speaks of fentry alone; this of each way in which tracing and LSM programs are attached. Absent for a device. */
  readonly attach_types?: Readonly<Record<string, boolean>>;
}

export interface FeatureOptions {
  /** Also helpers whose probing makes the kernel write warnings to its log. */
  readonly full?: boolean;
  /** What a process without capabilities can do. */
  readonly unprivileged?: boolean;
  /** What this network device runs in place of the kernel; its number. */
  readonly device?: number;
}

const NEEDED: readonly Capability[] = ['CAP_SYS_ADMIN', 'CAP_BPF', 'CAP_NET_ADMIN', 'CAP_PERFMON'];

/**
 * Loads and closes some six thousand small programs; nothing is attached.
 * @throws {BpfError} without the rights that a full answer needs, unless `unprivileged` is set.
 */
export function probeFeatures(options: FeatureOptions = {}): FeatureReport {
  const held = effectiveCapabilities();
  const missing = NEEDED.filter((name) => !hasCapability(held, name));
  if (options.unprivileged) {
    const drop = NEEDED.reduce((set, name) => set | capabilityBit(name), 0n) & held;
    return withoutCapabilities(drop, () => probeAll(options));
  }
  if (missing.length > 0)
    throw new BpfError(`missing ${missing.join(', ')}, required for full feature probing`, {
      remedy: "Run as root, or add the word 'unprivileged' to see what this process can do.",
    });
  return probeAll(options);
}

function probeAll({ full = false, device }: FeatureOptions): FeatureReport {
  const system = device === undefined ? { system_config: systemConfig() } : {};
  if (!hasBpf()) return { ...system, syscall_config: { have_bpf_syscall: false } };
  return {
    ...system,
    syscall_config: { have_bpf_syscall: true },
    ...typesOf(device === undefined ? KERNEL : deviceComponent(device), full),
    ...(device === undefined && {
      attach_types: table(TRACING_ATTACH_TYPES, 'attach_type', (type) => ask(attachTypeProbe(type))),
    }),
  };
}

function typesOf(component: Component, full: boolean) {
  const types = new Map(component.progTypes.map((type) => [type, ask(component.progType(type))]));
  return {
    program_types: table(component.progTypes, 'prog_type', (type) => types.get(type) === true),
    map_types: table(component.mapTypes, 'map_type', (type) => ask(component.mapType(type))),
    helpers: Object.fromEntries(
      [...types].map(([type, has]) => [`${shortName(type)}_available_helpers`, has ? helpersOf(component, type, full) : []]),
    ),
    misc: Object.fromEntries(MISC_PROBES.map(({ key, insns }) => [`have_${key}`, ask(component.misc(insns))])),
  };
}

const table = <T extends string>(names: readonly T[], what: string, has: (name: T) => boolean): Record<string, boolean> =>
  Object.fromEntries(names.map((name) => [`have_${shortName(name)}_${what}`, has(name)]));

/** Any answer but ENOSYS shows that the call is there. */
function hasBpf(): boolean {
  const outcome = outcomeOf([
    {
      id: 'probe bpf',
      why: 'see whether there is a bpf(2)',
      call: 'bpf',
      cmd: 'BPF_MAP_LOOKUP_ELEM',
      attr: { map_fd: -1 },
    },
  ]);
  return outcome.ok || outcome.errno !== 'ENOSYS';
}

/** Helpers that are asked for, by number. */
export const helpersAskedFor = (full: boolean) => HELPERS.filter((helper) => full || !NOISY_HELPERS.has(helper));
export const helperName = (helper: BpfFunc): string => `bpf_${shortName(helper)}`;

const helpersOf = ({ helper: probeOf }: Component, type: BpfProgType, full: boolean): string[] =>
  helpersAskedFor(full)
    .filter((helper) => {
      const probe = probeOf(type, helper);
      return probe !== undefined && ask(probe);
    })
    .map(helperName);
