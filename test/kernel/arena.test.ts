// The memory of an arena, in processes of their own: what is wrong with it kills a process.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { compilePart, describeWithCompiler } from '../support/compile.js';
import { describeWithKernel } from '../support/kernel.js';

const built = fileURLToPath(new URL('../../dist/node.js', import.meta.url));

/** Runs a module with `load`, which loads the object. */
function run(body: string): readonly [string, number | null, string | null] {
  const object = compilePart(join(import.meta.dirname, 'arena.bpf.c'), 0);
  const code = `
    import { open } from ${JSON.stringify(built)};
    const object = ${JSON.stringify(object)};
    const load = (change = () => {}, options) => { const opened = open(object); change(opened); return opened.load(options); };
    const view = (loaded) => new Uint8Array(loaded.arena());
    const collect = async () => { for (let i = 0; i < 10; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 10)); } };
    const said = (fn) => { try { fn(); return 'nothing'; } catch (error) { return error.message.split('\\n')[0]; } };
    ${body}`;
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', code], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  return [stdout + stderr, status, signal];
}

describeWithCompiler('an arena', () => {
  describeWithKernel('at a fixed address', () => {
    const test = it.skipIf(!existsSync(built));

    test('can be loaded again, and what showed the first one survives the end of the second', () => {
      const ended = run(`
        const first = load();
        const stale = view(first);
        const seen = [stale[0]];
        first.close();
        seen.push(stale[0]);
        const second = load();
        second.close(); // nobody has looked at it
        seen.push(stale[0]);
        console.log(seen.join());`);
      expect(ended).toEqual(['7,0,0\n', 0, null]);
    });

    test('stays mapped for an old view when the buffer of a later one is collected', () => {
      const ended = run(`
        const first = load();
        const stale = view(first);
        first.close();
        (() => { const second = load(); view(second)[1] = 1; second.close(); })();
        await collect();
        console.log(stale[0]);`);
      expect(ended).toEqual(['0\n', 0, null]);
    });

    test('keeps its memory when an old view of the place is collected', () => {
      const ended = run(`
        (() => { const first = load(); view(first)[1] = 1; first.close(); })();
        const second = load();
        await collect();
        console.log(view(second)[0]);`);
      expect(ended).toEqual(['7\n', 0, null]);
    });

    test('is refused while another load has the address, and says so', () => {
      const ended = run(`using(load()); function using(first) { console.log(said(load)); first.close(); }`);
      expect(ended[0]).toContain('mmap failed with EEXIST');
      expect(ended.slice(1)).toEqual([0, null]);
    });

    test('whose pages kill who touches them has no variables', () => {
      const ended = run(`console.log(said(() => load((object) => { object.map('arena').flags |= 1 << 17; })));`);
      expect(ended[0]).toContain('cannot be written to the arena arena');
      expect(ended.slice(1)).toEqual([0, null]);
    });

    test('has no memory to look at after a dry run', () => {
      const ended = run(`
        import { dryRunKernel } from ${JSON.stringify(built.replace(/node\.js$/, 'load/index.js'))};
        const facts = open(object).plan().facts;
        console.log(said(() => view(load(undefined, { facts, kernel: dryRunKernel(facts) }))));`);
      expect(ended[0]).toContain('was loaded by a dry run or a replay');
      expect(ended.slice(1)).toEqual([0, null]);
    });
  });
});
