// Lockdown, as securityfs tells it, wherever that is.

import { existsSync, readFileSync } from 'node:fs';
import { type DetachedMount, detachedMount, type MountRefused } from './detached-mount.js';

const USUAL = '/sys/kernel/security';

/** securityfs: where it is mounted, else a mount that nobody else sees. */
export const securityfs = (mountedAt: string | undefined): DetachedMount | MountRefused =>
  mountedAt === undefined ? detachedMount('securityfs') : { path: mountedAt, [Symbol.dispose]: () => {} };

/** Whether lockdown is at confidentiality, which takes all events out of tracefs. False where that may not be known. */
export function isConfidential(): boolean {
  const found = securityfs(existsSync(`${USUAL}/lockdown`) ? USUAL : undefined);
  if ('errno' in found) return false;
  using folder = found;
  try {
    return readFileSync(`${folder.path}/lockdown`, 'utf8').includes('[confidentiality]');
  } catch {
    return false; // a kernel without lockdown
  }
}
