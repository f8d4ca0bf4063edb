// `tsbpf prog tracelog`: what programs print, as it comes, until somebody ends it; or what one program wrote to its own streams.

import { openTracePipe, readProgStream } from '../syscall/index.js';
import { type NounContext, printJson } from './nouns.js';
import { shownOn } from './output.js';
import { selectOne } from './selectors.js';
import { pause, print, stopOnSignals } from './signals.js';
import type { Words } from './verbs.js';

/** Waiting for the pipe itself would not do: the kernel wakes a poll only when its buffer is half full (buffer_percent). */
const LOOK_AGAIN_MS = 50;

export async function tracelog(words: Words, context: NounContext): Promise<void> {
  if (words.left > 0) return stream(words, context);
  const stop = new AbortController();
  stopOnSignals(stop);
  using pipe = openTracePipe();
  const show = context.json ? jsonLines(context.pretty) : plain();
  await print(show.start, stop.signal);
  while (!stop.signal.aborted) {
    const bytes = pipe.read();
    if (bytes.length === 0) await pause(LOOK_AGAIN_MS, stop.signal);
    else await print(shownOn(process.stdout, show.text(bytes), context.json ? 'json' : 'text'), stop.signal);
  }
  process.stdout.write(shownOn(process.stdout, show.end(), context.json ? 'json' : 'text'));
}

/** How bytes from the kernel are shown: what stands before, what comes of them, what stands after. */
interface Shown {
  readonly start: string;
  text(bytes: Uint8Array): string;
  end(): string;
}

function plain(): Shown {
  const decoder = new TextDecoder();
  return { start: '', text: (bytes) => decoder.decode(bytes, { stream: true }), end: () => decoder.decode() };
}

/** One array, whose strings are lines with their newlines. */
function jsonLines(pretty: boolean): Shown {
  const decoder = new TextDecoder();
  let rest = '';
  let count = 0;
  const item = (line: string): string => {
    const separator = count++ === 0 ? '' : ',';
    return `${separator}${pretty ? '\n    ' : ''}${JSON.stringify(line)}`;
  };
  return {
    start: '[',
    text: (bytes) => {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split(/(?<=\n)/);
      rest = lines.at(-1)?.endsWith('\n') ? '' : (lines.pop() ?? '');
      return lines.map(item).join('');
    },
    end: () => `${rest === '' ? '' : item(rest)}${pretty && count > 0 ? '\n' : ''}]\n`,
  };
}

/** To where the program wrote it; with --json as one string. */
function stream(words: Words, context: NounContext): void {
  const which = words.oneOf(['stdout', 'stderr']);
  using prog = selectOne('prog', words);
  words.end();
  const decoder = new TextDecoder();
  let text = '';
  for (const bytes of readProgStream(prog.fd, which)) text += decoder.decode(bytes, { stream: true });
  text += decoder.decode();
  if (context.json) printJson(text, context.pretty);
  else process[which].write(shownOn(process[which], text));
}
