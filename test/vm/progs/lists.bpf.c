// Functions and hooks that kernels have in lists of their own, each kernel in others; and a function that some verify by itself.
#include "vm.bpf.h"

SEC("?fentry/migrate_disable") int BPF_PROG(denied) { return 0; }
SEC("?fexit/do_exit") int BPF_PROG(no_return) { return 0; }
SEC("?fentry/_printk") int BPF_PROG(variadic) { return 0; }
SEC("?lsm/getprocattr") int BPF_PROG(disabled) { return 0; }
SEC("?lsm.s/bprm_committed_creds") int BPF_PROG(always_slept) { return 0; }
SEC("?lsm.s/file_open") int BPF_PROG(sleeps) { return 0; }
SEC("?lsm.s/task_free") int BPF_PROG(may_not_sleep) { return 0; }

struct task_struct___of_another {
	int gone;
} __attribute__((preserve_access_index));

__attribute__((noinline)) int global(struct task_struct___of_another *task)
{
	return task ? bpf_core_field_size(task->gone) + (int)bpf_get_smp_processor_id() : 0;
}

SEC("?raw_tp/sched_switch") int guarded(void *ctx)
{
	struct task_struct___of_another local;
	return bpf_core_field_exists(local.gone) ? global(ctx) : 0;
}
