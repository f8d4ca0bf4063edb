// Relocations one by one, up to the one that fails: what was decided before it, and what of it is known.

import { BpfError } from 'tsbpf';
import { CORE_KINDS, findCandidates, matchSpec, parseSpec, relocate } from 'tsbpf/relocate';

/**
 * @returns `object`, `fixups` and `modules`, and where a relocation failed, `failed`: its section, record, program, error, and its
 *          path and candidates (`fixup`) where they can be told.
 */
export function relocateUntil(object, target, modules) {
  const attempt = (coreRelos) => relocate({ ...object, coreRelos }, target).fixups;
  try {
    return { object, modules, fixups: attempt(object.coreRelos) };
  } catch (error) {
    if (!(error instanceof BpfError) || error.where.insn === undefined) throw error;
    const failed = placeOf(object, error);
    const fixups = attempt(before(object.coreRelos, failed));
    return { object, modules, fixups, failed: { ...failed, error, fixup: known(object, target, fixups, failed) } };
  }
}

function placeOf({ programs, coreRelos }, { where }) {
  const { name: program, section, start } = programs.find(({ name }) => name === where.program);
  return { program, section, record: coreRelos.get(section).findIndex(({ insn }) => insn === start + where.insn) };
}

function before(coreRelos, { section, record }) {
  const all = [...coreRelos];
  const end = all.findIndex(([name]) => name === section);
  return new Map([...all.slice(0, end), [section, all[end][1].slice(0, record)]]);
}

/** What was looked for and among what, from the parts that relocating consists of. */
function known({ btf, coreRelos }, target, fixups, { section, record }) {
  const { type, access, kind: number } = coreRelos.get(section)[record];
  const kind = CORE_KINDS[number]?.name;
  if (!target || !btf.name(type)) return undefined;
  const local = parseSpec(btf, type, access, kind);
  const earlier = fixups.findLast((fixup) => fixup.local.root === type && fixup.kind !== 'local_type_id')?.verdicts;
  const narrowed = earlier?.some(({ spec }) => spec) ? earlier.filter(({ spec }) => spec) : earlier;
  const candidates = narrowed ?? findCandidates(btf, type, target.kernel, target.modules);
  const verdicts = candidates.map(({ btf: of, id }) => ({ btf: of, id, ...matchSpec(local, of, id) }));
  return { kind, local, verdicts };
}
