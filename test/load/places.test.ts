// Instructions to lines of C, from nothing but the plan.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { region, utf8Bytes } from '../../src/bytes/index.js';
import { parseElf } from '../../src/elf/index.js';
import { BpfError, VerifierError } from '../../src/errors.js';
import { failure, placeInPlan } from '../../src/load/index.js';
import { openObject } from '../../src/object/index.js';
import { describeFacts, planLoad, type Step } from '../../src/plan/index.js';

const object = openObject(parseElf(region(readFileSync('fixtures/bootstrap.bpf.o'), { file: 'bootstrap.bpf.o' })));
const plan = planLoad(object, describeFacts());
const id = 'prog handle_exec';

describe('the place of an instruction', () => {
  it('is the line of its function that the program itself names', () => {
    const { source, insnText, context } = placeInPlan(plan, id, 1);
    expect(source).toMatchObject({
      file: './bpf/bootstrap.bpf.c',
      line: expect.any(Number),
      text: expect.stringMatching(/\S/),
      function: 'handle_exec',
    });
    expect(insnText).toMatch(/^\S+ /);
    expect(context).toContainEqual(expect.objectContaining({ line: source?.line }));
    for (const { line } of context) expect(Math.abs(line - (source?.line ?? 0))).toBeLessThanOrEqual(2);
  });

  it('is less where the plan has less', () => {
    const without = (field: string): Step[] =>
      plan.map((step) =>
        step.call === 'bpf'
          ? { ...step, attr: Object.fromEntries(Object.entries(step.attr).filter(([name]) => name !== field)) }
          : step,
      );
    expect(placeInPlan(without('line_info'), id, 1).source).toBeUndefined();
    expect(placeInPlan(without('func_info'), id, 1).source).toMatchObject({ line: expect.any(Number) });
    expect(placeInPlan(without('btf'), id, 1).source).toBeUndefined();
    expect(placeInPlan(plan, 'prog nobody', 1)).toEqual({ insnText: undefined, source: undefined, context: [] });
    expect(placeInPlan(plan, id, 1_000_000).insnText).toBeUndefined();
  });

  it('does not depend on types that can be read', () => {
    const broken = plan.map((step): Step => {
      if (step.call !== 'bpf' || !(step.attr.btf instanceof Uint8Array)) return step;
      return { ...step, attr: { ...step.attr, btf: step.attr.btf.subarray(0, 20) } };
    });
    expect(placeInPlan(broken, id, 1)).toMatchObject({ insnText: expect.any(String), source: undefined });
  });
});

describe('a refusal', () => {
  const step = plan.find((candidate) => candidate.id === id) as Step;
  const log = '1: (bf) r6 = r9\nR9 !read_ok\nprocessed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0\n';
  const refused = (from: readonly Step[]) => failure(step, { result: -13, out: new Map([['log_buf', utf8Bytes(log)]]) }, from);

  it('says its line by the plan, with no line of source in the log', () => {
    const error = refused(plan);
    expect(error).toBeInstanceOf(VerifierError);
    expect(error).toMatchObject({
      errno: 'EACCES',
      log,
      reason: 'R9 !read_ok',
      insn: 1,
      insnText: 'r6 = r9',
      source: { function: 'handle_exec' },
      where: { source: expect.stringMatching(/^bootstrap\.bpf\.c:\d+$/) },
    });
    expect(error.message).toContain('The verifier says: R9 !read_ok\n  On one way to this line');
  });

  it('is one without a line where the plan has none', () => {
    const error = refused([]);
    expect(error).toBeInstanceOf(BpfError);
    expect(error).toMatchObject({ insn: 1, insnText: 'r6 = r9', source: undefined });
  });
});
