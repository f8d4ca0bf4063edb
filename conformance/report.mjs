// Results -> numbers, a page, and a few lines for the terminal.

import { release } from 'node:os';
import { VERDICTS } from './compare.mjs';
import { dumpSection, dumpSummary } from './dump-report.mjs';
import { explain } from './explain.mjs';
import { KNOWN } from './known-differences.mjs';
import { table } from './table.mjs';

const WIDER = 'everything';
/** We would refuse these even where libbpf did not. */
const NOT_YET = /(is|are) not supported yet$/;

/** Everything that the page says, as a value. `unknown` are the differences that no reason covers. */
export function describeRun({ results, kernels, missing, version, seconds, sources }) {
  const rows = results.flatMap(({ object, rows }) => rows.map((row) => ({ ...row, object, explained: explain(object, row) })));
  const crashes = results.filter(({ crashed }) => crashed).map(({ object, crashed }) => ({ object, crashed }));
  const refusals = rows.filter(({ theirs, ours }) => theirs && ours);
  return {
    date: new Date().toISOString().slice(0, 10),
    running: release(),
    libbpf: version,
    kernels: kernels.map(({ name, version: found }) => ({ name, version: found ?? release() })),
    seconds,
    objects: results.length,
    missing,
    sources: sources.flatMap(({ name, note }) => {
      const of = results.filter(({ object }) => object.source === name);
      return of.length > 0 ? [{ name, note, objects: of.length }] : [];
    }),
    table: tally(rows.filter(({ how }) => how === 'as written')),
    wider: tally(rows.filter(({ how }) => how === WIDER)),
    alone: tally(rows.filter(({ how }) => how.startsWith('only'))),
    agreement: kernels.map(({ name }) => agreement(name, rows)),
    acceptance: acceptance(rows),
    core: kernels.map(({ name }) => coreVerdicts(name, rows)),
    refusals: {
      both: refusals.length,
      notYet: refusals.filter(({ ours }) => NOT_YET.test(ours.what)).length,
      lacking: count(refusals.flatMap(({ ours }) => lacking(ours))),
    },
    selfRelocation: selfRelocation(results),
    reasons: reasons(rows),
    unknown: [
      ...crashes.map(({ object, crashed }) => ({
        object: object.name,
        source: object.source,
        reason: 'crashed',
        detail: crashed,
      })),
      ...rows.flatMap(({ object, kernel, how, explained }) =>
        explained
          .filter(({ known }) => !known)
          .map(({ reason, detail }) => ({ object: object.name, source: object.source, kernel, how, reason, detail })),
      ),
    ],
  };
}

const count = (names) => {
  const found = {};
  for (const name of names) found[name] = (found[name] ?? 0) + 1;
  return found;
};

/** Counts of verdicts by source and kernel. */
function tally(rows) {
  const found = new Map();
  for (const { object, kernel, verdict } of rows) {
    const key = `${object.source}\t${kernel}`;
    const line = found.get(key) ?? {
      source: object.source,
      kernel,
      counts: Object.fromEntries(VERDICTS.map((name) => [name, 0])),
    };
    line.counts[verdict]++;
    found.set(key, line);
  }
  return [...found.values()];
}

/** Of what libbpf prepares and what it refuses, the shares in which we agree; all ways of asking together. */
function agreement(kernel, rows) {
  const here = rows.filter((row) => row.kernel === kernel);
  const prepared = here.filter(({ theirs }) => theirs === undefined);
  const refused = here.filter(({ theirs }) => theirs !== undefined);
  return {
    kernel,
    prepared: prepared.length,
    same: prepared.filter(({ verdict }) => verdict === 'same').length,
    known: prepared.filter(({ verdict, explained }) => verdict !== 'same' && explained.every(({ known }) => known)).length,
    refused: refused.length,
    refusedByUs: refused.filter(({ ours }) => ours !== undefined).length,
    refusedAlike: refused.filter(({ verdict }) => verdict === 'both refuse').length,
  };
}

/** Whether the running kernel takes the same programs from both. Each program of an object counts once in each way of asking. */
function acceptance(rows) {
  const found = { programs: 0, accepted: 0, refusedAlike: 0, different: 0 };
  for (const { outcomes } of rows) {
    for (const [name, theirs] of Object.entries(outcomes?.theirs ?? {})) {
      const ours = outcomes.ours[name];
      found.programs++;
      if (theirs !== ours) found.different++;
      else if (theirs === 0) found.accepted++;
      else found.refusedAlike++;
    }
  }
  return found;
}

/** CO-RE relocations for one kernel's types, each once in each way of asking, and what of it differs. */
function coreVerdicts(kernel, rows) {
  const here = rows.filter((row) => row.kernel === kernel && row.core);
  const sums = { records: 0, patched: 0, poisoned: 0, skipped: 0, failed: 0, matching: 0, 'non-matching': 0, lines: 0 };
  for (const { core } of here) for (const name of Object.keys(sums)) sums[name] += core[name];
  const differing = here.flatMap(({ differences }) => differences.filter(({ field }) => field.startsWith('CO-RE'))).length;
  return { kernel, ...sums, differing };
}

/** What a message of ours should have and has not. */
const lacking = ({ name, what, where, remedy }) => [
  ...(name === 'crash' ? ['an error of ours: it crashed'] : []),
  ...(where && Object.keys(where).length > 0 ? [] : ['place']),
  ...(what ? [] : ['cause']),
  ...(remedy ? [] : ['remedy']),
];

function selfRelocation(results) {
  const broken = results.flatMap(({ object, self }) =>
    self.broken.map((detail) => ({ object: object.name, source: object.source, detail })),
  );
  return {
    objects: results.filter(({ self }) => self.records > 0).length,
    records: results.reduce((sum, { self }) => sum + self.records, 0),
    broken,
    refused: results.filter(({ self }) => self.refused).length,
  };
}

function reasons(rows) {
  const found = new Map();
  for (const { object, explained } of rows) {
    const mentioned = new Map(explained.map((one) => [one.reason, one]));
    for (const [reason, { known }] of mentioned) {
      const line = found.get(reason) ?? { reason, known, answers: 0, objects: new Set() };
      line.answers++;
      line.objects.add(object.name);
      found.set(reason, line);
    }
  }
  return [...found.values()]
    .map(({ objects, ...line }) => ({ ...line, objects: objects.size, examples: [...objects].slice(0, 3) }))
    .sort((a, b) => b.answers - a.answers);
}

// ---- words ----

const percent = (part, whole) =>
  whole === 0 ? '-' : part === whole ? '100 %' : `${(Math.floor((part / whole) * 10000) / 100).toFixed(2)} %`;
const verdictTable = (lines) =>
  table(
    ['source', 'types of', ...VERDICTS.map((name) => `${name}:`)],
    lines.map(({ source, kernel, counts }) => [source, kernel, ...VERDICTS.map((name) => counts[name])]),
  );
const reasonTable = (lines) =>
  table(
    ['why', 'answers:', 'objects:', 'for example'],
    lines.map(({ reason, answers, objects, examples }) => [reason, answers, objects, examples.join(', ')]),
  );

function agreementTable(lines) {
  const sum = (name) => lines.reduce((total, line) => total + line[name], 0);
  const names = ['prepared', 'same', 'known', 'refused', 'refusedByUs', 'refusedAlike'];
  const all = { kernel: 'all', ...Object.fromEntries(names.map((name) => [name, sum(name)])) };
  return table(
    [
      'types of',
      'libbpf prepares:',
      'the same:',
      'share:',
      'explained:',
      'libbpf refuses:',
      'we refuse too:',
      'for a like reason:',
    ],
    [...lines, all].map(({ kernel, prepared, same, known, refused, refusedByUs, refusedAlike }) => [
      kernel,
      prepared,
      same,
      percent(same, prepared),
      known,
      refused,
      refusedByUs,
      refusedAlike,
    ]),
  );
}

const CORE_COLUMNS = {
  records: 'relocations:',
  patched: 'patched:',
  poisoned: 'poisoned:',
  failed: 'failed:',
  matching: 'candidates that match:',
  'non-matching': 'that do not:',
  lines: 'lines of libbpf:',
  differing: 'different:',
};
function coreTable(lines) {
  const names = Object.keys(CORE_COLUMNS);
  const all = Object.fromEntries(names.map((name) => [name, lines.reduce((sum, line) => sum + line[name], 0)]));
  return table(
    ['types of', ...Object.values(CORE_COLUMNS)],
    [...lines, { kernel: 'all', ...all }].map((line) => [line.kernel, ...names.map((name) => line[name])]),
  );
}

/** For the terminal: of the parts that were run. */
export const summary = (report, options) =>
  [...(report.agreement ? objectSummary(report, options) : []), ...(report.dumps ? dumpSummary(report.dumps) : [])].join('\n');

function objectSummary(report, { all }) {
  const { objects, seconds, libbpf, agreement: shares, acceptance: taken, unknown, selfRelocation: self } = report;
  return [
    `${objects} objects, libbpf ${libbpf}, ${seconds} s`,
    ...shares.map(
      ({ kernel, prepared, same, known, refused, refusedByUs, refusedAlike }) =>
        `types of ${kernel}: libbpf prepares ${prepared}, the same ${same} (${percent(same, prepared)}), explained ${known}; ` +
        `refuses ${refused}, so do we ${refusedByUs}, alike ${refusedAlike} (${percent(refusedAlike, refused)})`,
    ),
    `running kernel: ${taken.programs} programs, ${taken.accepted} accepted from both, ${taken.refusedAlike} refused alike, ${taken.different} not alike`,
    ...report.core.map(
      ({ kernel, records, patched, poisoned, failed, lines, differing }) =>
        `CO-RE for ${kernel}: ${records} relocations (${patched} patched, ${poisoned} poisoned, ${failed} failed), ${lines} lines of libbpf, ${differing} different`,
    ),
    `own types: ${self.records} field offsets of ${self.objects} objects, ${self.broken.length} changed`,
    ...report.reasons.map(
      ({ reason, known, answers, objects: of, examples }) =>
        `${known ? '  known' : 'UNKNOWN'} ${answers} (${of} objects, ${examples[0]}) ${reason}`,
    ),
    ...(all ? unknown.map(({ object, kernel, how, detail }) => `${object} ${kernel} ${how}: ${detail}`) : []),
    `${unknown.length} differences have no reason in known-differences.mjs`,
  ];
}

export const toMarkdown = (report) => `# Conformance with libbpf

What tsbpf hands to the kernel is compared, field by field, with what libbpf hands to it. This page is written by

    npm run conformance

from Debian's packages alone: it builds libbpf, makes the objects, carves the kernels' types, and compares; then it compares printed types with bpftool's. All that it downloads or
makes stays in \`.cache/conformance\` (or \`$TSBPF_CACHE\`), with a \`report.json\` that has every difference.

Last run: ${report.date}, Linux ${report.running}, libbpf ${report.libbpf}, ${report.objects} objects, ${Math.ceil(report.seconds / 60)} minutes.
Types: ${report.kernels.map(({ name, version }) => `${name} (${version})`).join(', ')}.

## How far it goes

${agreementTable(report.agreement)}

*explained* are those whose every difference is in the list of known differences. *for a like reason*: both before
any system call failed, or with the same error number.

- Programs given to the running kernel by both: ${report.acceptance.programs}. Accepted from both ${report.acceptance.accepted}, refused from both with
  the same error number ${report.acceptance.refusedAlike}, otherwise ${report.acceptance.different}.
- An object fitted to its own types keeps its field offsets: ${report.selfRelocation.records} offsets of ${report.selfRelocation.objects} objects, ${report.selfRelocation.broken.length} changed.
- Answers that are refusals from both: ${report.refusals.both}; ${report.refusals.notYet} of them from us only because tsbpf cannot do it yet. What our messages lack: ${
  Object.entries(report.refusals.lacking)
    .map(([what, times]) => `${what} ${times}`)
    .join(', ') || 'nothing'
}.
- Differences without a reason in \`conformance/known-differences.mjs\`: ${report.unknown.length}.

## CO-RE, decision by decision

libbpf tells at debug level what it does with each relocation: which types of the kernel may be meant, the path as the object
has it, each candidate with the path that was found in it or how far it came, and what became of the instruction. Our fixups (what
\`tsbpf explain\` and \`inspect --relocated\` show) are told in the same words (\`conformance/told.mjs\`), and each line has to be there on both
sides, in the same order; a line that is not known counts as a difference. Where a relocation fails, both fail at it, with the same numbers.

${coreTable(report.core)}

A relocation counts once in each way of asking; of an object that libbpf refuses before it comes to its relocations nothing is said of them.
*poisoned*: replaced by a call that no verifier lets pass. \`npm test\` does the same with Debian
stable's libbpf and 150 invented kernels, for whose types much fails.

${dumpSection(report.dumps)}
## What is compared

The witness (\`conformance/witness.c\`) is libbpf with its \`syscall\` replaced: it notes each call, lets maps and BTF through, and answers for programs. On
our side a \`Kernel\` does the same. Compared are the BTF that the object sends, all attributes of maps and of their inner maps, their
contents (and an arena's memory) when the load ends, what is frozen and pinned; of programs the instructions, the maps and types that they refer to, function and line
info, license, version, names, flags, attach type, attach type id. Descriptors count as there or not there; those of modules' types by the module. Against the running kernel's types each
program is also given to the kernel, from both, and the error numbers are compared; a refused program stops neither side. Where a system call makes
both refuse an object, the error numbers are compared too.

Not told apart: a BTF descriptor that comes with a map without type ids, which the kernel does not look at; zeros written into an array, which
starts as zeros; the order in which maps are made and filled.

Each object is asked about as written; again with all programs that its sections switch off, if there are any ("everything"); and where that fails,
program by program. "How far it goes" has all three together.

## The objects

${table(
  ['source', 'objects:', 'what'],
  report.sources.map(({ name, objects, note }) => [name, objects, note]),
)}
${report.missing.map(({ source, why }) => `\n- Left out: ${source}: ${why}`).join('')}

## As written

*both refuse*: neither hands it over. *libbpf alone refuses*, *tsbpf alone refuses*: one does. *different*: both hand it over, and something in it
differs, or both fail with different error numbers.

${verdictTable(report.table)}

## With everything switched on

${verdictTable(report.wider)}

## Program by program, where that fails

${verdictTable(report.alone)}

## Why they differ

An answer is one object, in one way of asking, for one kernel's types.

${reasonTable(report.reasons.filter(({ known }) => known)) || ''}

### Without a known reason

${report.unknown.length === 0 ? 'None.' : reasonTable(report.reasons.filter(({ known }) => !known))}

## The list of known differences

${KNOWN.map(({ reason, verdict, object, field }) => `- ${reason} (${[verdict, field, object].filter(Boolean).join(', ')})`).join('\n') || 'Empty.'}

## In every test run

\`npm run conformance -- --quick\` takes about a minute and runs in \`.ci/run\`: our own objects and those of small packages, for three kernels' types. A difference without
a known reason fails it. \`npm test\` compares our sources in \`test/parity/progs\` as every installed clang compiles them, and 1500
relocations against invented kernels, with Debian stable's libbpf.

    npm run conformance -- --help            # all options
    npm run conformance -- --part btf        # only the printed types
    npm run conformance -- --only '^bind' --kernel 6.1    # every difference of some objects
`;
