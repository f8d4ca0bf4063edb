// What a verb's help says below its options, as wide as commander makes the rest.

import type { AddHelpTextContext } from 'commander';
import { wrapped } from '../bytes/index.js';

const COLUMNS = 80;
const DEEPER = '    ';

/** For `addHelpText('after', …)`: lines that are too wide go on below, moved in. */
export function afterHelp(text: string): (context: AddHelpTextContext) => string {
  return ({ error }) => {
    const columns = (error ? process.stderr : process.stdout).columns ?? COLUMNS;
    return text
      .split('\n')
      .flatMap((line) => (line.length > columns ? folded(line, columns) : [line]))
      .join('\n');
  };
}

function folded(line: string, columns: number): string[] {
  const [first = '', ...rest] = wrapped(line, columns - DEEPER.length);
  return [first, ...rest.map((next) => DEEPER + next)];
}
