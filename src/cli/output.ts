// Text of objects on its way out: a terminal gets no control characters, a pipe every byte. Much text is written at once where it
// goes, instead of being kept until there is time.

import { writeSync } from 'node:fs';
import { printableJson, printableLines, TextSink, utf8Bytes } from '../bytes/index.js';
import { SyscallError } from '../errors.js';

const STDOUT = 1;
/** A pipe that is full takes more when its reader has read; looked at so often. */
const RETRY_MS = 2;

/** Thrown when the reader went away: it wants no more, and that is no failure. */
export class NobodyReads extends Error {}

/** What output is, and what a terminal gets of it. A pipe gets every character as it is, as from bpftool. */
const FOR_TERMINAL = { text: printableLines, json: printableJson } as const;
type Form = keyof typeof FOR_TERMINAL;

/** Output for a stream, all of which passes here. */
export const shownOn = ({ isTTY }: NodeJS.WriteStream, text: string, form: Form = 'text'): string =>
  isTTY ? FOR_TERMINAL[form](text) : text;

export const printText = (text: string): void => {
  process.stdout.write(shownOn(process.stdout, text));
};
/** One JSON value, or lines of them; ends the line. */
export const printJsonLine = (json: string): void => {
  process.stdout.write(`${shownOn(process.stdout, json, 'json')}\n`);
};

/** Runs `write` with a sink that is stdout. @throws {SyscallError} when stdout takes no more, but for a reader that is gone. */
export function toStdout(write: (out: TextSink) => void, form: Form = 'text'): void {
  const decoder = new TextDecoder();
  const onTerminal = (chunk?: Uint8Array) =>
    writeAll(utf8Bytes(FOR_TERMINAL[form](chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode())));
  const out = new TextSink({ write: process.stdout.isTTY ? onTerminal : writeAll });
  try {
    write(out);
    out.flush();
    if (process.stdout.isTTY) onTerminal();
  } catch (error) {
    if (!(error instanceof NobodyReads)) throw error;
  }
}

/** As much text is gathered before it becomes bytes. */
const GATHERED = 1 << 16;

/** Prints pieces of text as they come, however many there are. @throws as `toStdout`. */
export function printParts(parts: Iterable<string>, form: Form = 'text'): void {
  toStdout((out) => {
    let text = '';
    for (const part of parts) {
      text += part;
      if (text.length < GATHERED) continue;
      out.bytes(utf8Bytes(text));
      text = '';
    }
    out.bytes(utf8Bytes(text));
  }, form);
}

function writeAll(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(STDOUT, bytes, at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') throw new NobodyReads();
      if (code !== 'EAGAIN') throw new SyscallError('write(stdout)', code ?? 'EIO', { doing: 'Cannot print', cause: error });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}
