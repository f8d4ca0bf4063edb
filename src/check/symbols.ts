// Externs against a kernel: what of its symbols, functions and settings an object declares.

import { typesOf } from '../btf/index.js';
import { nearestFew } from '../bytes/index.js';
import { BpfError } from '../errors.js';
import type { BpfObject, Extern } from '../object/index.js';
import { isSetting, type KernelFacts, kconfigImage, resolveExterns } from '../plan/index.js';
import type { Finding } from './finding.js';
import { type CheckedKernel, hasKind } from './kernel.js';

/** By extern: what a kernel has not, or what is not known of it. A missing weak one is no finding; reaching it is. */
export function checkExterns(object: BpfObject, kernel: CheckedKernel, facts: KernelFacts): Map<string, Finding> {
  const found = new Map<string, Finding>();
  for (const extern of object.externs) {
    const finding = extern.kind === 'kconfig' ? setting(object, extern, kernel, facts) : symbol(object, extern, kernel, facts);
    if (finding) found.set(extern.name, finding);
  }
  return found;
}

function setting(object: BpfObject, extern: Extern, kernel: CheckedKernel, facts: KernelFacts): Finding | undefined {
  if (isSetting(extern) && !kernel.kconfig)
    return extern.weak ? undefined : open('settings', `${extern.name} must be set; the configuration is not known`);
  if (extern.name === 'LINUX_KERNEL_VERSION' && kernel.version === undefined)
    return open('settings', 'LINUX_KERNEL_VERSION: code may depend on it, and the version is not known');
  return refused('settings', () => kconfigImage({ ...object, externs: [extern] }, facts));
}

function symbol(object: BpfObject, extern: Extern, kernel: CheckedKernel, facts: KernelFacts): Finding | undefined {
  const isTypeless = extern.kind === 'variable' && extern.type === 0;
  if (isTypeless && !kernel.kallsyms) {
    if (extern.weak || hasKind(kernel, extern.name, 'FUNC')) return undefined;
    return open('symbols', `symbol ${extern.name}: only /proc/kallsyms of that kernel tells`);
  }
  const finding = refused('symbols', () => resolveExterns(object, facts, (one) => one === extern, false));
  if (!finding || isTypeless || hasKind(kernel, extern.name, 'FUNC')) return finding;
  const near = nearestFew(extern.name, functionNames(kernel));
  return near.length > 0 ? { ...finding, remedy: `The kernel has: ${near.join(', ')}. ${finding.remedy ?? ''}` } : finding;
}

function* functionNames({ btf }: CheckedKernel): Generator<string> {
  for (const id of typesOf(btf, 'FUNC')) yield btf.name(id);
}

const open = (concern: Finding['concern'], what: string): Finding => ({ concern, verdict: 'unknown', stage: 'load', what });

function refused(concern: Finding['concern'], ask: () => unknown): Finding | undefined {
  try {
    ask();
    return undefined;
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    return { concern, verdict: 'red', stage: 'load', what: error.what, remedy: error.remedy };
  }
}
