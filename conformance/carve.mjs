// BPF objects inside other files: those that a package ships, and those that lie in the data of its executables.

import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const ELF = Buffer.from('\x7fELF', 'latin1');
const EM_NONE = 0; // of compilers that knew no better
const EM_BPF = 247;
const ET_REL = 1;

/** Writes every object below a folder into another, each content once. */
export function carve(tree, to) {
  const seen = new Set();
  for (const file of readdirSync(tree, { recursive: true }).sort()) {
    const path = join(tree, file);
    if (!lstatSync(path).isFile()) continue;
    const found = [...objectsIn(readFileSync(path))].filter((object) => {
      const sum = createHash('sha256').update(object).digest('hex');
      return !seen.has(sum) && seen.add(sum);
    });
    found.forEach((object, i) => {
      writeFileSync(join(to, freeName(to, `${basename(file)}${found.length > 1 ? `.${i}` : ''}`)), object);
    });
  }
}

const freeName = (folder, name) => {
  const taken = new Set(readdirSync(folder));
  for (let i = 1; ; i++) {
    const candidate = i === 1 ? name : `${name}~${i}`;
    if (!taken.has(candidate)) return candidate;
  }
};

function* objectsIn(bytes) {
  for (let at = bytes.indexOf(ELF); at >= 0; at = bytes.indexOf(ELF, at + 1)) {
    const end = endOfObject(bytes.subarray(at));
    if (end !== undefined) yield bytes.subarray(at, at + end);
  }
}

/** The size of the 64-bit relocatable BPF object that starts here; undefined for anything else. */
function endOfObject(bytes) {
  if (bytes.length < 64 || bytes[4] !== 2) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = bytes[5] === 1;
  const machine = view.getUint16(18, little);
  if (view.getUint16(16, little) !== ET_REL || (machine !== EM_BPF && machine !== EM_NONE)) return undefined;
  const sections = Number(view.getBigUint64(40, little));
  const end = sections + view.getUint16(58, little) * view.getUint16(60, little);
  return sections >= 64 && end <= bytes.length ? end : undefined;
}
