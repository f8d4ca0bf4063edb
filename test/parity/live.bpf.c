// Maps of every common type and programs to look at, for the comparison with bpftool.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

enum color { RED, GREEN = 5, BLUE = 0x7fffffff };
struct point {
  int x;
  unsigned short y;
  char name[8];
  _Bool on;
  enum color color;
  unsigned int low : 3, high : 7;
  union {
    unsigned long long wide;
    signed char bytes[8];
  };
  void *where;
};

#define MAP(NAME, TYPE, KEY, VALUE, ENTRIES) \
  struct {                                   \
    __uint(type, BPF_MAP_TYPE_##TYPE);       \
    __uint(max_entries, ENTRIES);            \
    __type(key, KEY);                        \
    __type(value, VALUE);                    \
  } NAME SEC(".maps")

MAP(m_hash, HASH, int, struct point, 100);
MAP(m_array, ARRAY, int, struct point, 3);
MAP(m_lru, LRU_HASH, unsigned long long, int, 100);
MAP(m_pchash, PERCPU_HASH, int, struct point, 100);
MAP(m_pcarray, PERCPU_ARRAY, int, unsigned long long, 2);
MAP(m_lrupc, LRU_PERCPU_HASH, int, int, 100);

struct lpm_key {
  unsigned int prefix;
  unsigned char address[4];
};
struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(max_entries, 10);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct lpm_key);
  __type(value, int);
} m_lpm SEC(".maps");

#define UNTYPED(NAME, TYPE, KEY, VALUE, ENTRIES) \
  struct {                                       \
    __uint(type, BPF_MAP_TYPE_##TYPE);           \
    __uint(max_entries, ENTRIES);                \
    __uint(key_size, KEY);                       \
    __uint(value_size, VALUE);                   \
  } NAME SEC(".maps")

UNTYPED(m_raw, HASH, 4, 8, 10);
UNTYPED(m_long, HASH, 20, 40, 10);
UNTYPED(m_rawpc, PERCPU_ARRAY, 4, 20, 2);
UNTYPED(m_queue, QUEUE, 0, 4, 10);
UNTYPED(m_stack, STACK, 0, 8, 10);
UNTYPED(m_progs, PROG_ARRAY, 4, 4, 4);
UNTYPED(m_perf, PERF_EVENT_ARRAY, 4, 4, 4);
UNTYPED(m_stacks, STACK_TRACE, 4, 80, 16);
UNTYPED(m_ring, RINGBUF, 0, 0, 4096);

struct inner {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 2);
  __type(key, int);
  __type(value, int);
} m_inner SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, 3);
  __type(key, int);
  __array(values, struct inner);
} m_maps SEC(".maps") = {.values = {[1] = &m_inner}};
struct {
  __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
  __uint(max_entries, 3);
  __type(key, int);
  __array(values, struct inner);
} m_hmaps SEC(".maps");

volatile const char bpf_metadata_owner[] SEC(".rodata") = "tests";
volatile const int bpf_metadata_level SEC(".rodata") = 7;
volatile const int limit SEC(".rodata") = 42;
int counter = 0x1234;
volatile struct point origin = {.x = -1, .y = 2, .name = "origin", .on = 1, .color = GREEN, .low = 5, .high = 99, .wide = 1ull << 60};
struct bpf_map;
struct point zero;

static __noinline long visit(struct bpf_map *map, const int *key, struct point *value, void *context) {
  value->x += *key;
  return 0;
}

static __noinline int helper_function_of_ours(int x) {
  origin.x += x;
  return x * 3 + counter;
}

SEC("tc")
int a_packet_program_with_long_name(struct __sk_buff *skb) {
  int key = 1;
  struct point *point = bpf_map_lookup_elem(&m_hash, &key);
  if (point) point->y++;
  unsigned long long *count = bpf_map_lookup_elem(&m_pcarray, &key);
  if (count) *count += 1;
  counter++;
  bpf_for_each_map_elem(&m_array, visit, 0, 0);
  bpf_tail_call(skb, &m_progs, 3);
  void *data = bpf_map_lookup_elem(&m_raw, &key);
  if (data) __sync_fetch_and_add((long *)data, 1);
  return helper_function_of_ours(skb->len) + zero.x + limit + bpf_metadata_level + bpf_metadata_owner[0];
}

SEC("raw_tp/sched_switch")
int on_switch(void *ctx) {
  unsigned long long key = 0;
  struct point *point = bpf_map_lookup_elem(&m_array, &key);
  if (bpf_map_lookup_elem(&m_lru, &key)) return 1;
  return point ? bpf_get_smp_processor_id() : 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, void *p) {
  return 0;
}

SEC("iter/bpf_map")
int walk_maps(void *ctx) {
  return 0;
}

SEC("xdp")
int let_pass(struct xdp_md *ctx) {
  return XDP_PASS;
}

SEC("cgroup_skb/egress")
int let_go(struct __sk_buff *skb) {
  return 1;
}

SEC("syscall")
int a_call(int *ctx) {
  int key = 0;
  bpf_map_lookup_elem(&m_pchash, &key);
  bpf_map_lookup_elem(&m_lrupc, &key);
  bpf_map_lookup_elem(&m_rawpc, &key);
  return ctx ? *ctx + 1 : 0;
}

char _license[] SEC("license") = "GPL";
