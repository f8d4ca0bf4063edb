// What files, objects and words hold is not for the terminal to obey; and text is as wide as the terminal.

import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { printable, printableJson, printableLines } from '../../src/bytes/index.js';
import { errorText } from '../../src/cli/report.js';
import { FormatError, VerifierError } from '../../src/errors.js';
import { onTerminal, tsbpf } from '../support/cli.js';

const ESC = '\u001b';
const bootstrap = join(import.meta.dirname, '../../fixtures/bootstrap.bpf.o');
const folder = mkdtempSync(join(tmpdir(), 'tsbpf-terminal-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('control characters become question marks; lines and tabs of a text stay', () => {
  expect(printable(`a\tb\n${ESC}[2J\u009b`)).toBe('a  b??[2J?');
  expect(printableLines(`a\tb\n${ESC}[2J\r\n`)).toBe('a\tb\n?[2J?\n');
});

test.each([
  ['turns the direction of text', '\u202e\u2066\u061c\u200f'],
  ['has no width', '\u200b\u200d\u2060\ufeff\u00ad\u3164\ufe0f\u{e0041}'],
  ['is a control character', '\u0000\u007f\u0085\u009b'],
  ['ends a line or paragraph', '\u2028\u2029'],
  ['is half a character', '\ud800'],
])('a character that %s is shown as ?, and escaped in JSON', (_, characters) => {
  expect(printable(`a${characters}b`)).toBe(`a${'?'.repeat([...characters].length)}b`);
  const json = printableJson(JSON.stringify({ name: characters }));
  expect(json).toMatch(/^[ -~]*$/);
  expect(JSON.parse(json)).toEqual({ name: characters });
});
test('letters of any script, and JSON for people, stay as they are', () => {
  const text = 'naïve שלום 進程 😀';
  expect(printable(text)).toBe(text);
  const pretty = JSON.stringify({ text }, null, '\t');
  expect(printableJson(pretty)).toBe(pretty);
});
test('nothing but output.ts, and print of signals.ts, writes to stdout', () => {
  const cli = join(import.meta.dirname, '../../src/cli');
  const writers = readdirSync(cli).filter((file) => readFileSync(join(cli, file), 'utf8').includes('process.stdout.write('));
  expect(writers.sort()).toEqual(['output.ts', 'prog-tracelog.ts', 'signals.ts']);
});

describe('an escape does not reach the terminal', () => {
  const file = join(folder, `a${ESC}[31m.bpf.o`);
  copyFileSync(bootstrap, file);

  test.each([[[]], [['--insns']], [['--relocations']]])('in the name of an object: inspect %j', (flags) => {
    const { status, stdout } = tsbpf(['inspect', file, ...flags]);
    expect(status).toBe(0);
    expect(stdout).not.toContain(ESC);
  });

  test.each([
    [['inspect', join(folder, `no${ESC}[31m`)], 'no?[31m'],
    [['map', `x${ESC}[31m`], 'x?[31m'],
    [[`x${ESC}[31m`], 'x?[31m'],
  ])('in an error: %j', (args, shown) => {
    const { stderr } = tsbpf(args);
    expect(stderr).toContain(shown);
    expect(stderr).not.toContain(ESC);
  });

  test('in the name of a type, which a pipe gets as it is', () => {
    const named = join(folder, 'named.bpf.o');
    writeFileSync(named, readFileSync(bootstrap, 'latin1').replaceAll('\0event\0', `\0${ESC}[31m\0`), 'latin1');
    const words = ['btf', 'dump', 'file', named];
    expect(tsbpf(words).stdout).toContain(`STRUCT '${ESC}[31m'`);
    const shown = onTerminal(words);
    expect(shown).toContain("STRUCT '?[31m'");
    expect(shown).not.toContain(ESC);
  });

  const foreign = join(folder, 'foreign.bpf.o'); // ESC; U+009B and U+202E as UTF-8; and a byte that is none, in place of `event`
  writeFileSync(
    foreign,
    readFileSync(bootstrap, 'latin1').replaceAll('\0exit_code\0', '\0\xc2\x9b\xe2\x80\xae\x1b\xffab\0'),
    'latin1',
  );
  test.each([
    [['btf', 'dump', 'file', foreign, '-j']],
    [['btf', 'dump', 'file', foreign, '-p']],
    [['btf', 'layout', 'event', '--btf', foreign, '--json']],
    [['inspect', foreign, '--btf', '--json']],
  ])('in JSON, which keeps it: %j', (words) => {
    const name = '\u009b\u202e\u001b\ufffdab';
    const shown = onTerminal(words).trim();
    expect(shown).toMatch(/^[\t\r\n -~\ufffd]*$/);
    const piped = tsbpf(words).stdout;
    expect(piped).toContain('\u009b\u202e');
    expect(JSON.parse(shown)).toEqual(JSON.parse(piped));
    expect(JSON.stringify(JSON.parse(piped))).toContain(JSON.stringify(name).slice(1, -1));
  });

  test.each([true, false])("in a verifier's refusal, with its log: %j", (log) => {
    const source = { file: 'a.c', line: 1, column: 1, text: `x; // ${ESC}[31m` };
    const refusal = { reason: 'no', insn: 0, source, context: [source] };
    const text = errorText(new VerifierError('bpf', 'EINVAL', `; ${ESC}[31m\nno\n`, { refusal }), { log });
    expect(text).toContain('x; // ?[31m');
    expect(text).not.toContain(ESC);
  });
});

test.each([60, 80])('text is broken between words where a terminal of %d columns ends', (width) => {
  const words = 'several words '.repeat(30);
  const refusal = { reason: words, insn: 0 };
  for (const error of [
    new FormatError(words, { remedy: words }),
    new VerifierError('bpf', 'EINVAL', 'log', { refusal, remedy: words }),
  ])
    for (const line of errorText(error, { log: true, width }).split('\n')) expect(line.length).toBeLessThanOrEqual(width);
});
