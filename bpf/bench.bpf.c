// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The producer of the ring buffer benchmarks: `produce`, run through BPF_PROG_TEST_RUN, submits as many records of one
 * size as its context asks for. The consumer being measured, TypeScript or C, then only has to read `rb`.
 *
 * One producer at a time: the counters below are plain words, because an atomic add would cost more than a small record.
 */

/* bpf_helper_defs.h wants these names and no header: the few that we use ourselves, then those of its prototypes. */
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

#include <bpf/bpf_helpers.h>

/* From the kernel's ABI (linux/bpf.h, errno.h), by value, so that no kernel header is needed to compile. */
#define BPF_MAP_TYPE_RINGBUF 27
#define EINVAL 22

#define RING_BYTES (16 * 1024 * 1024)
#define LOOP_LIMIT 1000000

#define COMM_LEN 16
#define FILENAME_LEN 127
#define PATH_ROOM 40

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, RING_BYTES);
} rb SEC(".maps");

/* Submitted, and refused by a full ring. Every attempt takes the next sequence number, so that a reader sees a lost
 * record as a gap: the gaps add up to `dropped`. */
__u64 produced;
__u64 dropped;

/* The context that the caller hands to BPF_PROG_TEST_RUN. */
struct args {
    __u32 count; /* records to submit, at most LOOP_LIMIT */
    __u32 size;  /* 16, 64, 256: plain records; 168: struct event */
    __u32 flags; /* to bpf_ringbuf_submit: 0, BPF_RB_NO_WAKEUP (1), BPF_RB_FORCE_WAKEUP (2) */
    __u32 _;
};

/* The event of bootstrap, field for field: what decoding typed events is measured with. */
struct event {
    int pid;
    int ppid;
    unsigned exit_code;
    unsigned long long duration_ns;
    char comm[COMM_LEN];
    char filename[FILENAME_LEN];
    _Bool exit_event;
};

_Static_assert(sizeof(struct event) == 168, "struct event has the layout of bootstrap's");

/* Never read: it makes the compiler keep the BTF of `struct event`, and so tells a reader the type of the records. */
const struct event *event_type __attribute__((unused));

/* What one record of the loop needs to know. */
struct run {
    __u64 flags;
    __u64 submitted;
};

static __always_inline __u64 next_sequence(void)
{
    return produced + dropped;
}

static __always_inline void submit(struct run *run, void *record)
{
    bpf_ringbuf_submit(record, run->flags);
    produced++;
    run->submitted++;
}

/*
 * A record of `size` bytes, each of its words the sequence number: one store a word, and a torn record shows. One
 * function per size, because bpf_ringbuf_reserve takes constant sizes only (and bpf_ringbuf_output would copy).
 */
#define DEFINE_PLAIN_RECORD(size)                                       \
    static long submit_##size(__u64 index, void *data)                  \
    {                                                                   \
        __u64 sequence = next_sequence();                               \
        __u64 *words = bpf_ringbuf_reserve(&rb, size, 0);               \
        if (!words) {                                                   \
            dropped++;                                                  \
            return 0;                                                   \
        }                                                               \
        _Pragma("clang loop unroll(full)")                              \
        for (int i = 0; i < size / (int)sizeof(__u64); i++)             \
            words[i] = sequence;                                        \
        submit(data, words);                                            \
        return 0;                                                       \
    }

DEFINE_PLAIN_RECORD(16)
DEFINE_PLAIN_RECORD(64)
DEFINE_PLAIN_RECORD(256)

/* Names and paths to vary: letters taken from the sequence number replace one place in a name, two (xx) in a path.
 * Aligned and padded, so that a copy is a few whole words; powers of two, so that an index is a mask. */
#define WORDS __attribute__((aligned(8)))
#define COMM_COUNT 16
#define PATH_COUNT 16
#define COMM_MARK 1
#define PATH_MARK 9

static const char comms[COMM_COUNT][COMM_LEN] WORDS = {
    "bash",     "node",   "git",          "python3", "make",    "clang-19", "ld.lld",         "grep",
    "gcc-12.2", "sshd-x", "systemd-exec", "cron",    "ls-l",    "rustc",    "containerd-shm", "kworker/u4:2",
};

static const char paths[PATH_COUNT][PATH_ROOM] WORDS = {
    "/usr/bin/xx-",
    "/usr/bin/xxsh",
    "/usr/bin/xxgit",
    "/usr/bin/xxpython3",
    "/usr/bin/xxclang-19",
    "/usr/bin/xxx86_64-linux-gnu-gcc-12",
    "/usr/lib/xxgit-core/git-remote-https",
    "/usr/lib/xxsystemd/systemd-executor",
    "/opt/toolxx/bin/node",
    "/opt/toolxx/lib/node_modules/.bin/tsc",
    "/srv/ci/bxx/out/test",
    "/srv/ci/bxx/node_modules/.bin/vitest-x",
    "/home/devxx/.local/bin/run",
    "/home/devxx/.cargo/bin/rustc-wrapper-x",
    "/root/wrkxx/a.out",
    "/root/wrkxx/project/target/release/bin",
};

/* A copy of `size` constant bytes; without the hint clang copies text byte by byte. */
static __always_inline void copy_words(void *to, const void *from, __u64 size)
{
    __builtin_memcpy(__builtin_assume_aligned(to, 8), __builtin_assume_aligned(from, 8), size);
}

static __always_inline char letter(__u64 number)
{
    return 'a' + (number & 15);
}

/* 16 names times 16 letters: 256 different ones, the next one in each record. */
static __always_inline void fill_comm(char *comm, __u64 sequence)
{
    copy_words(comm, comms[sequence % COMM_COUNT], COMM_LEN);
    comm[COMM_MARK] = letter(sequence / COMM_COUNT);
}

/* 16 paths of 12 to 38 characters times 256 pairs of letters; the tail is cleared, so that a record holds no old one. */
static __always_inline void fill_filename(char *filename, __u64 sequence)
{
    copy_words(filename, paths[sequence % PATH_COUNT], PATH_ROOM);
    __builtin_memset(__builtin_assume_aligned(filename + PATH_ROOM, 8), 0, FILENAME_LEN - PATH_ROOM);
    filename[PATH_MARK] = letter(sequence / PATH_COUNT);
    filename[PATH_MARK + 1] = letter(sequence / PATH_COUNT / 16);
}

/* Unlike the plain records, an event carries its sequence number in 32 bits only, as `pid`. */
static long submit_event(__u64 index, void *data)
{
    __u64 sequence = next_sequence();
    struct event *event = bpf_ringbuf_reserve(&rb, sizeof(*event), 0);
    if (!event) {
        dropped++;
        return 0;
    }
    event->pid = sequence;
    event->ppid = sequence / 7;
    event->exit_code = sequence & 0xff;
    event->duration_ns = sequence * 1000003;
    fill_comm(event->comm, sequence);
    fill_filename(event->filename, sequence);
    event->exit_event = sequence & 1;
    submit(data, event);
    return 0;
}

/*
 * The kernel inlines bpf_loop where the callback is one constant, and calls it through a pointer otherwise. The empty
 * asm, different for each, keeps clang from folding the calls below into one with a variable callback.
 */
#define LOOP(callback)                        \
    do {                                      \
        bpf_loop(count, callback, &run, 0);   \
        asm volatile("# " #callback);         \
    } while (0)

/* Returns how many records were submitted, or -EINVAL for a size or a count that it does not know. */
SEC("syscall")
int produce(struct args *ctx)
{
    struct run run = { .flags = ctx->flags };
    __u32 count = ctx->count;

    if (count > LOOP_LIMIT)
        return -EINVAL;
    switch (ctx->size) {
    case 16:
        LOOP(submit_16);
        break;
    case 64:
        LOOP(submit_64);
        break;
    case 256:
        LOOP(submit_256);
        break;
    case sizeof(struct event):
        LOOP(submit_event);
        break;
    default:
        return -EINVAL;
    }
    return run.submitted;
}
