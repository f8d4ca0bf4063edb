// A process that compares objects, one after the other, as run.mjs hands them out.

import { compare } from './compare.mjs';
import { ask, parse } from './ours.mjs';
import { selfRelocation } from './self.mjs';
import { Witness } from './witness.mjs';

const witness = new Witness(process.argv[2]);

process.on('message', async ({ object, kernels }) => {
  process.send({ object, self: selfRelocation(object.path), rows: await compareObject(object, kernels) });
});
process.on('disconnect', () => process.exit());

/** Each kernel in up to three ways: as written, with what its sections switch off, and program by program where that fails. */
async function compareObject({ path }, kernels) {
  const rows = [];
  for (const { name: kernel, file } of kernels) {
    const question = { object: path, btf: file, toKernel: file === undefined };
    const pass = async (how, more) => {
      const theirs = await witness.ask({ ...question, ...more });
      rows.push({ kernel, how, ...judged(theirs, ask({ ...question, ...more }), question.toKernel) });
      return theirs;
    };
    const written = await pass('as written', {});
    const wider = written.autoload < written.programCount ? await pass('everything', { everything: true }) : written;
    // Where one program cannot be loaded, nothing is known of the others.
    if (wider.error && wider.programCount > 1) {
      for (const only of programNames(path)) await pass(`only ${only}`, { only });
    }
  }
  return rows;
}

function programNames(path) {
  try {
    return parse(path)
      .programs.filter(({ isSubprogram }) => !isSubprogram)
      .map(({ name }) => name);
  } catch {
    return [];
  }
}

function judged(theirs, ours, toKernel) {
  const { verdict, differences, refusals, core } = compare(theirs, ours);
  const both = toKernel && !theirs.error && !ours.refused;
  const outcomes = (programs) => Object.fromEntries(programs.map(({ name, outcome }) => [name, outcome]));
  return {
    verdict,
    differences,
    ...refusals,
    ...(core && { core }),
    ...(ours.other.length > 0 && { unseen: [...new Set(ours.other)] }),
    ...(both && { outcomes: { theirs: outcomes(theirs.programs), ours: outcomes(ours.programs) } }),
    programs: theirs.error ? 0 : theirs.programs.length,
  };
}
