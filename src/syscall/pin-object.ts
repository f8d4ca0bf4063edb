// Giving an object a name in the BPF file system.

import { resolve } from 'node:path';
import { FormatError, SyscallError, UnsupportedError } from '../errors.js';
import { folderOf, PIN_REMEDY, type StepCall } from '../plan/index.js';
import { errnoName } from '../uapi/errno.js';
import { mustBpf } from './bpf-call.js';
import { realKernel } from './kernel.js';
import { folderState } from './pins.js';

const PIN_ROOT = '/sys/fs/bpf';

/**
 * Pins an object. The BPF file system is mounted where everyone expects it if it is missing there, and a missing last folder is made.
 * @param mount Whether it may be mounted.
 * @throws {SyscallError}; {UnsupportedError} for a folder of another file system; {FormatError} for a name that the kernel does not take.
 */
export function pinObject(fd: number, path: string, { mount }: { readonly mount: boolean }): void {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name === '' || name.includes('.'))
    throw new FormatError(`The kernel takes no dot in the name of what is pinned, and no empty name: ${path}`);
  const folder = folderOf(path.startsWith('/') ? path : `./${path}`);
  const isInRoot = folder === PIN_ROOT || folder.startsWith(`${PIN_ROOT}/`);
  if (isInRoot && folderState(PIN_ROOT) === 'other file system') {
    if (!mount)
      throw new UnsupportedError(`No BPF file system is mounted at ${PIN_ROOT}, and --nomount says not to mount it`, {
        remedy: `mount -t bpf bpf ${PIN_ROOT}`,
      });
    run({ call: 'mount', type: 'bpf', target: PIN_ROOT }, `Cannot mount the BPF file system at ${PIN_ROOT}`);
  }
  const state = folderState(folder);
  if (state === 'other file system')
    throw new UnsupportedError(`Objects can be pinned in a BPF file system only, and ${resolve(folder)} is none`, {
      remedy: PIN_REMEDY,
    });
  if (state === 'absent') run({ call: 'mkdir', path: folder, mode: 0o700 }, `Cannot make ${folder}`);
  mustBpf('BPF_OBJ_PIN', { pathname: path, bpf_fd: fd }, `Cannot pin at ${path}`, {
    EEXIST: 'Something has that name: choose another, or remove it.',
    ENOENT: 'Its folder does not exist.',
  });
}

function run(call: StepCall, doing: string): void {
  const { result } = realKernel.run({ id: 'pin', why: doing, ...call }, { get: () => -1 });
  if (result < 0) throw new SyscallError(call.call, errnoName(-result), { doing, remedy: 'Run as root.' });
}
