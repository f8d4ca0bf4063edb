// Opening a pinned path that the kernel refuses with EACCES: of its reasons the one that it is.

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createMap, pinObject } from '../../src/syscall/index.js';
import { BPF_MAP_TYPE } from '../../src/uapi/enums.js';
import { type Bpffs, mountBpffs } from '../support/bpffs.js';
import { tsbpf } from '../support/cli.js';
import { describeWithKernel } from '../support/kernel.js';

const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all', '--bounding-set=-all'];
const NO_BPFFS = 'It lies in no BPF file system, as there is at /sys/fs/bpf.';
const FOLDER = 'It is a folder: name what is pinned in it.';
const RIGHTS = 'This user may not open it: run as root, or have root change its mode (chmod), or that of the folders above it.';

describeWithKernel('a pinned path that may not be opened', () => {
  let bpffs: Bpffs;
  let elsewhere: string;
  beforeAll(() => {
    bpffs = mountBpffs();
    elsewhere = mkdtempSync('/tmp/tsbpf-pin-refusal-');
    chmodSync(elsewhere, 0o755);
    writeFileSync(join(elsewhere, 'file'), '');
    using map = createMap({
      map_name: 'm',
      map_type: BPF_MAP_TYPE.BPF_MAP_TYPE_ARRAY,
      key_size: 4,
      value_size: 4,
      max_entries: 1,
    });
    for (const [folder, mode] of [
      ['open', 0o755],
      ['closed', 0o700],
    ] as const) {
      mkdirSync(join(bpffs.root, folder));
      chmodSync(join(bpffs.root, folder), mode);
      pinObject(map.fd, join(bpffs.root, folder, 'map'), { mount: false });
    }
  });
  afterAll(() => {
    bpffs?.clear();
    bpffs?.unmount();
    if (elsewhere) rmSync(elsewhere, { recursive: true });
  });

  it.each([
    ['an ordinary user', () => join(bpffs.root, 'open/map'), NOBODY, RIGHTS],
    ['an ordinary user, in a folder of root', () => join(bpffs.root, 'closed/map'), NOBODY, RIGHTS],
    ['an ordinary user, elsewhere', () => join(elsewhere, 'file'), NOBODY, NO_BPFFS],
    ['root, elsewhere', () => join(elsewhere, 'file'), [], NO_BPFFS],
    ['root, a folder', () => bpffs.root, [], FOLDER],
  ])('by %s', (_, path, as, remedy) => {
    const { status, stdout } = tsbpf(['map', 'show', 'pinned', path(), '-j'], { as });
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { message: expect.stringContaining('EACCES'), remedy } });
  });
});
