// The two sides as child processes: ours (measure.mjs, the command line) and the C harness, which is compiled here.

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
export const BOOTSTRAP = path('fixtures/bootstrap.bpf.o');
export const BENCH = path('fixtures/bench.bpf.o');
const SOURCE = path('bench/libbpf.c');
const MEASURE = path('bench/measure.mjs');
const CLI = path('bin/tsbpf.cjs');
const HARNESS = path('.cache/libbpf-bench');
/** The live consumers' CPU; the producer has CPU 1. */
const CONSUMER_CPU = '0';

export function buildHarness() {
  mkdirSync(path('.cache'), { recursive: true });
  const { error, status, stderr } = spawnSync('gcc', ['-O2', '-o', HARNESS, SOURCE, '-lbpf'], { encoding: 'utf8' });
  if (error?.code === 'ENOENT') throw new Error('The C side needs a compiler: apt-get install gcc libbpf-dev');
  if (/bpf\/\w+\.h: No such file|cannot find -lbpf/.test(stderr))
    throw new Error('The C side needs libbpf and its headers: apt-get install libbpf-dev');
  if (status !== 0) throw new Error(`gcc failed on bench/libbpf.c:\n${stderr}`);
}

/** Runs a child to its end; its line of JSON. What it says on stderr is shown only when it fails. */
function measured(command, args) {
  const { error, status, signal, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${signal ?? `exit ${status}`}\n${stderr}`);
  return JSON.parse(stdout);
}

export const ours = (...args) => measured(process.execPath, [MEASURE, ...args.map(String)]);
export const theirs = (...args) => measured(HARNESS, args.map(String));
/** Ours as libbpf.c's `live` runs: the consumer on one CPU, the producer on the other. */
export const oursLive = (how, size, seconds) =>
  measured('taskset', ['-c', CONSUMER_CPU, process.execPath, MEASURE, 'live', how, BENCH, `${size}`, `${seconds}`, HARNESS]);

// ---- whole processes ----

export const BARE_NODE = [process.execPath, '-e', '0'];
export const IDLE_NODE = [process.execPath, '-e', "setInterval(() => {}, 1 << 30); process.stdout.write('ready\\n')"];
export const TOOL = [process.execPath, CLI, 'run', 'bootstrap'];
/** A duration that no process reaches, so that no event comes however busy the machine is. */
export const QUIET_TOOL = [...TOOL, '--duration', '1000000000'];
export const tsbpf = (...words) => [process.execPath, CLI, ...words];
export const C_TOOL = [HARNESS, 'cold', BOOTSTRAP];

/** Starts a process; `line` settles with the milliseconds to its first output, `end` when it is gone. */
function start([command, ...args]) {
  const started = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (chunk) => {
    complaint += chunk;
  });
  const end = new Promise((resolve) => child.once('close', resolve));
  const line = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.stdout.once('data', () => resolve(performance.now() - started));
    child.once('close', (code) => reject(new Error(`${command} ${args.join(' ')} ended with ${code}\n${complaint}`)));
  });
  return { child, line, end };
}

/** Milliseconds from the start of a process to its first line; it is killed then, and waited for. */
export async function timeToFirstLine(command) {
  const { child, line, end } = start(command);
  const ms = await line;
  child.kill('SIGKILL');
  await end;
  return ms;
}

/** Milliseconds from the start of a process to its end; what it prints goes nowhere. */
export function timeToEnd([command, ...args]) {
  const started = performance.now();
  const { status } = spawnSync(command, args, { stdio: 'ignore' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`);
  return performance.now() - started;
}

/** Runs a process until it has printed its first line, gives its pid to `look`, and kills it. */
export async function whileRunning(command, look) {
  const { child, line, end } = start(command);
  await line;
  try {
    return await look(child.pid);
  } finally {
    child.kill('SIGKILL');
    await end;
  }
}

/** Resident memory in KiB: the kernel's sum over the mappings, because statm comes from counters that lag behind. */
export function residentKb(pid) {
  return Number(/^Rss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]);
}
