// The same object through libbpf and through tsbpf, on this kernel: BTF, maps, programs and what became of them.

import assert from 'node:assert/strict';
import { compare } from '../../../conformance/compare.mjs';
import { type Answer, ask, type Question } from '../../../conformance/ours.mjs';
import { Witness } from '../../../conformance/witness.mjs';

let witness: Witness | undefined;
export const endWitness = (): void => witness?.close();

/** Fails where the kernel is given something else, or makes something else of it. Gives what it was given. */
export async function sameAsLibbpf(question: Question): Promise<Answer> {
  witness ??= new Witness(process.env.TSBPF_WITNESS as string);
  const theirs = await witness.ask({ ...question, toKernel: true });
  const ours = ask({ ...question, toKernel: true });
  const { verdict, differences, refusals } = compare(theirs, ours);
  assert.deepEqual(
    { verdict, differences },
    { verdict: 'same', differences: [] },
    JSON.stringify({ verdict, differences, refusals }, null, 1),
  );
  for (const { name, outcome } of ours.programs) assert.equal(outcome, 0, `${name} is refused, with libbpf too`);
  return ours;
}
