// What `npm run conformance` calls a difference: a comparison that finds none must be able to find one.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { relocateUntil } from '../conformance/relocated.mjs';
import { compareVerdicts } from '../conformance/verdicts.mjs';
import type { Btf } from '../src/btf/index.js';
import { region } from '../src/bytes/index.js';
import { parseElf } from '../src/elf/index.js';
import { openObject } from '../src/object/index.js';

// Plain JavaScript, without types.
const { compare } = await import(new URL('../conformance/compare.mjs', import.meta.url).href);
const { explain } = await import(new URL('../conformance/explain.mjs', import.meta.url).href);

const program = { name: 'p', prog_type: 5, insns: 'b700000000000000', refs: [{ insn: 0, map: 'm' }], outcome: 0 };
const map = { map_name: 'm', map_type: 2, key_size: 4, value_size: 4, max_entries: 1, btf_fd: 1, btf_value_type_id: 7 };
const content = { map: 'm', key: '00000000', value: '01000000' };
const answer = { types: { btfRefused: 0, btf: '9feb' }, maps: [map], contents: [content], paths: [], programs: [program] };
const theirs = { ...answer, error: 0 };
const refused = { name: 'SyscallError', what: 'no', where: { file: 'f' }, errno: 'EINVAL', call: 'bpf(BPF_MAP_CREATE)' };

const verdict = (ours: object, of: object = theirs): string => compare(of, ours).verdict;
const fields = (ours: object, of: object = theirs): string[] =>
  compare(of, ours).differences.map(({ field }: { field: string }) => field);

it('finds nothing where nothing differs', () => {
  expect(verdict(answer)).toBe('same');
});

it.each([
  ['types: btf', { types: { btfRefused: 0, btf: '9fec' } }],
  ['map: max_entries', { maps: [{ ...map, max_entries: 2 }] }],
  ['map: btf_fd', { maps: [{ ...map, btf_fd: undefined }] }],
  ['map: missing', { maps: [] }],
  ['contents: value', { contents: [{ ...content, value: '02000000' }] }],
  ['contents: too many', { contents: [content, { map: 'm', frozen: 1 }] }],
  ['arena: memory', { arena: '01' }],
  ['path: too many', { paths: [{ what: 'pin', path: '/p', map: 'm' }] }],
  ['program: insns', { programs: [{ ...program, insns: 'b700000001000000' }] }],
  ['program: refs', { programs: [{ ...program, refs: [] }] }],
  ['program: outcome', { programs: [{ ...program, outcome: 22 }] }],
  ['program: attach_btf_id', { programs: [{ ...program, attach_btf_id: 1 }] }],
])('finds %s', (field, change) => {
  expect(fields({ ...answer, ...change })).toEqual([field]);
});

it('takes zeros in an array for what an array starts as', () => {
  const zeros = { ...content, key: '00000000', value: '00000000' };
  expect(verdict({ ...answer, contents: [] }, { ...theirs, contents: [zeros] })).toBe('same');
});

it('tells who refuses, and compares the error numbers of system calls', () => {
  const failing = { ...theirs, error: 22, failedErrno: 22, warning: '' };
  expect(verdict({ ...answer, refused })).toBe('tsbpf alone refuses');
  expect(verdict(answer, failing)).toBe('libbpf alone refuses');
  expect(verdict({ ...answer, refused }, failing)).toBe('both refuse');
  expect(fields({ ...answer, refused: { ...refused, errno: 'EPERM' } }, failing)).toEqual(['errno']);
});

/** Lines of libbpf 1.7 at debug level, for an object that is relocated against its own types. */
const says = readFileSync(new URL('support/libbpf-says.txt', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n');
const bootstrap = openObject(parseElf(region(readFileSync(new URL('../fixtures/bootstrap.bpf.o', import.meta.url)), {})));
const decided = (lines: readonly string[]) =>
  compareVerdicts(lines, relocateUntil(bootstrap, { kernel: bootstrap.btf as Btf }, []));

it('finds what libbpf says of each CO-RE relocation in ours', () => {
  const { differences, counts } = decided(says);
  expect(differences).toEqual([]);
  expect(counts).toMatchObject({ records: 6, patched: 6, matching: 6, lines: says.length });
});

it.each(says.map((line, i) => [line, i] as const))('needs every line: %s', (line, i) => {
  const at = (change: readonly string[]) => decided([...says.slice(0, i), ...change, ...says.slice(i + 1)]).differences.length;
  expect(at([])).toBeGreaterThan(0);
  expect(at([line, line])).toBeGreaterThan(0);
  expect(at([line.replace(/\d+(?=\D*$)/, (number) => `${Number(number) + 1}`)])).toBeGreaterThan(0);
  expect(at([line, 'libbpf might say something new of this relo'])).toBe(1);
});

it('counts it among what differs, where both load an object and where both refuse it', () => {
  const ours = { ...answer, core: relocateUntil(bootstrap, { kernel: bootstrap.btf as Btf }, []) };
  const lines = says.map((line) => line.replace('imm 0 -> 0', 'imm 0 -> 4'));
  expect(verdict(ours, { ...theirs, core: says } as object)).toBe('same');
  expect(fields(ours, { ...theirs, core: lines } as object)).toEqual(['CO-RE verdict', 'CO-RE verdict']);
  expect(verdict({ ...ours, refused }, { ...theirs, error: 22, core: lines } as object)).toBe('different');
});

it('tells what a relocation failed for, and with which numbers', () => {
  // The instruction of its first relocation holds another number than the types say.
  const other = {
    ...bootstrap,
    programs: bootstrap.programs.map((program) => {
      const insns = program.insns.slice();
      if (program.name === 'handle_exec') insns[36 * 8 + 4] = 9;
      return { ...program, insns };
    }),
  };
  const ours = relocateUntil(other, { kernel: bootstrap.btf as Btf }, []);
  const failed = (line: string) => compareVerdicts([...says.slice(0, 4), line], ours).differences;
  const line = "prog 'handle_exec': relo #0: unexpected insn #36 (ALU/ALU64) value: got 9, exp 8 -> 8";
  expect(failed(line)).toEqual([]);
  expect(failed(line.replace('got 9', 'got 7'))).toHaveLength(1);
  expect(failed("prog 'handle_exec': relo #0: patched insn #36 (ALU/ALU64) imm 8 -> 8")).toHaveLength(1);
});

it('knows no reason for what nobody listed', () => {
  const row = { kernel: 'running', ...compare(theirs, { ...answer, maps: [] }) };
  expect(explain({ name: 'o', source: 's' }, row)).toMatchObject([{ known: false, reason: 'different: map: missing' }]);
});
