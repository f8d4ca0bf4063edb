// The only things that may stand between us and libbpf. Each says where it shows, and why it is so.
//
//   verdict   of the comparison: 'different', 'libbpf alone refuses', 'tsbpf alone refuses'
//   field     which field differs, where the verdict is 'different'
//   at        of which map or program
//   theirs    what libbpf says, where it alone refuses
//   ours      what we say, where we alone refuse
//   object, kernel, source   only there; anywhere when left out
//   reason    one line for the report
//
// Every condition that is given must hold. Texts are regular expressions.

export const KNOWN = [
  {
    verdict: 'different',
    field: '^contents: (too many|value)$',
    at: '\\.kconfig 00000000$',
    object: '^(bpf_syscall_macro|test_attach_probe|test_probe_user)\\.bpf\\.o$',
    reason:
      "LINUX_HAS_SYSCALL_WRAPPER: libbpf attaches a kprobe to find out, and says no on a kernel without kprobes; we read the kernel's symbols",
  },
];
