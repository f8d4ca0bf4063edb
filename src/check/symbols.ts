// Externs against a kernel: what of its symbols, functions and settings an object declares, and what each comes to there.

import { essentialName } from '../btf/index.js';
import { nearest } from '../bytes/index.js';
import { BpfError } from '../errors.js';
import type { BpfObject, Extern } from '../object/index.js';
import { type ExternAnswer, isSetting, type KernelFacts, kconfigImage, resolveExterns } from '../plan/index.js';
import { type CheckVerdict, type Finding, verdictOf } from './finding.js';
import { type CheckedKernel, hasKind, isWhole, shownSymbols, showVersion, unlessPartial } from './kernel.js';
import { isBuiltWith, settingsOf } from './kernel-config.js';

/** One extern on one kernel. */
export interface ExternCheck {
  readonly name: string;
  readonly section: '.kconfig' | '.ksyms';
  readonly kind: Extern['kind'];
  readonly weak: boolean;
  readonly verdict: CheckVerdict;
  /** What a load would find, `differs` of another type than is declared; undefined where what is given does not tell. */
  readonly found: 'there' | 'differs' | 'absent' | undefined;
  /** What a program would read: of a setting the text of the configuration, and nothing where it is not set. */
  readonly value: string | undefined;
  /** The module that has it. */
  readonly module: string | undefined;
  readonly finding: Finding | undefined;
}

/** By name. A missing weak one is no finding; reaching it is. */
export function checkExterns(object: BpfObject, kernel: CheckedKernel, facts: KernelFacts): Map<string, ExternCheck> {
  return new Map(
    object.externs.map((extern) => {
      const { name, section, kind, weak } = extern;
      const answer = kind === 'kconfig' ? setting(object, extern, kernel, facts) : symbol(object, extern, kernel, facts);
      const { finding } = answer;
      const verdict = finding ? verdictOf([finding]) : 'ok';
      return [name, { value: undefined, module: undefined, name, section, kind, weak, verdict, ...answer, finding }];
    }),
  );
}

type Answer = Pick<ExternCheck, 'found'> & Partial<Pick<ExternCheck, 'value' | 'module' | 'finding'>>;

function setting(object: BpfObject, extern: Extern, kernel: CheckedKernel, facts: KernelFacts): Answer {
  const { name, weak } = extern;
  if (isSetting(extern) && !kernel.kconfig) {
    if (weak) return { found: undefined };
    return { found: undefined, finding: open('settings', `${name} must be set; the configuration is not known`) };
  }
  if (name === 'LINUX_KERNEL_VERSION' && kernel.version === undefined)
    return {
      found: undefined,
      finding: open('settings', 'LINUX_KERNEL_VERSION: code may depend on it, and the version is not known'),
    };
  const image = attempted('settings', () => kconfigImage({ ...object, externs: [extern] }, facts));
  if ('finding' in image) return { found: 'absent', finding: image.finding };
  const value = kernel.kconfig && isSetting(extern) ? settingsOf(kernel.kconfig).get(name) : undefined;
  if (isSetting(extern)) return { found: value === undefined ? 'absent' : 'there', value };
  const number = extern.kind === 'kconfig' ? numberIn(image.value, extern) : 0n;
  return { found: 'there', value: name === 'LINUX_KERNEL_VERSION' ? showVersion(Number(number)) : String(number) };
}

function numberIn(image: Uint8Array, { offset, size }: { readonly offset: number; readonly size: number }): bigint {
  let value = 0n;
  for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(image[offset + i] ?? 0);
  return value;
}

function symbol(object: BpfObject, extern: Extern, kernel: CheckedKernel, facts: KernelFacts): Answer {
  const { name, weak } = extern;
  const isTypeless = extern.kind === 'variable' && extern.type === 0;
  if (isTypeless && !shownSymbols(kernel, name)) {
    if (hasKind(kernel, name, 'FUNC')) return { found: 'there' };
    if (weak) return { found: undefined };
    return { found: undefined, finding: open('symbols', `symbol ${name}: only /proc/kallsyms of that kernel tells`) };
  }
  const resolved = attempted('symbols', () =>
    resolveExterns(object, facts, (one) => one === extern, false).answers.byName.get(name),
  );
  if ('finding' in resolved) {
    const finding = advised(resolved.finding, extern, isTypeless, kernel);
    if (isTypeless) return { found: 'absent', finding };
    const found = lacked(extern, kernel);
    return { found, finding: found === 'differs' ? finding : unlessPartial(kernel, finding) };
  }
  if (isTypeless) return addressed(extern, kernel);
  if (resolved.value && resolved.value.kind !== 'absent') return { found: 'there', module: moduleOf(resolved.value) };
  return { found: lacked(extern, kernel) };
}

/** What has no answer may be there with another type. */
function lacked({ kind, name }: Extern, kernel: CheckedKernel): ExternCheck['found'] {
  const isThere = kind === 'function' ? hasKind(kernel, essentialName(name), 'FUNC') : hasKind(kernel, name, 'VAR');
  return isThere ? 'differs' : isWhole(kernel) ? 'absent' : undefined;
}

const moduleOf = (answer: ExternAnswer | undefined): string | undefined =>
  answer && 'module' in answer ? answer.module : undefined;

function addressed({ name }: Extern, kernel: CheckedKernel): Answer {
  const [found] = shownSymbols(kernel, name) ?? [];
  return { found: found ? 'there' : 'absent', module: found?.module };
}

/** The same for a kernel that is not at hand, and what it has in place of what is missing. */
function advised(finding: Finding, extern: Extern, isTypeless: boolean, kernel: CheckedKernel): Finding {
  const { name } = extern;
  if (!isTypeless) return finding;
  const { symbols, kconfig } = kernel;
  if ((shownSymbols(kernel, name) ?? []).length > 0) return finding; // several
  if (isBuiltWith(kconfig, 'CONFIG_KALLSYMS') === false) return unshown(name, 'CONFIG_KALLSYMS');
  if (!symbols) return finding;
  if (symbols.find(name).length > 0) return unshown(name, 'CONFIG_KALLSYMS_ALL');
  const modules = symbols.hasModules
    ? ''
    : ' Symbols of modules are not in System.map; /proc/kallsyms has those that are loaded.';
  const similar = nearest(name, symbols.names());
  return {
    ...finding,
    what: `The kernel has no symbol ${name} (${symbols.file})`,
    remedy: `${similar === undefined ? '' : `Did you mean "${similar}"? `}Declare it __weak, and test it before use.${modules}`,
  };
}

const unshown = (name: string, option: string): Finding => ({
  concern: 'symbols',
  verdict: 'red',
  stage: 'load',
  what: `The kernel does not show symbol ${name}: it was built without ${option}`,
  setting: option,
});

const open = (concern: Finding['concern'], what: string): Finding => ({ concern, verdict: 'unknown', stage: 'load', what });

function attempted<T>(concern: Finding['concern'], ask: () => T): { readonly value: T } | { readonly finding: Finding } {
  try {
    return { value: ask() };
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    return { finding: { concern, verdict: 'red', stage: 'load', what: error.what, remedy: error.remedy } };
  }
}
