// What is measured, part by part. Each part returns rows; both sides of a row run in turns, and the medians are compared.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { newestBpftool } from '../conformance/bpftool.mjs';
import { kernelTypes } from '../conformance/kernels.mjs';
import {
  BARE_NODE,
  BENCH,
  BOOTSTRAP,
  C_TOOL,
  IDLE_NODE,
  ours,
  oursLive,
  QUIET_TOOL,
  residentKb,
  TOOL,
  theirs,
  timeToEnd,
  timeToFirstLine,
  tsbpf,
  whileRunning,
} from './harness.mjs';

const VMLINUX = '/sys/kernel/btf/vmlinux';
const DRAINED = 60_000; // records: 16 MiB, the ring, hold 60,000 of 256 bytes
const EVENT_SIZE = 168; // struct event of bootstrap.h
const NS_PER_MS = 1e6;

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Calls each of `runs` in turn, `rounds` times; the answers, by name. In turns, so that a busy minute hits all of them. */
async function interleaved(rounds, runs) {
  const answers = Object.fromEntries(Object.keys(runs).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) for (const [name, run] of Object.entries(runs)) answers[name].push(await run());
  return answers;
}

const lower = (limit) => ({ text: `≤ ${limit}`, met: (value) => value <= limit });
const higher = (limit) => ({ text: `≥ ${limit}`, met: (value) => value >= limit });

/** `of` says which number the target is about: our own, or the ratio. */
function row(name, unit, own, libbpf, target, of = 'ratio') {
  const ratio = libbpf === undefined ? undefined : own / libbpf;
  const judged = of === 'ratio' ? ratio : own;
  return {
    name,
    unit,
    tsbpf: own,
    libbpf,
    ratio,
    ...(target && {
      target: `${of === 'ratio' ? 'ratio ' : ''}${target.text}${of === 'ratio' ? '' : ` ${unit}`}`,
      met: target.met(judged),
    }),
  };
}

// ---- (a) open, load, attach ----

async function loading({ quick }) {
  const repeat = quick ? 8 : 20;
  const warm = await interleaved(quick ? 2 : 5, {
    ours: () => ours('load', BOOTSTRAP, repeat).ns,
    theirs: () => theirs('load', BOOTSTRAP, repeat).ns,
  });
  const cold = await interleaved(quick ? 7 : 21, {
    node: () => timeToEnd(BARE_NODE),
    ours: () => timeToFirstLine(TOOL),
    theirs: () => timeToFirstLine(C_TOOL),
  });
  const first = (runs) => median(runs.map((ns) => ns[0])) / NS_PER_MS;
  const later = (runs) => median(runs.flatMap((ns) => ns.slice(1))) / NS_PER_MS;
  return [
    row('open + load + attach, warm', 'ms', later(warm.ours), later(warm.theirs), lower(1)),
    row('the first one of a process', 'ms', first(warm.ours), first(warm.theirs)),
    row('cold, to the header line', 'ms', median(cold.ours), median(cold.theirs)),
    row('  over `node -e 0`', 'ms', median(cold.ours) - median(cold.node), undefined, lower(60), 'own'),
  ];
}

// ---- (b) BTF ----

async function parsing({ quick }) {
  const repeat = quick ? 15 : 40;
  const { ours: own, theirs: libbpf } = await interleaved(quick ? 2 : 5, {
    ours: () => ours('btf', VMLINUX, repeat).ns,
    theirs: () => theirs('btf', VMLINUX, repeat).ns,
  });
  const first = (runs) => median(runs.map((ns) => ns[0])) / NS_PER_MS;
  const later = (runs) => median(runs.flatMap((ns) => ns.slice(1))) / NS_PER_MS;
  return [
    row('kernel BTF: parse + find a struct', 'ms', later(own), later(libbpf)),
    row('the first one of a process', 'ms', first(own), first(libbpf)),
  ];
}

// ---- (c) the ring ----

async function draining({ quick }) {
  const rows = [];
  const rounds = quick ? 3 : 7;
  const repeat = quick ? 60 : 150;
  /** Millions of records a second. The first drains compile the code, and are not what a long run sees. */
  const rate = (runs) => median(runs.map(({ records, ns }) => (records / median(ns.slice(ns.length >> 1))) * 1000));
  for (const size of [16, 64, 256]) {
    const runs = await interleaved(rounds, {
      ours: () => ours('drain', 'raw', BENCH, size, DRAINED, repeat),
      theirs: () => theirs('drain', BENCH, size, DRAINED, repeat),
    });
    rows.push(
      row(`pre-filled, ${size} bytes, raw`, 'M/s', rate(runs.ours), rate(runs.theirs), size === 64 ? higher(0.5) : undefined),
    );
  }
  const typed = await interleaved(rounds, {
    ours: () => ours('drain', 'typed', BENCH, EVENT_SIZE, DRAINED, repeat),
    theirs: () => theirs('drain', BENCH, EVENT_SIZE, DRAINED, repeat),
  });
  rows.push(row('pre-filled, bootstrap events, typed', 'M/s', rate(typed.ours), rate(typed.theirs), higher(3), 'own'));
  return [...rows, ...(await drainingLive({ quick }))];
}

/** Both sides must account for every attempt: measure.mjs and libbpf.c fail where one is missing. */
async function drainingLive({ quick }) {
  const seconds = 1;
  const rounds = quick ? 5 : 9;
  const rate = (runs) => median(runs.map(({ received, seconds: s }) => received / s / 1e6));
  const rows = [];
  for (const size of [16, 64, 256]) {
    const runs = await interleaved(rounds, {
      ours: () => oursLive('raw', size, seconds),
      theirs: () => theirs('live', BENCH, size, seconds),
    });
    rows.push(row(`live, ${size} bytes, raw`, 'M/s', rate(runs.ours), rate(runs.theirs), size === 64 ? higher(1) : undefined));
  }
  const events = await interleaved(rounds, {
    typed: () => oursLive('typed', EVENT_SIZE, seconds),
    iterator: () => oursLive('iterator', EVENT_SIZE, seconds),
    theirs: () => theirs('live', BENCH, EVENT_SIZE, seconds),
  });
  rows.push(row('live, bootstrap events, typed', 'M/s', rate(events.typed), rate(events.theirs)));
  rows.push(row('live, bootstrap events, async iterator', 'M/s', rate(events.iterator), rate(events.theirs)));
  return rows;
}

// ---- (d) at rest ----

const IDLE_MS = 2000;

async function resting({ quick }) {
  const rounds = quick ? 3 : 5;
  const memory = await interleaved(rounds, {
    node: () => whileRunning(IDLE_NODE, residentKb),
    ours: () => whileRunning(QUIET_TOOL, residentKb),
    theirs: () => theirs('rss', BOOTSTRAP).rss_kb,
  });
  const cpu = await interleaved(rounds, { ours: () => whileRunning(QUIET_TOOL, idleCpu) });
  const mb = (runs) => median(runs) / 1024;
  return [
    row('resident memory, attached', 'MB', mb(memory.ours), mb(memory.theirs)),
    row('  over bare node', 'MB', mb(memory.ours) - mb(memory.node), undefined, lower(40), 'own'),
    row('CPU while waiting', '%', median(cpu.ours), undefined, lower(1), 'own'),
  ];
}

/** Percent of one CPU, all threads, by the scheduler's own nanoseconds. Starts once the process has come to rest. */
async function idleCpu(pid) {
  await sleep(500);
  const before = busyNs(pid);
  const started = performance.now();
  await sleep(IDLE_MS);
  return ((busyNs(pid) - before) / NS_PER_MS / (performance.now() - started)) * 100;
}

function busyNs(pid) {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce((sum, tid) => sum + Number(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'utf8').split(' ')[0]), 0);
}

// ---- (e) CO-RE ----

const MOST_RECORDS = 10;
const CORPUS = new URL('../.cache/conformance/objects/', import.meta.url);

/** The objects of the conformance corpus on which CO-RE has the most to do. */
function richest() {
  const sources = existsSync(CORPUS) ? readdirSync(CORPUS).filter((source) => !/gcc|v2|v4/.test(source)) : [];
  const files = sources.flatMap((source) => {
    const folder = new URL(`${source}/`, CORPUS);
    return readdirSync(folder).flatMap((name) => (name.startsWith('.') ? [] : [fileURLToPath(new URL(name, folder))]));
  });
  if (files.length === 0) throw new Error('Part e takes its objects from the conformance corpus: npm run conformance makes it');
  const counts = ours('records', ...files);
  return files
    .map((file, i) => ({ file, records: counts[i] }))
    .sort((a, b) => b.records - a.records)
    .slice(0, 2 * MOST_RECORDS);
}

async function relocating({ quick }) {
  const rounds = quick ? 1 : 3;
  const rows = [];
  for (const { file, records } of richest()) {
    if (rows.length === MOST_RECORDS) break;
    const runs = await interleaved(rounds, {
      ours: () => ours('relocate', file, quick ? 15 : 40).ns,
      theirs: () => theirs('relocate', file, quick ? 3 : 6).ns,
    });
    const warm = (all) => median(all.flatMap((ns) => ns.slice(ns.length >> 1))) / NS_PER_MS;
    if (warm(runs.theirs) === 0) continue; // libbpf refuses it before it relocates
    rows.push(row(`${basename(file, '.bpf.o')}, ${records} records`, 'ms', warm(runs.ours), warm(runs.theirs), lower(0.5)));
  }
  return rows;
}

// ---- (f) types as text, and kernels that are not at hand ----

async function showing({ quick }) {
  const { command } = await newestBpftool();
  const rows = [];
  for (const [format, words] of [
    ['c', ['format', 'c']],
    ['raw', ['format', 'raw']],
  ]) {
    const asked = ['btf', 'dump', 'file', VMLINUX, ...words];
    const runs = await interleaved(quick ? 5 : 15, {
      ours: () => timeToEnd(tsbpf(...asked)),
      theirs: () => timeToEnd([...command, ...asked]),
    });
    const inside = await interleaved(quick ? 2 : 5, { ours: () => ours('dump', format, VMLINUX, quick ? 6 : 12).ns });
    const theirs = median(runs.theirs);
    const first = median(inside.ours.map((ns) => ns[0])) / NS_PER_MS;
    const later = median(inside.ours.flatMap((ns) => ns.slice(ns.length >> 1))) / NS_PER_MS;
    rows.push(
      row(`vmlinux as ${format}, whole process`, 'ms', median(runs.ours), theirs, lower(2)),
      row('  in a process that has done it before', 'ms', later, theirs, lower(1)),
      row('  the first one of a process', 'ms', first, theirs),
    );
  }
  return [...rows, ...checking({ quick })];
}

/** What another kernel adds to a check that is there anyway. */
function checking({ quick }) {
  const kernels = ['6.1', '6.12'].map((name) => ['--kernel', `${name}=${kernelTypes(name).file}`]);
  const check = (count) => tsbpf('check', BOOTSTRAP, ...kernels.slice(0, count).flat());
  const one = [];
  const two = [];
  for (let round = 0; round < (quick ? 5 : 15); round++) {
    one.push(timeToEnd(check(1)));
    two.push(timeToEnd(check(2)));
  }
  return [
    row('check of bootstrap beside one kernel, whole process', 'ms', median(one)),
    row('  beside one more', 'ms', median(two) - median(one), undefined, lower(300), 'own'),
  ];
}

export const SECTIONS = {
  a: { title: 'open + load + attach of bootstrap', run: loading },
  b: { title: 'parsing the kernel BTF', run: parsing },
  c: { title: 'draining the ring buffer', run: draining },
  d: { title: 'memory and CPU at rest', run: resting },
  e: { title: 'CO-RE relocation of the ten objects with the most records', run: relocating },
  f: { title: 'types as text beside bpftool, and check', run: showing },
};
