// Programs that every kernel refuses, each for its own reason: see refusals.test.ts.

typedef unsigned int u32; typedef unsigned long long u64; typedef unsigned short u16;
#define SEC(n) __attribute__((section(n), used))
struct { int (*type)[1]; int *key; u64 *value; int (*max_entries)[4]; } arr SEC(".maps");
struct { int (*type)[27]; int (*max_entries)[4096]; } rb SEC(".maps");
static void *(*lookup)(void *, const void *) = (void *)1;
static void *(*reserve)(void *, u64, u64) = (void *)131;
static u64 (*ktime)(void) = (void *)5;
char LICENSE[] SEC("license") = "GPL";
SEC("?raw_tp/sys_enter") int null_check(u64 *ctx)
{
	u32 key = 0;
	u64 *value = lookup(&arr, &key);
	*value += 1;
	return 0;
}
SEC("?raw_tp/sys_enter") int unbounded(u64 *ctx)
{
	u32 key = 0;
	char *value = lookup(&arr, &key);
	if (!value)
		return 0;
	return value[ctx[1] & 0xff];
}
SEC("?raw_tp/sys_enter") int leak(u64 *ctx)
{
	char *record = reserve(&rb, 8, 0);
	if (!record)
		return 0;
	*record = 1;
	return 0;
}
struct xdp_md { u32 data; u32 data_end; };
SEC("?xdp") int packet(struct xdp_md *ctx)
{
	char *data = (char *)(long)ctx->data;
	return data[13];
}
SEC("?raw_tp/sys_enter") int scalar(u64 *ctx)
{
	u64 *where = (u64 *)ctx[1];
	return *where;
}
static __attribute__((noinline)) int pick(u64 *p, u64 n)
{
	return p[n & 7];
}
SEC("?raw_tp/sys_enter") int inside(u64 *ctx)
{
	u64 local[2] = { ktime(), 2 };
	return pick(local, ctx[0]);
}
SEC("?raw_tp/sys_enter") int branches(u64 *ctx)
{
	u64 n = ctx[0];
	u64 *p = 0;
	u32 key = 0;
	if (n > 5)
		p = lookup(&arr, &key);
	else
		n = ktime();
	asm volatile("" : "+r"(n));
	return *(u32 *)((char *)p + 4) + n;
}
static __attribute__((noinline)) int fill(u64 n)
{
	volatile char big[400];
	for (int i = 0; i < 400; i++)
		big[i] = n;
	return big[7];
}
// Tracing programs may have more: since Linux 6.13 each of their functions has a stack of its own.
SEC("?xdp") int deep_stack(struct xdp_md *ctx)
{
	volatile char big[400];
	for (int i = 0; i < 400; i++)
		big[i] = i;
	return fill(ktime()) + big[7];
}
