// Every kind of type that some kernel is too old for, in one object that needs none of them.
#include "vm.bpf.h"

#define __tag(text) __attribute__((btf_decl_tag(text)))
#define __type_tag(text) __attribute__((btf_type_tag(text)))

enum signed_enum { MINUS = -1, PLUS = 1 };
enum wide_enum { WIDE = 1ULL << 40, NARROW = 1 };
enum wide_signed { DEEP = -(1LL << 40) };

struct shape {
	float single;
	double twice;
	int __type_tag("user") *user;
	enum signed_enum sign;
	enum wide_enum wide;
	enum wide_signed deep;
	int tagged __tag("of a member");
} __tag("of a struct");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, struct shape);
} shapes SEC(".maps");

struct shape shape __tag("of a variable");
enum wide_signed deepest = DEEP;
const volatile int limit = 7;
int custom SEC(".data.custom") = 3;

__attribute__((noinline)) int global_function(int a __tag("of a parameter"))
{
	custom += a;
	return custom + limit;
}

static __attribute__((noinline)) int static_function(int a)
{
	shape.tagged = a;
	return a + 1;
}

SEC("tc") int counted(struct __sk_buff *skb)
{
	return global_function(1) + static_function((int)shape.sign);
}
