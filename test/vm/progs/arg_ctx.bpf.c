// Global functions whose parameters are contexts by a tag, not by their type (6.8; earlier the loader must help).
#include "vm.bpf.h"

struct {
	__uint(type, 7);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 8 * 16);
} stacks SEC(".maps");

struct xdp_md {
	__u32 data, data_end;
};
struct pt_regs {
	u64 first;
};

__attribute__((noinline)) int traced(void *ctx __arg_ctx)
{
	return bpf_get_stackid(ctx, &stacks, 0) > 0;
}

__attribute__((noinline)) int second(int number, void *ctx __arg_ctx)
{
	return number + (bpf_get_stackid(ctx, &stacks, 0) > 0) + traced(ctx);
}

__attribute__((noinline)) int of_registers(struct pt_regs *ctx __arg_ctx)
{
	return bpf_get_stackid(ctx, &stacks, 0) > 0;
}

__attribute__((noinline)) int of_words(u64 *ctx __arg_ctx)
{
	return bpf_get_stackid(ctx, &stacks, 0) > 0;
}

__attribute__((noinline)) int packet(void *ctx __arg_ctx)
{
	return bpf_xdp_adjust_head(ctx, 0);
}

__attribute__((noinline)) int canonical(struct xdp_md *ctx __arg_ctx)
{
	return ctx->data < ctx->data_end;
}

SEC("kprobe") int by_kprobe(void *ctx)
{
	return traced(ctx) + second(3, ctx) + of_registers(ctx);
}

SEC("raw_tp") int by_raw_tp(void *ctx)
{
	return second(4, ctx) + of_words(ctx);
}

SEC("perf_event") int by_perf_event(void *ctx)
{
	return traced(ctx) + of_registers(ctx);
}

SEC("xdp") int by_xdp(struct xdp_md *ctx)
{
	return packet(ctx) + canonical(ctx);
}
