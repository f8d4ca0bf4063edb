// Hooks that this project's usual machine refuses: they are attached here, and what they do is seen.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setPriority } from 'node:os';
import type { LoadedObject } from '../../../src/api/index.js';
import { RelocationError, SyscallError, UnsupportedError } from '../../../src/errors.js';
import { runPacketProgram, runSyscallProgram } from '../../support/programs.js';
import { clean, group, objectPath, only, openNamed, refused, since } from '../support/kernel.js';
import { sameAsLibbpf } from '../support/libbpf.js';

type Numbers = Record<string, number>;

/** Programs at setpriority(2) of this process. */
function hooked(...names: string[]) {
  const object = only(openNamed('hooks'), ...names);
  (object.rodata as Numbers).target = process.pid;
  return object;
}
const errnoOf = (body: () => void): string | undefined => {
  try {
    body();
    return undefined;
  } catch (error) {
    return (error as { info?: { code?: string } }).info?.code ?? (error as Error).message;
  }
};

group('hooks', () => {
  clean('fentry and fexit run when a function is called, and when it returns', () => {
    using object = hooked('on_entry', 'on_return');
    const loaded = object.load();
    const links = loaded.attach();
    setPriority(process.pid, 3);
    const { entered, entered_nice, returned, returned_value } = loaded.bss as Numbers;
    assert.deepEqual([entered, entered_nice, returned, returned_value], [1, 3, 1, 0]);
    links.close();
    setPriority(process.pid, 0);
    assert.equal((loaded.bss as Numbers).entered, 1);
  });
  clean('fmod_ret keeps a function from running', () => {
    using object = hooked('refuse');
    const links = object.load().attach();
    assert.equal(
      errnoOf(() => setPriority(process.pid, 7)),
      'EACCES',
    );
    assert.equal(
      errnoOf(() => setPriority(process.pid, 6)),
      undefined,
    );
    links.close();
    assert.equal(
      errnoOf(() => setPriority(process.pid, 7)),
      undefined,
    );
    setPriority(process.pid, 0);
  });
  clean('an LSM program says no', () => {
    using object = hooked('forbid');
    const links = object.load().attach();
    assert.equal(
      errnoOf(() => setPriority(process.pid, 8)),
      'EPERM',
    );
    links.close();
    assert.equal(
      errnoOf(() => setPriority(process.pid, 8)),
      undefined,
    );
    setPriority(process.pid, 0);
  });
  for (const name of ['on_entry', 'on_return', 'refuse', 'forbid'])
    clean(`${name} is what libbpf makes of it`, async () => {
      await sameAsLibbpf({ object: objectPath('hooks'), only: name });
    });
  clean('a function that no kernel has is refused before anything is loaded', () => {
    const { message } = refused(UnsupportedError, () => hooked('nowhere').load());
    assert.match(message, /no function tsbpf_no_such_function/);
  });
});

group('programs on programs', () => {
  const withTarget = (body: (fd: number, run: () => number) => void) => () => {
    using target = openNamed('target');
    const fd = target.load().fd('program', 'whole');
    assert.equal(runPacketProgram(fd), 41);
    body(fd, () => runPacketProgram(fd));
  };
  clean(
    'freplace takes the place of a global function, for as long as it is attached',
    withTarget((fd, run) => {
      using object = only(openNamed('extends'), 'other');
      object.program('other').attachTo(fd, 'replaceable');
      const links = object.load().attach();
      assert.equal(run(), 140);
      links.close();
      assert.equal(run(), 41);
    }),
  );
  clean(
    'fentry at a function of a program, fexit at the whole program',
    withTarget((fd, run) => {
      for (const [name, seen] of [
        ['on_call', 40],
        ['on_end', 41],
      ] as const) {
        using object = only(openNamed('extends'), name);
        object.program(name).attachTo(fd);
        const loaded = object.load();
        using _links = loaded.attach();
        assert.equal(run(), 41);
        assert.equal((loaded.bss as Numbers).seen, seen);
      }
    }),
  );
  clean(
    'a function that the program does not have is named',
    withTarget((fd) => {
      const object = only(openNamed('extends'), 'other');
      object.program('other').attachTo(fd, 'replacable');
      assert.match(refused(UnsupportedError, () => object.load()).message, /Did you mean "replaceable"/);
    }),
  );
});

const CONGESTION = '/proc/sys/net/ipv4/tcp_congestion_control';
const available = () => readFileSync('/proc/sys/net/ipv4/tcp_available_congestion_control', 'utf8').trim().split(' ');

/** A connection to this machine itself, and some bytes, under a congestion control. */
async function talk(congestion: string): Promise<void> {
  const usual = readFileSync(CONGESTION, 'utf8');
  writeFileSync(CONGESTION, congestion);
  try {
    await new Promise<void>((resolve, reject) => {
      const server = createServer((socket) => {
        socket.resume().on('end', () => {
          socket.end();
          server.close(() => resolve());
        });
      });
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        const socket = connect(typeof address === 'object' && address ? address.port : 0, '127.0.0.1', () => {
          socket.end(new Uint8Array(200_000));
        });
        socket.on('error', reject).resume();
      });
    });
  } finally {
    writeFileSync(CONGESTION, usual);
  }
}
const calls = (loaded: LoadedObject): bigint => (loaded.bss as { calls: bigint }).calls;

group('struct_ops', () => {
  clean('a congestion control is there while it is attached, and its functions are called', async () => {
    using object = openNamed('struct_ops');
    const loaded = object.load();
    const links = loaded.attach();
    assert.ok(available().includes('tsbpf_counting'));
    await talk('tsbpf_counting');
    assert.ok(calls(loaded) > 0n);
    links.close();
    assert.ok(!available().includes('tsbpf_counting'));
  });
  clean('the same as a link, or an error that says how else', async () => {
    using object = openNamed('struct_ops_link');
    if (!since('6.4')) {
      const error = refused(SyscallError, () => object.load().attach());
      assert.match(error.message, /before 6\.4/);
      assert.ok(!available().includes('tsbpf_link'));
      return;
    }
    const loaded = object.load();
    const links = loaded.attach();
    assert.ok(available().includes('tsbpf_link'));
    await talk('tsbpf_link');
    assert.ok(calls(loaded) > 0n);
    links.close();
    assert.ok(!available().includes('tsbpf_link'));
  });
  clean('is what libbpf makes of it', async () => {
    await sameAsLibbpf({ object: objectPath('struct_ops') });
  });
});

group('newer features', () => {
  clean('an exception callback catches, from 6.7 on', async () => {
    using object = openNamed('exception');
    if (!since('6.7')) {
      assert.match(refused(RelocationError, () => object.load()).message, /no function bpf_throw/);
      return;
    }
    const loaded = object.load();
    assert.equal(runPacketProgram(loaded.fd('program', 'throws')), 42);
    assert.equal((loaded.bss as Numbers).thrown, 1);
    await sameAsLibbpf({ object: objectPath('exception') });
  });
  clean('an arena is shared, from 6.9 on', async () => {
    using object = openNamed('arena');
    if (!since('6.9')) {
      assert.match(refused(SyscallError, () => object.load()).message, /Arenas came with Linux 6\.9/);
      return;
    }
    const loaded = object.load();
    const { buffer, byteOffset } = loaded.arenaVariables();
    assert.equal(byteOffset > 0, since('7.0'));
    const numbers = new Int32Array(buffer, byteOffset, 1);
    assert.equal(numbers[0], 41);
    assert.equal(runSyscallProgram(loaded.fd('program', 'bump'), new Uint8Array(8)), 42);
    assert.equal(numbers[0], 42);
    await sameAsLibbpf({ object: objectPath('arena') });
  });
  clean(
    'a token is all that the root of a user namespace needs',
    () => {
      const tools = process.env.TSBPF_TOOLS;
      const folder = '/run/handed-on';
      mkdirSync(folder, { recursive: true });
      const words = [folder, process.execPath, `${tools}/in-namespace.mjs`, objectPath('types'), folder];
      const { stdout, stderr } = spawnSync(`${tools}/handed-on`, words, { encoding: 'utf8' });
      assert.equal(stderr, '');
      assert.deepEqual(JSON.parse(stdout), { without: 'bpf(BPF_MAP_CREATE): EPERM', given: 'loaded' });
    },
    since('6.9') ? false : 'tokens came with 6.9',
  );
  clean('a token that nobody hands on is refused, and why is said', () => {
    const error = refused(SyscallError, () => openNamed('target').load({ token: '/sys/fs/bpf' }));
    assert.match(error.message, since('6.9') ? /BPF_TOKEN_CREATE/ : /6\.9/);
  });
});
