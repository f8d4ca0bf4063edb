// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Subprograms: static, global, weak, nested, shared and called back, each with relocations of its own; maps and variables. */
#include "core.h"

CORE_BEGIN
struct task_struct {
	int pid, tgid;
	struct task_struct *real_parent;
	unsigned int flags;
};
CORE_END

struct {
	__uint(type, 1); /* BPF_MAP_TYPE_HASH */
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, 2); /* BPF_MAP_TYPE_ARRAY */
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} totals SEC(".maps");

const volatile int limit = 5;
const volatile char text[] = "some text";
__u64 seen;
__u64 start = 7;
static __u64 local[4];
__u32 custom SEC(".data.custom") = 9;

static __attribute__((noinline)) int pid_of(struct task_struct *task)
{
	return task->pid + limit;
}

static __attribute__((noinline)) int parent_of(struct task_struct *task, int depth)
{
	if (depth > limit)
		return pid_of(task);
	return pid_of(task->real_parent) + task->tgid;
}

__attribute__((noinline)) int global_count(void *ctx, __u32 key)
{
	__u64 *value = bpf_map_lookup_elem(&counts, &key);

	seen++;
	return value ? *value + start : custom;
}

__weak __attribute__((noinline)) int weak_one(__u32 key)
{
	volatile __u32 again = key;

	return again + local[again & 3] + text[again & 7] + bpf_core_field_size(struct task_struct, flags);
}

static int callback(__u32 index, void *ctx)
{
	__u64 *value = bpf_map_lookup_elem(&totals, &index);

	if (value)
		*value += bpf_core_type_size(struct task_struct);
	return weak_one(index);
}

static long per_element(void *map, __u32 *key, __u64 *value, int *sum)
{
	struct task_struct *task = (void *)*value;

	*sum += parent_of(task, *key);
	return 0;
}

SEC("raw_tp/first")
int first(void **args)
{
	local[(__u64)args[0] & 3] = start;
	return parent_of(args[0], 3) + global_count(args, 1) + weak_one(seen);
}

SEC("raw_tp/second")
int second(void **args)
{
	int sum = 0;

	bpf_loop(10, callback, &sum, 0);
	bpf_for_each_map_elem(&counts, per_element, &sum, 0);
	return sum + pid_of(args[1]);
}

/* Two programs in one section, and one that a caller must ask for. */
SEC("socket")
int socket_one(struct __sk_buff *skb)
{
	return global_count(skb, 3);
}

SEC("socket")
int socket_two(struct __sk_buff *skb)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, real_parent, tgid) + weak_one(1);
}

SEC("?raw_tp/off")
int not_loaded(void **args)
{
	struct task_struct *task = args[0];

	return task->flags + weak_one(2);
}

SEC("xdp")
int of_xdp(void *ctx)
{
	return weak_one(5);
}

SEC("tc")
int of_tc(struct __sk_buff *skb)
{
	return global_count(skb, 9);
}

SEC("kprobe/no_such_function")
int of_kprobe(void *ctx)
{
	return weak_one(6);
}

SEC("cgroup_skb/egress")
int of_cgroup(struct __sk_buff *skb)
{
	return global_count(skb, 2) & 1;
}
