// Checks of objects against kernels, as JSON for programs. The matrix for people is in check-text.ts.

import {
  byConcern,
  CANNOT_KNOW,
  type CheckedKernel,
  type CheckVerdict,
  type ExternCheck,
  type Finding,
  type ObjectCheck,
  type ProgramCheck,
  showVersion,
  worst,
} from '../check/index.js';
import type { BpfError } from '../errors.js';
import { short } from './describe.js';
import { describeError } from './json.js';

/** An object against all kernels; or why it could not be opened. */
export interface CheckedObject {
  readonly file: string;
  readonly checks: readonly ObjectCheck[];
  readonly error?: BpfError;
  /** How many of its programs are switched off, by a `?` before their section. */
  readonly off?: number;
}

/** The worst of everything; an object that cannot be opened is red. */
export const overall = (objects: readonly CheckedObject[]): CheckVerdict =>
  worst(objects.flatMap(({ checks, error }) => (error ? (['red'] as const) : checks.map(({ verdict }) => verdict))));

/** A kernel with every key: its files are null where none was given. */
export const kernelJson = ({ name, version, btf, modules, kconfig, symbols }: CheckedKernel): Record<string, unknown> => ({
  name,
  version: version === undefined ? null : showVersion(version),
  types: btf.length - 1,
  modules: modules.map((module) => module.name),
  config: kconfig?.file ?? null,
  symbols: symbols?.file ?? null,
});

/** A value that `toJson` takes. */
export const checkJson = (kernels: readonly CheckedKernel[], objects: readonly CheckedObject[]): Record<string, unknown> => ({
  verdict: overall(objects),
  kernels: kernels.map(kernelJson),
  objects: objects.map(({ file, checks, error }) =>
    error
      ? { object: file, error: describeError(error) }
      : { object: file, verdict: worst(checks.map(({ verdict }) => verdict)), checks: checks.map(objectJson) },
  ),
  cannot_know: CANNOT_KNOW,
});

const objectJson = ({ kernel, verdict, load, programs, findings, externs, open }: ObjectCheck): Record<string, unknown> => ({
  kernel,
  verdict,
  load,
  externs: externs.map(externJson),
  open,
  findings: findings.map(findingJson),
  programs: programs.map(programCheckJson),
});

/** An extern with every key: `found` is `there`, `absent` or null; `value` is the text of a setting. */
export const externJson = ({
  name,
  section,
  kind,
  weak,
  verdict,
  found,
  value,
  module,
}: ExternCheck): Record<string, unknown> => ({
  name,
  section,
  kind,
  weak,
  verdict,
  found: found ?? null,
  value: value ?? null,
  module: module ?? null,
});

/** One program's verdicts. */
export const programCheckJson = ({ program, section, type, verdict, findings }: ProgramCheck): Record<string, unknown> => ({
  program,
  section,
  type: short(type, 'BPF_PROG_TYPE_'),
  verdict,
  concerns: byConcern(findings),
  findings: findings.map(findingJson),
});

/** A finding with every key, so that programs need not ask which are there. */
export const findingJson = (finding: Finding): Record<string, unknown> => ({
  concern: finding.concern,
  verdict: finding.verdict,
  stage: finding.stage,
  what: finding.what,
  remedy: finding.remedy ?? null,
  since: finding.since ?? null,
  setting: finding.setting ?? null,
  source: finding.source ?? null,
  ...(finding.explanation && { explanation: finding.explanation }),
});
