// Network devices by name.

import { UsageError } from '../errors.js';
import { interfaceIndex } from '../syscall/index.js';

/** The number of a device. @throws {UsageError} when there is none of that name. */
export function deviceNamed(name: string): number {
  const index = interfaceIndex(name);
  if (index !== undefined) return index;
  throw new UsageError(`unrecognized netdevice '${name}'`, { remedy: 'ip link shows those that there are.' });
}
