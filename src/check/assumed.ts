// Settings that nobody gave: what an object would see of a kernel that sets nothing of what it asks for, and of one that sets it all.

import type { BpfObject } from '../object/index.js';
import { isSetting, type KernelConfig, kconfigExterns } from '../plan/index.js';

type Values = Readonly<Record<'int' | 'string' | 'other', string>>;
export const NOTHING_SET: Values = { int: '0', string: '""', other: 'n' };
export const ALL_SET: Values = { int: '1', string: '"y"', other: 'y' };

/** A configuration with a value for each setting that the object asks for. */
export const assumedConfig = (object: BpfObject, values: Values): KernelConfig => ({
  file: 'assumed',
  text: kconfigExterns(object)
    .filter(isSetting)
    .map(({ name, value }) => `${name}=${value === 'int' || value === 'string' ? values[value] : values.other}`)
    .join('\n'),
});
