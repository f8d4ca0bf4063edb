// Writes records to perf event arrays, as many and as long as its context says: the same to each, so that two readers can be compared.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define MOST 8192

#define PIPE(NAME, ENTRIES, FLAGS)               \
  struct {                                       \
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); \
    __uint(max_entries, ENTRIES);                \
    __uint(map_flags, FLAGS);                    \
    __uint(key_size, 4);                         \
    __uint(value_size, 4);                       \
  } NAME SEC(".maps")

// As many places as there are CPUs, because the kernel lets a program write at any place below max_entries.
PIPE(pipe_a, 256, BPF_F_PRESERVE_ELEMS);
PIPE(pipe_b, 256, BPF_F_PRESERVE_ELEMS);
PIPE(pipe_small, 1, 0);

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
} a_ring SEC(".maps");

unsigned char record[MOST];

struct job {
  struct bpf_raw_tracepoint_args *context;
  unsigned long long size, first, place;
  long result;
};

static long fill(unsigned int i, void *unused) {
  record[i & (MOST - 1)] = i;
  return 0;
}

static long write(unsigned int i, struct job *job) {
  unsigned long long size = job->size;
  if (size > MOST) return 1;
  *(unsigned long long *)record = job->first + i;
  long result = bpf_perf_event_output(job->context, &pipe_a, job->place, record, size);
  job->result = bpf_perf_event_output(job->context, &pipe_b, job->place, record, size);
  if (result) job->result = result;
  bpf_perf_event_output(job->context, &pipe_small, job->place, record, size);
  return 0;
}

// Arguments: bytes of a record, number of records, the number that the first one begins with, the place to write to or -1 for this CPU's.
SEC("raw_tp")
int write_both(struct bpf_raw_tracepoint_args *context) {
  struct job job = {.context = context, .size = context->args[0], .first = context->args[2]};
  job.place = context->args[3] == -1ULL ? BPF_F_CURRENT_CPU : context->args[3];
  bpf_loop(MOST, fill, 0, 0);
  bpf_loop(context->args[1], write, &job, 0);
  bpf_ringbuf_query(&a_ring, 0);
  return job.result;
}

static __always_inline int is_read(void *pipe, unsigned long long place) {
  return (long)bpf_perf_event_read(pipe, place) != -2;  // ENOENT: there is nothing at that place
}

// Argument: a place, or -1 for this CPU's. Bit 0 says whether somebody reads pipe_a there, bit 1 pipe_b.
SEC("raw_tp")
int who_reads(struct bpf_raw_tracepoint_args *context) {
  unsigned long long place = context->args[0] == -1ULL ? BPF_F_CURRENT_CPU : context->args[0];
  return is_read(&pipe_a, place) | is_read(&pipe_b, place) << 1;
}

char _license[] SEC("license") = "GPL";
