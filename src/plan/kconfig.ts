// The kernel's configuration -> the image of an object's .kconfig map.

import { nearest, utf8Bytes } from '../bytes/index.js';
import { RelocationError, UnsupportedError } from '../errors.js';
import type { BpfObject, Extern } from '../object/index.js';
import type { KernelFacts } from './facts.js';

/** The text that the kernel was configured by, and where it is from. */
export interface KernelConfig {
  readonly file: string;
  readonly text: string;
}

type KconfigExtern = Extract<Extern, { kind: 'kconfig' }>;
export const kconfigExterns = (object: BpfObject): KconfigExtern[] =>
  object.externs.filter((extern): extern is KconfigExtern => extern.kind === 'kconfig');

export const isSetting = ({ name }: Extern): boolean => name.startsWith('CONFIG_');

/** The names that one system call, bpf(2), has in kernels whose system calls are wrapped. */
export const WRAPPED_SYSCALLS = ['__x64_sys_bpf', '__arm64_sys_bpf'];

/**
 * What loaders define themselves. libbpf asks for a wrapped system call by attaching a kprobe to it; its symbol says the same
 * where there are no kprobes.
 */
const VIRTUAL: Readonly<Record<string, (facts: KernelFacts) => bigint>> = {
  LINUX_KERNEL_VERSION: ({ kernelVersion }) => BigInt(kernelVersion),
  LINUX_HAS_BPF_COOKIE: ({ features }) => BigInt(features.get('bpf_cookie') === true),
  LINUX_HAS_SYSCALL_WRAPPER: ({ kallsyms }) => BigInt(WRAPPED_SYSCALLS.some((name) => kallsyms.has(name))),
};

/**
 * The contents of the map of .kconfig; those of weak externs that nothing sets are zero.
 * @throws {RelocationError} for a strong extern that nothing sets, or a value that its variable cannot hold; {UnsupportedError}
 *         when the configuration is not known.
 * @see libbpf bpf_object__resolve_externs, src/libbpf.c
 */
export function kconfigImage(object: BpfObject, facts: KernelFacts): Uint8Array {
  const externs = kconfigExterns(object);
  const image = new Uint8Array(externs.reduce((end, { offset, size }) => Math.max(end, offset + size), 0));
  const set = new Set<string>();
  const slot = (extern: KconfigExtern) => image.subarray(extern.offset, extern.offset + extern.size);

  for (const extern of externs.filter((candidate) => !isSetting(candidate))) {
    const value = virtualValue(object, extern, facts);
    if (value === undefined) continue;
    writeNumber(slot(extern), extern, value, refusing(object, extern, String(value)));
    set.add(extern.name);
  }
  const settings = new Map(externs.filter(isSetting).map((extern) => [extern.name, extern]));
  if (settings.size > 0) {
    for (const { name, value } of readConfig(object, facts)) {
      const extern = settings.get(name);
      if (!extern || set.has(name)) continue; // the first setting counts
      writeValue(slot(extern), extern, value, refusing(object, extern, value));
      set.add(name);
    }
  }
  const missing = externs.find(({ name, weak }) => !weak && !set.has(name));
  if (missing)
    throw new RelocationError(`Extern ${missing.name} is not set in the kernel's configuration (${facts.kconfig?.file})`, {
      where: { ...object.where, type: missing.name },
      remedy: 'Declare it __weak: it then reads as zero where it is not set.',
    });
  return image;
}

function virtualValue(object: BpfObject, { name, weak }: KconfigExtern, facts: KernelFacts): bigint | undefined {
  const known = Object.hasOwn(VIRTUAL, name) ? VIRTUAL[name]?.(facts) : undefined;
  if (known !== undefined && !(name === 'LINUX_KERNEL_VERSION' && known === 0n)) return known;
  if (known === undefined && weak && name.startsWith('LINUX_')) return undefined;
  const similar = nearest(name, Object.keys(VIRTUAL));
  throw new RelocationError(known === undefined ? `No loader defines extern ${name}` : "The kernel's version is not known", {
    where: { ...object.where, type: name },
    remedy: `${similar && similar !== name ? `Did you mean "${similar}"? ` : ''}In .kconfig are CONFIG_… of the kernel's configuration, ${Object.keys(VIRTUAL).join(', ')}, and weak LINUX_….`,
  });
}

/** The lines that set something. */
function* readConfig(object: BpfObject, { kconfig }: KernelFacts): Generator<{ readonly name: string; readonly value: string }> {
  if (!kconfig)
    throw new UnsupportedError("The object asks for the kernel's configuration, which is not known", {
      where: { ...object.where, section: '.kconfig' },
      remedy: 'Give it with the other facts: describeFacts({ kconfig: { file, text } }).',
    });
  for (const line of kconfig.text.split('\n')) {
    if (!line.startsWith('CONFIG_')) continue;
    const equals = line.indexOf('=');
    if (equals < 0 || equals === line.length - 1)
      throw new RelocationError(`The kernel's configuration has a line "${line}" that sets nothing`, {
        where: { file: kconfig.file },
        remedy: 'Lines are NAME=value, or comments: was the file cut off, or edited?',
      });
    yield { name: line.slice(0, equals), value: line.slice(equals + 1) };
  }
}

type Refuse = (why: string) => RelocationError;
const refusing =
  (object: BpfObject, extern: KconfigExtern, value: string): Refuse =>
  (why) =>
    new RelocationError(`Extern ${extern.name} cannot be set to ${value}: ${why}`, {
      where: { ...object.where, type: extern.name },
      remedy: 'Declare it with the type that this setting has: bool or enum libbpf_tristate, an integer, or an array of char.',
    });

/** Only the first character says what a value is. */
function writeValue(to: Uint8Array, extern: KconfigExtern, value: string, refuse: Refuse): void {
  const first = value[0] as string;
  if ('ynm'.includes(first)) writeChoice(to, extern, first, refuse);
  else if (first === '"') writeText(to, extern, value, refuse);
  else {
    if (extern.value !== 'int' && extern.value !== 'char') throw refuse('the value is a number');
    writeNumber(to, extern, parseNumber(value, refuse), refuse);
  }
}

const TRISTATE: Readonly<Record<string, number>> = { n: 0, y: 1, m: 2 };

function writeChoice(to: Uint8Array, { value: kind }: KconfigExtern, letter: string, refuse: Refuse): void {
  if (kind === 'bool' && letter !== 'm') to[0] = letter === 'y' ? 1 : 0;
  else if (kind === 'tristate') to[0] = TRISTATE[letter] as number;
  else if (kind === 'char') to[0] = letter.charCodeAt(0);
  else throw refuse(kind === 'bool' ? 'a module is neither true nor false' : 'the value is yes, no or module');
}

/** Quotes are dropped, what is too long is cut, and a NUL ends it. */
function writeText(to: Uint8Array, { value: kind }: KconfigExtern, value: string, refuse: Refuse): void {
  if (kind !== 'string') throw refuse('the value is a string');
  if (value.length < 2 || !value.endsWith('"')) throw refuse('the string has no end');
  to.set(utf8Bytes(value.slice(1, -1)).subarray(0, to.length - 1));
}

const NUMBER = /^\s*([+-]?)(0[xX][0-9a-fA-F]+|[0-9]+)$/;

/** As strtoull(3) with base 0: decimal, 0x…, or octal from 0…; a minus sign negates in 64 bits. */
function parseNumber(value: string, refuse: Refuse): bigint {
  const [, sign = '', digits] = NUMBER.exec(value) ?? [];
  const isOctal = digits !== undefined && /^0[0-9]/.test(digits);
  if (digits === undefined || (isOctal && /[89]/.test(digits))) throw refuse('it is no number');
  const number = BigInt(isOctal ? `0o${digits.slice(1)}` : digits);
  if (number >> 64n) throw refuse('it takes more than 64 bits');
  return BigInt.asUintN(64, sign === '-' ? -number : number);
}

/** `value` is what 64 bits hold; a negative one has its upper bits set. */
function writeNumber(to: Uint8Array, { value: kind, size, signed }: KconfigExtern, value: bigint, refuse: Refuse): void {
  if (kind === 'string' || kind === 'tristate') throw refuse('the value is a number');
  if (kind === 'bool' && value > 1n) throw refuse('the value is neither 0 nor 1');
  const bits = 8 * size;
  const fits = signed ? BigInt.asUintN(64, BigInt.asIntN(bits, value)) === value : BigInt.asUintN(bits, value) === value;
  if (size < 8 && !fits) throw refuse(`it does not fit ${size} byte${size === 1 ? '' : 's'}`);
  for (let i = 0; i < size; i++) to[i] = Number((value >> BigInt(8 * i)) & 0xffn);
}
