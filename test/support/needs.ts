// What src/check says of options, held against what a kernel really takes: a program for each hook, loaded and attached.

import { type Need, programNeeds } from '../../src/check/index.js';
import { isBuiltWith } from '../../src/check/kernel-config.js';
import type { HookOutcome } from '../../src/doctor/index.js';
import { SEC_DEFS, type SecDef } from '../../src/object/index.js';
import { HOOKS, type HookPart, type KernelConfig } from '../../src/plan/index.js';

const PARTS: ReadonlyMap<string, HookPart> = new Map(
  HOOKS.flatMap(({ id, parts }) => parts.map((part) => [`${id} ${part.name}`, part])),
);

/** As for a program of the section that a part is called by. */
function needsOf(part: HookPart): Need[] {
  const def: SecDef | undefined = SEC_DEFS.find(({ sec }) => sec.replace(/\+$/, '') === part.name);
  return def ? programNeeds({ type: part.type, section: part.name, def }) : [];
}

export interface NeedsReport {
  /** Hooks that work although the table says that an option is missing for them. */
  readonly wrong: readonly string[];
  /** How many options were found missing, and the hook too. */
  readonly confirmed: number;
  readonly looked: number;
}

export function needsAgainst(kconfig: KernelConfig, outcomes: readonly HookOutcome[]): NeedsReport {
  const wrong: string[] = [];
  let confirmed = 0;
  let looked = 0;
  for (const { hook, part: name, loads, attaches } of outcomes) {
    const part = PARTS.get(`${hook} ${name}`);
    for (const { setting, stage, soft } of part ? needsOf(part) : []) {
      looked++;
      if (soft || isBuiltWith(kconfig, setting) !== false) continue;
      const answer = stage === 'load' ? loads.answer : attaches?.answer;
      if (answer === 'yes' || answer === 'asked') wrong.push(`${name} ${stage}s without ${setting}`);
      else confirmed++;
    }
  }
  return { wrong, confirmed, looked };
}
