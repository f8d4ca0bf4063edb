// The configuration that the running kernel was built with: a file of the distribution's, or the kernel's own copy.

import { createRequire } from 'node:module';
import { release } from 'node:os';
import { BpfError, FormatError, UnsupportedError } from '../errors.js';
import type { KernelConfig } from '../plan/index.js';
import { read } from './read-whole.js';

/** In libbpf's order, then where distributions put it that leave /boot to the boot loader. Each may be compressed. */
const PLACES = [`/boot/config-${release()}`, '/proc/config.gz', `/lib/modules/${release()}/config`];

/** Loaded when something is to be unpacked: it takes three milliseconds, and most objects ask for no configuration. */
const zlib = () => createRequire(import.meta.url)('node:zlib') as typeof import('node:zlib');

let running: KernelConfig | undefined;

/**
 * @throws {UnsupportedError} when this machine does not have it; {FormatError} when it cannot be unpacked.
 * @see libbpf bpf_object__read_kconfig_file, src/libbpf.c
 */
export function kernelConfig(): KernelConfig {
  for (const file of running ? [] : PLACES) {
    const bytes = readable(file);
    if (!bytes) continue;
    running = { file, text: new TextDecoder().decode(unpacked(file, bytes)) };
    break;
  }
  if (running) return running;
  throw new UnsupportedError("The kernel's configuration, which externs of .kconfig ask for, is not to be found", {
    where: { file: PLACES[0] as string },
    remedy: `It is looked for in ${PLACES.join(', ')}. The second is there on kernels built with CONFIG_IKCONFIG_PROC=y, or after modprobe configs.`,
  });
}

function readable(file: string): Uint8Array | undefined {
  try {
    return read(file);
  } catch (error) {
    if (error instanceof BpfError) return undefined;
    throw error;
  }
}

/** A distribution's has 300 kB, one with everything 500. */
const MOST_BYTES = 1 << 22;

/**
 * A configuration as bytes of text, which the kernel and some distributions compress by gzip.
 * @throws {FormatError} when it cannot be unpacked, or is larger than any.
 */
export function unpacked(file: string, bytes: Uint8Array): Uint8Array {
  if (bytes.length > MOST_BYTES)
    throw new FormatError(`No kernel's configuration has ${bytes.length} bytes`, { where: { file } });
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return zlib().gunzipSync(bytes, { maxOutputLength: MOST_BYTES });
  } catch (cause) {
    throw new FormatError("The kernel's configuration cannot be unpacked", { where: { file }, cause });
  }
}
