// tracefs: where tracepoints have their ids. Many machines do not have it mounted; then it is mounted for a moment where nobody
// else can see it.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { nearest } from '../bytes/index.js';
import { FormatError, SyscallError, UnsupportedError } from '../errors.js';
import { RIGHTS } from '../load/index.js';
import { detachedMount, type MountRefused } from './detached-mount.js';
import { isConfidential } from './lockdown.js';

const MOUNT_POINTS = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'];

/** A directory with tracefs in it, for as long as it is needed. `note` says how it came about. */
export interface Tracefs extends Disposable {
  readonly path: string;
  readonly note: string;
}

/**
 * @param what What is looked for there, for the error.
 * @throws {SyscallError} with the remedy when it is neither mounted nor may be; {UnsupportedError} where it would be empty.
 */
export function openTracefs(what = 'Tracepoint ids are'): Tracefs {
  const mounted = MOUNT_POINTS.find((path) => isTracefs(path));
  if (mounted) return { path: mounted, note: `tracefs is mounted at ${mounted}`, [Symbol.dispose]: () => {} };
  // There a Linux 6.12 ends in an oops when a tracefs goes, also one that was mounted where nobody sees it.
  if (isConfidential())
    throw new UnsupportedError(`${what} in tracefs, which lockdown at confidentiality leaves empty`, {
      remedy:
        'Start the kernel without lockdown=confidentiality; at integrity there are tracepoints. tsbpf doctor says what else is locked.',
    });
  const unseen = detachedMount('tracefs');
  if ('errno' in unseen) throw cannotMount(unseen, what);
  return { ...unseen, note: 'tracefs is not mounted; used a private mount that no other process sees, gone by now' };
}

/** EACCES means that it is there and we may not look: then it is mounted, and reading it will say so. */
function isTracefs(path: string): boolean {
  try {
    return statSync(`${path}/events`).isDirectory();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' && path === MOUNT_POINTS[0];
  }
}

function cannotMount({ call, errno }: MountRefused, what: string): SyscallError {
  const remedy = errno === 'ENODEV' ? 'This kernel has no tracefs (CONFIG_FTRACE, CONFIG_TRACEPOINTS).' : RIGHTS;
  return new SyscallError(call, errno, {
    doing: `${what} in tracefs, which is not mounted and cannot be mounted`,
    where: { file: MOUNT_POINTS[0] as string },
    remedy,
  });
}

/**
 * The perf event id of `category/name`.
 * @throws {UnsupportedError} naming similar tracepoints when there is no such one; {SyscallError} without the right to look.
 */
export function readTracepointId({ path }: Pick<Tracefs, 'path'>, tracepoint: string): number {
  const file = `${path}/events/${tracepoint}/id`;
  const shown = file.replace(/^\/proc\/self\/fd\/\d+/, 'tracefs'); // a private mount has no name
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).code ?? 'EIO';
    if (errno === 'ENOENT')
      throw new UnsupportedError(`This kernel has no tracepoint ${tracepoint}`, {
        where: { file: shown },
        remedy: similar(path, tracepoint),
      });
    throw new SyscallError('open', errno, {
      doing: `Cannot read the id of tracepoint ${tracepoint}`,
      where: { file: shown },
      remedy: RIGHTS,
    });
  }
  const id = Number(text.trim());
  if (!Number.isInteger(id)) throw new FormatError(`The id of tracepoint ${tracepoint} is "${text.trim()}"`, { where: { file } });
  return id;
}

/** Ids of those that can be read where tracefs is mounted as it is: nothing is mounted for it, and nothing is an error. */
export function readableTracepointIds(names: readonly string[]): Map<string, number> {
  const path = MOUNT_POINTS.find((candidate) => isTracefs(candidate));
  return new Map(
    names.flatMap((name) => {
      try {
        return path === undefined ? [] : [[name, readTracepointId({ path }, name)] as const];
      } catch {
        return [];
      }
    }),
  );
}

function similar(path: string, tracepoint: string): string {
  const [category = '', name = ''] = tracepoint.split('/');
  const names = namesIn(`${path}/events/${category}`);
  if (names.length > 0) {
    const best = nearest(name, names);
    const others = "Some are in modules that must be loaded; others depend on the kernel's version and configuration.";
    return `${best ? `Did you mean ${category}/${best}? ` : ''}${others}`;
  }
  const best = nearest(category, namesIn(`${path}/events`));
  return `There is no category ${category}${best ? `; did you mean ${best}?` : ': the module that has it may not be loaded.'}`;
}

/** None where there is no such folder, or it may not be read. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
