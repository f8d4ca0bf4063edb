// Pinned maps, in a BPF file system of the test's own.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { open } from '../../src/api/index.js';
import { UnsupportedError, UsageError } from '../../src/errors.js';
import { drive, execute } from '../../src/load/index.js';
import type { Pin } from '../../src/plan/index.js';
import { realKernel } from '../../src/syscall/index.js';
import { describeWithKernel, holdings } from '../support/kernel.js';

const BOOTSTRAP = join(import.meta.dirname, '../../fixtures/bootstrap.bpf.o');

describeWithKernel('a pinned map', () => {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'tsbpf-pins-'));
    const { status, stderr } = spawnSync('mount', ['-t', 'bpf', 'bpf', root], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`mount: ${stderr}`);
  });
  afterEach(() => {
    spawnSync('umount', [root]);
    rmdirSync(root);
  });
  const pinned = (path: string) => {
    const object = open(BOOTSTRAP);
    object.map('exec_start').pinPath = path;
    return object;
  };

  test('is shared by all who pin it there, in directories that are made for it', () => {
    using one = pinned(`${root}/a/b/starts`);
    using other = pinned(`${root}/a/b/starts`);
    one.load().elements<number, bigint>('exec_start').set(1, 2n);
    expect(other.load().elements<number, bigint>('exec_start').get(1)).toBe(2n);
  });

  test('is gone after a load that fails, with its directories', () => {
    using object = pinned(`${root}/a/b/starts`);
    const before = holdings();
    const stop = new Error('enough');
    for (const id of ['pin exec_start', 'prog handle_exec'])
      expect(() =>
        object.load({
          observe: (event) => {
            if (event.at === 'after' && event.step.id === id) throw stop;
          },
        }),
      ).toThrow(stop);
    expect(existsSync(`${root}/a`)).toBe(false);
    expect(holdings()).toEqual(before);
  });

  test('of a load, with its programs and links, is there after the last step, and not after any other', () => {
    using object = open(BOOTSTRAP);
    const pins: Pin[] = [
      { kind: 'program', name: 'handle_exit', path: `${root}/a/handle_exit` },
      { kind: 'link', name: 'handle_exec', path: `${root}/a/links/handle_exec` },
      { kind: 'map', name: 'rb', path: `${root}/maps/rb` },
    ];
    const steps = object.plan({ pins }).steps.length;
    const before = holdings();
    for (let stopAfter = 1; ; stopAfter++) {
      const loading = object.loading({ pins });
      let seen = 0;
      for (let next = loading.next(); ; next = loading.next()) {
        if (next.done) {
          expect(seen).toBe(2 * steps);
          next.value.close();
          for (const { path } of pins) expect(existsSync(path)).toBe(true);
          expect(holdings()).toEqual(before);
          return;
        }
        if (++seen < stopAfter) continue;
        loading.return(undefined as never);
        break;
      }
      expect([existsSync(`${root}/a`), existsSync(`${root}/maps`)]).toEqual([false, false]);
      expect(holdings()).toEqual(before);
    }
  });

  test('is there before, so that a load that wants the name leaves it, and nothing else', () => {
    using object = open(BOOTSTRAP);
    const taken: Pin = { kind: 'map', name: 'rb', path: `${root}/taken` };
    object.load({ pins: [taken] });
    const pins: Pin[] = [{ kind: 'program', name: 'handle_exec', path: `${root}/new/handle_exec` }, taken];
    expect(() => object.load({ pins })).toThrow('Something is pinned by that name');
    expect([existsSync(`${root}/taken`), existsSync(`${root}/new`)]).toEqual([true, false]);
    expect(() => object.load({ pins: [{ ...taken, path: `${root}/a.b` }] })).toThrow(UsageError);
    expect(() => object.load({ pins: [{ ...taken, name: 'rbb' }] })).toThrow('which is not there');
  });

  test('is not put where something else is pinned, or into another file system', () => {
    using plain = open(BOOTSTRAP);
    const fd = plain.load().fd('program', 'handle_exec');
    const attr = { pathname: `${root}/program`, bpf_fd: fd };
    drive(execute([{ id: 'pin', why: 'a program', call: 'bpf', cmd: 'BPF_OBJ_PIN', attr }], realKernel))[Symbol.dispose]();
    expect(() => pinned(`${root}/program`).load()).toThrow(UsageError);
    expect(() => pinned(`${root}/program`).load()).toThrow('is no map but a bpf-prog');
    expect(() => pinned(join(tmpdir(), 'tsbpf-nowhere/starts')).load()).toThrow(UnsupportedError);
    expect(existsSync(join(tmpdir(), 'tsbpf-nowhere'))).toBe(false);
  });
});
