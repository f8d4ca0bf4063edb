// What the tests of one kernel came to, and the table of all.

export class Results {
  kernel;
  failed = 0;
  passed = 0;
  skipped = 0;
  /** By name of the group: how many passed, failed, were skipped. */
  groups = new Map();
  #verbose;
  #rest = '';
  #waiting = [];

  constructor(kernel, verbose) {
    this.kernel = kernel;
    this.#verbose = verbose;
  }

  /** Nothing was told yet. */
  get isEmpty() {
    return this.passed + this.failed + this.skipped + this.#waiting.length === 0;
  }

  add(text) {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop();
    for (const line of lines) this.#line(line);
  }

  #line(line) {
    let told;
    try {
      told = JSON.parse(line);
    } catch {
      console.log(`  ${line}`);
      return;
    }
    // Tests are told before their group is.
    if (told.suite !== undefined) {
      if (told.nesting === 0) this.#close(told.suite);
    } else {
      this.#waiting.push(told);
      if (told.nesting === 0) this.#close(told.test);
    }
  }

  #close(group) {
    if (this.#waiting.length === 0) return; // nothing of it was asked for
    const counts = { passed: 0, failed: 0, skipped: 0 };
    for (const { test, skip, error, ms } of this.#waiting) {
      const kind = error !== undefined ? 'failed' : skip ? 'skipped' : 'passed';
      counts[kind]++;
      this[kind]++;
      if (kind === 'passed' && !this.#verbose) continue;
      const mark = { passed: 'ok     ', failed: 'FAILED ', skipped: 'skipped' }[kind];
      const why = kind === 'skipped' ? `: ${skip}` : kind === 'passed' ? ` (${Math.round(ms)} ms)` : '';
      console.log(`  ${mark} ${group}: ${test}${why}`);
      if (error) console.log(error.replace(/^/gm, '          '));
    }
    this.#waiting = [];
    this.groups.set(group, counts);
  }

  end(code) {
    if (code !== 0 && this.failed === 0) this.crashed(new Error(`the tests ended with code ${code}`));
    if (this.passed + this.failed === 0) this.crashed(new Error('no test ran'));
  }
  crashed(error) {
    this.failed++;
    console.log(`  FAILED  ${error.message}`);
  }
}

export function summary(runs, { libbpf, seconds }) {
  const groups = [...new Set(runs.flatMap((run) => [...run.groups.keys()]))];
  const cell = ({ passed, failed, skipped }) =>
    [failed && `${failed} FAILED`, passed && `${passed} ok`, skipped && `${skipped} skipped`].filter(Boolean).join(', ') || '-';
  const rows = [
    ['', ...runs.map(({ kernel }) => kernel.version.replace(/-cloud.*/, ''))],
    ...groups.map((name) => [name, ...runs.map((run) => (run.groups.has(name) ? cell(run.groups.get(name)) : '-'))]),
    ['all', ...runs.map(cell)],
  ];
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  const table = rows.map((row) =>
    row
      .map((text, i) => text.padEnd(widths[i]))
      .join('  ')
      .trimEnd(),
  );
  return `\n${table.join('\n')}\n\ncompared with libbpf ${libbpf}; ${seconds} s`;
}
