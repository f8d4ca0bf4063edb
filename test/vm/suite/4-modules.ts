// Functions, tracepoints, types and variables that only modules have. Kernels before 5.11 do not tell the types of theirs.

import assert from 'node:assert/strict';
import { findOwnType, parseBtf } from '../../../src/btf/index.js';
import { region } from '../../../src/bytes/index.js';
import { RelocationError, UnsupportedError } from '../../../src/errors.js';
import { kernelBtf, read } from '../../../src/syscall/index.js';
import { runPacketProgram } from '../../support/programs.js';
import { clean, command, group, objectPath, only, openNamed, refused, since } from '../support/kernel.js';
import { sameAsLibbpf } from '../support/libbpf.js';

const HAVE_TYPES = since('5.11');
const skip = HAVE_TYPES ? false : 'modules have no BTF before 5.11';

let areLoaded = false;
function loadModules(): void {
  if (!areLoaded) for (const name of ['veth', 'xfs', 'nf_conntrack', 'nf_tables']) command('modprobe', name);
  areLoaded = true;
}
/** A test with modules. */
const loaded = (name: string, body: () => void | Promise<void>, why: string | false = skip) =>
  clean(
    name,
    async () => {
      loadModules();
      await body();
    },
    why,
  );

group('modules', () => {
  clean('a module that is not loaded is named in the error', () => {
    const hook = refused(UnsupportedError, () => only(openNamed('module_hooks'), 'on_opened').load());
    assert.match(hook.message, /Module veth has no function veth_open.*modprobe veth/s);
    const unnamed = refused(UnsupportedError, () => only(openNamed('module_hooks'), 'on_open').load());
    assert.match(unnamed.message, /has no function veth_open.*modules that are not loaded/s);
    const tracepoint = refused(UnsupportedError, () => only(openNamed('module_hooks'), 'on_xfs').load());
    assert.match(tracepoint.message, /has no tracepoint xfs_attr_list_sf.*modules that must be loaded/s);
    const never = refused(UnsupportedError, () => only(openNamed('module_hooks'), 'on_nothing').load());
    assert.match(never.message, /modprobe no_such_module/);
    const kfunc = refused(RelocationError, () => openNamed('module_kfunc').load());
    assert.match(kfunc.message, /has no function bpf_(skb_ct_lookup|ct_release).*module that is not loaded/s);
  });

  if (!HAVE_TYPES)
    clean('without types, the error says what is missing', () => {
      loadModules();
      const error = refused(UnsupportedError, () => only(openNamed('module_hooks'), 'on_opened').load());
      assert.match(error.message, /No module of that name with BTF is loaded/);
    });

  loaded('fentry and fexit run at a function of a module, whether it is named or not', () => {
    using object = only(openNamed('module_hooks'), 'on_open', 'on_opened', 'on_close');
    const running = object.load();
    using _links = running.attach();
    command('ip', 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1');
    try {
      command('ip', 'link', 'set', 'v0', 'up');
      command('ip', 'link', 'set', 'v0', 'down');
    } finally {
      command('ip', 'link', 'del', 'v0');
    }
    const { opened, named, closed } = running.bss as Record<string, number>;
    // The other end is not up: the kernel opens the one.
    assert.deepEqual([opened, named, closed], [1, 1, 1]);
  });
  loaded('a tracepoint of a module takes a program', () => {
    using object = only(openNamed('module_hooks'), 'on_xfs');
    using links = object.load().attach();
    assert.deepEqual(links.names, ['link on_xfs']);
  });
  loaded('a type that only a module has is relocated against', () => {
    using object = only(openNamed('module_hooks'), 'types');
    const running = object.load();
    assert.equal(runPacketProgram(running.fd('program', 'types')), 3);
    const { exists, headroom_offset, missing } = running.bss as Record<string, number>;
    assert.deepEqual([exists, missing], [1, 0]);
    const types = parseBtf(region(read('/sys/kernel/btf/veth')), kernelBtf());
    const id = findOwnType(types, 'veth_priv', 'STRUCT');
    const priv = types.type(id ?? 0);
    const member = priv.kind === 'STRUCT' ? priv.members.find(({ name }) => name === 'requested_headroom') : undefined;
    assert.equal(headroom_offset, (member?.bitOffset ?? 0) / 8);
    assert.ok((headroom_offset as number) > 0);
  });
  for (const name of ['on_open', 'on_opened', 'on_close', 'on_xfs', 'types'])
    loaded(`${name} is what libbpf makes of it`, async () => {
      const { programs } = await sameAsLibbpf({ object: objectPath('module_hooks'), only: name });
      assert.equal(programs[0]?.attach_btf_obj_fd, name === 'types' ? undefined : name === 'on_xfs' ? 'xfs' : 'veth');
    });

  const kfuncs = !HAVE_TYPES ? skip : since('6.1') ? false : 'nf_conntrack offers no functions before 6.1';
  const call = async () => {
    using object = openNamed('module_kfunc');
    const running = object.load();
    assert.equal(runPacketProgram(running.fd('program', 'lookup')), 1);
    assert.equal((running.bss as { error: number }).error, -2); // ENOENT
    const { programs } = await sameAsLibbpf({ object: objectPath('module_kfunc') });
    const [program] = programs;
    assert.equal(program?.fd_array, 1);
    assert.equal(
      (program?.refs as { module?: string }[] | undefined)?.filter(({ module }) => module === 'nf_conntrack').length,
      2,
    );
  };
  loaded('functions of a module are called, as libbpf has them called', call, kfuncs);

  const variable = (): boolean =>
    findOwnType(parseBtf(region(read('/sys/kernel/btf/nf_tables')), kernelBtf()), 'nft_pcpu_tun_ctx', 'VAR') !== undefined;
  loaded('a variable of a module is found by its type, where there is one', async () => {
    if (!variable()) {
      const error = refused(RelocationError, () => openNamed('module_ksym').load());
      assert.match(error.message, /no variable nft_pcpu_tun_ctx/);
      return;
    }
    using object = openNamed('module_ksym');
    const running = object.load();
    assert.equal(runPacketProgram(running.fd('program', 'look')), 4);
    assert.equal((running.bss as { found: number }).found, 1);
    await sameAsLibbpf({ object: objectPath('module_ksym') });
  });
});
