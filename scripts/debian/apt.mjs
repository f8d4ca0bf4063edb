// Debian's packages, of any suite, without touching the apt of this machine: apt with a state directory of its own.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE, once, say } from './cache.mjs';

const APT = join(CACHE, 'apt');
const KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The mirror that this machine already uses; Debian's own otherwise. */
function mirror() {
  const files = ['/etc/apt/sources.list', ...list('/etc/apt/sources.list.d')].filter(existsSync);
  for (const file of files) {
    const found = /https?:\/\/\S*?\/debian(?=\/?\s)/.exec(`${readFileSync(file, 'utf8')}\n`);
    if (found) return found[0].slice(0, -'/debian'.length);
  }
  return 'http://deb.debian.org';
}
const list = (folder) => (existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []);

const line = (kind, suite) =>
  `${kind} [signed-by=${KEYS}] ${mirror()}/${suite.endsWith('-security') ? 'debian-security' : 'debian'} ${suite} main\n`;

/** One suite's packages; their lists are fetched once a day. `kind` is `deb` or `deb-src`. */
export function suite(name, kind = 'deb') {
  const root = join(APT, `${name}-${kind}`);
  const options = prepare(root, line(kind, name));
  once(join(root, `lists-of-${new Date().toISOString().slice(0, 10)}`), () => {
    say(`package lists of ${name}`);
    run('apt-get', [...options, '-o', 'APT::Update::Error-Mode=any', '-qq', 'update']);
  });
  return {
    /** Names that match, newest version last. */
    search: (pattern) =>
      run('apt-cache', [...options, 'search', '--names-only', pattern])
        .split('\n')
        .map((found) => found.split(' ')[0])
        .filter(Boolean)
        .sort(byVersion),
    has: (name) => spawnSync('apt-cache', [...options, 'show', name]).status === 0,
    version: (name) => /Candidate: (\S+)/.exec(run('apt-cache', [...options, 'policy', name]))?.[1],
    /** The package and all that it cannot run without. */
    withNeeds: (name) => {
      const weak = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map((kind) => `--no-${kind}`);
      return run('apt-cache', [...options, 'depends', '--recurse', ...weak, name])
        .split('\n')
        .filter((line) => /^\w/.test(line));
    },
    /** Downloads binary packages and unpacks them into a folder. */
    unpack: (names, to) => {
      const debs = join(to, '.debs');
      mkdirSync(debs, { recursive: true });
      run('apt-get', [...options, '-qq', 'download', ...names], debs);
      for (const deb of list(debs)) run('dpkg', ['-x', deb, to]);
      rmSync(debs, { recursive: true });
    },
    /** Downloads a source package's files into a folder. */
    source: (name, to) => {
      mkdirSync(to, { recursive: true });
      run('apt-get', [...options, '-qq', 'source', '--download-only', name], to);
      return list(to);
    },
  };
}

function prepare(root, sources) {
  for (const folder of ['lists/partial', 'cache/archives/partial']) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'sources.list'), sources);
  if (!existsSync(join(root, 'status'))) writeFileSync(join(root, 'status'), '');
  return Object.entries({
    'Dir::Etc::sourcelist': join(root, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Dir::State::Lists': join(root, 'lists'),
    'Dir::Cache': join(root, 'cache'),
    'Dir::State::status': join(root, 'status'),
    'APT::Sandbox::User': 'root', // this folder may be closed to the user _apt
    'Acquire::Languages': 'none',
  }).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
}

const byVersion = (a, b) => a.localeCompare(b, 'en', { numeric: true });
const run = (command, args, cwd) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'pipe'] });
