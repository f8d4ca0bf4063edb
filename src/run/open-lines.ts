// What nobody gave of a kernel, and the option to give it by: for the matrix of `check` and the page of `explain`.

import { FACTS, type ObjectCheck, type OpenQuestion } from '../check/index.js';
import { THIS_KERNEL } from './kernels.js';
import { wrap } from './paint.js';

/** What to give to learn what is not known. */
const FLAGS: Readonly<Record<OpenQuestion['fact'], { readonly words: string; readonly flag: string }>> = {
  configuration: { words: 'the configuration', flag: '--config' },
  symbols: { words: 'symbols', flag: '--kallsyms' },
  version: { words: 'the version', flag: '--kernel VERSION=FILE in place of --btf, or its configuration' },
};

/** Of the running kernel nothing can be given: then it has to be described as others are. */
const giving = (flag: string, kernel: string): string =>
  kernel === THIS_KERNEL ? `--kernel NAME=/sys/kernel/btf/vmlinux ${flag} NAME=FILE` : `${flag} ${kernel}=FILE`;

/** A paragraph for each fact and its names; kernels of which the same is not known share one. */
export function openLines(checks: readonly ObjectCheck[], width: number): string[] {
  const kernels = [...new Set(checks.map(({ kernel }) => kernel))];
  const rows = kernels.flatMap((kernel) =>
    FACTS.flatMap((fact) => {
      const open = checks.flatMap((check) => (check.kernel === kernel ? check.open : []));
      const names = [...new Set(open.flatMap((question) => (question.fact === fact ? question.names : [])))].sort();
      return names.length === 0 ? [] : [{ kernel, fact, names: names.join(', ') }];
    }),
  );
  const groups = new Map<string, string[]>();
  for (const { kernel, fact, names } of rows) {
    const key = `${fact} ${names}`;
    groups.set(key, [...(groups.get(key) ?? []), kernel]);
  }
  return [...groups].flatMap(([key, of]) => {
    const [fact, names] = [key.slice(0, key.indexOf(' ')) as OpenQuestion['fact'], key.slice(key.indexOf(' ') + 1)];
    const { words, flag } = FLAGS[fact];
    const how = fact === 'version' ? flag : of.map((kernel) => giving(flag, kernel)).join(' ');
    return wrap(`${of.join(', ')}: ${words} would tell of ${names}. Give it: ${how}`, width, '  ', '    ');
  });
}
