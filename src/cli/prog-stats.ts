// `tsbpf prog stats`: how often programs run and how long they take, again and again until somebody ends it.

import { type ProgSample, statsBetween, statsJson, statsText, writeJson } from '../live/index.js';
import { enableStats, openById, progInfo, progName, walk } from '../syscall/index.js';
import type { NounContext } from './nouns.js';
import { shownOn } from './output.js';
import { selectAll } from './selectors.js';
import { pause, print, stopOnSignals } from './signals.js';
import type { Words } from './verbs.js';

const DEFAULT_SECONDS = 1;
/** To the top left corner, and clear what is below. */
const REDRAW = '\x1b[H\x1b[J';
const CLEAR = '\x1b[2J';

export async function stats(words: Words, context: NounContext): Promise<void> {
  let { interval = DEFAULT_SECONDS, count = Number.POSITIVE_INFINITY } = context;
  const ids = new Set<number>();
  while (words.left > 0) {
    if (words.take('interval')) interval = words.number('seconds');
    else if (words.take('count')) count = words.number('a count');
    else {
      using selected = selectAll('prog', words);
      for (const fd of selected.fds) ids.add(progInfo(fd).id);
    }
  }
  const stop = new AbortController();
  stopOnSignals(stop);
  using _enabled = enableStats();
  const isTerminal = process.stdout.isTTY && !context.json;
  if (isTerminal) await print(CLEAR, stop.signal);
  let before = samples(ids);
  let start = performance.now();
  for (let turn = 0; turn < count; turn++) {
    await pause(interval * 1000, stop.signal);
    if (stop.signal.aborted) return;
    const now = samples(ids);
    const end = performance.now();
    const seconds = (end - start) / 1000;
    const rows = statsBetween(before, [...now.values()], seconds);
    const text = context.json
      ? shownOn(process.stdout, `${writeJson(statsJson(rows, Date.now(), seconds))}\n`, 'json')
      : shownOn(process.stdout, statsText(rows));
    await print(isTerminal ? `${REDRAW}${text}` : context.json || turn === 0 ? text : `\n${text}`, stop.signal);
    if (ids.size > 0 && now.size === 0) return; // all that were asked for are gone
    before = now;
    start = end;
  }
}

function samples(ids: ReadonlySet<number>): ReadonlyMap<number, ProgSample> {
  const found = new Map<number, ProgSample>();
  const take = (id: number, fd: number) => {
    const info = progInfo(fd);
    found.set(id, { info, name: nameOf(id, () => progName(fd, info)) });
  };
  if (ids.size === 0) for (const { id, fd } of walk('prog')) take(id, fd);
  for (const id of ids) {
    using prog = openById('prog', id);
    if (prog) take(id, prog.fd);
  }
  return found;
}

/** Long names are in the program's BTF: looked for once. Ids are not given twice. */
const names = new Map<number, string>();
function nameOf(id: number, look: () => string): string {
  const name = names.get(id) ?? look();
  names.set(id, name);
  return name;
}
