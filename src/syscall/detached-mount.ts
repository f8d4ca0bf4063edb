// fsopen, fsconfig, fsmount (Linux 5.2): a mount that is in no namespace, that nobody else sees, and that goes with its descriptor.

import { toCString } from '../bytes/index.js';
import { errnoName } from '../uapi/errno.js';
import { syscall } from './libc.js';

const FSOPEN_CLOEXEC = 1;
const FSMOUNT_CLOEXEC = 1;
const FSCONFIG_CMD_CREATE = 6;

/** A directory with a file system in it, for as long as it is needed. */
export interface DetachedMount extends Disposable {
  readonly path: string;
}

/** The call that the kernel refused. */
export interface MountRefused {
  readonly call: string;
  readonly errno: string;
}

/** What a file system is mounted by, handed to `use`, and closed again. */
function withContext<T>(type: string, use: (context: number) => T): T | MountRefused {
  const context = syscall('fsopen', toCString(type), FSOPEN_CLOEXEC);
  if (context < 0) return { call: 'fsopen', errno: errnoName(-context) };
  try {
    const created = syscall('fsconfig', context, FSCONFIG_CMD_CREATE, 0, 0, 0);
    return created < 0 ? { call: 'fsconfig', errno: errnoName(-created) } : use(context);
  } finally {
    syscall('close', context);
  }
}

/** Mounts a file system that has no device. */
export const detachedMount = (type: string): DetachedMount | MountRefused =>
  withContext(type, (context): DetachedMount | MountRefused => {
    const directory = syscall('fsmount', context, FSMOUNT_CLOEXEC, 0);
    if (directory < 0) return { call: 'fsmount', errno: errnoName(-directory) };
    return {
      path: `/proc/self/fd/${directory}`,
      [Symbol.dispose]: () => {
        syscall('close', directory);
      },
    };
  });

/** Why a file system may not be mounted by this process; undefined where it may. It is not mounted. */
export const mountRefusal = (type: string): MountRefused | undefined => withContext(type, () => undefined);
