// Where file systems are mounted.

import { readFileSync } from 'node:fs';

/** Folders where file systems of a type are mounted, in the order of /proc/mounts; none where that cannot be read. */
export function mountPoints(type: string): string[] {
  let text: string;
  try {
    text = readFileSync('/proc/mounts', 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    const [, folder = '', found] = line.split(' ');
    return found === type
      ? [folder.replace(/\\(\d{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)))]
      : [];
  });
}
