// `tsbpf run …` alone: a tool is to trace within a moment, so it is compiled into one file, with nothing of the other verbs.

import { main } from './frame.js';
import { runCommand } from './run.js';

await main([{ name: 'run', description: 'run a bundled tool', load: async () => runCommand() }]);
