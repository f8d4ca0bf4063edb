// Versions of Linux as numbers.

/** `6.18.44-fc` -> (6 << 16) + (18 << 8) + 44; patch levels above 255 count as 255. */
export function versionCode(text: string): number {
  const [, major = '0', minor = '0', patch = '0'] = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(text) ?? [];
  return (Number(major) << 16) + (Number(minor) << 8) + Math.min(Number(patch), 255);
}
