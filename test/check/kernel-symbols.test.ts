// Lists of symbols: System.map, /proc/kallsyms, and what only looks like one.

import { describe, expect, test } from 'vitest';
import { parseSymbols, UNKNOWN_ADDRESS } from '../../src/check/index.js';
import { FormatError } from '../../src/errors.js';

const MAP = `0000000000000000 D __per_cpu_start
ffffffff81000000 T _stext
ffffffff81000000 T _text
ffffffff81001000 t start_show
ffffffff81002000 T vfs_read
ffffffff81003000 t vfs_write.isra.0
ffffffff81004000 t start_show
ffffffff82000000 T _etext
ffffffff82100000 d clash.llvm.1234567890
ffffffff82200000 D jiffies
`;
const KALLSYMS = `${MAP}ffffffffc0201000 t veth_open\t[veth]\nffffffffc0300000 t bpf_prog_6deef7357e7b4530\t[bpf]\n`;

describe('symbols', () => {
  const map = parseSymbols(MAP, 'System.map');
  const kallsyms = parseSymbols(KALLSYMS, 'kallsyms');

  test('are found by their whole names, each address once', () => {
    expect(map.find('vfs_read')).toEqual([{ name: 'vfs_read', address: 0xffffffff81002000n, type: 'T', module: undefined }]);
    expect(map.find('start_show').map(({ address }) => address)).toEqual([0xffffffff81001000n, 0xffffffff81004000n]);
    for (const part of ['vfs', 'read', 'vfs_write', 'ffffffff81002000', 'T', '']) expect(map.find(part)).toEqual([]);
    expect(map.find('__per_cpu_start')[0]?.address).toBe(0n);
  });

  test('of modules are in kallsyms only', () => {
    expect([map.hasModules, kallsyms.hasModules]).toEqual([false, true]);
    expect(kallsyms.find('veth_open')).toMatchObject([{ module: 'veth' }]);
    expect(map.find('veth_open')).toEqual([]);
  });

  test('may have what compilers put behind a dot', () => {
    expect(map.variants('vfs_write')).toEqual(['vfs_write.isra.0']);
    expect(map.find('clash')).toMatchObject([{ type: 'd' }]);
    expect([...map.names()]).toContain('vfs_write.isra.0');
    expect([...kallsyms.names()]).toContain('veth_open');
  });

  test('shown to a user without rights have no addresses, and are there all the same', () => {
    const hidden = parseSymbols(KALLSYMS.replace(/^[0-9a-f]{16}/gm, '0'.repeat(16)), 'kallsyms');
    expect(hidden.find('vfs_read')[0]?.address).toBe(UNKNOWN_ADDRESS);
  });

  test.each([
    ['', 'Neither System.map nor'],
    ['CONFIG_HZ=250\n', 'Neither System.map nor'],
    ['\u007fELF\u0002\u0001', 'Neither System.map nor'],
    ['ffffffffffffffff B The real System.map is in the linux-image-<version>-dbg package\n', 'only says where the real one is'],
    [MAP.slice(0, 200), 'not all symbols of a kernel: _etext is missing'],
    ['ffffffff81000000 T main\n', '_stext is missing'],
  ])('%j is refused', (text, message) => {
    expect(() => parseSymbols(text, 'f')).toThrow(FormatError);
    expect(() => parseSymbols(text, 'f')).toThrow(message);
  });

  test('a long list without an end costs no more than its length', () => {
    const start = performance.now();
    const long = parseSymbols(`${MAP}${'ffffffff81000000 t a a a a a a a a\n'.repeat(200_000)}`, 'f');
    expect(long.find('a')).toEqual([]);
    expect(performance.now() - start).toBeLessThan(3000);
  });
});
