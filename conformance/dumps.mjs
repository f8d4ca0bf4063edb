// Types as C, raw and JSON: ours and those of the newest bpftool, byte for byte. And whether C made of a kernel's types compiles.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BpfError } from 'tsbpf';
import { dumpC, dumpJson, dumpRaw } from 'tsbpf/btf';
import { TextSink } from 'tsbpf/bytes';
import { readWholeBtf } from 'tsbpf/syscall';
import { say } from '../scripts/debian/cache.mjs';
import { newestBpftool } from './bpftool.mjs';
import { kernelModules } from './kernels.mjs';

const FORMATS = {
  C: { words: ['format', 'c'], write: (btf, out) => dumpC(btf, out) },
  'C, unsorted': { words: ['format', 'c', 'unsorted'], write: (btf, out) => dumpC(btf, out, { unsorted: true }) },
  raw: { words: [], write: (btf, out) => dumpRaw(btf, out) },
  JSON: { flags: ['-j'], words: [], write: (btf, out) => dumpJson(btf, out) },
  'JSON for people': { flags: ['-p'], words: [], write: (btf, out) => dumpJson(btf, out, { pretty: true }) },
};
const RUNNING = '/sys/kernel/btf/vmlinux';

/** C of a module repeats that of its kernel. */
const EVERY = 5;

/** @returns What was compared, by what it is of and format; each difference; and of each kernel's header whether clang takes it. */
export async function compareDumps(kernels, objects) {
  const { run, version } = await newestBpftool();
  const rows = new Map();
  const different = [];
  const compareAll = async (group, files, base) => {
    say(`types of ${group}, ${files.length} files, printed`);
    const baseTypes = base && readWholeBtf(base);
    for (const [i, file] of files.entries()) {
      for (const [format, how] of Object.entries(FORMATS)) {
        if (base && i % EVERY !== 0 && format.startsWith('C')) continue;
        const key = `${group}\t${format}`;
        const row = rows.get(key) ?? { group, format, files: 0, same: 0, refused: 0, different: 0, bytes: 0 };
        rows.set(key, row);
        const found = await compareOne(run, how, { file, base, baseTypes });
        row.files++;
        row[found.verdict]++;
        row.bytes += found.bytes ?? 0;
        if (found.verdict === 'different') different.push({ group, format, file, detail: found.detail });
      }
    }
  };
  for (const { name, file = RUNNING } of kernels) await compareAll(`kernel ${name}`, [file]);
  for (const { name, file } of kernels) {
    const { base, files } = file ? kernelModules(name) : { files: [] };
    if (files.length > 0) await compareAll(`modules of ${name}`, files, base);
  }
  for (const source of new Set(objects.map((object) => object.source)))
    await compareAll(
      source,
      objects.filter((object) => object.source === source).map(({ path }) => path),
    );
  const headers = kernels.map(({ name, file = RUNNING }) => ({ kernel: name, problem: compileHeader(file) }));
  return { version, rows: [...rows.values()], different, headers };
}

async function compareOne(run, { flags = [], words, write }, { file, base, baseTypes }) {
  const asked = run([...(base ? ['-B', base] : []), ...flags, 'btf', 'dump', 'file', file, ...words]);
  const ours = printed(file, baseTypes, write); // while bpftool does the same
  const theirs = await asked;
  if (theirs.error && ours.error) return { verdict: 'refused' };
  if (theirs.error || ours.error)
    return { verdict: 'different', detail: theirs.error ? `bpftool refuses: ${theirs.error}` : `we refuse: ${ours.error}` };
  if (ours.output.equals(theirs.output)) return { verdict: 'same', bytes: ours.output.length };
  return { verdict: 'different', detail: firstDifference(theirs.output, ours.output) };
}

function printed(file, base, write) {
  const chunks = [];
  const out = new TextSink({ write: (chunk) => chunks.push(Buffer.from(chunk)) });
  try {
    write(readWholeBtf(file, base), out);
    out.flush();
    return { output: Buffer.concat(chunks) };
  } catch (error) {
    return { error: error instanceof BpfError ? error.message : `crash: ${error.stack}` };
  }
}

const SHOWN = 120;
function firstDifference(theirs, ours) {
  let at = 0;
  while (at < theirs.length && theirs[at] === ours[at]) at++;
  const start = theirs.lastIndexOf('\n', at - 1) + 1;
  const from = (text) => JSON.stringify(text.toString('utf8', start, start + SHOWN));
  return `byte ${at}: ${from(theirs)} | ${from(ours)}`;
}

/** Why clang refuses a program that includes all of a kernel's types, or undefined. */
function compileHeader(file) {
  const folder = mkdtempSync(join(tmpdir(), 'tsbpf-header-'));
  const path = (name) => join(folder, name);
  writeFileSync(path('vmlinux.h'), printed(file, undefined, FORMATS.C.write).output);
  writeFileSync(
    path('user.bpf.c'),
    '#include "vmlinux.h"\nint f(struct task_struct *t) { return t->tgid + sizeof(struct sk_buff); }\n',
  );
  const flags = ['-target', 'bpf', '-g', '-O2', '-Wall', '-Wno-missing-declarations', '-c'];
  const { status, stderr } = spawnSync('clang-19', [...flags, path('user.bpf.c'), '-o', path('user.o')], { encoding: 'utf8' });
  rmSync(folder, { recursive: true });
  return status === 0 ? undefined : stderr.split('\n').slice(0, 3).join('\n');
}
