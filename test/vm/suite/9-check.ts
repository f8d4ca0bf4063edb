// What a check says of this kernel, from files alone, and what the kernel then does: types, configuration and symbols are given as copies.

import assert from 'node:assert/strict';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type CheckedKernel, checkObject, type ExternCheck, type ObjectCheck } from '../../../src/check/index.js';
import { BpfError } from '../../../src/errors.js';
import { readKernel } from '../../../src/run/kernels.js';
import { kernelConfig, kernelVersion, read, readDoctorFacts } from '../../../src/syscall/index.js';
import { needsAgainst } from '../../support/needs.js';
import { runPacketProgram } from '../../support/programs.js';
import { clean, command, group, only, openNamed, since } from '../support/kernel.js';

const COPY = '/run/kallsyms';
let given: CheckedKernel | undefined;
/** Read once: it takes half a second. */
function kernel(): CheckedKernel {
  if (given) return given;
  writeFileSync(COPY, read('/proc/kallsyms'));
  given = readKernel('/sys/kernel/btf', 'this', { config: kernelConfig().file, kallsyms: COPY });
  return given;
}

const checked = (name: string): ObjectCheck => checkObject(openNamed(name).object, kernel());
const externOf = ({ externs }: ObjectCheck, name: string): ExternCheck =>
  externs.find((extern) => extern.name === name) ?? assert.fail(`no extern ${name}`);

/** What the loader says of it; undefined when it loads. */
function refusal(name: string, ...programs: string[]): BpfError | undefined {
  using object = programs.length > 0 ? only(openNamed(name), ...programs) : openNamed(name);
  try {
    object.load()[Symbol.dispose]();
    return undefined;
  } catch (error) {
    if (error instanceof BpfError) return error;
    throw error;
  }
}

group('check', () => {
  clean('the configuration tells the release to its last digit', () => {
    assert.equal(kernel().version, kernelVersion());
  });

  clean('no hook works whose option the kernel was built without', () => {
    const { wrong, looked } = needsAgainst(kernelConfig(), readDoctorFacts().hooks);
    assert.deepEqual(wrong, []);
    assert.ok(looked > 60);
  });

  clean('values of settings, and which symbols there are, are what a program reads', () => {
    const check = checked('externs');
    assert.equal(check.load, 'ok', JSON.stringify(check.findings));
    using object = openNamed('externs');
    const running = object.load();
    runPacketProgram(running.fd('program', 'look'));
    const seen = running.bss as Record<string, number | bigint | boolean | string>;
    const value = (name: string): string => externOf(check, name).value ?? '';
    const isThere = (name: string): boolean => externOf(check, name).found === 'there';
    const text = (setting: string): string => setting.replace(/^"|"$/g, '');
    assert.equal(value('LINUX_KERNEL_VERSION'), [16, 8, 0].map((bits) => (Number(seen.version) >> bits) & 0xff).join('.'));
    assert.deepEqual(
      {
        cookie: value('LINUX_HAS_BPF_COOKIE') === '1',
        wrapper: value('LINUX_HAS_SYSCALL_WRAPPER') === '1',
        hz: Number(value('CONFIG_HZ')),
        syscall_: value('CONFIG_BPF_SYSCALL') === 'y',
        xfs: ['', 'y', 'm'].indexOf(value('CONFIG_XFS_FS')),
        fprobe: value('CONFIG_FPROBE') === 'y',
        netkit: value('CONFIG_NETKIT') === 'y',
        hostname: text(value('CONFIG_DEFAULT_HOSTNAME')),
        no_option: isThere('CONFIG_NO_SUCH_OPTION') ? 1 : 0,
      },
      Object.fromEntries(
        ['cookie', 'wrapper', 'hz', 'syscall_', 'xfs', 'fprobe', 'netkit', 'hostname', 'no_option'].map((name) => [
          name,
          seen[name],
        ]),
      ),
    );
    assert.deepEqual(
      ['__start_BTF', 'bpf_link_fops', 'fprobe_handler', 'tcx_prog_attach', 'no_such_symbol'].map(isThere),
      ['start_btf', 'link_fops', 'has_handler', 'has_tcx', 'has_none'].map((name) => seen[name] !== 0n),
    );
    const [address] = kernel().symbols?.find('bpf_link_fops') ?? [];
    assert.equal(seen.link_fops, address?.address);
  });

  for (const [name, extern, is] of [
    ['no_setting', 'CONFIG_NO_SUCH_OPTION', false],
    ['no_symbol', 'no_such_symbol', false],
    ['newer_setting', 'CONFIG_NETKIT', since('6.7')],
    ['newer_symbol', 'tcx_prog_attach', since('6.6')],
  ] as const)
    clean(`${name}: the check is ${is ? 'ok, and it loads' : 'red, and the load names the same extern'}`, () => {
      const check = checked(name);
      const error = refusal(name);
      assert.equal(check.load, is ? 'ok' : 'red');
      assert.equal(externOf(check, extern).verdict, is ? 'ok' : 'red');
      assert.equal(error === undefined, is, error?.message);
      if (error) assert.match(error.message, new RegExp(extern));
    });

  clean('kprobes go where the check says', () => {
    const folder = '/run/check-tracefs';
    command('mkdir', '-p', folder);
    command('mount', '-t', 'tracefs', 'tracefs', folder);
    try {
      const takes = (target: string): boolean => {
        try {
          writeFileSync(`${folder}/kprobe_events`, `p:tsbpf_check ${target}\n`);
          writeFileSync(`${folder}/kprobe_events`, '');
          return true;
        } catch {
          return false;
        }
      };
      for (const { program, section, findings } of checked('kprobes').programs) {
        const target = section.slice('kprobe/'.length);
        const verdict = findings[0]?.verdict ?? 'ok';
        if (verdict === 'unknown') continue;
        assert.equal(
          takes(target),
          verdict === 'ok',
          `${program} ${target}: ${findings.map(({ what }) => what).join('; ') || 'ok'}`,
        );
      }
    } finally {
      command('umount', folder);
    }
  });

  clean('what lists of the kernel tell is what happens', () => {
    const object = openNamed('lists');
    const names = object.object.programs.filter(({ isSubprogram }) => !isSubprogram).map(({ name }) => name);
    const { programs } = checkObject(only(object, ...names).object, kernel());
    assert.equal(programs.length, 8);
    for (const { program, findings, verdict } of programs) {
      const load = findings.filter(({ stage }) => stage === 'load');
      assert.ok(verdict !== 'unknown' || load.length === 0, `${program}: ${load[0]?.what}`);
      const error = refusal('lists', program);
      assert.equal(load.length > 0, error !== undefined, `${program}: ${load[0]?.what ?? 'ok'}, ${error?.message ?? 'loads'}`);
    }
  });

  clean('no program loads that is red; the other groups load the rest', () => {
    const folder = process.env.TSBPF_OBJECTS as string;
    let reds = 0;
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.bpf.o'))) {
      const name = file.replace('.bpf.o', '');
      const object = openNamed(name);
      const programs = object.object.programs.filter(({ isSubprogram }) => !isSubprogram).map((program) => program.name);
      const check = checkObject(only(object, ...programs).object, kernel());
      for (const { program, findings } of check.programs) {
        const red = [...findings, ...check.findings].find(({ stage, verdict }) => stage === 'load' && verdict === 'red');
        if (!red) continue;
        reds++;
        assert.ok(refusal(name, program), `${name} ${program} is red, and loads: ${red.what}`);
      }
    }
    assert.ok(reds >= 2); // no_setting and no_symbol, on any kernel
    rmSync(COPY, { force: true });
  });
});
