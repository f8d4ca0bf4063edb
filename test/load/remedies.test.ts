// Which remedy goes with which reason, in the words of several kernels.

import { expect, it } from 'vitest';
import { remedyFor } from '../../src/load/index.js';

it.each<[reason: string, remedy: RegExp]>([
  ['R0 !read_ok', /return 0/],
  ['At program exit the register R0 has smin=77 smax=77 should have been in [0, 3]', /in \[0, 3\] only/],
  ['At program exit the register R0 has value (0x4d; 0x0) should have been in (0x0; 0x3)', /in \(0x0; 0x3\) only/],
  ['At program exit the register R0 is not a known value (ctx)', /no pointer/],
  ['R3 !read_ok', /Initialize/],
  ["R1 invalid mem access 'inv'", /bpf_probe_read_kernel/],
  ["R0 invalid mem access 'map_value_or_null'", /NULL/],
  ["R0 invalid mem access 'ptr_or_null_'; x", /NULL/],
  [
    'invalid access to packet, off=13 size=1, R1(id=0,off=13,r=0); R1 min value is outside of the allowed memory range',
    /data_end/,
  ],
  ["R2 unbounded memory access, use 'var &= const' or 'if (var < const)'", /bound/],
  ['R1 max value is outside of the allowed memory range', /bound/],
  ['infinite loop detected at insn 4', /bpf_loop/],
  ['back-edge from insn 5 to 1', /#pragma unroll/],
  ['BPF program is too large. Processed 1000001 insn', /too many ways/],
  ['The sequence of 8193 jumps is too complex.', /too many ways/],
  ['invalid func unknown#9999', /older than the helper/],
  ['unknown func bpf_xdp_adjust_head#44', /older than the helper/],
  ['program of this type cannot use helper bpf_xdp_adjust_head#44', /another one/],
  ['cannot call GPL-restricted function from non-GPL compatible program', /license/],
  ['cannot call kernel function from non-GPL compatible program', /license/],
  ['LSM programs must have a GPL compatible license', /license/],
  ["Cannot access kernel 'struct task_struct' from non-GPL compatible program", /license/],
  ['the call stack of 8 frames is too deep !', /8 deep/],
  ['recursive call from down() to down()', /8 deep/],
  ['helper call might sleep in a non-sleepable prog', /fentry\.s/],
  ['program must be sleepable to call sleepable kfunc bpf_iter_css_task_new', /fentry\.s/],
  ['sleepable helper bpf_copy_from_user#148 in rcu_read_lock region', /under RCU/],
  ['BPF_EXIT instruction in main prog cannot be used inside bpf_spin_lock-ed region', /unlock/],
  ['function calls are not allowed while holding a lock', /unlock/],
  ['bpf_spin_unlock is missing', /unlock/],
  ['misaligned stack access off 0+0+-29 size 8', /multiple of its size/],
  ['misaligned packet access off 0+0+15+2 size 4', /multiple of its size/],
  ['arg#0 pointer type STRUCT task_struct must point to scalar, or struct with scalar', /tsbpf btf find/],
  ['combined stack size of 2 calls is 1024. Too large', /512 bytes/],
  ['invalid read from stack R10 off=-520 size=8', /512 bytes/],
  ['Unreleased reference id=2 alloc_insn=4', /every way out/],
  ['kernel function bpf_task_acquire args#0 expected pointer to STRUCT task_struct', /prototype/],
  ['R1 pointer arithmetic with *= operator prohibited', /Pointers may only/],
  ['math between fp pointer and register with unbounded min value is not allowed', /bound/],
  ['unreachable insn 2', /compiler/],
  ['jump out of range from insn 0 to 17', /compiler/],
  ['invalid bpf_context access off=4000 size=8', /context/],
  ["func_info BTF section doesn't match subprog layout in BPF program", /debug information/],
  ['R1 type=scalar expected=fp, pkt, map_value', /prototype/],
])('%s', (reason, remedy) => {
  expect(remedyFor(reason)).toMatch(remedy);
});

it('there is none for what is not known', () => {
  expect(remedyFor('something that no kernel said yet')).toBeUndefined();
  expect(remedyFor('')).toBeUndefined();
});
