// The version of the running kernel. Distributions number their kernels in their own way, and say elsewhere which one it is.

import { existsSync } from 'node:fs';
import { release, version } from 'node:os';
import { versionCode } from '../plan/index.js';
import { read } from './read-whole.js';

export { versionCode };

const SIGNATURE = '/proc/version_signature';

export const kernelVersion = (): number => versionCode(upstreamVersion(ubuntuSignature(), version(), release()));

/**
 * Ubuntu: the third word of /proc/version_signature (`Ubuntu 5.15.0-91.101-generic 5.15.131`); Debian: in what `uname -v` says
 * (`#1 SMP Debian 6.1.76-1`); everyone else: the release.
 * @see libbpf get_kernel_version, src/libbpf_probes.c
 */
export function upstreamVersion(signature: string, uname: string, kernelRelease: string): string {
  const ubuntu = /^\S+ \S+ (\d+\.\d+\.\d+)/.exec(signature)?.[1];
  const debian = /Debian (\d+\.\d+\.\d+)/.exec(uname)?.[1];
  return ubuntu ?? debian ?? kernelRelease;
}

const ubuntuSignature = (): string => (existsSync(SIGNATURE) ? new TextDecoder().decode(read(SIGNATURE)) : '');
