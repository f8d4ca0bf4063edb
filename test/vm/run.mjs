// Tests of the loader with kernels other than this machine's: one start of qemu for each, all tests in it.

import { parseArgs } from 'node:util';
import { ROOT, say, seconds } from '../../scripts/debian/cache.mjs';
import { KERNELS } from '../../scripts/debian/kernels.mjs';
import { buildSuite } from './build.mjs';
import { bootable } from './kernels.mjs';
import { runInMachine } from './machine.mjs';
import { whyNot } from './needs.mjs';
import { Results, summary } from './results.mjs';

const USAGE = `usage: npm run test:vm -- [options]
  --kernel NAME      only this kernel: ${KERNELS.join(', ')} (may be given again)
  --only PATTERN     only tests whose "group: name" matches this regular expression
  --verbose          prints every test, not only those that fail or are skipped
  --help
Kernels are Debian's; they are downloaded once, to TSBPF_CACHE or .cache/conformance.`;
/** A kernel under emulation panics now and then before it has come up, in its scheduler, and not again: that says nothing of our tests. */
const MOST_STARTS = 3;
const MOST_SECONDS = 240; // for one kernel; a fifth of it where nothing else runs

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        kernel: { type: 'string', multiple: true },
        only: { type: 'string' },
        verbose: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const unknown = values.kernel?.find((name) => !KERNELS.includes(name));
    if (unknown) throw new Error(`there is no kernel "${unknown}"`);
    return values;
  } catch (error) {
    console.error(`${error.message}\n${USAGE}`);
    process.exit(2);
  }
}

const { kernel: wanted = KERNELS, only, verbose, help } = readArguments();
if (help) {
  console.log(USAGE);
  process.exit(0);
}
const reason = whyNot();
if (reason) {
  console.log(`skipped: no tests with other kernels on this machine: ${reason}`);
  process.exit(0);
}
let kernels;
let suite;
try {
  kernels = wanted.map(bootable);
  suite = await buildSuite();
} catch (error) {
  if (!/^(apt-get|apt-cache) /.test(/Command failed: (.*)/.exec(error.message)?.[1] ?? '')) throw error;
  console.log(`skipped: Debian's packages cannot be had: ${String(error.stderr).trim()}`);
  process.exit(0);
}

const runs = [];
for (const kernel of kernels) {
  say(`Linux ${kernel.version}`);
  runs.push(await resultsOn(kernel));
}
console.log(summary(runs, { libbpf: suite.libbpf, seconds: seconds() }));
process.exit(runs.some(({ failed }) => failed > 0) ? 1 : 0);

async function resultsOn(kernel) {
  const environment = [`TSBPF_OBJECTS=${suite.objects}`, `TSBPF_WITNESS=${suite.witness}`, `TSBPF_TOOLS=${suite.tools}`];
  if (only) environment.push(`TSBPF_ONLY=${only}`);
  const reporter = new URL('reporter.mjs', import.meta.url).href;
  for (let start = 1; ; start++) {
    const results = new Results(kernel, verbose);
    try {
      const code = await runInMachine(kernel, {
        command: ['env', ...environment, process.execPath, `--test-reporter=${reporter}`, suite.tests],
        cwd: ROOT,
        onOut: (text) => results.add(text),
        seconds: MOST_SECONDS,
      });
      results.end(code);
      return results;
    } catch (error) {
      if (!results.isEmpty || start === MOST_STARTS) {
        results.crashed(error);
        return results;
      }
      console.log(`  the machine did not come up, and is started again: ${panicIn(error.message)}`);
    }
  }
}

function panicIn(text) {
  return /Kernel panic[^\n]*/.exec(text)?.[0] ?? 'it said nothing';
}
