// The command line: `tsbpf <verb>`. Only the file of the verb that is asked for is loaded; what is no verb gets help.

import { createRequire } from 'node:module';
import { likeBpftool } from './arguments.js';
import { VERBS } from './table.js';

const args = likeBpftool(process.argv.slice(2));
process.argv.splice(2, Number.POSITIVE_INFINITY, ...args);
const words = args.filter((arg) => !arg.startsWith('-'));
const asked = words[0] === 'help' ? words[1] : words[0];
const file = VERBS.some(({ name }) => name === asked) ? asked : 'help';
createRequire(import.meta.url)(`./${file}.cjs`);
