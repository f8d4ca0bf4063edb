// `tsbpf prog`: programs that are in the kernel, and how they get there.

import type { Command } from 'commander';
import { hexDump, type Json, progJson, progText } from '../live/index.js';
import { pinObject, progInfo, read, readStdin, shownProg, testRun, walk } from '../syscall/index.js';
import { contextOf, type NounContext, nounCommand, printAll, printDone, printJson } from './nouns.js';
import { printText } from './output.js';
import { ATTACH_LEGEND, attach, detach } from './prog-attach.js';
import { dump, writeOut } from './prog-dump.js';
import { stats } from './prog-stats.js';
import { tracelog } from './prog-tracelog.js';
import { LEGENDS, selectAll, selectOne } from './selectors.js';
import { type Words, WordsError } from './verbs.js';

const LOAD_WORDS = '[type TYPE] [map { idx N | name NAME } MAP]… [pinmaps FOLDER] [autoattach] [kernel_btf FILE]';
const TYPE_LEGEND =
  'TYPE := what SEC() may say: xdp, socket, kprobe, tracepoint, cgroup/skb, … (offload_dev and xdpmeta_dev are not there yet)';
/** Only who loads needs all that a load takes. */
const loading = () => import('./prog-load.js');

export const progCommand = (): Command =>
  nounCommand({
    name: 'prog',
    legend: `${LEGENDS.prog}\n${LEGENDS.map}\n${TYPE_LEGEND}\n${ATTACH_LEGEND}`,
    verbs: [
      { name: 'show', words: '[PROG]', run: show },
      { name: 'list', words: '[PROG]', run: show },
      { name: 'dump', words: 'xlated PROG [opcodes] [linum] [visual] | [file PATH]', run: dump },
      { name: 'dump', words: 'jited PROG [opcodes] [linum] | [file PATH]', run: dump },
      { name: 'pin', words: 'PROG PATH', run: pin },
      { name: 'load', words: `OBJ PATH ${LOAD_WORDS}`, run: async (words, context) => (await loading()).load(words, context) },
      {
        name: 'loadall',
        words: `OBJ FOLDER ${LOAD_WORDS}`,
        run: async (words, context) => (await loading()).loadAll(words, context),
      },
      { name: 'attach', words: 'PROG ATTACH_TYPE [MAP]', run: attach },
      { name: 'detach', words: 'PROG ATTACH_TYPE [MAP]', run: detach },
      { name: 'tracelog', words: '[{ stdout | stderr } PROG]', run: tracelog },
      {
        name: 'run',
        words: 'PROG [data_in FILE] [data_out FILE] [data_size_out N] [ctx_in FILE] [ctx_out FILE] [ctx_size_out N] [repeat N]',
        run,
      },
      { name: 'stats', words: '[PROG…] [interval SECONDS] [count N]', run: stats },
    ],
  });

function show(words: Words, context: NounContext): void {
  const as = { json: progJson, text: progText };
  if (words.left === 0) {
    const asked = contextOf('prog', context);
    printAll(
      context,
      Array.from(walk('prog'), ({ fd }) => shownProg(fd, asked)),
      as,
      { list: true },
    );
    return;
  }
  using selected = selectAll('prog', words);
  words.end();
  const asked = contextOf('prog', context);
  printAll(
    context,
    selected.fds.map((fd) => shownProg(fd, asked)),
    as,
    { list: false },
  );
}

const readIn = (file: string): Uint8Array => (file === '-' ? readStdin() : read(file));

function pin(words: Words, context: NounContext): void {
  using prog = selectOne('prog', words);
  const path = words.next('a path');
  words.end();
  pinObject(prog.fd, path, context);
  printDone(context);
}

/** Room for what a program writes, if nothing is said. */
const OUTPUT_ROOM = 32 * 1024;
/** Far more than any packet or context has, and far less than there is memory. */
const MOST_OUTPUT = 1 << 20;
const FILES = ['data_in', 'data_out', 'ctx_in', 'ctx_out'] as const;
const NUMBERS = ['data_size_out', 'ctx_size_out', 'repeat'] as const;

function run(words: Words, context: NounContext): void {
  using prog = selectOne('prog', words);
  const files: Partial<Record<(typeof FILES)[number], string>> = {};
  const numbers: Partial<Record<(typeof NUMBERS)[number], number>> = {};
  while (words.left > 0) {
    const said = unambiguous(words);
    if (isFile(said)) files[said] = words.next('a file');
    else numbers[said] = numberOf(said, words);
  }
  if (files.data_in === '-' && files.ctx_in === '-') throw new WordsError("data_in and ctx_in cannot both be '-'");
  const { repeat = 1 } = numbers;
  const result = testRun(prog.fd, {
    repeat,
    type: progInfo(prog.fd).type,
    ...(files.data_in !== undefined && { dataIn: readIn(files.data_in), dataSizeOut: numbers.data_size_out || OUTPUT_ROOM }),
    ...(files.ctx_in !== undefined && { ctxIn: readIn(files.ctx_in), ctxSizeOut: numbers.ctx_size_out || OUTPUT_ROOM }),
  });
  const shown: Record<string, Json> = {};
  for (const [key, file, bytes] of [
    ['data_out', files.data_out, result.dataOut],
    ['ctx_out', files.ctx_out, result.ctxOut],
  ] as const) {
    if (file === undefined || bytes.length === 0) continue;
    if (file !== '-') writeOut(file, bytes);
    else if (context.json) shown[key] = [...bytes];
    else printText(hexDump(bytes));
  }
  const { retval, duration } = result;
  if (context.json) printJson({ ...shown, retval, duration }, context.pretty);
  else printText(`Return value: ${retval}, duration${repeat > 1 ? ' (average)' : ''}: ${duration}ns\n`);
}

function numberOf(said: (typeof NUMBERS)[number], words: Words): number {
  const number = words.number(said);
  if (said === 'repeat' || number <= MOST_OUTPUT) return number;
  throw new WordsError(`${said} ${number} is too much`, { remedy: `No program writes more than ${MOST_OUTPUT} bytes.` });
}

const isFile = (word: string): word is (typeof FILES)[number] => (FILES as readonly string[]).includes(word);

/** `data` could be three things: then none is meant. */
function unambiguous(words: Words): (typeof FILES)[number] | (typeof NUMBERS)[number] {
  const word = words.peek() ?? '';
  const all = [...FILES, ...NUMBERS];
  const meant = all.filter((keyword) => keyword.startsWith(word));
  if (meant.length > 1 && !all.some((keyword) => keyword === word))
    throw new WordsError(`ambiguous: '${word}' could be ${meant.join(', ')}`);
  return words.oneOf(all);
}
