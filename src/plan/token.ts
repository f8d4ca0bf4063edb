// BPF token: the right to use BPF that whoever mounted a BPF file system hands on to a container. Every call that makes something
// carries it.

import { BPF_F_TOKEN_FD } from '../uapi/bpf.js';
import type { BpfCmd } from '../uapi/enums.js';
import type { BpfStep, Step } from './step.js';

const TOKEN = 'token';
const FOLDER = 'token folder';

/** Where each command takes the token, and where it is told so. */
const FIELDS: Readonly<Partial<Record<BpfCmd, { readonly fd: string; readonly flags: string }>>> = {
  BPF_MAP_CREATE: { fd: 'map_token_fd', flags: 'map_flags' },
  BPF_PROG_LOAD: { fd: 'prog_token_fd', flags: 'prog_flags' },
  BPF_BTF_LOAD: { fd: 'btf_token_fd', flags: 'btf_flags' },
};

/**
 * The plan with a token that is made of a mounted BPF file system (Linux 6.9).
 * @param path Where that is mounted: /sys/fs/bpf in most containers.
 * @see libbpf bpf_object_prepare_token, src/libbpf.c
 */
export function withToken(steps: readonly Step[], path: string): Step[] {
  return [
    { id: FOLDER, why: 'whoever mounted it says what a token allows', where: { file: path }, makes: 'fd', call: 'open', path },
    {
      id: TOKEN,
      why: 'the right to use BPF, as far as it is handed on',
      where: { file: path },
      makes: 'fd',
      call: 'bpf',
      cmd: 'BPF_TOKEN_CREATE',
      attr: { bpffs_fd: { fd: FOLDER } },
    },
    { id: `${FOLDER} closed`, why: 'the token is enough', call: 'close', on: { fd: FOLDER } },
    ...steps.map((step) => (step.call === 'bpf' ? carrying(step) : step)),
  ];
}

function carrying(step: BpfStep): BpfStep {
  const fields = FIELDS[step.cmd];
  if (!fields) return step;
  const flags = Number(step.attr[fields.flags] ?? 0) | BPF_F_TOKEN_FD;
  return { ...step, attr: { ...step.attr, [fields.flags]: flags, [fields.fd]: { fd: TOKEN } } };
}
