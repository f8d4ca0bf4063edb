// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* One struct, one enum and one typedef, asked about in every way. PART chooses one way, as one error refuses a whole object. */
#include "progs/core.h"

enum kind {
	KIND_ONE = 1,
	KIND_MINUS = -7,
	KIND_BIG = 0x7fffffff,
};
typedef int (*handler_t)(void *, __u32);

CORE_BEGIN
struct inner {
	int x;
	__u32 y;
};
struct shape {
	__u32 a;
	int b;
	__u64 c;
	void *p;
	__u8 d;
	_Bool flag;
	short h;
	__u32 arr[4];
	__u16 grid[2][3];
	struct inner in;
	struct inner ins[2];
	enum kind kind;
	int bits : 5;
	__u32 ubits : 3;
	__u64 wide : 33;
	__u32 flex[];
};
CORE_END
struct plain {
	int x;
	struct inner *next;
	char name[8];
};

#define INFO(field, kind) __builtin_preserve_field_info(s->field, BPF_FIELD_##kind)
#define NUMBERS(DO) \
	(DO(a) + DO(b) + DO(c) + DO(d) + DO(flag) + DO(h) + DO(in.x) + DO(in.y) + DO(ins[1].y) + DO(kind) +     \
		DO(bits) + DO(ubits) + DO(wide))
#define SCALARS(DO) (NUMBERS(DO) + DO(p))
#define EACH(DO) (SCALARS(DO) + DO(arr) + DO(in) + DO(ins) + DO(grid))
#define EXISTS(field) INFO(field, EXISTS)
#define SIZE(field) INFO(field, BYTE_SIZE)
#define OFFSET(field) INFO(field, BYTE_OFFSET)
#define SIGNED(field) INFO(field, SIGNED)
#define SHIFTS(field) (INFO(field, LSHIFT_U64) * 3 + INFO(field, RSHIFT_U64))

SEC("raw_tp/shape")
int prog(void **args)
{
	struct shape *s __attribute__((unused)) = args[0];
	__u64 sum = 0;
#if PART == 0
	sum = EACH(EXISTS) + EXISTS(arr[3]) + EXISTS(flex[9]) + EXISTS(grid[1][2]);
#elif PART == 1
	sum = EACH(SIZE) + SIZE(arr[3]) + SIZE(flex[9]) + SIZE(grid[1]);
#elif PART == 2
	sum = EACH(OFFSET) + OFFSET(arr[3]) + OFFSET(flex[9]) + OFFSET(grid[1][2]);
#elif PART == 3
	sum = NUMBERS(SIGNED) + SCALARS(SHIFTS);
#elif PART == 4
	sum = s->a + s->b + s->c + (__u64)s->p + s->d + s->flag + s->h + s->in.x + s->in.y + s->ins[1].x + s->kind;
	sum += s[2].b;
#elif PART == 5
	sum = s->arr[0] + s->arr[2] + s->grid[1][2] + s->flex[0] + s->flex[3] + s->ins[0].y;
#elif PART == 6
	s->a = 1;
	s->b = (long)args[1];
	s->c = (long)args[2];
	s->p = args[3];
	s->d = 3;
	s->in.y = 4;
	s->kind = KIND_ONE;
#elif PART == 7
	sum = s->bits + s->ubits + s->wide;
	s->ubits = 2;
#elif PART == 8
	sum = bpf_core_enum_value(enum kind, KIND_ONE) + bpf_core_enum_value(enum kind, KIND_MINUS) + bpf_core_enum_value(enum kind, KIND_BIG) +
	      bpf_core_enum_value_exists(enum kind, KIND_BIG);
#else
#define TYPE(type) (bpf_core_type_exists(type) + bpf_core_type_size(type) + bpf_core_type_id_kernel(type) + TYPE_MATCHES(type))
	sum = TYPE(struct shape) + TYPE(struct inner) + TYPE(struct plain) + TYPE(enum kind) + TYPE(handler_t);
#endif
	return sum;
}
