// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// Functions of several files: extern, weak, hidden, and static ones of the same name. PART says which file this is.

#include "../progs/core.h"

struct pair {
	int a;
	long b;
};

#if PART == 0

int counted;

/* The first static function of .text: calls refer to the section. */
static __noinline int twice(int x)
{
	counted += x;
	return 2 * x;
}

__noinline int from_zero(struct pair *p)
{
	return p ? twice(p->a) : 0;
}

__weak __noinline int chosen(int x)
{
	counted++;
	return x + 1;
}

extern int from_one(int);
extern int from_two(struct pair *, long) __weak;

SEC("raw_tp/sys_enter")
int zero(void *ctx)
{
	struct pair p = { .a = 1, .b = 2 };

	return from_zero(&p) + from_one(3) + chosen(4) + from_two(&p, 5);
}

#elif PART == 1

int counted_too;

static __noinline int twice(int x)
{
	counted_too -= x;
	return x + x;
}

__noinline __hidden int from_one(int x)
{
	return twice(x) + twice(x + 1);
}

__noinline int chosen(int number)
{
	counted_too++;
	return number + 2;
}

extern int from_zero(struct pair *p);

SEC("raw_tp/sys_enter")
int one(void *ctx)
{
	struct pair p = { .a = 7 };

	return from_zero(&p) + from_one(3) + chosen(4);
}

#else

static __noinline int twice(int x)
{
	return x << 1;
}

__noinline int from_two(struct pair *given, long more)
{
	return given ? twice(given->b) + more : 0;
}

__weak __noinline int chosen(int x)
{
	return x + 3;
}

extern int from_one(int) __hidden;

SEC("raw_tp/sys_exit")
int two(void *ctx)
{
	struct pair p = { .b = 9 };

	return from_two(&p, 1) + chosen(1) + from_one(2);
}

#endif
