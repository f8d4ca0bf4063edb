export interface Question {
  readonly object: string;
  readonly btf?: string;
  /** Also the programs that their section switches off. */
  readonly everything?: boolean;
  /** The name of the one program to load. */
  readonly only?: string;
  /** Programs really go there. */
  readonly toKernel?: boolean;
}
/** What the kernel was given. */
export interface Answer {
  readonly types: { readonly btf?: string; readonly btfRefused?: number };
  readonly programs: readonly Readonly<Record<string, unknown>>[];
  readonly [key: string]: unknown;
}
export function ask(question: Question): Answer;
