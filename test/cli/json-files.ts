// Files that `--json` is tried with.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeBtf } from '../../src/btf/index.js';
import { array, INT, int, proto, ptr, struct, typedef, union } from '../support/btf-types.js';
import { kernelOf } from '../support/kernels.js';
import { CONFIG, SYSTEM_MAP } from '../support/why.js';

const root = join(import.meta.dirname, '../..');

export interface Files {
  readonly path: (name: string) => string;
  readonly bootstrap: string;
  readonly bench: string;
  /** A kernel whose task_struct has another parent. */
  readonly bare: string;
  /** 64 bytes. */
  readonly packet: string;
  /** One type of every kind. */
  readonly kinds: string;
  /** What the kernel of 5.10 was built with, and its symbols. */
  readonly config: string;
  readonly symbols: string;
  /** A kernel of that release. */
  readonly kernel: (release: '5.10' | '6.12') => string;
  readonly remove: () => void;
}

export function someFiles(): Files {
  const folder = mkdtempSync(join(tmpdir(), 'tsbpf-json-'));
  const path = (name: string) => join(folder, name);
  const write = (name: string, bytes: Uint8Array) => {
    writeFileSync(path(name), bytes);
    return path(name);
  };
  for (const release of ['5.10', '6.12']) write(`${release}.btf`, kernelOf(release));
  return {
    path,
    bootstrap: join(root, 'fixtures/bootstrap.bpf.o'),
    bench: join(root, 'fixtures/bench.bpf.o'),
    bare: write('bare.btf', encodeBtf([INT, struct('task_struct', 4, ['parent_real', 1])])),
    packet: write('packet', new Uint8Array(64)),
    kinds: write('kinds.btf', everyKind()),
    config: write('config', Buffer.from(CONFIG)),
    symbols: write('System.map', Buffer.from(SYSTEM_MAP)),
    kernel: (release) => path(`${release}.btf`),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const everyKind = (): Uint8Array =>
  encodeBtf([
    INT,
    ptr(1),
    array(1, 4),
    struct('s', 24, ['a', 1, 0], ['low', 1, 4, 3], ['', 5, 8], ['far', 1, 20]),
    union('', 8, ['wide', 6], ['p', 2]),
    int('long long', 8),
    { kind: 'ENUM', name: 'e', size: 4, signed: false, values: [{ name: 'E', value: 0xffffffffn }] },
    { kind: 'ENUM64', name: 'w', size: 8, signed: true, values: [{ name: 'W', value: -(2n ** 60n) }] },
    { kind: 'FWD', name: 'f', union: true },
    typedef('t', 4),
    { kind: 'VOLATILE', type: 1 },
    { kind: 'CONST', type: 1 },
    { kind: 'RESTRICT', type: 2 },
    proto(1, 1, 2),
    { kind: 'FUNC', name: 'fn', type: 14, linkage: 1 },
    { kind: 'VAR', name: 'v', type: 1, linkage: 0 },
    { kind: 'DATASEC', name: '.data', size: 4, vars: [{ type: 16, offset: 0, size: 4 }] },
    { kind: 'FLOAT', name: 'double', size: 8 },
    { kind: 'DECL_TAG', name: 'tag', type: 4, component: -1, attribute: false },
    { kind: 'TYPE_TAG', name: 'user', type: 1, attribute: false },
  ]);
