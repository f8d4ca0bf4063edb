// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// Types of several files: the same, the same by name only, declared here and defined there, in circles, tagged; with CO-RE records.

#include "../progs/core.h"

#define core __attribute__((preserve_access_index))
#define tag(text) __attribute__((btf_type_tag(text)))

struct list {
	struct list *next, *prev;
};
struct task_struct {
	int pid;
	int tgid;
	struct task_struct *group_leader;
} core;
typedef int (*callback)(struct list *, const char *);
enum same { SAME_A, SAME_B = 7 };
typedef struct { int anonymous; } unnamed;

#if PART == 0

struct differs { int a; long b; };
struct defined_later;
enum only_declared;
struct holder {
	struct defined_later *later;
	struct differs inner;
	struct list list;
	enum only_declared *e;
	callback call;
	unnamed u;
	const volatile int array[3];
};
enum big { BIG = 0x100000000ULL };
union either { int i; float *f; };

struct holder held;
enum big large;
union either one_of;
struct list tag("user") *tagged;

SEC("raw_tp/sys_enter")
int zero(struct task_struct *task)
{
	enum same s = SAME_B;

	return BPF_CORE_READ(task, group_leader, pid) + held.inner.a + large + s + one_of.i + (tagged == 0) +
	       bpf_core_field_exists(task->tgid) + bpf_core_enum_value(enum same, SAME_B);
}

#elif PART == 1

struct differs { long b; int a; };
struct defined_later { int now; struct differs d; struct list list; };
enum only_declared { NOW_DEFINED = 3 };
struct other {
	struct defined_later *later;
	struct list list;
	enum only_declared *e;
	callback call;
	unnamed u;
	const volatile int array[3];
};

struct other other;
struct defined_later later;
enum only_declared declared;
enum same same_too;
struct list tag("user") *tagged_too;
struct list tag("rcu") *tagged_otherwise;

SEC("raw_tp/sys_enter")
int one(struct task_struct *task)
{
	return BPF_CORE_READ(task, tgid) + later.d.a + (other.later == 0) + declared + same_too + (tagged_too == tagged_otherwise) +
	       bpf_core_type_exists(struct task_struct) + bpf_core_type_size(struct differs);
}

#else

union defined_later;
struct holder;
struct task_struct_too { struct task_struct *task; };
struct uses {
	union defined_later *a_union;
	struct holder *held;
	struct list *list;
	struct uses *self;
	struct task_struct_too too;
	int (*function)(struct uses *, callback, enum same);
};

struct uses uses __attribute__((btf_decl_tag("a tag")));
static volatile struct list local_list;

SEC("raw_tp/sys_exit")
int two(struct task_struct *task)
{
	if (local_list.next == 0)
		uses.self = 0;
	return BPF_CORE_READ(task, group_leader, group_leader, tgid) + (uses.held == 0);
}

#endif
