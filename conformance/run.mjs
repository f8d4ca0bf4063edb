// npm run conformance [-- --quick]: tsbpf beside libbpf over a corpus of real objects. See docs/conformance.md, which this writes.

import { fork } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CACHE, ROOT, say, seconds } from '../scripts/debian/cache.mjs';
import { objectsOf, SOURCES } from './corpus.mjs';
import { compareDumps } from './dumps.mjs';
import { KERNELS, kernelTypes } from './kernels.mjs';
import { buildWitness } from './libbpf.mjs';
import { whyNot } from './needs.mjs';
import { describeRun, summary, toMarkdown } from './report.mjs';

const USAGE = `usage: npm run conformance -- [options]
  --part NAME        only what is loaded, beside libbpf (objects), or what is printed of types, beside bpftool (btf); else both
                     in a whole run, and objects alone in a part of one
  --quick            a subset of about a minute: small packages, the running kernel and two others
  --source NAME      only this source (may be given again); --source list prints them
  --kernel NAME      only this kernel's types: running, ${KERNELS.join(', ')} (may be given again)
  --only PATTERN     only objects whose name matches this regular expression; prints every difference
  --json             prints the report on stdout
  --help`;
const RUNNING = { name: 'running', file: undefined };
const PARTS = ['objects', 'btf'];
const QUICK_KERNELS = ['running', '5.10', '6.12'];
const MOST_SECONDS = 240; // for one object; it is counted as crashed after that
const WORKER = fileURLToPath(new URL('worker.mjs', import.meta.url));

function readArguments() {
  const { values } = parseArgs({
    options: {
      part: { type: 'string', multiple: true },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      source: { type: 'string', multiple: true },
      kernel: { type: 'string', multiple: true },
      only: { type: 'string' },
    },
  });
  return values;
}

/** The things without which there is no comparison. */
const prepare = (wanted, isWithLibbpf) => {
  try {
    const kernels = wanted.map((name) => (name === RUNNING.name ? RUNNING : kernelTypes(name)));
    return { ...(isWithLibbpf && buildWitness()), kernels };
  } catch (error) {
    throw new Error(`libbpf or a kernel could not be had: ${error.message}`, { cause: error });
  }
};

/** Sources that cannot be had here are told, and the rest goes on. */
function collect(sources) {
  const missing = [];
  const objects = sources.flatMap((source) => {
    try {
      return objectsOf(source);
    } catch (error) {
      missing.push({ source: source.name, why: error.message.trim().split('\n').at(-1) });
      say(`${source.name} is left out: ${missing.at(-1).why}`);
      return [];
    }
  });
  return { objects, missing };
}

/** Hands objects to processes of their own; one that ends or hangs costs one object. */
async function compareAll(witness, objects, kernels) {
  const queue = [...objects];
  const results = [];
  const work = async () => {
    let child;
    for (let object = queue.shift(); object; object = queue.shift()) {
      child ??= fork(WORKER, [witness], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
      const result = await ask(child, { object, kernels });
      if (result.crashed) child = undefined;
      results.push(result);
      progress(results.length, objects.length);
    }
    child?.disconnect();
  };
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work));
  const place = new Map(objects.map(({ path }, i) => [path, i]));
  return results.sort((a, b) => place.get(a.object.path) - place.get(b.object.path));
}

const ask = (child, question) =>
  new Promise((resolve) => {
    const crashed = (why) => {
      child.kill('SIGKILL');
      resolve({ object: question.object, crashed: why, self: { records: 0, broken: [] }, rows: [] });
    };
    const late = setTimeout(() => crashed(`no answer in ${MOST_SECONDS} s`), MOST_SECONDS * 1000);
    const exited = (code, signal) => crashed(`the process ended with ${signal ?? code}`);
    child.once('exit', exited);
    child.once('message', (result) => {
      clearTimeout(late);
      child.off('exit', exited);
      resolve(result);
    });
    child.send(question);
  });

function progress(done, all) {
  if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${all} objects${done === all ? '\n' : ''}`);
  else if (done % 200 === 0 || done === all) say(`${done} of ${all} objects`);
}

async function main() {
  const { part, quick, json, help, source, kernel, only } = readArguments();
  if (help) {
    console.log(USAGE);
    return 0;
  }
  const unknown = part?.find((name) => !PARTS.includes(name));
  if (unknown) throw new Error(`there is no part ${unknown}; there are ${PARTS.join(', ')}`);
  if (source?.includes('list')) {
    for (const { name, note } of SOURCES) console.log(`${name}: ${note}`);
    return 0;
  }
  const reason = whyNot(quick);
  if (reason) {
    console.log(`not compared: ${reason}`);
    return quick ? 0 : 2;
  }
  const whole = !quick && !source && !kernel && !only;
  const isWanted = (name) => part?.includes(name) ?? (name === 'objects' || whole);
  const chosen = (list, of) => list?.includes(of.name) ?? (!quick || of.quick);
  const wanted = kernel ?? (quick ? QUICK_KERNELS : ['running', ...KERNELS]);
  const { witness, version, kernels } = prepare(wanted, isWanted('objects'));
  const { objects, missing } = collect(SOURCES.filter((of) => chosen(source, of)));
  const pattern = new RegExp(only ?? '');
  const picked = objects.filter(({ name }) => pattern.test(name));
  const report = {};
  if (isWanted('objects')) {
    say(`comparing ${picked.length} objects for ${kernels.length} kernels`);
    const results = await compareAll(witness, picked, kernels);
    Object.assign(report, describeRun({ results, kernels, missing, version, seconds: seconds(), sources: SOURCES }), { results });
  }
  if (isWanted('btf')) report.dumps = await compareDumps(kernels, picked);

  const { results, ...told } = write(report, whole);
  console.log(json ? JSON.stringify(told, undefined, 1) : summary(told, { all: only !== undefined }));
  return failures(report) > 0 ? 1 : 0;
}

const failures = ({ unknown = [], dumps }) =>
  unknown.length + (dumps ? dumps.different.length + dumps.headers.filter(({ problem }) => problem).length : 0);

/** Keeps what was found, and of a whole run the page. A part that was not run now is told as it was before. */
function write(report, whole) {
  const file = join(CACHE, whole ? 'report.json' : 'report-part.json');
  const before = whole && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const now = { ...before, ...report };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(now, undefined, 1));
  const isTold = whole && now.results && now.dumps;
  if (isTold) writeFileSync(join(ROOT, 'docs/conformance.md'), toMarkdown(now));
  say(`written: ${file}${isTold ? ', docs/conformance.md' : ''}`);
  return report;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.log(`not compared: ${error.message}`);
  // Where the quick subset runs there may be no network.
  process.exitCode = process.argv.includes('--quick') ? 0 : 2;
}
