// A relocation that cannot be applied: libbpf's warning and our error, told apart by what is wrong and by the numbers in it.

/** The class of a failure: the line by which libbpf tells it, and the words by which we do. What they capture must be equal. */
const FAILURES = [
  {
    theirs: /unexpected insn #\d+ \(.*\) value: got (\d+), exp (\d+) -> (\d+)$/,
    ours: /the instruction holds (-?\d+), not the object's own value (\d+) \(new value (\d+)\)/,
  },
  { theirs: /target candidate search failed for \[\d+\] \w+ : -22$/, ours: /an anonymous \w+ cannot be found by name/ },
  { theirs: /trying to relocate unrecognized insn #\d+/, ours: /no relocation applies to an instruction of class/ },
  { theirs: /\(LDIMM64\) has unexpected form/, ours: /the ld_imm64 is not a plain constant/ },
  { theirs: /parsing \[\d+\] .* failed: -22$/, ours: /CO-RE access string/ },
  { theirs: /relo \d+ at insn #\d+ can't be satisfied for bitfield$/, ours: /is not covered by one 64-bit load/ },
  { theirs: /relo \d+ at insn #\d+ can't be applied to array access$/, ours: /is only defined for struct members/ },
  // Of this one libbpf only says that it failed.
  { theirs: /failed to patch insn #\d+: -EINVAL$/, ours: /the instruction takes a register, not a constant/ },
];

/**
 * What ends a record of ours: libbpf's line for it where it can be told, else the class and its numbers. Without either it is a
 * failure that libbpf does not have.
 */
export function failureOf({ what }, line) {
  const of = FAILURES.find(({ ours }) => ours.test(what));
  return { what, line, of, numbers: of ? numbers(of.ours.exec(what)) : [] };
}

/** @param lines Of libbpf, from where it fails; after the first only that it did. */
export function sameFailure([first = '', ...more], { line, of, numbers: ours }) {
  if (!more.every((text) => /: failed to (relocate|patch insn #\d+): /.test(text))) return false;
  if (line !== undefined) return line === first;
  const found = of?.theirs.exec(first);
  return Boolean(found) && JSON.stringify(numbers(found)) === JSON.stringify(ours);
}

/** As 32 bits: libbpf shows an immediate without its sign. */
const numbers = ([, ...texts]) => texts.map((text) => BigInt.asUintN(32, BigInt(text)).toString());
