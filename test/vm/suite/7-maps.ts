// Maps in maps, programs in maps, pins: with no BPF file system mounted, and with one.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { after } from 'node:test';
import { open } from '../../../src/api/index.js';
import { UnsupportedError, UsageError } from '../../../src/errors.js';
import { runPacketProgram } from '../../support/programs.js';
import { clean, group, objectPath, refused, watched } from '../support/kernel.js';
import { endWitness, sameAsLibbpf } from '../support/libbpf.js';

const isMounted = () => / \/sys\/fs\/bpf bpf /.test(readFileSync('/proc/self/mounts', 'utf8'));
const KEPT = '/sys/fs/bpf/kept';
const value = (loaded: ReturnType<typeof watched>['loaded'], map: string) => loaded.elements<number, bigint>(map).get(0);

group('maps', () => {
  after(() => {
    endWitness();
    rmSync(KEPT, { force: true });
  });

  clean('the BPF file system is mounted for the first pin; inner maps and tail calls work', () => {
    assert.ok(!isMounted());
    using object = open(objectPath('maps'));
    const { loaded } = watched(object);
    assert.ok(isMounted());
    assert.ok(existsSync(KEPT));
    assert.equal(runPacketProgram(loaded.fd('program', 'jump')), 77);
    assert.deepEqual([value(loaded, 'first'), value(loaded, 'second'), value(loaded, 'kept')], [0n, 5n, 1n]);
  });
  clean('what is pinned is found again', () => {
    rmSync(KEPT, { force: true });
    using first = open(objectPath('maps'));
    assert.equal(runPacketProgram(first.load().fd('program', 'jump')), 77);
    first.close();
    using object = open(objectPath('maps'));
    const { loaded, events } = watched(object);
    assert.ok(events.some(({ at, step }) => at === 'after' && step.call === 'bpf' && step.cmd === 'BPF_OBJ_GET'));
    assert.equal(runPacketProgram(loaded.fd('program', 'jump')), 77);
    assert.equal(value(loaded, 'kept'), 2n);
  });
  clean('another map under the name is refused, with the difference', () => {
    open(objectPath('maps')).load().close();
    using object = open(objectPath('maps'));
    object.map('kept').maxEntries = 9;
    assert.match(refused(UsageError, () => object.load()).message, /max_entries is 1, the object wants 9/);
  });
  clean('a folder of another file system is refused; one that is missing is made', () => {
    mkdirSync('/run/elsewhere', { recursive: true });
    open(objectPath('maps')).load().close(); // so that the file system is mounted
    const error = refused(UnsupportedError, () => open(objectPath('maps'), { pinRoot: '/run/elsewhere' }).load());
    assert.match(error.message, /mount -t bpf/);
    using object = open(objectPath('maps'), { pinRoot: '/sys/fs/bpf/deeper' });
    object.load();
    assert.ok(existsSync('/sys/fs/bpf/deeper/kept'));
    rmSync('/sys/fs/bpf/deeper', { recursive: true });
  });
  clean('are what libbpf makes of them', async () => {
    rmSync(KEPT, { force: true }); // whoever asks libbpf plays that nothing is pinned
    await sameAsLibbpf({ object: objectPath('maps') });
  });
});
