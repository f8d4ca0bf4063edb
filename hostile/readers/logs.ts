// Verifier logs, of both forms, and the screen that is made of them.

import { type Refusal, VerifierError } from '../../src/errors.js';
import { FRAME_LINES, parseRegisters, parseVerifierLog, remedyFor, verifierFrame } from '../../src/load/index.js';
import { mutatedLog } from '../mutate.js';
import type { Random } from '../random.js';
import { NAMES } from './bytes.js';
import { must, mustBeTame, type Reader } from './reader.js';

const HEADINGS = [
  'Reason:',
  'At:',
  'Causal path:',
  'Suggestion:',
  'Source context:',
  'Instruction context:',
  'Other words:',
  '',
] as const;
const TEXTS = [
  'handle_exec @ a.bpf.c:16:9',
  'insn 7',
  '>>> 16 | *value += 1;',
  '   | ^-- error: invalid dereference',
  '>>> 7 | (79) r1 = *(u64 *)(r0 +0)',
  'R1 may be NULL here',
  'processed 7 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0',
  'Verification failed: Register Type Safety: Invalid dereference',
  '| ',
] as const;

/** A report as Linux 7.3 has it, its parts in any order. */
function inventedReport(random: Random): string {
  const lines = ['Verification failed: Register Type Safety: Invalid dereference', ''];
  const count = random.below(random.pick([10, 40, random.chance(0.02) ? 20_000 : 20]));
  for (let i = 0; i < count; i++) {
    const text = random.chance(0.3) ? random.pick(HEADINGS) : random.pick([...TEXTS, random.pick(NAMES)]);
    lines.push(`${' '.repeat(random.pick([0, 2, 4, 8, 12]))}${text}`);
  }
  return lines.join('\n');
}

/** Texts that a pattern could be slow with, over and over. */
const REPEATED = [
  '0: (05) goto pc+1 ; a @ b:1 ',
  ' ',
  '; ',
  ' @ a:',
  '(',
  'R1=scalar(',
  ' R1=1',
  '>>> 1 | ',
  '\t',
  '0: R0=0 ',
  'a\u0000',
] as const;

function bomb(random: Random): string {
  const size = random.pick([1000, 50_000, 1 << 20]);
  const kind = random.below(4);
  if (kind === 0) return Array.from({ length: 20_000 }, (_, i) => `${i}: (b7) r0 = 0    ; fp-${8 * i}=${i} R1=${i}`).join('\n');
  if (kind === 1) return Array.from({ length: 20_000 }, (_, i) => `from ${i % 7} to ${i}: R${i}=1 fp-${i}=2`).join('\n');
  const text = random.pick(REPEATED);
  const repeated = text.repeat(Math.ceil(size / text.length));
  return `${random.pick(['', '; ', '0: (05) ', 'from 1 to 2: '])}${repeated}${random.pick(['', 'x', '\nx', ' @ a.c:1'])}`;
}

export const logReaders = (logs: readonly string[]): Reader[] => [
  {
    name: 'verifier log',
    draw: (random, notes) => {
      const kind = random.below(10);
      const log =
        kind === 0
          ? inventedReport(random)
          : kind === 1 && random.chance(0.15)
            ? bomb(random)
            : mutatedLog(`${random.pick(logs)}${kind < 4 ? inventedReport(random) : ''}`, random.pick(logs), random, notes);
      const where = { program: random.pick(NAMES), file: random.pick(NAMES) };
      const width = random.pick([120, 80, 20, 1]);
      const source = random.chance(0.5) ? sourceFor(random) : {};
      return {
        input: log,
        run: (stages) => {
          const found = stages.run('parseVerifierLog', () => parseVerifierLog(log));
          if (!found) return;
          stages.run('parseRegisters', () => parseRegisters(log.slice(0, 10_000)));
          const remedy = stages.run('remedyFor', () => remedyFor(found.reason));
          const refusal = { ...found, ...source };
          const error = new VerifierError('bpf(BPF_PROG_LOAD)', 'EACCES', log, { where, refusal, ...(remedy && { remedy }) });
          const frame = stages.run('verifierFrame', () => verifierFrame(error, width)) ?? '';
          mustBeTame(frame);
          must(frame.split('\n').length <= FRAME_LINES, 'a frame with too many lines');
        },
      };
    },
  },
];

function sourceFor(random: Random): Pick<Refusal, 'source' | 'context'> {
  const name = () => random.pick(NAMES);
  const source = { file: name(), line: random.below(1 << 22), column: 1, text: name(), function: name() };
  return { source, context: [source, { ...source, line: source.line + 1, text: name() }] };
}
