// Each probe against what is known of the kernels' history: no release without the feature says yes, none with it says no.

import assert from 'node:assert/strict';
import { FEATURES, type FeatureName } from '../../../src/plan/index.js';
import { probe, realKernel } from '../../../src/syscall/index.js';
import { clean, group, since } from '../support/kernel.js';

/** By hand, from the kernel's history, and not from `since` of the features, which this holds to the same. */
const SINCE: Readonly<Record<FeatureName, string>> = {
  arg_ctx_tag: '6.8',
  bpf_cookie: '5.15',
  btf_func: '5.0',
  btf_datasec: '5.2',
  btf_global_func: '5.6',
  btf_float: '5.13',
  btf_decl_tag: '5.16',
  btf_type_tag: '5.17',
  btf_enum64: '6.0',
  btf_qmark_datasec: '6.8',
  ldimm64_full_range: '7.0',
  memcg_account: '5.11',
  perf_link: '5.15',
  uprobe_multi: '6.6',
  uprobe_multi_pid: '6.10',
};

group('features', () => {
  for (const [name, release] of Object.entries(SINCE) as [FeatureName, string][])
    clean(`${name}: ${since(release) ? 'yes' : 'no'}`, () => {
      assert.equal(FEATURES[name].since, release);
      assert.equal(probe(name, realKernel), since(release));
    });
  clean('every feature is in the table', () => assert.deepEqual(Object.keys(SINCE).sort(), Object.keys(FEATURES).sort()));
});
