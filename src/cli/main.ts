// The command line: `tsbpf <verb>`, a file for each verb.

import { main } from './frame.js';
import { VERBS } from './table.js';

await main(VERBS);
