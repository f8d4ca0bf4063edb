// `tsbpf map event_pipe`: what programs write through a perf event array, as it comes, until somebody ends it.

import { UsageError } from '../errors.js';
import { eventJson, eventText, type MapInfo, mapTypeName, writeJson } from '../live/index.js';
import type { PerfRecord, PerfRing } from '../maps/index.js';
import type { PerfPlace } from '../plan/index.js';
import { mapInfo, openPerfBuffer } from '../syscall/index.js';
import { BPF_MAP_TYPE } from '../uapi/enums.js';
import type { NounContext } from './nouns.js';
import { printText } from './output.js';
import { selectOne } from './selectors.js';
import { print, stopOnSignals } from './signals.js';
import { type Words, WordsError } from './verbs.js';

export async function eventPipe(words: Words, context: NounContext): Promise<void> {
  using map = selectOne('map', words, 0);
  const info = mapInfo(map.fd);
  if (info.type !== BPF_MAP_TYPE.BPF_MAP_TYPE_PERF_EVENT_ARRAY) throw notPerf(info);
  const place = placeIn(words);
  const stop = new AbortController();
  stopOnSignals(stop);
  using buffer = openPerfBuffer({ name: info.name || `${info.id}`, fd: map.fd, maxEntries: info.maxEntries }, place);
  const form = context.json ? new List(context.pretty) : TEXT;
  await print(form.begin, stop.signal);
  try {
    while (!stop.signal.aborted) {
      let text = '';
      buffer.consume((record, ring) => {
        text += form.shown(record, ring);
      });
      if (text) await print(text, stop.signal);
      else await buffer.readable(undefined, stop.signal);
    }
  } finally {
    printText(form.end);
  }
}

/** `cpu N index M`, in any order; undefined for all CPUs. @throws {WordsError} for one without the other. */
function placeIn(words: Words): PerfPlace | undefined {
  const said: { cpu?: number; index?: number } = {};
  while (words.left > 0) {
    const keyword = words.oneOf(['cpu', 'index']);
    said[keyword] = words.number(keyword === 'cpu' ? 'CPU ID' : 'index');
  }
  const { cpu, index } = said;
  if (cpu === undefined && index === undefined) return undefined;
  if (cpu === undefined || index === undefined)
    throw new WordsError('cpu and index must be specified together', {
      remedy: 'As in: cpu 1 index 1. Without both, all CPUs are read.',
    });
  return { cpu, index };
}

const notPerf = ({ type, name, id }: MapInfo): UsageError =>
  new UsageError(`map is not a perf event array: ${name || id} is of type ${mapTypeName(type)}`, {
    remedy:
      type === BPF_MAP_TYPE.BPF_MAP_TYPE_RINGBUF
        ? 'A ring buffer has one position for all who read it, so looking would take records away from its reader. The program that loads the object reads it: loaded.ring(name).records() of this library.'
        : 'tsbpf map dump shows elements; tsbpf map list shows the types of maps.',
  });

interface Form {
  readonly begin: string;
  shown(record: PerfRecord, ring: PerfRing): string;
  readonly end: string;
}

const TEXT: Form = { begin: '', shown: eventText, end: '' };

/** A list, as bpftool has it, that is whole once it is ended. Not for people, each record has a line of its own, after [ or a comma. */
class List implements Form {
  readonly begin = '[';
  readonly #pretty: boolean;
  #isFirst = true;

  constructor(pretty: boolean) {
    this.#pretty = pretty;
  }
  shown(record: PerfRecord, ring: PerfRing): string {
    const separator = this.#isFirst ? '' : ',';
    this.#isFirst = false;
    return `${separator}${writeJson(eventJson(record, ring), { pretty: this.#pretty, depth: 1 })}${this.#pretty ? '' : '\n'}`;
  }
  get end(): string {
    return `${this.#pretty && !this.#isFirst ? '\n' : ''}]\n`;
  }
}
