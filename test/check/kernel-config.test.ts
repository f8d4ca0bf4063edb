// The text of a configuration, as the kernel's own build writes it.

import { describe, expect, test } from 'vitest';
import { isBuiltWith, parseConfig, releaseIn, settingsOf } from '../../src/check/index.js';
import { FormatError } from '../../src/errors.js';

const TEXT = `#
# Automatically generated file; DO NOT EDIT.
# Linux/x86 6.1.192 Kernel Configuration
#
CONFIG_HZ=250
CONFIG_BPF_SYSCALL=y
CONFIG_XFS_FS=m
# CONFIG_FPROBE is not set
CONFIG_LSM="landlock,bpf"
CONFIG_HZ=1000
`;

describe('a configuration', () => {
  const config = parseConfig(TEXT, 'config-6.1');

  test('has values as they stand; the first counts, as in a load', () => {
    expect([...settingsOf(config)]).toEqual([
      ['CONFIG_HZ', '250'],
      ['CONFIG_BPF_SYSCALL', 'y'],
      ['CONFIG_XFS_FS', 'm'],
      ['CONFIG_LSM', '"landlock,bpf"'],
    ]);
  });

  test('says what the kernel was built with, modules among it, and its release', () => {
    expect(
      ['CONFIG_BPF_SYSCALL', 'CONFIG_XFS_FS', 'CONFIG_FPROBE', 'CONFIG_NONE'].map((name) => isBuiltWith(config, name)),
    ).toEqual([true, true, false, false]);
    expect(isBuiltWith(undefined, 'CONFIG_BPF')).toBeUndefined();
    expect(releaseIn(config)).toBe('6.1.192');
    expect(releaseIn(parseConfig(TEXT.replace('6.1.192', '6.12.0-rc1'), 'config'))).toBe('6.12.0');
    expect(releaseIn(parseConfig('CONFIG_HZ=1\n', 'config'))).toBeUndefined();
  });

  test.each([
    ['', 'No line sets anything'],
    ['# only comments\n', 'No line sets anything'],
    ['CONFIG_HZ=250\nCONFIG_CUT', 'Line 2 is none of a kernel\'s configuration: "CONFIG_CUT"'],
    ['CONFIG_HZ=\n', 'Line 1 is none'],
    ['ffffffff81000000 T _text\n', 'Line 1 is none'],
    ['\u0000\u0001binary', 'Line 1 is none'],
    [`${'x'.repeat(100_000)}\n`, /Line 1 is none.*: "x{60}…"/],
  ])('%j is refused, with the line', (text, message) => {
    expect(() => parseConfig(text, 'config')).toThrow(FormatError);
    expect(() => parseConfig(text, 'config')).toThrow(message);
  });
});
