// Everything that libbpf would load, instruction for instruction: our relocation and linking against the reference's.

import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  type Answer,
  askLibbpf,
  askTsbpf,
  buildHarness,
  COMPILERS,
  compile,
  describeWithLibbpf,
  folder,
  type Load,
  type Question,
  readable,
} from './libbpf.js';

const sources = readdirSync(join(import.meta.dirname, 'progs')).filter((name) => name.endsWith('.bpf.c'));
const FIXTURES = ['bootstrap', 'bench'].map((name) => join(import.meta.dirname, `../../fixtures/${name}.bpf.o`));

describeWithLibbpf('as libbpf would load it', () => {
  let at = '';
  let harness = '';
  beforeAll(() => {
    at = folder();
    harness = buildHarness(at);
  });
  afterAll(() => rmSync(at, { recursive: true, force: true }));

  const same = (questions: readonly Question[]): number => {
    let insns = 0;
    for (const [i, expected] of askLibbpf(harness, questions).entries()) {
      const question = questions[i] as Question;
      expect(readable(askTsbpf(question)), question.object).toEqual(readable(expected));
      expect(expected, question.object).toHaveProperty('programs');
      insns += count(expected);
    }
    return insns;
  };

  it('the committed fixtures', () => {
    const insns = same(FIXTURES.map((object) => ({ object })));
    console.info(`parity: ${insns} instructions of the fixtures`);
    expect(insns).toBeGreaterThan(100);
  });

  it.each(COMPILERS)('every program that %s compiles, for each -mcpu', (compiler) => {
    const cpus = compiler === 'clang-19' ? ['v2', 'v3', 'v4'] : ['v2', 'v3'];
    const questions = sources.flatMap((source) => cpus.map((cpu) => ({ object: compile(at, source, compiler, cpu) })));
    const insns = same(questions);
    console.info(`parity: ${questions.length} objects of ${compiler}, ${insns} instructions`);
    expect(insns).toBeGreaterThan(1000);
  });
});

const count = (answer: Answer): number =>
  'programs' in answer ? answer.programs.reduce((sum, { insns }: Load) => sum + insns.length / 16, 0) : 0;
