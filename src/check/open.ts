// What a check leaves open because it was not given, by name, so that whoever asks knows what to give.

import type { CheckedKernel } from './kernel.js';
import { isMet, type Need } from './needs.js';
import type { ProgramCheck } from './program.js';
import type { ExternCheck } from './symbols.js';

/** What could be given of a kernel. */
export const FACTS = ['configuration', 'symbols', 'version'] as const;

export interface OpenQuestion {
  /** What would tell. */
  readonly fact: (typeof FACTS)[number];
  /** What it would tell of: options and symbols by their names. */
  readonly names: readonly string[];
}

/** Each fact at most once, and none without a name. */
export function openQuestions(
  kernel: CheckedKernel,
  programs: readonly ProgramCheck[],
  needs: readonly Need[],
  externs: readonly ExternCheck[],
): OpenQuestion[] {
  const options = [...needs, ...programs.flatMap(({ uses }) => uses.needs)].filter((need) => isMet(kernel, need) === 'open');
  const unknown = externs.filter(({ found }) => found === undefined);
  const settings = unknown.filter(({ kind, name }) => kind === 'kconfig' && name.startsWith('CONFIG_'));
  const symbols = unknown.filter(({ kind }) => kind === 'variable'); // types tell of functions
  const rows: Record<OpenQuestion['fact'], readonly string[]> = {
    configuration: [...settings.map(({ name }) => name), ...options.map(({ setting }) => setting)],
    symbols: [...symbols.map(({ name }) => name), ...(kernel.symbols ? [] : programs.flatMap(({ uses }) => uses.functions))],
    version: kernel.version === undefined ? unknown.flatMap(({ name }) => (name === 'LINUX_KERNEL_VERSION' ? [name] : [])) : [],
  };
  return FACTS.flatMap((fact) => {
    const names = [...new Set(rows[fact])].sort();
    return names.length > 0 ? [{ fact, names }] : [];
  });
}
