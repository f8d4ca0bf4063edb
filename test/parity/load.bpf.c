// Objects for `prog load`: one of many kinds of programs and maps, one that the kernel refuses, and the same mended, one whose section
// says nothing, one that writes to its streams, one that the verifier takes its time for, one that is partly off, and one that prints.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#if PART == 0
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 8);
  __type(key, int);
  __type(value, long);
} a_map_with_a_long_name SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_SOCKMAP);
  __uint(max_entries, 8);
  __type(key, int);
  __type(value, int);
} socks SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
  __type(key, int);
  __type(value, int);
} events SEC(".maps");

int counter = 3;
int zero;
int custom SEC(".data.custom") = 9;
const volatile int limit = 5;

SEC("socket") int variables(void *ctx)
{
  int key = 1;
  long value = 7;
  bpf_map_update_elem(&a_map_with_a_long_name, &key, &value, 0);
  return counter + limit + custom + zero;
}
SEC("xdp") int pass(void *ctx) { return XDP_PASS; }
SEC("sk_skb/stream_verdict") int verdict(void *ctx) { return SK_PASS; }
SEC("sk_skb") int any_verdict(void *ctx) { return SK_PASS; }
SEC("flow_dissector") int dissect(void *ctx) { return 0; }
SEC("cgroup/connect4") int connect(void *ctx) { return 1; }
SEC("raw_tp/sys_enter") int raw(void *ctx) { return 0; }
SEC("tp/sched/sched_process_exec") int traced(void *ctx)
{
  bpf_map_delete_elem(&a_map_with_a_long_name, &(int){1});
  return 0;
}
#endif

#if PART == 1 || PART == 2
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 8);
  __uint(pinning, LIBBPF_PIN_BY_NAME);
  __type(key, int);
  __type(value, long);
} tsbpf_load_seen SEC(".maps");

SEC("socket")
int counts(struct __sk_buff *skb)
{
  int key = skb->len;
  long *value = bpf_map_lookup_elem(&tsbpf_load_seen, &key);

#if PART == 2
  if (value)
#endif
  *value += 1;
  return 0;
}
#endif

#if PART == 3
SEC("whatever") int any(void *ctx) { return 1; }
#endif

#if PART == 4
extern int bpf_stream_vprintk_impl(int id, const char *fmt, const void *args, __u32 len, void *aux) __ksym;

SEC("syscall") int writes(void *ctx)
{
  static const char out[] = "to stdout\n", err[] = "to stderr\n";
  const __u64 none = 0;
  int failed = bpf_stream_vprintk_impl(1, out, &none, 0, 0);
  return failed ? failed : bpf_stream_vprintk_impl(2, err, &none, 0, 0);
}
#endif

#if PART == 5
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 8);
  __uint(pinning, LIBBPF_PIN_BY_NAME);
  __type(key, int);
  __type(value, long);
} tsbpf_load_slow SEC(".maps");

#define SLOW(NAME)                                                    \
  SEC("socket") int NAME(struct __sk_buff *skb)                       \
  {                                                                   \
    long sum = 0, key = 0;                                            \
    bpf_map_lookup_elem(&tsbpf_load_slow, &key);                      \
    for (int i = 0; i < 150000; i++) __asm__ volatile("%0 += 1" : "+r"(sum)); \
    return 0;                                                         \
  }
SLOW(slow0) SLOW(slow1) SLOW(slow2) SLOW(slow3) SLOW(slow4) SLOW(slow5)
#endif

#if PART == 6
SEC("xdp") int on(void *ctx) { return XDP_PASS; }
SEC("?xdp") int off(void *ctx) { return XDP_PASS; }
#endif

#if PART == 7
SEC("xdp") int prints(void *ctx)
{
  bpf_printk("tsbpf says %d", 7);
  return XDP_PASS;
}
#endif
