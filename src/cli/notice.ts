// What is said on stderr beside an answer. It is apart from output.ts because it brings along how errors are said.

import type { BpfError } from '../errors.js';
import { terminalWidth } from './look.js';
import { errorText } from './report.js';

/** What keeps the answer from being all that it could be, beside the answer. @param instead What there is. */
export function printNotice(why: BpfError, instead: string): void {
  process.stderr.write(`${errorText(why, { log: false, width: terminalWidth(process.stderr) })}\n${instead}\n`);
}
