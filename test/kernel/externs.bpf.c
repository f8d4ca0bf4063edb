// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Writes down what it sees of the kernel: its configuration, addresses, and what its functions return. A variable that is there
 * is missing: the kernel finds those only with CONFIG_KALLSYMS_ALL.
 */
#include "../parity/progs/core.h"

struct task_struct {
	int pid;
} __attribute__((preserve_access_index));

extern unsigned int LINUX_KERNEL_VERSION __kconfig;
extern bool LINUX_HAS_BPF_COOKIE __kconfig;
extern bool LINUX_HAS_SYSCALL_WRAPPER __kconfig;
extern int LINUX_NO_SUCH_THING __kconfig __weak;
extern bool CONFIG_BPF_SYSCALL __kconfig;
extern enum libbpf_tristate CONFIG_BPF __kconfig;
extern char CONFIG_NET __kconfig __weak;
extern __u64 CONFIG_NO_SUCH_NUMBER __kconfig __weak;
extern __u16 CONFIG_HZ __kconfig;
extern char CONFIG_CC_VERSION_TEXT[8] __kconfig;

extern const void _text __ksym;
extern const void no_such_symbol __ksym __weak;
extern const int no_such_variable __ksym __weak;

extern struct task_struct *bpf_task_acquire(struct task_struct *) __ksym;
extern void bpf_task_release(struct task_struct *) __ksym;
extern int no_such_function(int) __ksym __weak;

unsigned int version, hz;
unsigned char cookie, wrapper, bpf_syscall, bpf, net, weak_virtual, weak_config;
unsigned char has_symbol, has_variable, has_function, is_this;
unsigned long long text;
char compiler[8];

SEC("syscall")
int look(void *context)
{
	struct task_struct *task;
	int i;

	version = LINUX_KERNEL_VERSION;
	cookie = LINUX_HAS_BPF_COOKIE;
	wrapper = LINUX_HAS_SYSCALL_WRAPPER;
	weak_virtual = LINUX_NO_SUCH_THING;
	bpf_syscall = CONFIG_BPF_SYSCALL;
	bpf = CONFIG_BPF;
	net = CONFIG_NET;
	weak_config = CONFIG_NO_SUCH_NUMBER;
	hz = CONFIG_HZ;
	for (i = 0; i < 8; i++)
		compiler[i] = CONFIG_CC_VERSION_TEXT[i];

	text = (unsigned long long)&_text;
	has_symbol = &no_such_symbol != 0;
	has_variable = &no_such_variable != 0;

	task = bpf_task_acquire((struct task_struct *)bpf_get_current_task_btf());
	if (task) {
		is_this = task->pid == (int)bpf_get_current_pid_tgid();
		bpf_task_release(task);
	}
	has_function = no_such_function != 0;
	return no_such_function ? no_such_function(1) : 7;
}

/* Calls what is not there without asking first. */
SEC("?syscall")
int careless(void *context)
{
	return no_such_function(1);
}
