// npm run hostile -- [--cases N] [--seed S] [--minutes M] [--case N] [--corpus FOLDER]... [--readers]: mutated objects through everything
// that reads them; or everything else that reads what others wrote. See docs/hostile.md.

import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { compiledSeeds } from './compile.mjs';

const USAGE =
  'usage: npm run hostile -- [--cases N] [--seed S] [--minutes M] [--case NUMBER] [--from NUMBER] [--corpus FOLDER]... [--corpus-most N] [--no-compile] [--readers [--no-samples]]';
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CACHE = join(ROOT, '.cache/hostile');
/** Cases in one process: each shard starts with the memory of a new one. */
const SHARD = 50_000;
/** Of JavaScript's own memory; with Node itself and bytes outside of it, a process stays below 256 MiB. */
const HEAP = ['--max-old-space-size=128', '--max-semi-space-size=4'];
/** A case that has not ended by now never will. */
const HANG_SECONDS = 60;
/** Files kept of failures that look the same. */
const KEPT = 3;

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        cases: { type: 'string', default: '20000' },
        seed: { type: 'string', default: String(Date.now() % 0x7fffffff) },
        minutes: { type: 'string', default: 'Infinity' },
        from: { type: 'string', default: '0' },
        case: { type: 'string' },
        corpus: { type: 'string', multiple: true },
        'corpus-most': { type: 'string', default: '60' },
        'no-compile': { type: 'boolean', default: false },
        readers: { type: 'boolean', default: false },
        'no-samples': { type: 'boolean', default: false },
      },
    });
    const numbers = ['cases', 'seed', 'minutes', 'from', 'corpus-most', 'case'].filter((name) => values[name] !== undefined);
    const wrong = numbers.find((name) => Number.isNaN(Number(values[name])) || Number(values[name]) < 0);
    if (wrong) throw new Error(`--${wrong} takes a number, not "${values[wrong]}".`);
    return values;
  } catch (error) {
    throw new Error(`${error.message}\n${USAGE}`);
  }
}

async function bundle() {
  const outfile = join(CACHE, `worker-${process.pid}.mjs`);
  await build({
    absWorkingDir: ROOT,
    entryPoints: ['hostile/worker.ts'],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    target: 'node20',
    sourcemap: 'inline',
    banner: { js: "Symbol.dispose ??= Symbol.for('Symbol.dispose');" },
    logLevel: 'warning',
  });
  return outfile;
}

/** Paths of the objects that are mutated, besides those that are built in memory. */
function chosenFiles(worker, files, choose) {
  if (choose.corpus.length === 0 || choose.most === 0) return files;
  const { stdout, stderr } = spawnSync(process.execPath, [worker, JSON.stringify({ files, choose })], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (!stdout) throw new Error(`No objects could be chosen of ${choose.corpus.join(', ')}:\n${stderr}`);
  return [...files, ...JSON.parse(stdout).files];
}

/** What this machine shows of its kernel, once: the same for every run until the folder is removed. */
function gathered(worker) {
  const folder = join(CACHE, 'samples');
  if (existsSync(join(folder, 'progs.json'))) return folder;
  const { status, stderr } = spawnSync(process.execPath, [worker, JSON.stringify({ gather: folder })], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`This machine's samples cannot be gathered:\n${stderr}`);
  return folder;
}

/** What all shards came to. */
const total = { done: 0, counts: new Map(), peak: 0, slowest: [], failures: [], digest: '' };

function take(line, seed) {
  if (line.kind === 'start') total.digest = line.digest;
  if (line.kind === 'case') console.log(`case ${line.number} of ${line.name}: ${line.notes.join('; ') || 'as it is'}`);
  if (line.kind === 'failure') fail(line, seed);
  if (!line.counts) return;
  for (const [key, count] of line.counts) {
    total.counts.set(key, (total.counts.get(key) ?? 0) + count);
    total.done += count;
  }
  total.peak = Math.max(total.peak, line.peak);
  total.slowest = [...total.slowest, ...line.slowest].sort((a, b) => b.milliseconds - a.milliseconds).slice(0, 5);
}

function fail({ file, ...failure }, seed) {
  const places = (failure.stack ?? '').split('\n').filter((text) => text.trim().startsWith('at '));
  const same = `${failure.stage} ${places[0] ?? failure.stack}`.replace(/took \d+/, 'took');
  const alike = total.failures.filter((other) => other.same === same).length;
  total.failures.push({ ...failure, same });
  if (alike >= KEPT) return;
  const path = join(CACHE, `failure-${seed}-${failure.number}`);
  writeFileSync(`${path}.json`, `${JSON.stringify({ seed, digest: total.digest, ...failure }, null, 2)}\n`);
  if (file) writeFileSync(`${path}.input`, Buffer.from(file, 'base64'));
  console.error(
    `\nFAILED case ${failure.number} (${failure.stage}) of ${failure.name ?? '?'}: ${failure.stack?.split('\n').slice(0, 4).join('\n')}`,
  );
  console.error(`  kept in ${path}.json; again: npm run hostile -- --seed ${seed} --case ${failure.number}`);
}

function caseAt(progress) {
  const bytes = Buffer.alloc(8);
  const fd = openSync(progress, 'r');
  try {
    return readSync(fd, bytes, 0, 8, 0) === 8 ? bytes.readDoubleLE() : undefined;
  } finally {
    closeSync(fd);
  }
}

/** Runs cases `from` to `to` in one process. @returns The case to go on with, after one that took the process with it. */
async function shard(worker, work, deadline) {
  const progress = join(CACHE, `progress-${process.pid}`);
  writeFileSync(progress, '');
  const child = spawn(process.execPath, [...HEAP, '--enable-source-maps', worker, JSON.stringify({ ...work, progress })], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors = (errors + chunk).slice(-4000);
  });
  let ended = false;
  let reported = work.from;
  let seen;
  let seenAt = Date.now();
  let stopped;
  const watch = setInterval(() => {
    const at = caseAt(progress);
    if (at !== seen) [seen, seenAt] = [at, Date.now()];
    else if (at !== undefined && Date.now() - seenAt > HANG_SECONDS * 1000) stop('hang');
    if (Date.now() > deadline) stop('deadline');
  }, 500);
  const stop = (why) => {
    stopped ??= why;
    child.kill('SIGKILL');
  };
  const closed = new Promise((resolve) => child.once('close', (code, signal) => resolve(signal ?? code)));
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text);
    take(line, work.seed);
    if (line.kind === 'progress' || line.kind === 'end') reported = line.done;
    if (line.kind === 'end') ended = true;
    if (line.kind === 'progress') showProgress();
  }
  const status = await closed;
  clearInterval(watch);
  const at = caseAt(progress);
  rmSync(progress, { force: true });
  if (ended) return work.to;
  if (stopped === 'deadline') return undefined;
  if (at === undefined) throw new Error(`The worker ended with ${status} before its first case:\n${errors}`);
  fail(
    {
      kind: 'failure',
      number: at,
      stage: stopped ?? 'crash',
      stack: stopped ? `no end after ${HANG_SECONDS} s` : `${status}: ${errors.slice(-1500)}`,
    },
    work.seed,
  );
  total.done += at - reported; // their outcomes are lost with the process
  return at + 1;
}

const started = Date.now();
const seconds = () => (Date.now() - started) / 1000;
let shownAt = 0;
function showProgress() {
  if (Date.now() - shownAt < (process.stderr.isTTY ? 1000 : 30_000)) return;
  shownAt = Date.now();
  const rate = total.done / seconds();
  process.stderr.write(
    `${Math.round(seconds())} s: ${total.done} cases, ${Math.round(rate)} per second, peak ${Math.round(total.peak / 2 ** 20)} MiB, ${total.failures.length} failures\n`,
  );
}

function showTable() {
  const rows = new Map();
  const codes = new Set(['works']);
  for (const [key, count] of total.counts) {
    const [name, code] = key.split('\0');
    codes.add(code);
    rows.set(name, new Map([...(rows.get(name) ?? []), [code, count]]));
  }
  const columns = [...codes].sort((a, b) => (a === 'works' ? -1 : b === 'works' ? 1 : a < b ? -1 : 1));
  const short = (code) => code.replace('ERR_TSBPF_', '').toLowerCase();
  const line = (name, cells) => `${name.slice(0, 40).padEnd(40)}${cells.map((cell) => String(cell).padStart(14)).join('')}`;
  const sums = columns.map((code) => [...rows.values()].reduce((sum, row) => sum + (row.get(code) ?? 0), 0));
  console.log(line('object', [...columns.map(short), 'all']));
  for (const [name, row] of [...rows].sort((a, b) => (a[0] < b[0] ? -1 : 1))) {
    const cells = columns.map((code) => row.get(code) ?? 0);
    console.log(line(name, [...cells, cells.reduce((a, b) => a + b, 0)]));
  }
  console.log(line('all', [...sums, sums.reduce((a, b) => a + b, 0)]));
}

try {
  const options = readArguments();
  mkdirSync(CACHE, { recursive: true });
  const worker = await bundle();
  const scratch = join(CACHE, `scratch-${process.pid}`);
  process.once('exit', () => {
    rmSync(worker, { force: true });
    rmSync(scratch, { recursive: true, force: true });
  });
  const conformance = join(process.env.TSBPF_CACHE ?? join(ROOT, '.cache/conformance'), 'objects');
  const only = options.case;
  const seed = Number(options.seed);
  const first = Number(only ?? options.from);
  const last = only === undefined ? first + Number(options.cases) : first + 1;
  const files = [
    ...['bootstrap', 'bench'].map((name) => join(ROOT, `fixtures/${name}.bpf.o`)),
    ...(options['no-compile'] ? [] : compiledSeeds(ROOT, join(CACHE, 'objects'))),
  ];
  const corpus = (options.corpus ?? (options.readers ? [] : [conformance])).filter((folder) => existsSync(folder));
  const work = {
    seed,
    only,
    files: chosenFiles(worker, files, { corpus, most: Number(options['corpus-most']) }),
    logs: join(ROOT, 'test/load/logs'),
    readers: options.readers,
    captures: join(ROOT, 'test/live/netlink.json'),
    samples: options.readers && !options['no-samples'] ? gathered(worker) : undefined,
    scratch,
  };
  console.log(`hostile: --seed ${seed}, cases ${first} to ${last - 1}`);
  const deadline = started + Number(options.minutes) * 60_000;
  for (let from = first; from !== undefined && from < last && Date.now() < deadline; ) {
    from = await shard(worker, { ...work, from, to: Math.min(last, from + SHARD - (from % SHARD)) }, deadline);
  }
  if (only === undefined) showTable();
  for (const { number, milliseconds, seed: name, notes } of total.slowest)
    console.log(`slow: ${milliseconds} ms, case ${number} of ${name}: ${notes.join('; ').slice(0, 200)}`);
  const version = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version;
  console.log(
    `tsbpf ${version}, seed ${seed}, ${total.digest}: ${total.done} cases in ${Math.round(seconds())} s, ${((seconds() * 1000) / Math.max(1, total.done)).toFixed(2)} ms each; peak RSS ${Math.round(total.peak / 2 ** 20)} MiB; ${total.failures.length} failures`,
  );
  if (total.failures.length > 0) process.exitCode = 1;
} catch (error) {
  console.error(`hostile: ${error.message}`);
  process.exitCode = 1;
}
