// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Type ids, existence, sizes and matches: structs, unions, enums, typedefs, function prototypes, what is not there. */
#include "core.h"

struct list_head {
	struct list_head *next, *prev;
};
struct list_head___bigger {
	struct list_head *next, *prev, *other;
};
struct list_head___other {
	struct list_head *next;
	int prev;
};
struct upid {
	int nr;
	struct pid_namespace *ns;
};
struct upid___signless {
	unsigned int nr;
};
struct hlist_node {
	struct hlist_node *next, **pprev;
};
struct task_struct {
	int pid;
	char comm[16];
	struct task_struct *real_parent;
	struct list_head tasks;
};
struct task_struct___short_comm {
	char comm[8];
};
struct no_such_struct {
	int a;
};
union bpf_attr {
	__u32 map_type;
};
union task_struct___union {
	int pid;
};
struct bpf_attr___struct {
	int x;
};
enum pid_type {
	PIDTYPE_PID,
	PIDTYPE_TGID,
};
enum pid_type___more {
	PIDTYPE_PID___x,
	PIDTYPE_NO_SUCH,
};
enum no_such_enum {
	NOTHING,
};
typedef int pid_t;
typedef unsigned long long pid_t___wide;
typedef struct list_head pid_t___struct;
typedef int no_such_t;
typedef unsigned long long u64;
typedef int (*initcall_t)(void);
typedef long (*initcall_t___long)(void);
typedef void (*initcall_t___void)(void);
struct work_struct;
typedef void (*work_func_t)(struct work_struct *work);
typedef void (*work_func_t___two)(struct work_struct *work, int more);
typedef void (*work_func_t___int)(int work);
typedef struct {
	unsigned int val;
} kuid_t;
typedef struct {
	unsigned int val;
	int more;
} kuid_t___more;
struct work_struct {
	work_func_t func;
	struct list_head entry;
};
struct file_operations {
	int (*open)(struct inode *inode, struct file *file);
	int (*flush)(struct file *file, void *id);
};
struct file_operations___other {
	int (*open)(struct inode *inode);
};
union sigval {
	int sival_int;
	void *sival_ptr;
};
typedef union sigval sigval_t;

#define ASK(type)                                                                                                      \
	(bpf_core_type_id_local(type) + bpf_core_type_id_kernel(type) * 3 + bpf_core_type_exists(type) * 5 +           \
	 bpf_core_type_size(type) * 7 + TYPE_MATCHES(type) * 11)
/* What has no size cannot be asked for it. */
#define ASK_ALL_BUT_SIZE(type)                                                                                         \
	(bpf_core_type_id_local(type) + bpf_core_type_id_kernel(type) * 3 + bpf_core_type_exists(type) * 5 + TYPE_MATCHES(type) * 11)

SEC("raw_tp/structs")
int structs(void *ctx)
{
	return ASK(struct list_head) + ASK(struct list_head___bigger) + ASK(struct list_head___other) + ASK(struct upid) +
	       ASK(struct upid___signless) + ASK(struct hlist_node) + ASK(struct task_struct) + ASK(struct task_struct___short_comm) +
	       ASK(struct no_such_struct) + ASK(struct work_struct) + ASK(struct file_operations) + ASK(struct file_operations___other);
}

SEC("raw_tp/others")
int others(void *ctx)
{
	return ASK(union bpf_attr) + ASK(union task_struct___union) + ASK(struct bpf_attr___struct) + ASK(union sigval) + ASK(sigval_t) +
	       ASK(enum pid_type) + ASK(enum pid_type___more) + ASK(enum no_such_enum);
}

SEC("raw_tp/typedefs")
int typedefs(void *ctx)
{
	return ASK(pid_t) + ASK(pid_t___wide) + ASK(pid_t___struct) + ASK(no_such_t) + ASK(u64) + ASK(initcall_t) + ASK(initcall_t___long) +
	       ASK(initcall_t___void) + ASK(work_func_t) + ASK(work_func_t___two) + ASK(work_func_t___int) + ASK(kuid_t) + ASK(kuid_t___more);
}
