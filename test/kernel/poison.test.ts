// A field that the kernel lacks: its access is poisoned, and where the verifier can reach it, the error names the field.

import { expect, test } from 'vitest';
import { open } from '../../src/api/index.js';
import { encodeBtf } from '../../src/btf/index.js';
import { VerifierError } from '../../src/errors.js';
import { describeWithKernel, holdings } from '../support/kernel.js';

/** A kernel whose task_struct has nothing of what bootstrap reads. */
const bare = encodeBtf([
  { kind: 'INT', name: 'int', size: 4, bits: 32, bitOffset: 0, encoding: 1 },
  { kind: 'STRUCT', name: 'task_struct', size: 4, members: [{ name: 'renamed_tgid', type: 1, bitOffset: 0, bitfieldSize: 0 }] },
]);

describeWithKernel('a program that reads a field which the kernel lacks', () => {
  test('is refused with the name of the field, the reason, and what to do', () => {
    const before = holdings();
    using object = open('fixtures/bootstrap.bpf.o', { btf: bare });
    let error: unknown;
    try {
      object.load();
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(VerifierError);
    const { message, where, log, cause } = error as VerifierError;
    expect(message).toContain('Program handle_exec reaches CO-RE relocation <byte_off> struct task_struct.real_parent');
    expect(message).toContain('it has no member real_parent');
    expect(message).toContain('Guard it: if (bpf_core_field_exists(struct task_struct, real_parent');
    expect(where).toMatchObject({
      program: 'handle_exec',
      insn: expect.any(Number),
      source: expect.stringMatching(/^bootstrap\.bpf\.c:\d+$/),
    });
    expect(log).toContain('unknown#195896080');
    expect(cause).toBeInstanceOf(VerifierError);
    expect(holdings()).toEqual(before);
  });
});
