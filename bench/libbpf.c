// SPDX-License-Identifier: MIT
/*
 * The C side of `npm run bench`: what libbpf takes for the jobs that tsbpf is measured at, and the producer that fills
 * the ring buffer for both. Our own code against Debian's libbpf-dev:
 *
 *     gcc -O2 -o .cache/libbpf-bench bench/libbpf.c -lbpf
 *
 * Each subcommand prints one JSON object on one line (`cold` prints bootstrap's header line instead); what goes wrong
 * goes to stderr, with exit code 1. See `commands` at the end for what there is.
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/poll.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SECOND 1000000000ull
#define PRODUCE_LIMIT 1000000 /* LOOP_LIMIT of bpf/bench.bpf.c: the most that one call submits */
#define LIVE_BATCH 10000      /* records a call: enough to make the system call's own cost vanish */
#define CONSUMER_CPU 0
#define PRODUCER_CPU 1
#define POLL_MS 100

/* ---- errors, arguments, time, output ---- */

static void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

static void die(const char *format, ...)
{
    va_list arguments;

    fputs("libbpf-bench: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

/* libbpf has errors of its own, from 4000 on, beside those of errno; either sign. */
static const char *reason(int error)
{
    static _Thread_local char text[128];

    libbpf_strerror(error, text, sizeof(text));
    return text;
}

static uint64_t number(const char *name, const char *text, uint64_t least, uint64_t most)
{
    char *end;
    unsigned long long value;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno || end == text || *end || text[0] == '-' || value < least || value > most)
        die("%s: '%s' is not a number from %llu to %llu", name, text, (unsigned long long)least, (unsigned long long)most);
    return value;
}

static uint64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * NS_PER_SECOND + time.tv_nsec;
}

static uint64_t *new_times(size_t count)
{
    uint64_t *times = calloc(count, sizeof(*times));

    if (!times)
        die("no memory for %zu times", count);
    return times;
}

/* {"records":N,"ns":[...]}, or without `records` where there are none. */
static void print_times(uint64_t records, const uint64_t *times, size_t count)
{
    putchar('{');
    if (records)
        printf("\"records\":%llu,", (unsigned long long)records);
    printf("\"ns\":[");
    for (size_t i = 0; i < count; i++)
        printf("%s%llu", i ? "," : "", (unsigned long long)times[i]);
    puts("]}");
}

static void pin_to_cpu(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set)) /* 0 is the calling thread */
        die("cannot run on CPU %d: %s", cpu, reason(errno));
}

/* ---- load, attach ---- */

/*
 * libbpf 1.1 finds the id of a tracepoint in tracefs only, which is not mounted on every machine. The mount is made in
 * a mount namespace of this process, so that it is gone with it and the machine stays as it was found.
 */
static void ensure_tracefs(void)
{
    if (!access("/sys/kernel/tracing/events", F_OK) || !access("/sys/kernel/debug/tracing/events", F_OK))
        return;
    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL))
        die("cannot mount tracefs, which libbpf needs, on /sys/kernel/tracing: %s", reason(errno));
    fputs("libbpf-bench: tracefs was not mounted; mounted it for this process only\n", stderr);
}

struct loaded {
    struct bpf_object *object;
    struct bpf_link **links;
    size_t link_count;
};

static struct bpf_object *open_and_load(const char *path)
{
    struct bpf_object *object = bpf_object__open_file(path, NULL);

    if (!object)
        die("cannot open %s: %s", path, reason(errno));
    if (bpf_object__load(object))
        die("cannot load %s: %s", path, reason(errno));
    return object;
}

static size_t program_count(struct bpf_object *object)
{
    struct bpf_program *program;
    size_t count = 0;

    bpf_object__for_each_program(program, object)
        count++;
    return count;
}

static void attach_programs(struct loaded *loaded)
{
    struct bpf_program *program;

    loaded->links = calloc(program_count(loaded->object), sizeof(*loaded->links));
    if (!loaded->links)
        die("no memory for the links");
    bpf_object__for_each_program(program, loaded->object) {
        struct bpf_link *link = bpf_program__attach(program);

        if (!link)
            die("cannot attach %s: %s", bpf_program__name(program), reason(errno));
        loaded->links[loaded->link_count++] = link;
    }
}

static struct loaded open_load_attach(const char *path)
{
    struct loaded loaded = { .object = open_and_load(path) };

    attach_programs(&loaded);
    return loaded;
}

static void close_loaded(struct loaded *loaded)
{
    for (size_t i = 0; i < loaded->link_count; i++)
        bpf_link__destroy(loaded->links[i]);
    free(loaded->links);
    bpf_object__close(loaded->object);
}

static void run_load(char **arguments)
{
    size_t repeat = number("REPEAT", arguments[1], 1, 1000000);
    uint64_t *times = new_times(repeat);

    ensure_tracefs();
    for (size_t i = 0; i < repeat; i++) {
        uint64_t start = now();
        struct loaded loaded = open_load_attach(arguments[0]);

        times[i] = now() - start;
        close_loaded(&loaded);
    }
    print_times(0, times, repeat);
    free(times);
}

/* Leaves the closing to the kernel, as a program that is told to stop does: what is timed is the way to the header. */
static void run_cold(char **arguments)
{
    ensure_tracefs();
    open_load_attach(arguments[0]);
    printf("%-8s %-5s %-16s %-7s %-7s %s\n", "TIME", "EVENT", "COMM", "PID", "PPID", "FILENAME/EXIT CODE");
}

/* The kernel's sum over the mappings: VmRSS and statm come from per-CPU counters that lag behind. */
static unsigned long resident_kb(void)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    char line[256];
    unsigned long kb = 0;

    if (!file)
        die("cannot open /proc/self/smaps_rollup: %s", reason(errno));
    while (!kb && fgets(line, sizeof(line), file))
        sscanf(line, "Rss: %lu kB", &kb);
    fclose(file);
    if (!kb)
        die("no Rss in /proc/self/smaps_rollup");
    return kb;
}

static void run_rss(char **arguments)
{
    struct loaded loaded;

    ensure_tracefs();
    loaded = open_load_attach(arguments[0]);
    printf("{\"rss_kb\":%lu}\n", resident_kb());
    close_loaded(&loaded);
}

/* ---- BTF ---- */

static void run_btf(char **arguments)
{
    size_t repeat = number("REPEAT", arguments[1], 1, 1000000);
    uint64_t *times = new_times(repeat);

    for (size_t i = 0; i < repeat; i++) {
        uint64_t start = now();
        struct btf *btf = btf__parse(arguments[0], NULL);

        if (!btf)
            die("cannot parse %s: %s", arguments[0], reason(errno));
        if (btf__find_by_name_kind(btf, "task_struct", BTF_KIND_STRUCT) < 0)
            die("%s has no struct task_struct", arguments[0]);
        times[i] = now() - start;
        btf__free(btf);
    }
    print_times(0, times, repeat);
    free(times);
}

/* ---- CO-RE ---- */

/* libbpf says when it begins with the relocations of an object, and what became of each: the time in between is theirs. */
static uint64_t relocation_start, relocation_end;

static int note_relocations(enum libbpf_print_level level, const char *format, va_list arguments)
{
    (void)level;
    (void)arguments;
    if (!relocation_start && strstr(format, "CO-RE relocations"))
        relocation_start = now();
    else if (strstr(format, "relo #"))
        relocation_end = now();
    return 0;
}

/* Whether the kernel takes the object does not matter: by then the relocations are done. */
static void run_relocate(char **arguments)
{
    size_t repeat = number("REPEAT", arguments[1], 1, 1000);
    uint64_t *times = new_times(repeat);

    libbpf_set_print(note_relocations);
    for (size_t i = 0; i < repeat; i++) {
        struct bpf_object *object = bpf_object__open(arguments[0]);

        if (!object)
            die("cannot open %s: %s", arguments[0], reason(errno));
        relocation_start = relocation_end = 0;
        bpf_object__load(object);
        times[i] = relocation_end > relocation_start ? relocation_end - relocation_start : 0;
        bpf_object__close(object);
    }
    print_times(0, times, repeat);
    free(times);
}

/* ---- the producer ---- */

/* struct args of bpf/bench.bpf.c. */
struct produce_args {
    uint32_t count;
    uint32_t size;
    uint32_t flags;
    uint32_t padding;
};

/* Submits `count` records; returns how many the ring had room for. */
static uint64_t produce(int program_fd, uint32_t count, uint32_t size, uint32_t flags)
{
    struct produce_args args = { .count = count, .size = size, .flags = flags };
    LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &args, .ctx_size_in = sizeof(args));

    if (bpf_prog_test_run_opts(program_fd, &options))
        die("cannot run the producer: %s", reason(errno));
    if ((int)options.retval < 0)
        die("the producer refuses %u records of %u bytes: %s", count, size, reason((int)options.retval));
    return options.retval;
}

/* ---- the consumer ---- */

struct bench {
    struct bpf_object *object;
    struct ring_buffer *ring;
    int program_fd;
    uint32_t ring_bytes;
    uint64_t received;
    uint64_t sum;
};

/* The least that a consumer does: looks at the record, so that its bytes have to come. */
static int on_record(void *context, void *data, size_t size)
{
    struct bench *bench = context;

    (void)size;
    bench->received++;
    bench->sum += *(const uint64_t *)data;
    return 0;
}

/* Where a global stands in .bss; libbpf has set the offsets of the section's BTF when it opened the object. */
static size_t bss_offset(const struct btf *btf, const char *name)
{
    int id = btf__find_by_name_kind(btf, ".bss", BTF_KIND_DATASEC);

    if (id < 0)
        die("the object has no .bss");
    const struct btf_type *section = btf__type_by_id(btf, id);
    const struct btf_var_secinfo *variables = btf_var_secinfos(section);
    for (int i = 0; i < btf_vlen(section); i++) {
        const struct btf_type *variable = btf__type_by_id(btf, variables[i].type);

        if (!strcmp(btf__name_by_offset(btf, variable->name_off), name))
            return variables[i].offset;
    }
    die("the object has no global %s", name);
}

/* Read through the map: without a skeleton, libbpf leaves its own mapping of .bss detached from the loaded map. */
static uint64_t bss_counter(const struct bench *bench, const char *name)
{
    struct bpf_map *map = bpf_object__find_map_by_name(bench->object, ".bss");
    size_t offset = bss_offset(bpf_object__btf(bench->object), name);
    uint64_t counter;
    char *bytes;

    if (!map || offset + sizeof(counter) > bpf_map__value_size(map))
        die("the map .bss has no room for %s", name);
    bytes = malloc(bpf_map__value_size(map));
    if (!bytes || bpf_map_lookup_elem(bpf_map__fd(map), &(int){ 0 }, bytes))
        die("cannot read .bss: %s", reason(errno));
    memcpy(&counter, bytes + offset, sizeof(counter));
    free(bytes);
    return counter;
}

static void open_bench(struct bench *bench, const char *path)
{
    struct bpf_object *object = open_and_load(path);
    struct bpf_program *program = bpf_object__find_program_by_name(object, "produce");
    struct bpf_map *map = bpf_object__find_map_by_name(object, "rb");

    if (!program || !map)
        die("%s lacks the program produce or the map rb", path);
    *bench = (struct bench){
        .object = object,
        .program_fd = bpf_program__fd(program),
        .ring_bytes = bpf_map__max_entries(map),
    };
    bench->ring = ring_buffer__new(bpf_map__fd(map), on_record, bench, NULL);
    if (!bench->ring)
        die("cannot open the ring buffer: %s", reason(errno));
}

static void close_bench(struct bench *bench)
{
    ring_buffer__free(bench->ring);
    bpf_object__close(bench->object);
}

static void consume(struct bench *bench)
{
    int result = ring_buffer__consume(bench->ring);

    if (result < 0)
        die("cannot consume: %s", reason(result));
}

/* The ring is full one byte before its size; a record takes a header of 8 bytes and is rounded up to 8. */
static uint64_t ring_capacity(const struct bench *bench, uint32_t size)
{
    return (bench->ring_bytes - 1) / ((size + 8 + 7) / 8 * 8);
}

static void fill_ring(struct bench *bench, uint32_t size, uint64_t records)
{
    for (uint64_t left = records; left;) {
        uint32_t count = left < PRODUCE_LIMIT ? left : PRODUCE_LIMIT;

        if (produce(bench->program_fd, count, size, BPF_RB_NO_WAKEUP) != count)
            die("the ring dropped %llu records while it was filled", (unsigned long long)bss_counter(bench, "dropped"));
        left -= count;
    }
}

static uint64_t time_of_drain(struct bench *bench)
{
    uint64_t start = now();

    consume(bench);
    return now() - start;
}

static void run_drain(char **arguments)
{
    uint32_t size = number("SIZE", arguments[1], 1, UINT32_MAX);
    uint64_t records = number("RECORDS", arguments[2], 1, UINT32_MAX);
    size_t repeat = number("REPEAT", arguments[3], 1, 1000000);
    uint64_t *times = new_times(repeat);
    struct bench bench;

    open_bench(&bench, arguments[0]);
    if (records > ring_capacity(&bench, size))
        die("RECORDS: the ring holds %llu records of %u bytes", (unsigned long long)ring_capacity(&bench, size), size);
    for (size_t i = 0; i < repeat; i++) {
        fill_ring(&bench, size, records);
        times[i] = time_of_drain(&bench);
    }
    if (bench.received != records * repeat)
        die("received %llu records of %llu", (unsigned long long)bench.received, (unsigned long long)(records * repeat));
    print_times(records, times, repeat);
    close_bench(&bench);
    free(times);
}

/* ---- live: both at once ---- */

struct live_producer {
    int program_fd;
    uint32_t size;
    uint64_t duration;
    atomic_bool done;
};

/* The last record wakes the consumer in any case, so that its last poll does not wait in vain and count as time. */
static void *produce_live(void *context)
{
    struct live_producer *producer = context;

    pin_to_cpu(PRODUCER_CPU);
    for (uint64_t end = now() + producer->duration; now() < end;)
        produce(producer->program_fd, LIVE_BATCH, producer->size, 0);
    atomic_store(&producer->done, true);
    produce(producer->program_fd, 1, producer->size, BPF_RB_FORCE_WAKEUP);
    return NULL;
}

/*
 * The producer keeps the time, not this loop: ring_buffer__poll returns only once the ring is empty, which it may never
 * be while the producer runs.
 */
static void poll_until_done(struct bench *bench, struct live_producer *producer)
{
    while (!atomic_load(&producer->done)) {
        int result = ring_buffer__poll(bench->ring, POLL_MS);

        if (result < 0 && result != -EINTR)
            die("cannot poll: %s", reason(result));
    }
}

static void run_live(char **arguments)
{
    struct live_producer producer = {
        .size = number("SIZE", arguments[1], 1, UINT32_MAX),
        .duration = number("SECONDS", arguments[2], 1, 86400) * NS_PER_SECOND,
    };
    struct bench bench;
    pthread_t thread;
    uint64_t start, elapsed, produced;

    open_bench(&bench, arguments[0]);
    producer.program_fd = bench.program_fd;
    pin_to_cpu(CONSUMER_CPU);
    start = now();
    if (pthread_create(&thread, NULL, produce_live, &producer))
        die("cannot start the producer's thread");
    poll_until_done(&bench, &producer);
    pthread_join(thread, NULL);
    consume(&bench);
    elapsed = now() - start;
    produced = bss_counter(&bench, "produced");

    printf("{\"received\":%llu,\"produced\":%llu,\"dropped\":%llu,\"seconds\":%.6f}\n", (unsigned long long)bench.received,
           (unsigned long long)produced, (unsigned long long)bss_counter(&bench, "dropped"), (double)elapsed / NS_PER_SECOND);
    if (bench.received != produced)
        die("received and produced differ");
    close_bench(&bench);
}

/* ---- feed: the producer of another process ---- */

/* When to stop: at a time, after a number of attempts, or when stdin closes (neither set). */
struct limit {
    uint64_t duration;
    uint64_t total;
};

struct feed {
    int program_fd;
    uint32_t size;
    uint32_t count;
    struct limit limit;
    uint64_t calls;
    uint64_t records;
    uint64_t dropped;
};

static struct limit parse_limit(const char *text)
{
    const char *total = "total=";

    if (!strncmp(text, total, strlen(total)))
        return (struct limit){ .total = number("total", text + strlen(total), 1, UINT64_MAX) };
    return (struct limit){ .duration = number("SECONDS", text, 0, 86400) * NS_PER_SECOND };
}

static int open_program(const char *where)
{
    int fd;

    if (!strncmp(where, "fd:", 3))
        return number("fd", where + 3, 0, INT32_MAX);
    fd = bpf_obj_get(where);
    if (fd < 0)
        die("cannot open the pinned program %s: %s", where, reason(errno));
    return fd;
}

static void feed_once(struct feed *feed, uint32_t count)
{
    uint64_t submitted = produce(feed->program_fd, count, feed->size, 0);

    feed->calls++;
    feed->records += submitted;
    feed->dropped += count - submitted;
}

static void feed_total(struct feed *feed)
{
    for (uint64_t left = feed->limit.total; left;) {
        uint32_t count = left < feed->count ? left : feed->count;

        feed_once(feed, count);
        left -= count;
    }
}

static void feed_for_duration(struct feed *feed)
{
    for (uint64_t end = now() + feed->limit.duration; now() < end;)
        feed_once(feed, feed->count);
}

/* Looks without waiting; what is written to stdin is read and ignored. */
static bool stdin_is_closed(void)
{
    struct pollfd stdin_poll = { .fd = STDIN_FILENO, .events = POLLIN };
    char ignored[256];

    return poll(&stdin_poll, 1, 0) > 0 && read(STDIN_FILENO, ignored, sizeof(ignored)) <= 0;
}

static void feed_until_stdin_closes(struct feed *feed)
{
    while (!stdin_is_closed())
        feed_once(feed, feed->count);
}

static void run_feed(char **arguments)
{
    struct feed feed = {
        .program_fd = open_program(arguments[0]),
        .size = number("SIZE", arguments[1], 1, UINT32_MAX),
        .count = number("COUNT_PER_CALL", arguments[2], 1, PRODUCE_LIMIT),
        .limit = parse_limit(arguments[3]),
    };

    pin_to_cpu(number("CPU", arguments[4], 0, CPU_SETSIZE - 1));
    if (feed.limit.total)
        feed_total(&feed);
    else if (feed.limit.duration)
        feed_for_duration(&feed);
    else
        feed_until_stdin_closes(&feed);
    printf("{\"calls\":%llu,\"records\":%llu,\"dropped\":%llu}\n", (unsigned long long)feed.calls,
           (unsigned long long)feed.records, (unsigned long long)feed.dropped);
}

/* ---- the table ---- */

static const struct command {
    const char *name;
    int argument_count;
    void (*run)(char **arguments);
    const char *arguments;
    const char *what;
} commands[] = {
    { "load", 2, run_load, "OBJ REPEAT", "open, load, attach all, each time without the close: {ns}" },
    { "cold", 1, run_cold, "OBJ", "the same once, then bootstrap's header line" },
    { "rss", 1, run_rss, "OBJ", "resident memory when attached: {rss_kb}" },
    { "btf", 2, run_btf, "FILE REPEAT", "parse a BTF file and find struct task_struct: {ns}" },
    { "relocate", 2, run_relocate, "OBJ REPEAT", "CO-RE relocations, within a load: {ns}; 0 where there were none" },
    { "drain", 4, run_drain, "OBJ SIZE RECORDS REPEAT", "consume a ring that was filled before: {records, ns}" },
    { "live", 3, run_live, "OBJ SIZE SECONDS", "consume on CPU 0, produce on CPU 1: {received, produced, dropped, seconds}" },
    { "feed", 5, run_feed, "PROG SIZE COUNT_PER_CALL UNTIL CPU", "produce for another process: {calls, records, dropped}" },
};

static void print_usage(void)
{
    fputs("usage: libbpf-bench COMMAND ARGUMENTS\n", stderr);
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
        fprintf(stderr, "  %-8s %-35s %s\n", commands[i].name, commands[i].arguments, commands[i].what);
    fputs("PROG: a pinned program's path, or fd:N, inherited. UNTIL: SECONDS; 0: stdin closes; total=N: N attempts.\n", stderr);
}

int main(int count, char **arguments)
{
    for (size_t i = 0; count > 1 && i < sizeof(commands) / sizeof(*commands); i++) {
        if (strcmp(arguments[1], commands[i].name) || count - 2 != commands[i].argument_count)
            continue;
        commands[i].run(arguments + 2);
        if (fflush(stdout))
            die("cannot write: %s", reason(errno));
        return 0;
    }
    print_usage();
    return 1;
}
