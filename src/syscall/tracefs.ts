// tracefs: where tracepoints have their ids. Many machines do not have it mounted; then it is mounted for a moment where nobody
// else can see it.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { nearest, toCString } from '../bytes/index.js';
import { FormatError, SyscallError, UnsupportedError } from '../errors.js';
import { RIGHTS } from '../load/index.js';
import { errnoName } from '../uapi/errno.js';
import { syscall } from './libc.js';

const MOUNT_POINTS = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'];
const FSOPEN_CLOEXEC = 1;
const FSMOUNT_CLOEXEC = 1;
const FSCONFIG_CMD_CREATE = 6;

/** A directory with tracefs in it, for as long as it is needed. `note` says how it came about. */
export interface Tracefs extends Disposable {
  readonly path: string;
  readonly note: string;
}

/** @throws {SyscallError} with the remedy when it is neither mounted nor may be. */
export function openTracefs(): Tracefs {
  const mounted = MOUNT_POINTS.find((path) => isTracefs(path));
  if (mounted) return { path: mounted, note: `tracefs is mounted at ${mounted}`, [Symbol.dispose]: () => {} };
  const directory = mountDetached();
  return {
    path: `/proc/self/fd/${directory}`,
    note: 'tracefs is not mounted; used a private mount that no other process sees, gone by now',
    [Symbol.dispose]: () => {
      syscall('close', directory);
    },
  };
}

/** EACCES means that it is there and we may not look: then it is mounted, and reading it will say so. */
function isTracefs(path: string): boolean {
  try {
    return statSync(`${path}/events`).isDirectory();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' && path === MOUNT_POINTS[0];
  }
}

/** fsopen, fsconfig, fsmount (Linux 5.2): a mount that is in no namespace and goes with its descriptor. */
function mountDetached(): number {
  const context = check('fsopen', syscall('fsopen', toCString('tracefs'), FSOPEN_CLOEXEC));
  try {
    check('fsconfig', syscall('fsconfig', context, FSCONFIG_CMD_CREATE, 0, 0, 0));
    return check('fsmount', syscall('fsmount', context, FSMOUNT_CLOEXEC, 0));
  } finally {
    syscall('close', context);
  }
}

function check(call: string, result: number): number {
  if (result >= 0) return result;
  const errno = errnoName(-result);
  const remedy = errno === 'ENODEV' ? 'This kernel has no tracefs (CONFIG_FTRACE, CONFIG_TRACEPOINTS).' : RIGHTS;
  throw new SyscallError(call, errno, {
    doing: 'Tracepoint ids are in tracefs, which is not mounted and cannot be mounted',
    remedy,
  });
}

/**
 * The perf event id of `category/name`.
 * @throws {UnsupportedError} naming similar tracepoints when there is no such one; {SyscallError} without the right to look.
 */
export function readTracepointId({ path }: Pick<Tracefs, 'path'>, tracepoint: string): number {
  const file = `${path}/events/${tracepoint}/id`;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).code ?? 'EIO';
    if (errno === 'ENOENT') throw new UnsupportedError(`This kernel has no tracepoint ${tracepoint}`, similar(path, tracepoint));
    throw new SyscallError('open', errno, {
      doing: `Cannot read the id of tracepoint ${tracepoint}`,
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

function similar(path: string, tracepoint: string): { remedy?: string } {
  const [category = '', name = ''] = tracepoint.split('/');
  try {
    const best = nearest(name, readdirSync(`${path}/events/${category}`));
    return best ? { remedy: `Did you mean ${category}/${best}?` } : {};
  } catch {
    const best = nearest(category, readdirSync(`${path}/events`));
    return best ? { remedy: `There is no category ${category}; did you mean ${best}?` } : {};
  }
}
