// What kernels refuse for reasons that types alone do not tell, or tell only to who looks closely.
#include "../../bpf/kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "GPL";

struct task_struct___of_another {
	int pid, gone;
} __attribute__((preserve_access_index));

#if PART == 1
SEC("fentry/vfs_read") int plain(void *ctx) { return 0; }
SEC("fentry/migrate_disable") int denied(void *ctx) { return 0; }
SEC("fexit/do_exit") int no_return(void *ctx) { return 0; }
SEC("fentry/do_exit") int begins(void *ctx) { return 0; }
SEC("fentry/_printk") int variadic(void *ctx) { return 0; }
SEC("lsm/getprocattr") int disabled(void *ctx) { return 0; }
SEC("lsm/file_open") int hook(void *ctx) { return 0; }
SEC("lsm.s/file_open") int sleeps(void *ctx) { return 0; }
SEC("lsm.s/task_free") int may_not_sleep(void *ctx) { return 0; }
#elif PART == 2
__attribute__((noinline)) int global(struct task_struct___of_another *task)
{
	return task ? bpf_core_field_size(task->gone) + (int)bpf_get_smp_processor_id() : 0;
}
SEC("raw_tp/sched_switch") int guarded(void *ctx)
{
	struct task_struct___of_another *task = ctx;
	return bpf_core_field_exists(task->gone) ? global(task) : 0;
}
#elif PART == 3
SEC("iter.s/task") int iterator(void *ctx) { return 0; }
SEC("sk_reuseport/migrate") int migrates(void *ctx) { return 1; }
#elif PART == 4
struct tcp_congestion_ops {
	unsigned int (*ssthresh)(void *sk);
};
SEC("struct_ops/ssthresh") unsigned int ssthresh(void *ctx) { return 2; }
SEC(".struct_ops.link") struct tcp_congestion_ops cc = { .ssthresh = (void *)ssthresh };
#endif
