// A feature report as text: the words of `bpftool feature probe`.

import { MISC_PROBES } from '../plan/index.js';
import type { FeatureReport } from './feature.js';
import { SETTINGS, SYSCTLS } from './feature-system.js';

const available = (what: string, has: boolean): string => `${what} is ${has ? '' : 'NOT '}available`;

/** As bpftool prints it, a section after the other. */
export function featureText(report: FeatureReport): string {
  const { system_config: system, syscall_config: call, program_types, map_types, helpers, misc, attach_types } = report;
  const section = (title: string, lines: readonly string[]) =>
    `Scanning ${title}...\n${lines.map((line) => `${line}\n`).join('')}\n`;
  const types = (what: string, found: Readonly<Record<string, boolean>>) =>
    Object.entries(found).map(([key, has]) =>
      available(`eBPF ${what} ${key.replace(/^have_|_(prog|map|attach)_type$/g, '')}`, has),
    );
  return [
    system &&
      section('system configuration', [
        ...SYSCTLS.map(({ key, words }) => (words[String(system[key])] ?? words['%'] ?? '').replace('%', String(system[key]))),
        ...SETTINGS.filter((name) => name in system).map((name) =>
          system[name] === null ? `${name} is not set` : `${name} is set to ${system[name]}`,
        ),
      ]),
    section('system call availability', [available('bpf() syscall', call.have_bpf_syscall)]),
    program_types && section('eBPF program types', types('program_type', program_types)),
    map_types && section('eBPF map types', types('map_type', map_types)),
    helpers &&
      section(
        'eBPF helper functions',
        Object.entries(helpers).map(([key, names]) => helperText(key, names, report)),
      ),
    misc &&
      section(
        'miscellaneous eBPF features',
        MISC_PROBES.map(({ key, title }) => available(title, misc[`have_${key}`] === true)),
      ),
    attach_types && section('how tracing and LSM programs are attached', types('attach_type', attach_types)),
  ]
    .filter((text) => text !== undefined)
    .join('');
}

function helperText(key: string, names: readonly string[], { program_types }: FeatureReport): string {
  const type = key.replace(/_available_helpers$/, '');
  const none = program_types?.[`have_${type}_prog_type`]
    ? '\tCould not determine which helpers are available'
    : '\tProgram type not supported';
  const list = names.length > 0 ? names.map((name) => `\t- ${name}`).join('\n') : none;
  return `eBPF helpers supported for program type ${type}:\n${list}`;
}
