// Names of network devices, for objects that belong to one.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { Device } from '../live/index.js';

const FOLDER = '/sys/class/net';

/** The device of this network namespace with a number; undefined when there is none. */
export function interfaceName(ifindex: number): string | undefined {
  if (ifindex === 0) return undefined;
  try {
    return readdirSync(FOLDER).find((name) => Number(readFileSync(`${FOLDER}/${name}/ifindex`, 'utf8')) === ifindex);
  } catch {
    return undefined; // sysfs is not mounted, or a device went away
  }
}

/** The number of a device by its name; undefined when there is none. */
export function interfaceIndex(name: string): number | undefined {
  try {
    return readdirSync(FOLDER).includes(name) ? Number(readFileSync(`${FOLDER}/${name}/ifindex`, 'utf8')) : undefined;
  } catch {
    return undefined;
  }
}

/** As `interfaceName`, of a device that may be in another namespace: then nothing is known of it here. */
export function deviceName({ ifindex, netnsDev, netnsIno }: Device): string | undefined {
  if (ifindex === 0) return undefined;
  const here = statSync('/proc/self/ns/net', { bigint: true, throwIfNoEntry: false });
  return here && here.dev === netnsDev && here.ino === netnsIno ? interfaceName(ifindex) : undefined;
}
