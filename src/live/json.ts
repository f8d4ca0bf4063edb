// JSON as bpftool's writer lays it out: on one line, or with names on lines of their own.

/** Text that stands in the output as it is: numbers that JSON has no words for, such as 0x1f, in what is for people only. */
export class Raw {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** An object whose names may repeat, as those of anonymous members do, and keep their order whatever they are. */
export class Members {
  readonly list: readonly (readonly [name: string, value: Json])[];
  constructor(list: readonly (readonly [string, Json])[]) {
    this.list = list;
  }
}

/** What can be written. 64-bit integers are written in full, as bpftool does: readers without them lose the last digits. */
export type Json =
  | null
  | boolean
  | number
  | bigint
  | string
  | Raw
  | Members
  | readonly Json[]
  | { readonly [name: string]: Json | undefined };

/**
 * @param pretty Names on lines of their own, indented by four; elements of lists are not.
 * @param depth  How deep the value stands in what is around it.
 * @see bpftool json_writer.c
 */
export function writeJson(
  value: Json,
  { pretty = false, depth: at = 0 }: { readonly pretty?: boolean; readonly depth?: number } = {},
): string {
  let text = '';
  const write = (current: Json, depth: number): void => {
    if (typeof current === 'string') text += PLAIN.test(current) ? `"${current}"` : JSON.stringify(current);
    else if (current === null || typeof current !== 'object') text += String(current);
    else if (current instanceof Raw) text += current.text;
    else if (isList(current)) {
      text += '[';
      for (let i = 0; i < current.length; i++) {
        if (i > 0) text += ',';
        write(current[i] as Json, depth + 1);
      }
      if (current.length > 0) lineEnd(depth);
      text += ']';
    } else {
      let separator = '';
      text += '{';
      for (const [name, member] of current instanceof Members ? current.list : Object.entries(current)) {
        if (member === undefined) continue;
        text += separator;
        separator = ',';
        lineEnd(depth + 1);
        text += JSON.stringify(name) + (pretty ? ': ' : ':');
        write(member, depth + 1);
      }
      if (separator !== '') lineEnd(depth);
      text += '}';
    }
  };
  const lineEnd = (depth: number) => {
    if (pretty) text += `\n${'    '.repeat(depth)}`;
  };
  write(value, at);
  return text;
}

/** As `writeJson` of a list, a piece at a time, whose items need not be there all at once: a map may have very many elements. */
export function* listParts(items: Iterable<Json>, { pretty = false }: { readonly pretty?: boolean } = {}): Generator<string> {
  let separator = '[';
  for (const item of items) {
    yield `${separator}${writeJson(item, { pretty, depth: 1 })}`;
    separator = ',';
  }
  yield separator === '[' ? '[]' : pretty ? '\n]' : ']';
}

/** Needs no escapes. */
const PLAIN = /^[\w .:/-]*$/;

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

/** Bytes as bpftool's JSON has them: `["0x01","0x00"]`. */
export function hexBytes(bytes: Uint8Array): readonly string[] {
  const words = new Array<string>(bytes.length);
  for (let i = 0; i < bytes.length; i++) words[i] = HEX[bytes[i] as number] as string;
  return words;
}
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => `0x${byte.toString(16).padStart(2, '0')}`);

/** Bytes as bpftool's text has them: two digits each, a gap after 8, a line after 16. */
export function hexLines(bytes: Uint8Array, separator = ' '): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) {
    if (i > 0) text += i % 16 === 0 ? '\n' : i % 8 === 0 ? '  ' : separator;
    text += DIGITS[bytes[i] as number];
  }
  return text;
}
const DIGITS: readonly string[] = HEX.map((word) => word.slice(2));
