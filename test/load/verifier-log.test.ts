// Verifier logs as values: recorded ones of several kernels, and parts that are hard to provoke.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VerifierError } from '../../src/errors.js';
import { FRAME_LINES, parseRegisters, parseVerifierLog, remedyFor, verifierFrame } from '../../src/load/index.js';

const folder = join(import.meta.dirname, 'logs');
const LOGS = readdirSync(folder).filter((file) => file.endsWith('.log'));
const read = (name: string): string => readFileSync(join(folder, `${name}.log`), 'utf8');

describe('a recorded log', () => {
  it.each<[log: string, insn: number, text: string, reason: RegExp, known: Record<string, RegExp>]>([
    [
      '6.18-null_check',
      7,
      'r1 = *(u64 *)(r0 +0)',
      /^R0 invalid mem access 'map_value_or_null'$/,
      { R0: /^map_value_or_null\(id=1/ },
    ],
    ['6.18-unbounded', 12, 'r6 = *(u8 *)(r0 +0)', /value_size=8 off=255 size=1; R0 max value/, { R0: /umax=.*\(0x0; 0xff\)\)$/ }],
    ['6.18-leak', 9, 'exit', /^Unreleased reference id=2 alloc_insn=4; BPF_EXIT/, { R0: /^0$/ }],
    ['6.18-unknown_helper', 1, 'call unknown#9999', /^invalid func unknown#9999$/, { R1: /^1$/ }],
    ['6.18-forbidden_helper', 1, 'call bpf_xdp_adjust_head#44', /^program of this type cannot use helper/, { R2: /^4$/ }],
    ['6.18-packet', 1, 'r0 = *(u8 *)(r1 +13)', /^invalid access to packet, .*; R1 offset/, { R1: /^pkt\(r=0\)$/ }],
    ['6.18-scalar', 1, 'r0 = *(u64 *)(r1 +0)', /^R1 invalid mem access 'scalar'$/, { R1: /^scalar\(\)$/ }],
    ['6.18-math', 1, 'w0 *= 3', /^R0 32-bit pointer arithmetic prohibited$/, { R0: /^ctx\(\)$/ }],
    ['6.18-inside', 13, 'r0 = *(u64 *)(r1 +0)', /^invalid variable-offset read from stack/, { R1: /^fp\[0\]\(off=-16/ }],
    ['6.18-branches', 14, 'r0 = *(u32 *)(r7 +4)', /^R7 invalid mem access/, { R7: /^map_value_or_null/ }],
    ['5.10-null_check', 7, 'r1 = *(u64 *)(r0 +0)', /^R0 invalid mem access 'map_value_or_null'$/, {}],
    ['5.10-unbounded', 12, 'r6 = *(u8 *)(r0 +0)', /R0 max value is outside/, { R0: /umax_value=255/, 'fp-8': /^mmmm/ }],
    ['5.10-leak', 9, 'exit', /^Unreleased reference id=2 alloc_insn=4$/, { R1: /^inv1$/ }],
    ['5.10-inside', 13, 'r0 = *(u64 *)(r1 +0)', /^invalid variable-offset read/, { R1: /^fp-16$/, R2: /^invP\(id=0\)$/ }],
    ['5.10-branches', 14, 'r0 = *(u32 *)(r7 +4)', /^R7 invalid mem access/, {}],
    ['7.2-unbounded', 12, 'r6 = *(u8 *)(r0 +0)', /R0/, { R0: /map_value/ }],
    ['7.2-inside', 13, 'r0 = *(u64 *)(r1 +0)', /^invalid variable-offset read/, { R1: /smin=smin32=-16/ }],
  ])('%s', (name, insn, text, reason, known) => {
    const log = parseVerifierLog(read(name));
    expect(log).toMatchObject({ form: 'classic', insn, insnText: text, truncated: false, stats: { limit: 1_000_000 } });
    expect(log.reason).toMatch(reason);
    for (const [register, state] of Object.entries(known)) expect(log.states.at(-1)?.registers[register]).toMatch(state);
    expect(log.path.at(-1)).toMatchObject({ insn, text });
  });

  it('has the lines of source that belong to its instructions', () => {
    expect(parseVerifierLog(read('6.18-null_check')).path.at(-1)?.source).toBe('a.bpf.c:16: *value += 1;');
    expect(parseVerifierLog(read('5.10-null_check')).path.at(-1)?.source).toBe('*value += 1;');
  });

  it.each(LOGS)('%s: has a reason for which a remedy is known, and fits a screen', (file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    const refusal = parseVerifierLog(text);
    expect(remedyFor(refusal.terse)).toBeDefined();
    const remedy = `The verifier says: ${refusal.reason}\n  ${remedyFor(refusal.terse)}`;
    const error = new VerifierError('bpf(BPF_PROG_LOAD)', 'EACCES', text, { where: { program: 'p' }, remedy, refusal });
    const lines = verifierFrame(error).split('\n');
    expect(lines.length).toBeLessThanOrEqual(FRAME_LINES);
    expect(lines.join('\n')).toContain(`instruction ${refusal.insn}: ${refusal.insnText}`);
  });
});

describe('the report in sections of Linux 7.3', () => {
  it.each<[log: string, insn: number, text: string, title: RegExp, suggestion: RegExp, path: readonly number[], last: RegExp]>([
    ['null_check', 7, 'r1 = *(u64 *)(r0 +0)', /^R0 may be NULL here/, /^Add a NULL check/, [6], /^R0=map_value_or_null/],
    ['branches', 14, 'r0 = *(u32 *)(r7 +4)', /^R7 may be NULL here/, /^Add a NULL check/, [8, 9], /R7=map_value_or_null/],
    [
      'unbounded',
      12,
      'r6 = *(u8 *)(r0 +0)',
      /object_size is 8\.$/,
      /^Add or adjust a bounds check/,
      [7, 8, 11],
      /umax=smax32=umax32=255/,
    ],
    [
      'packet',
      1,
      'r0 = *(u8 *)(r1 +13)',
      /outside of the object of size 0/,
      /^Add or adjust a bounds check/,
      [0],
      /^R1=pkt\(r=0\)$/,
    ],
    ['leak', 9, 'exit', /^Owned resource \(id=2\)/, /before the program exits\.$/, [4, 5], /^R0=0 refs=2$/],
    ['scalar', 1, 'r0 = *(u64 *)(r1 +0)', /^R1 is an integer scalar here/, /can invalidate it\.$/, [0], /^R1=scalar\(\)$/],
    ['math', 1, 'w0 *= 3', /^R0 holds a context pointer/, /bounded scalar offset\.$/, [0], /^R0=ctx\(\) R1=ctx\(\)$/],
    ['no_value', 0, 'exit', /^R0 has never been initialized/, /before this instruction\.$/, [0], /^R1=ctx\(\) R10=fp0$/],
    [
      'forbidden_helper',
      1,
      'call bpf_xdp_adjust_head#44',
      /does not allow the helper\.$/,
      /compatible program type\.$/,
      [0, 1],
      /^R2=4$/,
    ],
  ])('of a real one: %s', (name, insn, text, reason, suggestion, path, last) => {
    const log = parseVerifierLog(read(`7.3-${name}`));
    expect(log).toMatchObject({ form: 'sections', insn, insnText: text, truncated: false, stats: { limit: 1_000_000 } });
    expect(log.reason).toMatch(reason);
    expect(log.suggestion).toMatch(suggestion);
    expect(log.path.map((step) => step.insn)).toEqual(path);
    expect(log.states.at(-1)?.text).toMatch(last);
  });

  it('has the reason as one line, the instruction, the way there and what the kernel proposes', () => {
    const log = parseVerifierLog(read('7.3-by-hand'));
    expect(log).toMatchObject({
      form: 'sections',
      reason:
        'R0 may be NULL here (a nullable map value pointer). Here follow words enough to reach the column where lines are wrapped.',
      terse: "R0 invalid mem access 'map_value_or_null'",
      insn: 7,
      insnText: 'r1 = *(u64 *)(r0 +0)',
      suggestion: 'Compare R0 with NULL before it is followed.',
      stats: { processed: 7, limit: 1_000_000 },
      truncated: false,
    });
    expect(log.path).toEqual([
      {
        insn: 6,
        text: 'call bpf_map_lookup_elem#1',
        source: 'a.bpf.c:15:15: u64 *value = lookup(&arr, &key);',
        note: 'update: R0 became a nullable map value pointer',
      },
      {
        insn: 5,
        text: 'if r1 == 0x0 goto pc+1',
        note: 'branch: took the false branch of this conditional, goto not followed',
      },
    ]);
    expect(log.states.at(-1)?.registers.R0).toBe('map_value_or_null(id=1,map=arr,ks=4,vs=8)');
  });

  it('may have no lines of source, and no events', () => {
    expect(parseVerifierLog(read('7.3-by-hand-no-lines'))).toMatchObject({
      form: 'sections',
      reason: 'R0 has no value on this path.',
      insn: 0,
      insnText: 'exit',
      path: [{ insn: 0, text: 'exit' }],
      suggestion: 'Give R0 a value on every path to this instruction.',
    });
  });

  it('is read with a section that is not known, with none but a reason, and indented', () => {
    const text = read('7.3-by-hand-no-lines');
    const more = text.replace('Suggestion:', 'Further reading:\n  some page\n\nSuggestion:');
    expect(parseVerifierLog(more)).toMatchObject({ reason: 'R0 has no value on this path.', insn: 0 });
    expect(parseVerifierLog('Verification failed: Policy\n\nReason:\n  no.\n')).toMatchObject({ reason: 'no.', insn: undefined });
    const indented = text.replace(/^(Reason|At|Causal|Suggestion|Verif)/gm, '    $1');
    expect(parseVerifierLog(indented)).toMatchObject({ form: 'sections', reason: 'R0 has no value on this path.', insn: 0 });
  });
});

describe('a log', () => {
  it('may have states, or source, behind a jump without a new line', () => {
    const { path, states, insn } = parseVerifierLog(
      '0: R1=ctx() R10=fp0\n0: (85) call bpf_ktime_get_ns#5       ; R0=scalar()\n1: (55) if r0 != 0x1 goto pc-2 0: R0=scalar() R10=fp0\n0: (85) call bpf_ktime_get_ns#5       ; R0=scalar()\n1: (55) if r0 != 0x1 goto pc-2 ; while (ktime() != 1) @ a.bpf.c:26\ninfinite loop detected at insn 0\n',
    );
    expect(path.map(({ text }) => text)).toEqual([
      'call bpf_ktime_get_ns#5',
      'if r0 != 0x1 goto pc-2',
      'call bpf_ktime_get_ns#5',
      'if r0 != 0x1 goto pc-2',
    ]);
    expect(states.map((state) => state.text)).toContain('R0=scalar() R10=fp0');
    expect(insn).toBe(0);
  });

  it('may have the reason behind a jump without a new line', () => {
    const text = [
      '4: (61) r2 = *(u32 *)(r10 -4)         ; R2=0 R10=fp0 fp-8=0000????',
      '5: (5d) if r2 != r1 goto pc-2 4: R1=0xffffffff R2=scalar() R10=fp0 fp-8=mmmm????',
      '4: (61) r2 = *(u32 *)(r10 -4)         ; R2=scalar() R10=fp0 fp-8=mmmm????',
      '5: (5d) if r2 != r1 goto pc-2 infinite loop detected at insn 4',
      'cur state: R1=0xffffffff R2=scalar() R10=fp0 fp-8=mmmm????',
      'processed 18 insns (limit 1000000) max_states_per_insn 0 total_states 1 peak_states 1 mark_read 0',
    ].join('\n');
    const refusal = parseVerifierLog(text);
    expect(refusal).toMatchObject({ reason: 'infinite loop detected at insn 4', insn: 4 });
    expect(refusal.path.at(-1)).toMatchObject({ insn: 5, text: 'if r2 != r1 goto pc-2' });
    const frame = verifierFrame(new VerifierError('bpf(BPF_PROG_LOAD)', 'EINVAL', text, { refusal }));
    expect(frame).toMatch(/on the way there:\n {4}5: if r2 != r1 goto pc-2\n {2}instruction 4:/);
    const one = parseVerifierLog('1: (15) if r1 == 0x0 goto pc+2 ; R1=ctx()\nR6 !read_ok');
    expect(one).toMatchObject({ reason: 'R6 !read_ok', path: [{ text: 'if r1 == 0x0 goto pc+2', state: 'R1=ctx()' }] });
  });

  it('is one line of a narrow terminal for each thing that the verifier knew; the refusal and the reason are told whole', () => {
    const states = 'R1=scalar(smin=smin32=0,smax=umax=smax32=umax32=0xffff,var_off=(0x0; 0xffff)) R6=map_value(map=scratch,ks=4)';
    const text = `0: (71) r1 = *(u8 *)(r6 +0)          ; ${states}\n1: (0f) r6 += r1       ; ${states}\nR6 is bad in many words, of which there are more than one line of a terminal can hold\nprocessed 2 insns (limit 1000000)`;
    const where = { file: 'some/folder/with/objects/object.bpf.o', program: 'on_switch' };
    const error = new VerifierError('bpf(BPF_PROG_LOAD)', 'EACCES', text, { where, refusal: parseVerifierLog(text) });
    const lines = verifierFrame(error, 80).split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    const words = lines.join(' ').replaceAll(/\s+/g, ' ');
    expect(words).toContain('failed with EACCES');
    expect(words).toContain('more than one line of a terminal can hold');
    expect(verifierFrame(error)).toContain(states);
  });

  it('without a reason makes a frame without one, and without a remedy', () => {
    const refusal = parseVerifierLog('0: (95) exit\nprocessed 1 insns (limit 1000000)');
    for (const remedy of [undefined, '', 'The verifier says: nothing that is known'])
      expect(
        verifierFrame(
          new VerifierError('bpf(BPF_PROG_LOAD)', 'EINVAL', 'log', { refusal, ...(remedy !== undefined && { remedy }) }),
        ),
      ).not.toMatch(/reason:|remedy:/);
  });

  it('is followed to where its search ended: what was tried before on another way is no part of it', () => {
    const log = parseVerifierLog(
      [
        '0: R1=ctx() R10=fp0',
        '0: (b7) r0 = 0                        ; R0=0',
        '1: (15) if r1 == 0x0 goto pc+2        ; R1=ctx()',
        '2: (b7) r6 = 1                        ; R6=1',
        '3: (95) exit',
        '',
        'from 1 to 4: R0=0 R1=ctx() R10=fp0',
        '4: (bf) r0 = r6',
        'R6 !read_ok',
        'processed 5 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0',
        'verification time 12 usec',
      ].join('\n'),
    );
    expect(log.path.map(({ insn }) => insn)).toEqual([0, 1, 4]);
    expect(log.states.at(-1)).toEqual({
      insn: 4,
      text: 'R0=0 R1=ctx() R10=fp0',
      registers: { R0: '0', R1: 'ctx()', R10: 'fp0' },
    });
    expect(log).toMatchObject({ reason: 'R6 !read_ok', insn: 4, stats: { processed: 5, limit: 1_000_000, microseconds: 12 } });
  });

  it.each([
    ['unreachable insn 2', 2],
    ['back-edge from insn 5 to 1', 5],
    ['jump out of range from insn 3 to 90', 3],
    ['infinite loop detected at insn 4', 4],
    ['unknown opcode ff', undefined],
    ['combined stack size of 2 calls is 1024. Too large', undefined],
  ])('with the reason "%s" is about instruction %s', (reason, insn) => {
    const log = parseVerifierLog(`0: (95) exit\n${reason}\nprocessed 0 insns (limit 1000000)`);
    expect(log).toMatchObject({ reason, insn });
  });

  it('that is cut off says so, and keeps its last line as the reason', () => {
    expect(parseVerifierLog('0: (b7) r0 = 0\nR6 !read_ok')).toMatchObject({ truncated: true, reason: 'R6 !read_ok' });
    expect(parseVerifierLog('17: (b7) r0 = 0\nR6 !read_ok\nprocessed 9 insns (limit 9)')).toMatchObject({ truncated: true });
    expect(parseVerifierLog('')).toMatchObject({ truncated: false, reason: '', insn: undefined, path: [], states: [] });
  });

  it('of any text is a value, quickly', () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom(...LOGS.flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'))),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 40 }), (lines) => {
        expect(typeof parseVerifierLog(lines.join('\n')).reason).toBe('string');
      }),
      { numRuns: 200 },
    );
    const long = `${'1: (07) r1 += 1                       ; R1=0x3d08b\n'.repeat(400_000)}BPF program is too large. Processed 1000001 insn\n`;
    const start = performance.now();
    expect(parseVerifierLog(long)).toMatchObject({ insn: 1, reason: 'BPF program is too large. Processed 1000001 insn' });
    expect(performance.now() - start).toBeLessThan(3000);
  });

  it('has registers with blanks and parentheses in their values', () => {
    expect(parseRegisters('frame1: R1_w=fp[0](off=-16,var_off=(0x0; 0x38)) R2_rw=invP(id=0) R10=fp0 fp-8_w=inv2 refs=2')).toEqual(
      {
        R1: 'fp[0](off=-16,var_off=(0x0; 0x38))',
        R2: 'invP(id=0)',
        R10: 'fp0',
        'fp-8': 'inv2',
      },
    );
  });
});
