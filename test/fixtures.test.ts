// Fixtures are what their table says, and carry no path of the machine that built them.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { region } from '../src/bytes/index.js';
import { parseElf } from '../src/elf/index.js';
import { openObject } from '../src/object/index.js';

const folder = join(import.meta.dirname, '../fixtures');
const objects = readdirSync(folder).filter((file) => file.endsWith('.o'));
const sums = new Map(
  [...readFileSync(join(folder, 'README.md'), 'utf8').matchAll(/^\| `([^`]+)` \|.*`([0-9a-f]{64})` \|$/gm)].map(
    ([, file, sum]) => [file as string, sum as string],
  ),
);

test('every object is listed, and nothing else', () => {
  expect([...sums.keys()].sort()).toEqual(objects.sort());
});

test.each(objects)('%s', (file) => {
  const bytes = readFileSync(join(folder, file));
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(sums.get(file));
  const object = openObject(parseElf(region(bytes, { file })));
  const sources = new Set([...object.ext.lineInfo.values()].flat().map(({ fileName }) => object.btf?.string(fileName)));
  expect([...sources]).toEqual([`./bpf/${file.replace(/o$/, 'c')}`]);
});
