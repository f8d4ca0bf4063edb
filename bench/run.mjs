// npm run bench [-- a b c d e f] [--quick] [--json]: tsbpf beside libbpf, the same jobs on the same machine in the same minutes.
// See README.md for what is measured and how.

import { parseArgs } from 'node:util';
import { buildHarness } from './harness.mjs';
import { SECTIONS } from './sections.mjs';
import { describeMachine, showTable } from './table.mjs';

const USAGE = 'usage: npm run bench -- [a] [b] [c] [d] [e] [f] [--quick] [--json]';

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
    });
    const unknown = positionals.find((name) => !Object.hasOwn(SECTIONS, name));
    if (unknown !== undefined) throw new Error(`There is no part "${unknown}"; parts: ${Object.keys(SECTIONS).join(', ')}.`);
    return { ...values, parts: positionals.length > 0 ? positionals : Object.keys(SECTIONS) };
  } catch (error) {
    throw new Error(`${error.message}\n${USAGE}`);
  }
}

// With it Node reads a file of certificates at each start, which takes longer than all else that it does then.
delete process.env.NODE_EXTRA_CA_CERTS;

try {
  const { parts, quick, json } = readArguments();
  buildHarness();
  const machine = describeMachine();
  const results = [];
  for (const part of parts) {
    if (!json) process.stderr.write(`(${part}) ${SECTIONS[part].title} …\n`);
    for (const row of await SECTIONS[part].run({ quick })) results.push({ part, ...row });
  }
  if (json) console.log(JSON.stringify({ machine, results }, null, 2));
  else console.log(`\n${machine}\n\n${showTable(results)}`);
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
}
