// Programs at a kernel function that a test can call: setpriority(2) comes to security_task_setnice.
#include "vm.bpf.h"

const volatile int target;
int entered, entered_nice, returned, returned_value;

SEC("?fentry/security_task_setnice") int BPF_PROG(on_entry, struct task_struct *task, int nice)
{
	if (task->tgid == target) {
		entered++;
		entered_nice = nice;
	}
	return 0;
}

SEC("?fexit/security_task_setnice") int BPF_PROG(on_return, struct task_struct *task, int nice, int result)
{
	if (task->tgid == target) {
		returned++;
		returned_value = result;
	}
	return 0;
}

SEC("?fmod_ret/security_task_setnice") int BPF_PROG(refuse, struct task_struct *task, int nice, int result)
{
	return task->tgid == target && nice == 7 ? -13 : 0;
}

SEC("?lsm/task_setnice") int BPF_PROG(forbid, struct task_struct *task, int nice, int result)
{
	return task->tgid == target && nice == 8 ? -1 : result;
}

SEC("?fentry/tsbpf_no_such_function") int BPF_PROG(nowhere)
{
	return 0;
}
