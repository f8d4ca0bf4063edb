// Programs whose instructions and machine code are compared: ways that part and meet, functions, callbacks, atomics, wide numbers.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

long total;
int narrow;
volatile const long limit = 0x123456789abcdef;
volatile const char label[] = "<a|b & \"c\\d\" {e}>";
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 4);
  __type(key, int);
  __type(value, long);
} counts SEC(".maps");

SEC("xdp")
int ways(struct xdp_md *ctx) {
  unsigned char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  if (data + 64 > end) return XDP_DROP;
  int sum = 0;
  for (int i = 0; i < 16; i++)
    if (data[i] < '|' && data[i] > 3) sum += data[i] & 0x7f;
  switch (data[20]) {
    case 1: sum <<= 1; break;
    case 2: sum >>= 3; break;
    case 7: sum = -sum; break;
    default: if (label[sum & 7] == '<') return XDP_TX; /* a "line" with {what} | <dot> & \n would take wrongly */
  }
  return sum > 100 ? XDP_PASS : XDP_ABORTED;
}

SEC("tc")
int numbers(struct __sk_buff *skb) {
  long a = skb->len, b = limit, c = -1;
  int d = skb->mark, e = skb->hash;
  a *= 0x7654321; b /= (a | 1); c ^= a << (d & 63); a -= (long)d << 33;
  d *= -77; e %= (d | 1); d = d << 5 | (unsigned)d >> 27; d &= ~3;
  c = __builtin_bswap64(c) + __builtin_bswap32(e) + __builtin_bswap16(d);
  __sync_fetch_and_add(&total, a);
  long old = __sync_fetch_and_or(&total, b) + __sync_val_compare_and_swap(&total, b, c) + __sync_lock_test_and_set(&total, 5);
  __sync_fetch_and_xor(&narrow, d);
  int key = 2;
  long *count = bpf_map_lookup_elem(&counts, &key);
  if (count) *count += old, ((volatile char *)count)[3] = 200, ((volatile short *)count)[2] = -3, ((volatile int *)count)[0] = -4;
  return a ^ b ^ c ^ d ^ e;
}

static __noinline int a_function_with_quite_a_long_name(int x, long *y) {
  if (x > 5) return *y + x;
  total += x;
  return *y;
}
static __noinline int another(int x) {
  long y = x * 3;
  return x & 1 ? a_function_with_quite_a_long_name(x, &y) : bpf_get_smp_processor_id();
}
SEC("tc")
int functions(struct __sk_buff *skb) {
  long y = skb->len;
  return another(skb->mark) + a_function_with_quite_a_long_name(skb->hash, &y);
}

static long called_back(__u32 i, void *context) {
  total += i;
  return total > 1000;
}
SEC("tc")
int callbacks(struct __sk_buff *skb) {
  return bpf_loop(skb->len, called_back, 0, 0);
}

char LICENSE[] SEC("license") = "GPL";
