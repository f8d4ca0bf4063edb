// BTF that is newer than the kernel: it is made over so that the kernel takes it, to the same bytes as libbpf makes of it.

import assert from 'node:assert/strict';
import { parseBtf, typesOf } from '../../../src/btf/index.js';
import { fromHex, region } from '../../../src/bytes/index.js';
import { runPacketProgram } from '../../support/programs.js';
import { clean, group, objectPath, only, openNamed, since, watched } from '../support/kernel.js';
import { sameAsLibbpf } from '../support/libbpf.js';

const OBJECTS = ['types', 'struct_ops_off', 'target', 'arg_ctx', 'maps', 'hooks'];

group('types', () => {
  for (const name of OBJECTS)
    clean(`the BTF of ${name} is taken, and is what libbpf gives`, async () => {
      const { types } = await sameAsLibbpf({ object: objectPath(name) });
      assert.equal(types.btfRefused, 0);
    });
  clean('the BTF of bootstrap is taken, and is what libbpf gives', async () => {
    const { types } = await sameAsLibbpf({ object: 'fixtures/bootstrap.bpf.o' });
    assert.equal(types.btfRefused, 0);
  });

  clean('kinds that the kernel lacks are replaced, and no others', () => {
    const { steps } = openNamed('types').plan();
    const step = steps.find(({ id }) => id === 'btf');
    const bytes = step?.call === 'bpf' ? (step.attr.btf as Uint8Array) : fromHex('');
    const btf = parseBtf(region(bytes));
    const has = (kind: Parameters<typeof typesOf>[1]) => [...typesOf(btf, kind)].length > 0;
    assert.equal(has('FLOAT'), since('5.13'));
    assert.equal(has('DECL_TAG'), since('5.16'));
    assert.equal(has('TYPE_TAG'), since('5.17'));
    assert.equal(has('ENUM64'), since('6.0'));
    assert.ok(has('FUNC') && has('DATASEC') && has('VAR'));
  });

  clean('maps and programs have their types, and run', () => {
    using object = openNamed('types');
    const { loaded, events } = watched(object);
    assert.deepEqual(
      events.flatMap((event) => (event.at === 'failed' && !event.step.optional ? [event.error.message] : [])),
      [],
    );
    assert.ok(events.some(({ at, step }) => at === 'after' && step.id === 'btf'));
    const program = events.find(({ at, step }) => at === 'after' && step.id === 'prog counted')?.step;
    assert.ok(program?.call === 'bpf' && program.attr.func_info, 'the program has the types of its functions');
    assert.equal(runPacketProgram(loaded.fd('program', 'counted')), 3 + 1 + 7 + 1);
  });

  clean('a data section with ? in its name does no harm', () => {
    using object = openNamed('struct_ops_off');
    const { loaded } = watched(only(object, 'other'));
    assert.equal(runPacketProgram(loaded.fd('program', 'other')), 5);
  });
});
