// Whole files, as long as they have an end: what is named on a command line may be anything.

import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { SyscallError, UnsupportedError, type Where } from '../errors.js';

/** The largest kernels with all their debug information have about that. */
const MOST_BYTES = 1 << 30;
const CHUNK = 1 << 16;

/**
 * All of a file, or of a pipe to its end.
 * @throws {SyscallError} naming the file; {UnsupportedError} for a device, and for more than is ever read.
 */
export const read = (file: string): Uint8Array =>
  saying('open', file, { file }, () => {
    // Before it is opened, because opening some devices does something.
    const stats = statSync(file);
    if (stats.isCharacterDevice() || stats.isBlockDevice()) throw noFile(file);
    const fd = openSync(file, 'r');
    try {
      return readOpened(fd, file);
    } finally {
      closeSync(fd);
    }
  });

/** Standard input to its end, whatever it is. @throws as `read`. */
export const readStdin = (): Uint8Array => saying('read', 'standard input', {}, () => readOpened(0, 'standard input'));

function saying(call: string, what: string, where: Where, reading: () => Uint8Array): Uint8Array {
  try {
    return reading();
  } catch (error) {
    if (error instanceof UnsupportedError) throw error;
    const errno = (error as NodeJS.ErrnoException).code ?? 'EIO';
    const remedy = {
      ENOENT: 'There is no such file; relative names start at the current directory.',
      EISDIR: 'This is a directory; name a file in it.',
      EACCES: `This user may not read it: ls -l ${what} shows who may.`,
    }[errno];
    throw new SyscallError(call, errno, { doing: `Cannot read ${what}`, where, ...(remedy && { remedy }) });
  }
}

function readOpened(fd: number, file: string): Uint8Array {
  const stats = fstatSync(fd);
  if (stats.size > MOST_BYTES) throw tooLarge(file, `it has ${stats.size} bytes`);
  if (stats.isDirectory() || (stats.isFile() && stats.size > 0)) return readFileSync(fd);
  return readToEnd(fd, file);
}

/** Pipes, and files of /proc and /sys, do not say how long they are. */
function readToEnd(fd: number, file: string): Uint8Array {
  const chunks: Uint8Array[] = [];
  for (let total = 0; ; ) {
    const chunk = new Uint8Array(CHUNK);
    const got = readSync(fd, chunk);
    if (got === 0) return Buffer.concat(chunks, total);
    total += got;
    if (total > MOST_BYTES) throw tooLarge(file, 'it has not ended there');
    chunks.push(chunk.subarray(0, got));
  }
}

const noFile = (file: string): UnsupportedError =>
  new UnsupportedError(`${file} is a device, and no file`, {
    where: { file },
    remedy: 'Name a file, or a pipe: <(command), or /dev/stdin behind one.',
  });

const tooLarge = (file: string, how: string): UnsupportedError =>
  new UnsupportedError(`${file} is larger than what is read, ${MOST_BYTES} bytes: ${how}`, {
    where: { file },
    remedy: 'Of a kernel with debug information the types are enough: objcopy --dump-section .BTF=types.btf FILE /dev/null',
  });
