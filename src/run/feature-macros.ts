// A feature report as a C header, as `bpftool feature probe macros` prints it.

import { type FeatureReport, helperName, helpersAskedFor } from './feature.js';

export interface MacroOptions {
  /** What the name of each macro begins with. */
  readonly prefix?: string;
  /** As the report was asked for: helpers that were not asked for get no macro. */
  readonly full?: boolean;
}

export function featureMacros(report: FeatureReport, { prefix = '', full = false }: MacroOptions = {}): string {
  const { system_config: system, syscall_config, program_types, map_types, helpers, misc, attach_types } = report;
  const section = (title: string, lines: readonly string[]) =>
    `/*** ${title} ***/\n${lines.map((line) => `${line}\n`).join('')}\n`;
  const having = (found: Readonly<Record<string, boolean>>) =>
    Object.entries(found).map(([key, has]) => `#define ${prefix}${has ? '' : 'NO_'}${key.toUpperCase()}`);
  return [
    system && section('Misc kernel config items', hz(system.CONFIG_HZ, prefix)),
    section('System call availability', having(syscall_config)),
    program_types && section('eBPF program types', having(program_types)),
    map_types && section('eBPF map types', having(map_types)),
    helpers && section('eBPF helper functions', [...helperUsage(prefix), ...helperMacros(helpers, prefix, full)]),
    misc && section('eBPF misc features', having(misc)),
    attach_types && section('eBPF attach types of tracing and LSM programs', having(attach_types)),
  ]
    .filter((text) => text !== undefined)
    .join('');
}

/** The one setting that C has a use for: jiffies are counted by it. */
function hz(value: string | number | null | undefined, prefix: string): readonly string[] {
  if (value === undefined) return [];
  return [value === null ? `/* ${prefix}CONFIG_HZ is not set */` : `#define ${prefix}CONFIG_HZ ${value}`];
}

/** The macro that the others are asked by, and how. */
const helperUsage = (prefix: string): readonly string[] => [
  '/*',
  ` * Use ${prefix}HAVE_PROG_TYPE_HELPER(prog_type_name, helper_name)`,
  ' * to determine if <helper_name> is available for <prog_type_name>,',
  ' * e.g.',
  ` *\t#if ${prefix}HAVE_PROG_TYPE_HELPER(xdp, bpf_redirect)`,
  ' *\t\t// do stuff with this helper',
  ' *\t#elif',
  ' *\t\t// use a workaround',
  ' *\t#endif',
  ' */',
  `#define ${prefix}HAVE_PROG_TYPE_HELPER(prog_type, helper)\t\\`,
  `\t${prefix}BPF__PROG_TYPE_ ## prog_type ## __HELPER_ ## helper`,
];

function helperMacros(helpers: NonNullable<FeatureReport['helpers']>, prefix: string, full: boolean): readonly string[] {
  const names = helpersAskedFor(full).map(helperName);
  return Object.entries(helpers).flatMap(([key, available]) => {
    const there = new Set(available);
    const type = key.replace(/_available_helpers$/, '');
    return names.map((name) => `#define ${prefix}BPF__PROG_TYPE_${type}__HELPER_${name} ${there.has(name) ? 1 : 0}`);
  });
}
