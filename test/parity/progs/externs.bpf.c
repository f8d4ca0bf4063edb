// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What the kernel and its configuration define: .kconfig, typeless and typed symbols, kernel functions; weak ones of each. */
#include "core.h"

extern int LINUX_KERNEL_VERSION __kconfig;
extern bool LINUX_HAS_BPF_COOKIE __kconfig;
extern int LINUX_NO_SUCH_THING __kconfig __weak;
extern bool CONFIG_BPF_SYSCALL __kconfig;
extern enum libbpf_tristate CONFIG_TRACING __kconfig __weak;
extern char CONFIG_INET __kconfig __weak;
extern unsigned int CONFIG_HZ __kconfig;
extern __u64 CONFIG_NR_CPUS __kconfig __weak;
extern char CONFIG_CC_VERSION_TEXT[16] __kconfig __weak;
extern __u16 CONFIG_NO_SUCH_NUMBER __kconfig __weak;

extern const void _text __ksym;
extern const void no_such_symbol __ksym __weak;
extern const int bpf_prog_active __ksym __weak;
extern const long no_such_variable __ksym __weak;

/* Kernel functions: the kinds of their types are compared, so the struct must be one, whatever is in it. */
struct task_struct {
	int pid;
};
extern struct task_struct *bpf_task_from_pid(int pid) __ksym;
extern void bpf_task_release(struct task_struct *task) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym __weak;

__u64 sum;
static __u64 hidden;

static __attribute__((noinline)) int looked_up(int pid)
{
	struct task_struct *task = bpf_task_from_pid(pid);

	if (!task)
		return CONFIG_HZ;
	bpf_task_release(task);
	return 1;
}

SEC("raw_tp/kconfig")
int kconfig(void **args)
{
	sum += LINUX_KERNEL_VERSION + LINUX_HAS_BPF_COOKIE + LINUX_NO_SUCH_THING;
	sum += CONFIG_BPF_SYSCALL + CONFIG_TRACING + CONFIG_INET + CONFIG_HZ + CONFIG_NR_CPUS + CONFIG_NO_SUCH_NUMBER;
	hidden += CONFIG_CC_VERSION_TEXT[(long)args & 15];
	return hidden;
}

SEC("raw_tp/symbols")
int symbols(void **args)
{
	sum += (__u64)&_text;
	if (&no_such_symbol)
		sum += (__u64)&no_such_symbol;
	if (&bpf_prog_active)
		sum += *(int *)bpf_this_cpu_ptr(&bpf_prog_active);
	if (&no_such_variable)
		sum += no_such_variable;
	return 0;
}

SEC("tp_btf/task_newtask")
int functions(void **args)
{
	bpf_rcu_read_lock();
	sum += looked_up(1);
	bpf_rcu_read_unlock();
	return looked_up(2) + CONFIG_HZ;
}
