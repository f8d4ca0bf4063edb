// Functions to probe: usual ones, some that take no probe, and some that are not there.
#include "vm.bpf.h"

SEC("kprobe/vfs_read") int usual(void *ctx) { return 0; }
SEC("kprobe/do_int3") int forbidden(void *ctx) { return 0; }
SEC("kprobe/perf_event_nmi_handler") int forbidden_too(void *ctx) { return 0; }
SEC("kprobe/no_such_function") int missing(void *ctx) { return 0; }
SEC("kprobe/vfs_reed") int misspelt(void *ctx) { return 0; }
SEC("kprobe/memcpy_orig") int forbidden_section(void *ctx) { return 0; }
SEC("kprobe/bpf_link_fops") int data(void *ctx) { return 0; }
