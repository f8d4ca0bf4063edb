// The newest bpftool that Debian has, with its own libraries: nothing of this machine is replaced.

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { suite } from '../scripts/debian/apt.mjs';
import { CACHE, once, say } from '../scripts/debian/cache.mjs';

const HOME = join(CACHE, 'bpftool');
const LIBRARIES = ['usr/lib/x86_64-linux-gnu', 'lib/x86_64-linux-gnu'].map((folder) => join(HOME, folder)).join(':');
const LOADER = [join(HOME, 'usr/lib64/ld-linux-x86-64.so.2'), '--library-path', LIBRARIES];
const PROGRAM = join(HOME, 'usr/sbin/bpftool');
const COMMAND = [...LOADER, PROGRAM];

/** A file to start it by, for what takes a path (`TSBPF_BPFTOOL`). */
const LAUNCHER = join(HOME, 'bpftool');

/** @returns `run`, which gives what bpftool prints or `error`; its `version`; and how to start it: `command`, words, or `launcher`, a file. */
export async function newestBpftool() {
  once(join(HOME, '.done'), () => {
    say('bpftool: the newest package of Debian, sid');
    const sid = suite('sid');
    sid.unpack(sid.withNeeds('bpftool'), HOME);
  });
  const { output, error } = await run(['version']);
  const [, version] = /bpftool v(\S+)/.exec(output ?? '') ?? [];
  if (!version) throw new Error(`bpftool of Debian sid does not run here: ${error}`);
  writeFileSync(LAUNCHER, `#!/bin/sh\nexec ${COMMAND.map((word) => `'${word}'`).join(' ')} "$@"\n`, { mode: 0o755 });
  return { run, version, command: COMMAND, launcher: LAUNCHER };
}

const call = promisify(execFile);
async function run(args) {
  const [loader, ...options] = COMMAND;
  try {
    const { stdout } = await call(loader, [...options, ...args], { maxBuffer: 1 << 29, encoding: 'buffer' });
    return { output: stdout };
  } catch ({ message }) {
    return { error: message };
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log((await newestBpftool()).launcher);
