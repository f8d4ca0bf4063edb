// Our fixups in the words in which libbpf tells its own: the search, each candidate, the patch.

import { resolved } from 'tsbpf/btf';
import { isLdImm64, ldImm64Value, readInsn } from 'tsbpf/insn';
import { coreValue, isMemoryAccess, showSpec } from 'tsbpf/relocate';
import { failureOf } from './failures.mjs';

const SPEC_LENGTH = 255; // libbpf cuts what it shows of a path

/** How a line ends of which the rest cannot be told. */
export const ANYTHING = '* = undefined';

/** Lines by section and record; of a record that failed the last element is the failure, not a line. */
export function told({ object, fixups, failed, modules }) {
  const moduleOf = (btf) => modules.find((module) => module.btf === btf)?.name ?? 'vmlinux';
  const records = new Map();
  const programs = new Map(object.programs.map((program) => [program.name, program]));
  const asked = new Set();
  const done = new Map(fixups.map((fixup) => [`${programs.get(fixup.program).section} ${fixup.record}`, fixup]));
  for (const [section, relos] of object.coreRelos) {
    records.set(section, [`sec '${section}': found ${relos.length} CO-RE relocations`]);
    for (const record of relos.keys()) {
      const fixup = done.get(`${section} ${record}`);
      const isLast = failed?.section === section && failed.record === record;
      if (isLast) records.set(`${section} #${record} of ${failed.program}`, failureLines(failed, asked, moduleOf));
      if (isLast) return records;
      if (fixup)
        records.set(`${section} #${record} of ${fixup.program}`, linesOf(fixup, programs.get(fixup.program), asked, moduleOf));
      else if (!belongs(object.programs, section, relos[record]))
        records.set(`${section} #${record}`, [
          `sec '${section}': skipping CO-RE relocation #${record} for insn #${relos[record].insn} belonging to eliminated weak subprogram`,
        ]);
    }
  }
  return records;
}

const belongs = (programs, section, { insn }) =>
  programs.some(
    (program) => program.section === section && insn >= program.start && insn < program.start + program.insns.length / 8,
  );

function linesOf(fixup, program, asked, moduleOf) {
  const say = (text) => `prog '${program.name}': relo #${fixup.record}: ${text}`;
  return [...searchLines(fixup, asked, moduleOf), ...matchLines(fixup, say), ...patchLines(fixup, program.insns).map(say)];
}

/** The search, once for each type that is looked for. */
function searchLines({ kind, local, verdicts }, asked, moduleOf) {
  if (kind === 'local_type_id' || asked.has(local.root)) return [];
  asked.add(local.root);
  return verdicts.map(
    ({ btf, id }) =>
      `CO-RE relocating ${typeText(local.btf, local.root)}: found target candidate ${typeText(btf, id)} in [${moduleOf(btf)}]`,
  );
}
const typeText = (btf, id) => `[${id}] ${btf.kind(id).toLowerCase()} ${btf.name(id)}`;

function matchLines({ kind, local, verdicts }, say) {
  const lines = [say(specText(local))];
  if (kind === 'local_type_id') return lines;
  for (const [i, verdict] of verdicts.entries()) {
    const { spec } = verdict;
    lines.push(say(`${spec ? 'matching' : 'non-matching'} candidate #${i} ${specText(spec ?? leftBehind(local, verdict))}`));
  }
  if (!verdicts.some(({ spec }) => spec)) lines.push(say('no matching targets found'));
  return lines;
}

const specText = (spec) => `<${spec.kind}> [${spec.root}] ${showSpec(spec)}`.slice(0, SPEC_LENGTH);

/**
 * What libbpf shows of a candidate that does not match: how far it came. A member of the right name and the wrong kind it has
 * entered already; when it leaves anonymous ones around that, it takes back the offsets of those, and as many indexes from the end.
 */
function leftBehind({ kind }, { btf, id, at }) {
  const { reached, unlike } = at ?? { reached: { btf, kind, root: id, raw: [], accessors: [], bitOffset: 0 } };
  if (kind.startsWith('enumval')) return { ...reached, accessors: firstEnumerator(reached) };
  if (!unlike) return reached;
  return { ...reached, raw: [...reached.raw, unlike[0].index], bitOffset: reached.bitOffset + unlike.at(-1).bitOffset };
}

/** Where none was found, libbpf shows the enumerator of index 0; where there is none, whatever lies in its place in memory. */
function firstEnumerator({ btf, root }) {
  const { id: type, values } = resolved(btf, root);
  return [{ type, index: 0, name: values?.[0]?.name ?? '*' }];
}

function patchLines({ insn, after, access, reason }, insns) {
  const wide = isLdImm64(insns, insn);
  if (after === 'poison') {
    const lines = (wide ? [insn + 1, insn] : [insn]).map((slot) => `substituting insn #${slot} w/ invalid insn`);
    return resizedBadly(reason) ? [badSize(insn), ...lines] : lines;
  }
  const is = readInsn(insns, insn);
  if (wide) return [`patched insn #${insn} (LDIMM64) imm64 ${ldImm64Value(insns, insn)} -> ${after}`];
  if (!isMemoryAccess(is)) return [`patched insn #${insn} (ALU/ALU64) imm ${BigInt.asUintN(64, BigInt(is.imm))} -> ${after}`];
  const lines = [`patched insn #${insn} (LDX/ST/STX) off ${BigInt.asUintN(64, BigInt(is.off))} -> ${after}`];
  if (access && access.from !== access.to) lines.push(`patched insn #${insn} (LDX/ST/STX) mem_sz ${access.from} -> ${access.to}`);
  return lines;
}
const resizedBadly = (reason) => /^the field (has|is a bitfield)/.test(reason ?? '');
const badSize = (insn) =>
  `insn #${insn} (LDX/ST/STX) accesses field incorrectly. Make sure you are accessing pointers, unsigned integers, or fields of matching type and size.`;

function failureLines({ fixup, program, record, error }, asked, moduleOf) {
  const say = (text) => `prog '${program}': relo #${record}: ${text}`;
  if (!fixup) return [failureOf(error)];
  const at = lastLookedAt(fixup);
  const verdicts = fixup.verdicts.slice(0, at + 1);
  const line = at >= 0 && isAmbiguous(error) ? say(ambiguity(verdicts)) : undefined;
  return [
    ...searchLines(fixup, asked, moduleOf),
    ...matchLines(at < 0 ? fixup : { ...fixup, verdicts }, say),
    failureOf(error, line),
  ];
}

/** The candidate after which libbpf looks no further: one without a value, or one that disagrees with the first that matches. */
function lastLookedAt({ local, verdicts }) {
  const first = verdicts.find(({ spec }) => spec)?.spec;
  const hasNone = (spec) => amountOf(local) === undefined || amountOf(spec) === undefined;
  return verdicts.findIndex(({ spec }) => spec && (hasNone(spec) || disagree(spec, first)));
}

function amountOf(spec) {
  try {
    return coreValue(spec).value;
  } catch {
    return undefined;
  }
}
const isAmbiguous = ({ what }) => what.includes(' is ambiguous: ');
const disagree = (a, b) => a.bitOffset !== b.bitOffset || amountOf(a) !== amountOf(b);

function ambiguity(verdicts) {
  const [first, last] = [verdicts.find(({ spec }) => spec).spec, verdicts.at(-1).spec];
  if (first.bitOffset !== last.bitOffset) return `field offset ambiguity: ${last.bitOffset} != ${first.bitOffset}`;
  return `relocation decision ambiguity: success ${amountOf(last)} != success ${amountOf(first)}`;
}
