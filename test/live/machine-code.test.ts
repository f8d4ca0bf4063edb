// How machine instructions are written. The expected lines are llvm-objdump's (LLVM 19, --no-print-imm-hex), for the same bytes.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fromHex, region } from '../../src/bytes/index.js';
import { machineDisassembler } from '../../src/cli/machine.js';
import { parseElf } from '../../src/elf/index.js';
import { type JitedCode, jitedJson, jitedText, type MachineDisassembler, operandList, writeJson } from '../../src/live/index.js';
import { openObject } from '../../src/object/index.js';

const AT = 0xffffffffc0001000n;
const [x64, arm64] = [await machineDisassembler('x64'), await machineDisassembler('arm64')];
const written = (disassemble: MachineDisassembler, hex: string) =>
  disassemble(fromHex(hex), AT).map(({ operation, operands }) => `${operation} ${operands}`.trimEnd());

describe('x86-64, as LLVM writes it', () => {
  it.each([
    ['0f1f440000', 'nopl (%rax,%rax)'],
    ['4881ec20000000', 'subq $32, %rsp'],
    ['4883c6fc', 'addq $-4, %rsi'],
    ['81e7f8ffffff', 'andl $4294967288, %edi'],
    ['83e7f8', 'andl $-8, %edi'],
    ['6683c8fe', 'orw $-2, %ax'],
    ['80e2fc', 'andb $-4, %dl'],
    ['c6450080', 'movb $-128, (%rbp)'],
    ['80bb8300000001', 'cmpb $1, 131(%rbx)'],
    ['41bfffffffff', 'movl $4294967295, %r15d'],
    ['48c7c6103202c0', 'movq $-1073597936, %rsi'],
    ['48bf00404c198188ffff', 'movabsq $-131386920124416, %rdi'],
    ['6548030425c8c3b183', 'addq %gs:-2085502008, %rax'],
    ['e8fb0f0000', 'callq 0xffffffffc0002000'],
    ['75fe', 'jne 0xffffffffc0001000'],
    ['ffe0', 'jmpq *%rax'],
    ['ff25f6ffffff', 'jmpq *-10(%rip)'],
    ['d1e6', 'shll %esi'],
    ['48c1e820', 'shrq $32, %rax'],
    ['c4e2fbf7c7', 'shrxq %rax, %rdi, %rax'],
    ['f0480fc17d00', 'lock xaddq %rdi, (%rbp)'],
    ['488d841700ffffff', 'leaq -256(%rdi,%rdx), %rax'],
    ['c9', 'leave'],
  ])('%s is %s', (hex, text) => {
    expect(written(x64, hex)).toEqual([text]);
  });

  it('shows what is no instruction byte by byte, and goes on behind it', () => {
    expect(written(x64, '060e90')).toEqual(['.byte 0x06', '.byte 0x0e', 'nop']);
  });
});

describe('arm64, as LLVM writes it', () => {
  it.each([
    ['fd7bbfa9', 'stp x29, x30, [sp, #-16]!'],
    ['fd030091', 'mov x29, sp'],
    ['0a0080d2', 'mov x10, #0'],
    ['eafd9fd2', 'mov x10, #65519'],
    ['0a008092', 'mov x10, #-1'],
    ['0a00b052', 'mov w10, #-2147483648'],
    ['00000094', 'bl 0xffffffffc0001000'],
    ['41000054', 'b.ne 0xffffffffc0001008'],
    ['400000b4', 'cbz x0, 0xffffffffc0001008'],
    ['00f07d92', 'and x0, x0, #0xfffffffffffffff8'],
    ['001c0012', 'and w0, w0, #0xff'],
    ['0810152a', 'orr w8, w0, w21, lsl #4'],
    ['200020f8', 'ldadd x0, x0, [x1]'],
    ['c0035fd6', 'ret'],
  ])('%s is %s', (hex, text) => {
    expect(written(arm64, hex)).toEqual([text]);
  });
});

it('takes operands apart as bpftool does', () => {
  expect(operandList('%rdi, -4(%rbp,%rax,8)')).toEqual(['%rdi', '-4', '%rbp', '%rax', '8']);
  expect(operandList('')).toEqual([]);
});

describe('a program', () => {
  const file = 'fixtures/bootstrap.bpf.o';
  const object = openObject(parseElf(region(readFileSync(file), { file })));
  const [exec] = object.programs;
  const lines = object.ext.lineInfo.get(exec?.section as string) ?? [];
  const funcs = object.ext.funcInfo.get(exec?.section as string) ?? [];
  /** Two functions of three instructions and two. Two lines begin at the second instruction of the first. */
  const code: JitedCode = {
    code: fromHex(['55', '4883ec08', 'f0480107', '31c0', 'c3'].join('')),
    lengths: [9, 3],
    ksyms: [0x1000n, 0x2000n],
    btf: object.btf,
    funcInfo: [funcs[0], funcs[0]] as JitedCode['funcInfo'],
    lineInfo: lines.slice(0, 5),
    lineAddresses: [0x1000n, 0x1001n, 0x1001n, 0x1005n, 0x2002n],
    symbols: new Map([[0x1000n, 'bpf_prog_0123456789abcdef_handle_exec']]),
  };

  it('is text', () => {
    expect(jitedText(code, { opcodes: true, linum: true }, x64)).toMatchInlineSnapshot(`
      "int handle_exec(struct trace_event_raw_sched_process_exec * ctx):
      bpf_prog_0123456789abcdef_handle_exec:
      ; int handle_exec(struct trace_event_raw_sched_process_exec *ctx) [file:./bpf/bootstrap.bpf.c line_num:33 line_col:0]
         0:	pushq	%rbp
      	55 
      ; pid_t pid = bpf_get_current_pid_tgid() >> 32; [file:./bpf/bootstrap.bpf.c line_num:35 line_col:41]
         1:	subq	$8, %rsp
      	48 83 ec 08 
      ; pid_t pid = bpf_get_current_pid_tgid() >> 32; [file:./bpf/bootstrap.bpf.c line_num:35 line_col:8]
         5:	lock addq	%rax, (%rdi)
      	f0 48 01 07 

      int handle_exec(struct trace_event_raw_sched_process_exec * ctx):
      0x0000000000002000:
         0:	xorl	%eax, %eax
      	31 c0 
      ; u64 now = bpf_ktime_get_ns(); [file:./bpf/bootstrap.bpf.c line_num:36 line_col:12]
         2:	retq
      	c3 

      "
    `);
    expect(jitedText(code, {})).toMatchInlineSnapshot(`
      "int handle_exec(struct trace_event_raw_sched_process_exec * ctx):
      bpf_prog_0123456789abcdef_handle_exec:
      ; int handle_exec(struct trace_event_raw_sched_process_exec *ctx)
         0:	55
      ; pid_t pid = bpf_get_current_pid_tgid() >> 32;
      ; pid_t pid = bpf_get_current_pid_tgid() >> 32;
         1:	48 83 ec 08
      ; pid_t pid = bpf_get_current_pid_tgid() >> 32;
         5:	f0 48 01 07

      int handle_exec(struct trace_event_raw_sched_process_exec * ctx):
      0x0000000000002000:
         0:	31 c0
      ; u64 now = bpf_ktime_get_ns();
         2:	c3

      "
    `);
  });

  it('is JSON', () => {
    const json = (options: object) => JSON.parse(writeJson(jitedJson(code, options, x64)));
    expect(json({ opcodes: true, linum: true })).toMatchInlineSnapshot(`
      [
        {
          "insns": [
            {
              "file": "./bpf/bootstrap.bpf.c",
              "line_num": 33,
              "opcodes": [
                "0x55",
              ],
              "operands": [
                "%rbp",
              ],
              "operation": "pushq",
              "pc": "0x0",
              "src": "int handle_exec(struct trace_event_raw_sched_process_exec *ctx)",
            },
            {
              "file": "./bpf/bootstrap.bpf.c",
              "line_col": 41,
              "line_num": 35,
              "opcodes": [
                "0x48",
                "0x83",
                "0xec",
                "0x08",
              ],
              "operands": [
                "$8",
                "%rsp",
              ],
              "operation": "subq",
              "pc": "0x1",
              "src": "pid_t pid = bpf_get_current_pid_tgid() >> 32;",
            },
            {
              "file": "./bpf/bootstrap.bpf.c",
              "line_col": 8,
              "line_num": 35,
              "opcodes": [
                "0xf0",
                "0x48",
                "0x01",
                "0x07",
              ],
              "operands": [
                "%rax",
                "%rdi",
              ],
              "operation": "lock addq",
              "pc": "0x5",
              "src": "pid_t pid = bpf_get_current_pid_tgid() >> 32;",
            },
          ],
          "name": "bpf_prog_0123456789abcdef_handle_exec",
          "proto": "int handle_exec(struct trace_event_raw_sched_process_exec * ctx)",
        },
        {
          "insns": [
            {
              "opcodes": [
                "0x31",
                "0xc0",
              ],
              "operands": [
                "%eax",
                "%eax",
              ],
              "operation": "xorl",
              "pc": "0x0",
            },
            {
              "file": "./bpf/bootstrap.bpf.c",
              "line_col": 12,
              "line_num": 36,
              "opcodes": [
                "0xc3",
              ],
              "operands": [
                null,
              ],
              "operation": "retq",
              "pc": "0x2",
              "src": "u64 now = bpf_ktime_get_ns();",
            },
          ],
          "name": "0x0000000000002000",
          "proto": "int handle_exec(struct trace_event_raw_sched_process_exec * ctx)",
        },
      ]
    `);
    expect(json({})[1].insns).toMatchInlineSnapshot(`
      [
        {
          "operands": [
            "%eax",
            "%eax",
          ],
          "operation": "xorl",
          "pc": "0x0",
        },
        {
          "operands": [
            null,
          ],
          "operation": "retq",
          "pc": "0x2",
          "src": "u64 now = bpf_ktime_get_ns();",
        },
      ]
    `);
    expect(JSON.parse(writeJson(jitedJson(code, {})))).toMatchInlineSnapshot(`
      [
        {
          "insns": [
            {
              "opcodes": [
                "0x55",
              ],
              "pc": "0x0",
              "src": "int handle_exec(struct trace_event_raw_sched_process_exec *ctx)",
            },
            {
              "opcodes": [],
              "pc": "0x1",
              "src": "pid_t pid = bpf_get_current_pid_tgid() >> 32;",
            },
            {
              "opcodes": [
                "0x48",
                "0x83",
                "0xec",
                "0x08",
              ],
              "pc": "0x1",
              "src": "pid_t pid = bpf_get_current_pid_tgid() >> 32;",
            },
            {
              "opcodes": [
                "0xf0",
                "0x48",
                "0x01",
                "0x07",
              ],
              "pc": "0x5",
              "src": "pid_t pid = bpf_get_current_pid_tgid() >> 32;",
            },
          ],
          "name": "bpf_prog_0123456789abcdef_handle_exec",
          "proto": "int handle_exec(struct trace_event_raw_sched_process_exec * ctx)",
        },
        {
          "insns": [
            {
              "opcodes": [
                "0x31",
                "0xc0",
              ],
              "pc": "0x0",
            },
            {
              "opcodes": [
                "0xc3",
              ],
              "pc": "0x2",
              "src": "u64 now = bpf_ktime_get_ns();",
            },
          ],
          "name": "0x0000000000002000",
          "proto": "int handle_exec(struct trace_event_raw_sched_process_exec * ctx)",
        },
      ]
    `);
  });

  it('of which the kernel tells neither addresses nor names has its code', () => {
    const bare = { ...code, lengths: [], ksyms: [], lineAddresses: [], btf: undefined };
    expect(jitedText(bare, {}, x64)).toBe(
      'unknown:\n   0:\tpushq\t%rbp\n   1:\tsubq\t$8, %rsp\n   5:\tlock addq\t%rax, (%rdi)\n   9:\txorl\t%eax, %eax\n   b:\tretq\n\n',
    );
  });
});
