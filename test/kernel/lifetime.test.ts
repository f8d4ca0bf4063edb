// How a process that uses tsbpf lives and ends. Each test is a process of its own, which runs what `npm run build` made.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describeWithKernel } from '../support/kernel.js';
import { fixture } from '../support/kernel-bench.js';

const built = fileURLToPath(new URL('../../dist/node.js', import.meta.url));
if (!existsSync(built)) console.warn('tests of whole processes are skipped: there is no dist; npm run build makes it');

interface Ended {
  readonly output: string;
  readonly status: number | null;
  readonly signal: string | null;
  readonly ms: number;
}
/** Runs a module with `loaded`, bootstrap in the kernel, and `rb`, its ring buffer. */
function run(body: string): Ended {
  const code = `
    import { open } from ${JSON.stringify(built)};
    const loaded = open(${JSON.stringify(fixture('bootstrap.bpf.o'))}).load();
    const rb = loaded.maps.rb;
    const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    ${body}`;
  const start = performance.now();
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', code], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { output: stdout + stderr, status, signal, ms: performance.now() - start };
}
const GENEROUS_MS = 10_000;

describeWithKernel('a process', () => {
  const test = it.skipIf(!existsSync(built));

  test('ends by itself when nothing waits, although nothing was closed', () => {
    const { output, status, ms } = run(`loaded.attach(); rb.consume(() => {}); console.log('last line');`);
    expect([output, status]).toEqual(['last line\n', 0]);
    expect(ms).toBeLessThan(GENEROUS_MS);
  });

  test('ends by itself when what waited is done', () => {
    const { output, status } = run(`
      const stop = new AbortController();
      setTimeout(() => stop.abort(), 50);
      for await (const _ of rb.events(undefined, { signal: stop.signal }));
      await rb.poll(20, () => {});
      await rb.forEach(() => {}, { signal: AbortSignal.timeout(20) });
      console.log('last line');`);
    expect([output, status]).toEqual(['last line\n', 0]);
  });

  test('stays while something waits', () => {
    const { output, status } = run(`
      setTimeout(() => { console.log('later'); loaded.close(); }, 200).unref();
      for await (const _ of rb.events());
      console.log('ended');`);
    expect([output, status]).toEqual(['later\nended\n', 0]);
  });

  test('exits at once when it is told to while it waits', () => {
    const { output, status, signal, ms } = run(`
      setTimeout(() => { console.log('exit'); process.exit(7); }, 50);
      rb.forEach(() => {});
      rb.poll(60_000, () => {});
      for await (const _ of rb.events());`);
    expect([output, status, signal]).toEqual(['exit\n', 7, null]);
    expect(ms).toBeLessThan(GENEROUS_MS);
  });

  test('ends on SIGTERM while it waits', () => {
    const { signal } = run(`setTimeout(() => process.kill(process.pid, 'SIGTERM'), 50); for await (const _ of rb.events());`);
    expect(signal).toBe('SIGTERM');
  });

  test('survives views of memory that is closed; they read zeros', () => {
    const { output, status, signal } = run(`
      import { spawnSync } from 'node:child_process';
      const kept = [];
      loaded.attach();
      spawnSync('/bin/true');
      rb.consumeRecords((bytes, at, length) => kept.push(bytes.subarray(at, at + length)));
      const before = kept.some((view) => view.some((byte) => byte !== 0));
      loaded.close();
      gc();
      await sleep(20);
      const after = kept.some((view) => view.some((byte) => byte !== 0));
      const whole = new Uint8Array(kept[0].buffer);
      let sum = 0;
      for (let i = 0; i < whole.length; i++) sum += whole[i];
      whole[0] = 1; // nobody's memory now
      console.log(kept.length > 0, before, after, sum);`);
    expect([output, status, signal]).toEqual(['true true false 0\n', 0, null]);
  });

  test('gives memory back when nobody looks at it any more', () => {
    const { output, status } = run(`
      import { readFileSync } from 'node:fs';
      const virtual = () => Number(/VmSize:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
      const turn = async () => {
        for (let i = 0; i < 20; i++) {
          const one = open(${JSON.stringify(fixture('bench.bpf.o'))}).load();
          one.maps.rb.consume(() => {});
          one.close();
        }
        for (let i = 0; i < 4; i++) { gc(); await sleep(10); }
      };
      await turn();
      const before = virtual();
      for (let i = 0; i < 4; i++) await turn();
      console.log(virtual() - before < 32 * 1024 * 4 ? 'given back' : 'grew by ' + (virtual() - before) + ' KiB');`);
    expect([output, status]).toEqual(['given back\n', 0]);
  });

  test('may close an object from inside its own loop and callbacks', () => {
    const { output, status } = run(`
      import { spawnSync } from 'node:child_process';
      loaded.attach();
      for (let i = 0; i < 3; i++) spawnSync('/bin/true');
      let count = 0;
      rb.consume(() => { count++; loaded.close(); });
      console.log(count);`);
    expect([output, status]).toEqual(['1\n', 0]);
  });

  test('may load, attach and close many times', () => {
    const { output, status } = run(`
      import { readdirSync } from 'node:fs';
      const before = readdirSync('/proc/self/fd').length;
      for (let i = 0; i < 20; i++) {
        const one = open(${JSON.stringify(fixture('bootstrap.bpf.o'))}).load();
        one.attach();
        const pending = one.maps.rb.events().next();
        if (i % 2) await sleep(0);
        one.close();
        await pending;
      }
      console.log(readdirSync('/proc/self/fd').length - before);`);
    // The event loop's own descriptors come with the first wait.
    expect([Number(output) <= 2, status]).toEqual([true, 0]);
  });
});
