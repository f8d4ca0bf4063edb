// What a kernel was built with: the text of its configuration as values by name.

import { FormatError } from '../errors.js';
import type { KernelConfig } from '../plan/index.js';

const LINE = /^(?:#.*|\s*|CONFIG_[A-Za-z0-9_]+=.+)$/;
const SET = /^CONFIG_([A-Za-z0-9_]+)=(.+)$/;
/** Longer lines of another file are not worth repeating. */
const MOST_OF_LINE = 60;

/**
 * A configuration as `make` writes it and distributions ship it.
 * @throws {FormatError} naming the first line that is none of a configuration, or when nothing is set.
 */
export function parseConfig(text: string, file: string): KernelConfig {
  const lines = text.split(/\r?\n/);
  const wrong = lines.findIndex((line) => !LINE.test(line));
  const remedy =
    'Give the file that the kernel was built with: /boot/config-RELEASE, /lib/modules/RELEASE/config or a copy of /proc/config.gz.';
  if (wrong >= 0) {
    const line = lines[wrong] as string;
    const shown = line.length > MOST_OF_LINE ? `${line.slice(0, MOST_OF_LINE)}…` : line;
    throw new FormatError(`Line ${wrong + 1} is none of a kernel's configuration: ${JSON.stringify(shown)}`, {
      where: { file },
      remedy,
    });
  }
  if (!lines.some((line) => SET.test(line)))
    throw new FormatError("No line sets anything, so this is no kernel's configuration", { where: { file }, remedy });
  return { file, text: lines.join('\n') };
}

const parsed = new WeakMap<KernelConfig, ReadonlyMap<string, string>>();

/** Values by name, as they stand there: `y`, `m`, `250`, `"text"`. What is not set is missing. */
export function settingsOf(config: KernelConfig): ReadonlyMap<string, string> {
  const known = parsed.get(config);
  if (known) return known;
  const settings = new Map<string, string>();
  for (const line of config.text.split('\n')) {
    const [, name, value] = SET.exec(line) ?? [];
    if (name !== undefined && value !== undefined && !settings.has(`CONFIG_${name}`)) settings.set(`CONFIG_${name}`, value);
  }
  parsed.set(config, settings);
  return settings;
}

/** Whether it was built with an option, into the kernel or as a module; undefined where the configuration is not known. */
export function isBuiltWith(config: KernelConfig | undefined, setting: string): boolean | undefined {
  if (!config) return undefined;
  const value = settingsOf(config).get(setting);
  return value === 'y' || value === 'm';
}

/** `# Linux/x86 6.1.192 Kernel Configuration` -> `6.1.192`: the release that it says it is of. */
export const releaseIn = ({ text }: KernelConfig): string | undefined =>
  /^# Linux\/\S+ (\d+\.\d+(?:\.\d+)?)\S* Kernel Configuration/m.exec(text)?.[1];
