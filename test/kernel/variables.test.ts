import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { open } from '../../src/api/index.js';
import { UsageError } from '../../src/errors.js';
import type { RingBuffer } from '../../src/maps/index.js';
import { mapOps } from '../../src/syscall/index.js';
import { describeWithKernel } from '../support/kernel.js';
import { Bench, fixture } from '../support/kernel-bench.js';

interface Bootstrap {
  readonly rodata: { min_duration_ns: bigint };
  readonly maps: { readonly rb: RingBuffer<{ comm: string; pid: number; exit_event: boolean }> };
}

describeWithKernel('variables of a loaded object', () => {
  it("are read live from the kernel's memory", () => {
    using bench = new Bench();
    const { bss } = bench.loaded;
    expect([bss.produced, bss.dropped]).toEqual([0n, 0n]);
    expect(bench.produce({ count: 1000, size: 16, flags: 1 })).toBe(1000);
    expect(bss.produced).toBe(1000n);
    bss.produced = 5_000_000_000n; // the program counts on from here
    bench.produce({ count: 1, size: 16, flags: 1 });
    expect(bss.produced).toBe(5_000_000_001n);
    const last: bigint[] = [];
    bench.ring.consumeRecords((bytes, at) => last.push(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at, true)));
    expect(last.slice(-2)).toEqual([999n, 5_000_000_000n]);
  });

  it('cannot be read or written once the object is closed', () => {
    const bench = new Bench();
    const { bss } = bench.loaded;
    bench.loaded.close();
    expect(() => bss.produced).toThrow(new UsageError('bench is closed', { where: bench.loaded.object.where }));
    expect(() => {
      bss.produced = 1n;
    }).toThrow('bench is closed');
  });

  it('have their initial values, and are constants where the source says so', () => {
    const object = open<Bootstrap>(fixture('bootstrap.bpf.o'));
    expect(object.rodata.min_duration_ns).toBe(0n);
    object.rodata.min_duration_ns = 0x0102030405060708n;
    using loaded = object.load();
    expect(loaded.rodata.min_duration_ns).toBe(0x0102030405060708n);
    expect(() => {
      // @ts-expect-error the types know it too
      loaded.rodata.min_duration_ns = 1n;
    }).toThrow('Cannot set "min_duration_ns": constants are frozen once the object is loaded');
    const rodata = loaded.object.maps.find(({ data }) => data?.section === '.rodata');
    if (!rodata) throw new Error('bootstrap has no .rodata');
    const ops = mapOps(() => loaded.fd('map', rodata.name), rodata);
    expect(() => ops.update(new Uint8Array(4), new Uint8Array(rodata.valueSize), 0)).toThrow('EPERM'); // the kernel refuses, too
  });

  it.each([
    [0n, true],
    [3_600_000_000_000n, false],
  ])('are seen by the programs: a minimum of %d ns', (minimum, isReported) => {
    const object = open<Bootstrap>(fixture('bootstrap.bpf.o'));
    object.rodata.min_duration_ns = minimum;
    using loaded = object.load();
    using _links = loaded.attach();
    const shell = execFileSync('/bin/sh', ['-c', 'echo $$'], { encoding: 'utf8' });
    const pids = new Set<number>();
    loaded.maps.rb.consume(({ pid }) => pids.add(pid));
    expect(pids.has(Number(shell))).toBe(isReported);
  });

  it('are independent in two objects of one file', () => {
    using first = new Bench();
    using second = new Bench();
    first.produce({ count: 3, size: 16, flags: 1 });
    expect([first.loaded.bss.produced, second.loaded.bss.produced]).toEqual([3n, 0n]);
  });
});
