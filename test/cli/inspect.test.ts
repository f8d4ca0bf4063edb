// `tsbpf inspect --relocated`: the contract of its JSON, its text, and that it asks no kernel anything when it is given types.

import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseElf } from '../../src/elf/index.js';
import { openObject } from '../../src/object/index.js';
import { tsbpf } from '../support/cli.js';
import { compilePart, describeWithCompiler } from '../support/compile.js';
import { describeWithKernel } from '../support/kernel.js';
import { describeTraced, traced } from '../support/strace.js';
import { compileWhy, folderOfKernels } from '../support/why.js';

const bootstrap = join(import.meta.dirname, '../../fixtures/bootstrap.bpf.o');

/** The object's own types in a file, in place of a kernel's. */
function ownTypes(): string {
  const { btf } = openObject(parseElf(readFileSync(bootstrap)));
  const file = join(mkdtempSync(join(tmpdir(), 'tsbpf-inspect-')), 'own.btf');
  writeFileSync(file, btf?.toBytes() ?? '');
  return file;
}

const relocated = <T>(stdout: string): T => (JSON.parse(stdout) as { relocated: T }).relocated;

describe('inspect --relocated', () => {
  const btf = ownTypes();

  test('--json has programs, maps, externs and relocations with the promised keys', () => {
    const { status, stdout, stderr } = tsbpf(['inspect', bootstrap, '--relocated', '--json', '--btf', btf]);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const { programs, maps, externs, relocations } = relocated<Record<string, Record<string, unknown>[]>>(stdout);
    expect(programs?.map(({ name }) => name)).toEqual(['handle_exec', 'handle_exit']);
    expect(programs?.[0]).toEqual({
      name: 'handle_exec',
      section: 'tp/sched/sched_process_exec',
      type: 'tracepoint',
      expected_attach_type: null,
      attach_btf_id: 0,
      flags: 0,
      insns: expect.stringMatching(/^([0-9a-f]{16})+$/),
      refs: expect.arrayContaining([{ insn: expect.any(Number), kind: 'map', name: 'rb', offset: 0 }]),
    });
    expect(maps?.find(({ name }) => name === 'rb')).toEqual({
      name: 'rb',
      type: 'ringbuf',
      key_size: 0,
      value_size: 0,
      max_entries: 262144,
      map_flags: 0,
      map_extra: 0,
      numa_node: 0,
      pinning: 'none',
      inner: null,
      data_sha256: null,
    });
    expect(maps?.find(({ name }) => name === 'bootstra.rodata')?.data_sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(externs).toEqual([]);
    // Against its own types nothing moves.
    for (const relocation of relocations ?? [])
      expect(relocation).toMatchObject({ verdict: 'resolved', after: relocation.before });
    expect(relocations?.[0]).toMatchObject({
      program: 'handle_exec',
      kind: 'byte_off',
      local: 'struct task_struct.real_parent (0:2 @ offset 8)',
      source: { file: './bpf/bootstrap.bpf.c', line: expect.any(Number), text: expect.any(String) },
    });
  });

  test('--full adds what is handed to the kernel besides', () => {
    const { stdout } = tsbpf(['inspect', bootstrap, '--relocated', '--json', '--full', '--btf', btf]);
    const {
      programs,
      btf: types,
      map_operations,
    } = relocated<{ programs: unknown[]; btf: unknown; map_operations: unknown[] }>(stdout);
    expect(programs[0]).toMatchObject({
      license: 'Dual BSD/GPL',
      func_info: expect.stringMatching(/^00000000/),
      line_info_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(types).toMatchObject({ size: expect.any(Number), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(map_operations).toContainEqual({ operation: 'freeze', map: 'bootstra.rodata' });
  });

  test('as text: instructions with what they refer to, and each relocation', () => {
    const { status, stdout } = tsbpf(['inspect', bootstrap, '--relocated', '--btf', btf]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^handle_exit: section tp\/sched\/sched_process_exit, \d+ instructions$/m);
    expect(stdout).not.toMatch(/^handle_exit:$/m); // said once
    expect(stdout).toMatch(/r1 = map\[fd:0\] +; map rb$/m);
    expect(stdout).toMatch(/; <byte_off> struct task_struct\.real_parent \(0:2 @ offset 8\): 8 -> 8 from /);
  });

  test('an object that is none: the error as JSON, exit 1', () => {
    const { status, stdout } = tsbpf(['inspect', import.meta.filename, '--relocated', '--json']);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      error: {
        code: 'ERR_TSBPF_FORMAT',
        message: expect.stringContaining('Not an ELF file'),
        where: { file: import.meta.filename },
      },
    });
  });
});

describeWithCompiler('inspect, of the least kernel', () => {
  const folder = folderOfKernels();
  afterAll(() => folder.remove());

  test('a strong kernel function is not guarded', () => {
    const { stdout } = tsbpf(['inspect', compileWhy(folder, 7)]);
    expect(stdout).toContain('Linux 5.13 or later, because of calls of kernel functions');
    expect(stdout).toContain('calls of kernel functions (5.13)');
    expect(stdout).toMatch(/^ {2}option .*CONFIG_BPF_JIT(,|$)/m);
  });

  test('an attach type that only links need is optional', () => {
    const { stdout } = tsbpf(['inspect', compileWhy(folder, 6)]);
    expect(stdout).toContain('Linux 4.8 or later, because of BPF_PROG_TYPE_XDP');
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('attach type BPF_XDP (5.9, optional), BPF_TCX_INGRESS (6.6, optional)');
  });
});

describe('inspect', () => {
  test('prints one page', () => {
    const { status, stdout, stderr } = tsbpf(['inspect', bootstrap]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.replace(bootstrap, 'FILE')).toMatchInlineSnapshot(`
      "FILE: BPF object "bootstrap", little-endian, license "Dual BSD/GPL"

      Programs
        handle_exec  SEC("tp/sched/sched_process_exec")  tracepoint
            71 instructions, 3 CO-RE relocations
            maps: exec_start, bootstra.rodata, rb, bootstra.bss
            helpers: bpf_get_current_pid_tgid, bpf_ktime_get_ns, bpf_map_update_elem, bpf_ringbuf_reserve,
                bpf_get_current_task, bpf_probe_read_kernel, bpf_get_current_comm, bpf_probe_read_str,
                bpf_ringbuf_submit
        handle_exit  SEC("tp/sched/sched_process_exit")  tracepoint
            90 instructions, 3 CO-RE relocations
            maps: exec_start, bootstra.rodata, rb, bootstra.bss
            helpers: bpf_get_current_pid_tgid, bpf_map_lookup_elem, bpf_ktime_get_ns, bpf_map_delete_elem,
                bpf_ringbuf_reserve, bpf_get_current_task, bpf_probe_read_kernel, bpf_get_current_comm,
                bpf_ringbuf_submit

      Maps
        exec_start  hash     key pid_t (4)  value u64 (8)  max_entries 8192
        rb          ringbuf                                max_entries 262144

      Variables
        .rodata  +0  const volatile unsigned long long min_duration_ns  = 0
        .rodata  +8  struct event * const event_type                    = 0
        .bss     +0  __u64 dropped                                      = 0

      A load asks the kernel for
        its types (BTF), for CO-RE
        ids of tracepoints (tracefs): sched/sched_process_exec, sched/sched_process_exit
        features: memcg_account, perf_link, btf_datasec, btf_func, btf_global_func

      Kernel requirements
        Linux 5.8 or later, because of BPF_MAP_TYPE_RINGBUF
        program type    tracepoint (4.7)
        map type        hash (3.19), ringbuf (5.8), array (3.19)
        helper          bpf_get_current_pid_tgid (4.2), bpf_ktime_get_ns (4.1), bpf_map_update_elem
                        (3.19), bpf_ringbuf_reserve (5.8), bpf_get_current_task (4.8),
                        bpf_probe_read_kernel (5.5), bpf_get_current_comm (4.2), bpf_probe_read_str
                        (4.11), bpf_ringbuf_submit (5.8), bpf_map_lookup_elem (3.19), bpf_map_delete_elem
                        (3.19)
        instruction     global variables (5.2), jumps on 32 bits (5.1)
        option          CONFIG_BPF_SYSCALL, CONFIG_BPF_EVENTS
        capability      CAP_BPF, CAP_PERFMON, CAP_DAC_READ_SEARCH, CAP_SYS_ADMIN (optional)
        mount           tracefs
        lockdown        no lockdown=confidentiality
      "
    `);
  });

  test('--json has the same as a value', () => {
    const { status, stdout } = tsbpf(['inspect', bootstrap, '--json']);
    expect(status).toBe(0);
    const page = JSON.parse(stdout) as { programs: Record<string, unknown>[]; maps: unknown[]; variables: unknown[] };
    expect(Object.keys(page)).toEqual([
      ...['name', 'file', 'little_endian', 'license', 'programs', 'maps'],
      ...['variables', 'struct_ops', 'externs', 'asks', 'least_kernel', 'requirements'],
    ]);
    expect(page.programs[1]).toMatchObject({ name: 'handle_exit', type: 'tracepoint', autoload: true, core_relocations: 3 });
    expect(page.maps[0]).toMatchObject({ name: 'exec_start', type: 'hash', key: 'pid_t', value: 'u64', inner: null });
    expect(page.variables[0]).toMatchObject({ section: '.rodata', name: 'min_duration_ns', value: 0 });
  });

  test('--insns has the lines of C, names of maps, and where jumps go', () => {
    const { stdout } = tsbpf(['inspect', bootstrap, '--insns']);
    expect(stdout).toContain('; bpf_map_update_elem(&exec_start, &pid, &now, BPF_ANY); @ ./bpf/bootstrap.bpf.c:41');
    expect(stdout).toMatch(/^ {4}10: r1 = 0x0 +; map exec_start$/m);
    expect(stdout).toMatch(/^ {4}25: if r7 != 0x0 goto pc\+5 +; to 31$/m);
    expect(stdout).toMatch(/^> {3}31: /m);
    expect(stdout).toMatch(/CO-RE byte_off struct task_struct\.tgid/);
  });

  test('variables go by their names, in the file and as a kernel would get it', () => {
    expect(tsbpf(['inspect', bootstrap, '--insns']).stdout).toMatch(/; map_value dropped \(bootstra\.bss \+ 0\)$/m);
    expect(tsbpf(['inspect', bootstrap, '--relocations']).stdout).toMatch(
      / map_value +min_duration_ns \(bootstra\.rodata \+ 0\) /,
    );
    expect(tsbpf(['inspect', bootstrap, '--relocated', '--btf', ownTypes()]).stdout).toMatch(
      /; map_value dropped \(bootstra\.bss \+ 0\)$/m,
    );
  });

  test('--relocations and --sections together are two tables, and two keys beside those of the page', () => {
    const { stdout } = tsbpf(['inspect', bootstrap, '--relocations', '--sections']);
    expect(stdout).toMatch(/^Sections$/m);
    expect(stdout).toMatch(/ \.maps +PROGBITS +\d+ bytes +WA$/m);
    expect(stdout).toMatch(/^Relocations$/m);
    expect(stdout).toMatch(/handle_exec insn 19 +map +rb +bootstrap\.bpf\.c:45$/m);
    const json = JSON.parse(tsbpf(['inspect', bootstrap, '--relocations', '--sections', '--insns', '--json']).stdout) as object;
    const page = JSON.parse(tsbpf(['inspect', bootstrap, '--json']).stdout) as object;
    expect(json).toMatchObject(page);
    expect(Object.keys(json).filter((key) => !(key in page))).toEqual(['sections', 'relocations', 'functions']);
  });

  test('--btf alone shows the types of the object', () => {
    expect(tsbpf(['inspect', bootstrap, '--btf']).stdout).toMatch(/^struct event \{$/m);
    const { btf } = JSON.parse(tsbpf(['inspect', bootstrap, '--btf', '--json']).stdout) as { btf: { types: unknown[] } };
    expect(btf.types.length).toBeGreaterThan(20);
  });

  test('--btf FILE without --relocated is wrong usage', () => {
    expect(tsbpf(['inspect', bootstrap, '--btf', 'x'])).toMatchObject({ status: 2 });
  });
});

describeWithCompiler('inspect', () => {
  test('a type of programs and how they are attached is one word where it is the same', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tsbpf-inspect-'));
    const source = join(folder, 'xd.bpf.c');
    writeFileSync(source, '__attribute__((section("xdp"), used)) int xd(void *ctx) { return 2; }\n');
    const { stdout } = tsbpf(['inspect', compilePart(source, 0)]);
    expect(stdout).toContain('xd  SEC("xdp")  xdp\n');
  });
});

describeWithCompiler('inspect --relocated of externs', () => {
  describeWithKernel('against this kernel', () => {
    test('names kernel functions, variables and symbols where they are referred to', () => {
      const object = compilePart(join(import.meta.dirname, '../parity/progs/externs.bpf.c'), 0);
      const { stdout } = tsbpf(['inspect', object, '--relocated', '--json']);
      const { programs } = relocated<{ programs: { refs?: { kind: string; name: string; offset: number }[] }[] }>(stdout);
      const kinds = new Map(programs.flatMap(({ refs = [] }) => refs.map(({ kind, name }) => [kind, name] as const)));
      expect([...kinds.keys()]).toEqual(expect.arrayContaining(['kfunc', 'btf_var', 'ksym', 'map_value']));
      expect(kinds.get('kfunc')).toMatch(/^(bpf_|tcp_)/);
    });
  });
});

describeWithCompiler('inspect --relocated against types that lack what a program hooks into', () => {
  const folder = folderOfKernels();
  afterAll(() => folder.remove());
  const given = (...more: string[]) =>
    tsbpf(['inspect', compileWhy(folder, 1), '--relocated', '--btf', folder.path('5.10.btf'), ...more]);

  test('the code is shown, and that it is missing is said once', () => {
    const { stdout } = given();
    expect(stdout).toMatch(
      /^target: section fentry\/vfs_reed, 2 instructions\n {2}The kernel's BTF has no function vfs_reed; a load /m,
    );
    expect(stdout.match(/no function vfs_reed/g)).toHaveLength(1);
  });

  test('--json has both', () => {
    const { programs } = relocated<{ programs: { name: string }[] }>(given('--json').stdout);
    expect(programs.find(({ name }) => name === 'target')).toMatchObject({
      attach_btf_id: 0,
      insns: 'b7000000000000009500000000000000',
      attach_error: { message: expect.stringContaining("The kernel's BTF has no function vfs_reed") },
    });
  });
});

describeWithCompiler('inspect, of an object without programs', () => {
  test('--relocated says so', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tsbpf-inspect-'));
    const source = join(folder, 'nothing.bpf.c');
    writeFileSync(source, 'int nothing;\n');
    const words = ['inspect', compilePart(source, 0), '--relocated', '--btf', ownTypes()];
    expect(tsbpf(words)).toMatchObject({ status: 0, stdout: 'No program of it would be loaded\n' });
    expect(relocated(tsbpf([...words, '--json']).stdout)).toMatchObject({ programs: [] });
  });
});

describeWithCompiler('inspect --sections, of a file that is no object for BPF', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tsbpf-inspect-'));
  const source = join(folder, 'old.bpf.c');
  writeFileSync(source, 'struct { int type; } m __attribute__((section("maps"), used)) = { 1 };\n');

  test('shows them all the same; what needs the object says why there is none', () => {
    const object = compilePart(source, 0);
    expect(tsbpf(['inspect', object, '--sections'])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^ .* maps +PROGBITS +4 bytes +WA$/m),
    });
    for (const words of [['--sections', '--insns'], ['--sections', '--json'], []]) {
      const { status, stdout, stderr } = tsbpf(['inspect', object, ...words]);
      expect(status).toBe(1);
      expect(stdout + stderr).toContain('holds definitions in the form that libbpf 1.0 dropped');
    }
  });
});

describeTraced('inspect --relocated', () => {
  test('asks the kernel for no BPF, loads no koffi, and needs no rights', () => {
    const calls = traced(
      ['inspect', bootstrap, '--relocated', '--json', '--btf', ownTypes()],
      'bpf,perf_event_open,openat',
    ).calls;
    expect(calls).not.toMatch(/ (bpf|perf_event_open)\(/);
    expect(calls).not.toContain('koffi');
    expect(calls).not.toContain('/sys/kernel');
  });
});
