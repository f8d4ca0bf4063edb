// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// Maps of several files: extern, weak, inner ones, and a prog array whose slots are relocated.

#include "../progs/core.h"

enum { MAP_HASH = 1, MAP_ARRAY = 2, MAP_PROG_ARRAY = 3, MAP_ARRAY_OF_MAPS = 12 };

struct key {
	int id;
};
struct value {
	long count;
	struct value *next;
};

#define HASH struct { \
	__uint(type, MAP_HASH); \
	__type(key, struct key); \
	__type(value, struct value); \
	__uint(max_entries, 16); \
}
#define ARRAY struct { \
	__uint(type, MAP_ARRAY); \
	__type(key, int); \
	__type(value, long); \
	__uint(max_entries, 4); \
}

struct inner {
	__uint(type, MAP_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, int);
};

#if PART == 0

HASH shared SEC(".maps");
extern ARRAY counts SEC(".maps");
ARRAY perhaps __weak SEC(".maps");

SEC("raw_tp/sys_enter")
int zero(void *ctx)
{
	struct key key = { 1 };
	struct value *value = bpf_map_lookup_elem(&shared, &key);
	int index = 2;
	long *count = bpf_map_lookup_elem(&counts, &index);
	long *other = bpf_map_lookup_elem(&perhaps, &index);

	return value && count && other ? value->count + *count + *other : 0;
}

#elif PART == 1

ARRAY own SEC(".maps");
ARRAY counts SEC(".maps");
extern HASH shared SEC(".maps");
ARRAY perhaps __weak SEC(".maps");

struct {
	__uint(type, MAP_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, int);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = {} };

SEC("raw_tp/sys_enter")
int one(void *ctx)
{
	struct key key = { 2 };
	struct value *value = bpf_map_lookup_elem(&shared, &key);
	int index = 1;
	long *count = bpf_map_lookup_elem(&counts, &index);

	if (bpf_map_lookup_elem(&own, &index) && bpf_map_lookup_elem(&outer, &index) && bpf_map_lookup_elem(&perhaps, &index))
		return 1;
	return value && count ? value->count + *count : 0;
}

#else

extern HASH shared SEC(".maps");

SEC("raw_tp/sys_exit")
int tail(void *ctx)
{
	return 7;
}

struct {
	__uint(type, MAP_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__array(values, int(void *));
} jumps SEC(".maps") = { .values = { [1] = (void *)&tail } };

SEC("raw_tp/sys_exit")
int two(void *ctx)
{
	struct key key = { 3 };

	bpf_map_delete_elem(&shared, &key);
	bpf_tail_call(ctx, &jumps, 1);
	return 0;
}

#endif
