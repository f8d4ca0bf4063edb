// What to do about the refusals that are met most often. The patterns are of the verifier's own words, of Linux 5.4 to 7.3.

interface Row {
  readonly reason: RegExp;
  /** `$1` stands for the first group of the pattern. */
  readonly remedy: string;
}

/** The first row that fits. */
const REMEDIES: readonly Row[] = [
  {
    reason: /invalid func unknown#(2002|200200)\d*/,
    remedy: 'The call is of a kernel function that this kernel does not have. Guard it with bpf_ksym_exists().',
  },
  {
    reason: /invalid func unknown#|invalid func bpf_|unknown func /,
    remedy:
      'This kernel is older than the helper, or has it not for this program type. Guard the call (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_…)), or do without.',
  },
  {
    reason: /might sleep|sleepable/,
    remedy:
      'What is called may sleep: that is for programs that may, too (SEC("fentry.s/…"), "lsm.s/…", "uprobe.s/…", "iter.s/…", "syscall"), and for none of them between locks or under RCU. Elsewhere something that does not sleep has to do: bpf_probe_read_user() in place of bpf_copy_from_user().',
  },
  {
    reason: /-ed region|while holding a lock|bpf_spin_(?:un)?lock is (?:missing|already)/,
    remedy:
      'Between a lock and its unlock a program may do little, and may not end: call bpf_spin_unlock() (bpf_rcu_read_unlock(), bpf_preempt_enable(), …) on every way out, and before other functions.',
  },
  {
    reason: /call stack of \d+ frames|recursive call/i,
    remedy:
      'Functions may call each other 8 deep, the program itself included, and none may come to call itself: make a loop of it, with what is still to do in an array or a map.',
  },
  {
    reason: /misaligned /,
    remedy:
      'An access has to begin at a multiple of its size here. A pointer into the middle of a char array or of a packed structure does not: copy with __builtin_memcpy() into a variable of the right type, or give the array __attribute__((aligned(8))).',
  },
  {
    reason: /program of this type cannot use helper|helper call is not allowed|not allowed in (?:probe|this)/,
    remedy: 'The helper exists, but not for programs of this type: use another one, or hook in with another SEC().',
  },
  {
    // Helpers, kernel functions, pointers that are followed by their type, and whole types of programs.
    reason: /GPL-restricted|GPL.?only|non-GPL|GPL compatible/i,
    remedy: 'This is for programs under the GPL: char LICENSE[] SEC("license") = "GPL"; if that is what the program is under.',
  },
  {
    reason: /At (?:program exit|callback return) the register R\d+ has .*should have been in ([[(][^\])]*[\])])/,
    remedy:
      'Here the kernel takes a return value in $1 only: return a constant of these, or check the value right before the return.',
  },
  {
    reason: /At program exit the register R0/,
    remedy: 'What is returned must be a number that the verifier knows, and no pointer.',
  },
  {
    reason: /^R0 !read_ok|R0 .*never been initialized/,
    remedy: 'Every way through the program has to set its return value: add `return 0;`. After a call, R1 to R5 are gone too.',
  },
  {
    reason: /R\d+ !read_ok|never been initialized/,
    remedy:
      'On one way to this line the variable has no value. Initialize it where it is declared; a function called with fewer arguments than it takes does this too.',
  },
  {
    reason: /invalid mem access '\w*_or_null_?'|type=\w*_or_null_? expected|possibly NULL|may be NULL/i,
    remedy: 'The pointer may be NULL here. Test it first: if (!p) return 0;',
  },
  {
    reason: /invalid mem access '(?:scalar|inv)'|integer scalar here, not a pointer/,
    remedy:
      'The value is a number to the verifier, not a pointer that may be followed. Read kernel memory with bpf_probe_read_kernel() or BPF_CORE_READ(), user memory with bpf_probe_read_user(), or take the argument in a program whose arguments have types (tp_btf, fentry).',
  },
  {
    reason: /invalid access to packet|outside of the packet/,
    remedy:
      'Compare with data_end before the access: if (data + sizeof(*header) > data_end) return …; and again after every call that may change the packet.',
  },
  {
    reason:
      /unbounded memory access|unbounded (?:min|max) value|min value is negative|max value is outside|min value is outside|variable-offset/,
    remedy:
      'The verifier does not know a small enough bound for the index or size. Check it right before the access, in the same variable and unsigned: if (i >= N) return 0; or mask it: i &= N - 1.',
  },
  {
    reason: /invalid access to map value|invalid access to memory|outside of the allowed memory range/,
    remedy:
      'The access goes past the end of what the pointer points to. Compare its offset and size with the value_size or mem_size in the log.',
  },
  {
    reason: /infinite loop detected|back-edge/,
    remedy:
      'The verifier must see that the loop ends. Give it a constant bound and a counter that changes, or use bpf_for(), bpf_loop(); kernels before 5.3 want #pragma unroll.',
  },
  {
    reason: /BPF program is too large|too many (?:instructions|states)|complexity|The sequence of \d+ jumps is too complex/,
    remedy:
      'The verifier gave up: too many ways through the program. Take code out of loops, make bounds smaller, put parts in functions that are not static (each is verified once), or use bpf_loop().',
  },
  {
    reason:
      /stack size .* Too large|combined stack size|invalid (?:indirect )?(?:read|write|access).* stack|invalid stack type|stack limit/i,
    remedy:
      'A program has 512 bytes of stack, those of the functions that it calls included, and may read only what it wrote there. Keep large variables in a per-CPU array map; initialize structures whole ( = {} or __builtin_memset), padding included.',
  },
  {
    reason: /Unreleased reference|reference leak|reference has not been acquired/i,
    remedy:
      'What was acquired must be released on every way out: bpf_ringbuf_submit() or bpf_ringbuf_discard(), bpf_sk_release(), and so on, exactly once.',
  },
  {
    reason: /kfunc|kernel function/i,
    remedy:
      'The kernel function takes other arguments than these, or not from this type of program: compare with its prototype (tsbpf btf find NAME) and with what its flags ask for, such as a trusted pointer.',
  },
  {
    reason: /pointer arithmetic|math between|prohibited|pointer .*comparison|dereference of modified|partial copy of pointer/,
    remedy:
      'Pointers may only be added to and taken from, in 64 bits, within known bounds, and some not at all. Keep the number in another variable; where the compiler mixed them up, barrier_var() keeps them apart.',
  },
  {
    reason: /invalid bpf_context access|dereference of modified ctx/,
    remedy:
      'The context has no such field at this offset for this type of program, or it cannot be written there, or only in its full width.',
  },
  {
    reason:
      /unreachable insn|jump out of range|last insn is not an exit|unknown opcode|uses reserved fields|invalid BPF_LD_IMM64/,
    remedy:
      'The instructions are not what a compiler makes of C: an __asm__ block, a tool that changed them, or an instruction set (-mcpu=v3, v4) that this kernel is too old for.',
  },
  {
    reason: /func_info|line_info|insn_off|BTF /,
    remedy:
      'The debug information does not fit the instructions. Was the object stripped, linked or changed after it was compiled? Compile it anew with clang -g.',
  },
  {
    reason: /R\d+ type=\S+ expected=|arg#?\d|invalid .*argument/,
    remedy:
      'The function wants another kind of pointer in this argument: compare its prototype (of a helper: man 7 bpf-helpers; of a kernel function: tsbpf btf find NAME) with what is passed.',
  },
];

/** What to do next, for the reason as the log has it; undefined where we do not know. */
export function remedyFor(reason: string): string | undefined {
  for (const { reason: pattern, remedy } of REMEDIES) {
    const found = pattern.exec(reason);
    if (found) return remedy.replace('$1', () => found[1] ?? '');
  }
  return undefined;
}
