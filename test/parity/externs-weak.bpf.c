// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Weak kernel functions that are not there, or have another type, or a flavor: as libbpf handles them since 1.5. */
#include "progs/core.h"

struct task_struct {
	int pid;
};
extern struct task_struct *bpf_task_from_pid(int pid) __ksym __weak;
extern struct task_struct *bpf_task_from_pid___one(int pid, int flags) __ksym __weak;
extern struct task_struct *bpf_task_from_pid___two(int pid) __ksym __weak;
extern void bpf_task_release(struct task_struct *) __ksym __weak;
extern void bpf_task_release___other(void) __ksym __weak;
extern int no_such_function(void *) __ksym __weak;
extern int CONFIG_HZ __kconfig __weak;
extern unsigned long CONFIG_NO_SUCH_THING __kconfig __weak;

int sum;

static __attribute__((noinline)) void drop(struct task_struct *task)
{
	if (bpf_task_release___other)
		bpf_task_release___other();
	else if (task)
		bpf_task_release(task);
}

SEC("tp_btf/task_newtask")
int flavors(void **args)
{
	struct task_struct *task = 0;

	if (bpf_task_from_pid___one)
		task = bpf_task_from_pid___one(1, 2);
	else if (bpf_task_from_pid___two)
		task = bpf_task_from_pid___two(1);
	else
		task = bpf_task_from_pid(1);
	drop(task);
	return no_such_function ? no_such_function(args) : CONFIG_HZ + CONFIG_NO_SUCH_THING;
}
