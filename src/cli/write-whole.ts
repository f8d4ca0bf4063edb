// Writing files: there whole or not at all.

import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { SyscallError } from '../errors.js';

function stat(file: string): Stats | undefined {
  return statSync(file, { throwIfNoEntry: false });
}

function visible(file: string): Stats | undefined {
  try {
    return stat(file);
  } catch {
    return undefined;
  }
}

/** Not if one of them cannot be looked at: reading or writing it says why. */
export function isSameFile(a: string, b: string): boolean {
  const [one, other] = [visible(a), visible(b)];
  return one !== undefined && other !== undefined && one.dev === other.dev && one.ino === other.ino && one.isFile();
}

const WRITE_REMEDIES: Readonly<Record<string, string>> = {
  ENOENT: 'Its folder does not exist.',
  EISDIR: 'This is a folder; name a file in it.',
  EACCES: 'The folder may not be written to by this user.',
  EROFS: 'It lies on a file system that is read-only.',
  ENOSPC: 'The file system is full.',
};

/**
 * Writes beside the file, then takes its place in one step: a reader sees the old one or the new one, and a failure changes nothing.
 * What is no plain file, such as /dev/stdout, is written to as it is.
 * @param mode Of a file that was not there before.
 * @throws {SyscallError}
 */
export function writeWhole(output: string, bytes: Uint8Array, mode = 0o644): void {
  let call = 'stat';
  let temporary: string | undefined;
  try {
    const existing = stat(output);
    if (existing && !existing.isFile()) {
      call = 'open';
      writeFileSync(output, bytes);
      return;
    }
    const target = existing ? realpathSync(output) : output;
    temporary = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
    call = 'open';
    const fd = openSync(temporary, 'wx', existing ? existing.mode & 0o777 : mode);
    try {
      call = 'write';
      writeFileSync(fd, bytes);
      if (fstatSync(fd).size !== bytes.length) throw new SyscallError('write', 'ENOSPC', { doing: `Cannot write ${output}` });
      call = 'fsync';
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    call = 'rename';
    renameSync(temporary, target);
  } catch (error) {
    if (temporary !== undefined && call !== 'open') rmSync(temporary, { force: true });
    if (error instanceof SyscallError) throw error;
    const errno = (error as NodeJS.ErrnoException).code ?? 'EIO';
    const remedy = WRITE_REMEDIES[errno];
    throw new SyscallError(call, errno, { doing: `Cannot write ${output}`, where: { file: output }, ...(remedy && { remedy }) });
  }
}
