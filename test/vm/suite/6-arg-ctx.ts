// __arg_ctx: kernels before 6.8 see contexts only in types, which the loader puts there.

import assert from 'node:assert/strict';
import { VerifierError } from '../../../src/errors.js';
import { clean, group, objectPath, openNamed, since } from '../support/kernel.js';
import { sameAsLibbpf } from '../support/libbpf.js';

const PROGRAMS = ['by_kprobe', 'by_raw_tp', 'by_perf_event', 'by_xdp'];

group('arg:ctx', () => {
  clean('all programs load', () => {
    using object = openNamed('arg_ctx');
    const loaded = object.load();
    for (const name of PROGRAMS) assert.ok(loaded.fd('program', name) > 0);
  });
  clean('types and functions are what libbpf makes of them, for all programs at once', async () => {
    const { programs } = await sameAsLibbpf({ object: objectPath('arg_ctx') });
    assert.deepEqual(
      programs.map(({ name }) => name),
      PROGRAMS,
    );
  });
  for (const only of PROGRAMS)
    clean(`and for ${only} alone`, async () => {
      await sameAsLibbpf({ object: objectPath('arg_ctx'), only });
    });
  clean(
    'a kernel without the tag refuses what is given as it is',
    () => {
      using object = openNamed('arg_ctx');
      const { facts } = object.plan();
      const features = new Map([...facts.features, ['arg_ctx_tag', true] as const]);
      assert.throws(() => object.load({ facts: { ...facts, features } }), VerifierError);
    },
    since('6.8') && 'this one knows the tag',
  );
  clean(since('6.8') ? 'nothing is added' : 'types are added', () => {
    const { object, steps } = openNamed('arg_ctx').plan();
    const step = steps.find(({ id }) => id === 'btf');
    const given = step?.call === 'bpf' ? (step.attr.btf as Uint8Array).length : 0;
    const own = object.btf?.toBytes().length ?? 0;
    assert.equal(given > own, !since('6.8'));
  });
});
