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
  return mountPointsIn(text, type);
}

/** @param text As /proc/mounts has it, where a blank in a name is `\040`. */
export const mountPointsIn = (text: string, type: string): string[] =>
  text.split('\n').flatMap((line) => {
    const [, folder = '', found] = line.split(' ');
    return found === type
      ? [folder.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)))]
      : [];
  });
