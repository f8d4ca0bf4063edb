// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What would libbpf give to the kernel? Reads lines "OBJECT" or "OBJECT<tab>BTF" (the types to relocate against, instead of the
 * running kernel's) and answers each with one line of JSON: an error, or every program as BPF_PROG_LOAD was about to take it.
 *
 * No program is loaded. libbpf reaches bpf(2) through syscall(3), which this executable defines in libc's place: loads of the
 * object's own programs are noted down and answered with a descriptor of /dev/null, everything else goes on to the kernel.
 * So no verifier decides what can be compared.
 */
#define _GNU_SOURCE
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST_PROGRAMS 256
#define LD_IMM64 0x18

static struct bpf_object *current;
static union bpf_attr loads[MOST_PROGRAMS];
static const char *names[MOST_PROGRAMS];
static int load_count;
static char warning[1024];
/* What is said of CO-RE, as elements of a JSON list. */
static FILE *core;
static char *core_text;
static size_t core_size;

/* Feature probes are loads too; those of the object's programs are told by their name and length. */
static const char *own_program(const union bpf_attr *attr)
{
	struct bpf_program *prog;

	if (!current)
		return NULL;
	bpf_object__for_each_program(prog, current) {
		if (bpf_program__insn_cnt(prog) == attr->insn_cnt &&
		    !strncmp(bpf_program__name(prog), attr->prog_name, BPF_OBJ_NAME_LEN - 1) &&
		    !memcmp(bpf_program__insns(prog), (void *)(unsigned long)attr->insns, attr->insn_cnt * sizeof(struct bpf_insn)))
			return bpf_program__name(prog);
	}
	return NULL;
}

/* libbpf frees what the attributes point to before it returns. */
static __u64 keep(__u64 from, size_t size)
{
	void *to = malloc(size ? size : 1);

	if (size)
		memcpy(to, (void *)(unsigned long)from, size);
	return (unsigned long)to;
}

long syscall(long number, ...)
{
	static long (*next)(long, ...);
	const char *name;
	va_list list;
	long a[6];
	int i;

	va_start(list, number);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_bpf && a[0] == BPF_PROG_LOAD && load_count < MOST_PROGRAMS && (name = own_program((void *)a[1]))) {
		union bpf_attr *load = &loads[load_count];

		memset(load, 0, sizeof(*load));
		memcpy(load, (void *)a[1], (size_t)a[2] < sizeof(*load) ? (size_t)a[2] : sizeof(*load));
		load->insns = keep(load->insns, load->insn_cnt * sizeof(struct bpf_insn));
		load->func_info = keep(load->func_info, load->func_info_cnt * load->func_info_rec_size);
		load->line_info = keep(load->line_info, load->line_info_cnt * load->line_info_rec_size);
		names[load_count++] = name;
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	if (number == SYS_bpf && a[0] == BPF_PROG_BIND_MAP)
		return 0; /* /dev/null would be refused */
	if (!next)
		next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void put_text(FILE *to, const char *text)
{
	fputc('"', to);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(to, "\\%c", *text);
		else
			fputc(*text < ' ' ? ' ' : *text, to);
	}
	fputc('"', to);
}

/* From the first CO-RE relocation on, until a program is loaded. */
static void note_core(const char *format, va_list args)
{
	char line[4096];
	va_list again;

	if (!core || load_count > 0 || (!ftell(core) && !strstr(format, "CO-RE relocations\n")))
		return;
	va_copy(again, args);
	vsnprintf(line, sizeof(line), format, again);
	va_end(again);
	line[strcspn(line, "\n")] = 0;
	fprintf(core, ftell(core) ? "," : "");
	put_text(core, line + strlen("libbpf: "));
}

static int print(enum libbpf_print_level level, const char *format, va_list args)
{
	if (getenv("LIBBPF_DEBUG"))
		return vfprintf(stderr, format, args);
	note_core(format, args);
	if (level == LIBBPF_WARN && !warning[0])
		vsnprintf(warning, sizeof(warning), format, args);
	return 0;
}

static void print_text(const char *key, const char *text)
{
	printf("\"%s\":", key);
	put_text(stdout, text);
}

static void print_bytes(const char *key, __u64 from, size_t size)
{
	const unsigned char *bytes = (void *)(unsigned long)from;

	printf(",\"%s\":\"", key);
	while (size--)
		printf("%02x", *bytes++);
	printf("\"");
}

/* Descriptors are numbers of the moment: those of maps read as 0. */
static void forget_fds(struct bpf_insn *insns, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (insns[i].code != LD_IMM64)
			continue;
		if (insns[i].src_reg == BPF_PSEUDO_MAP_FD || insns[i].src_reg == BPF_PSEUDO_MAP_VALUE)
			insns[i].imm = 0;
		i++;
	}
}

static void print_load(const char *name, union bpf_attr *load)
{
	forget_fds((void *)(unsigned long)load->insns, load->insn_cnt);
	printf("{");
	print_text("name", name);
	printf(",\"type\":%u,\"attachType\":%u,\"attachBtfId\":%u,\"flags\":%u", load->prog_type, load->expected_attach_type,
	       load->attach_btf_id, load->prog_flags);
	print_bytes("insns", load->insns, load->insn_cnt * sizeof(struct bpf_insn));
	print_bytes("funcInfo", load->func_info, load->func_info_cnt * load->func_info_rec_size);
	print_bytes("lineInfo", load->line_info, load->line_info_cnt * load->line_info_rec_size);
	printf("}");
	free((void *)(unsigned long)load->insns);
	free((void *)(unsigned long)load->func_info);
	free((void *)(unsigned long)load->line_info);
}

/* The types of the object as libbpf rewrote them, the values of its .kconfig, and which libbpf says so. */
static void print_data(void)
{
	const struct btf *btf = bpf_object__btf(current);
	struct bpf_map *map = bpf_object__find_map_by_name(current, ".kconfig");
	size_t kconfig_size = 0;
	__u32 btf_size = 0;
	const void *kconfig = map ? bpf_map__initial_value(map, &kconfig_size) : NULL;
	const void *types = btf ? btf__raw_data(btf, &btf_size) : NULL;

	printf(",\"minor\":%u,\"kconfigFlags\":%u", libbpf_minor_version(), map ? bpf_map__map_flags(map) : 0);
	print_bytes("btf", (unsigned long)types, btf_size);
	print_bytes("kconfig", (unsigned long)kconfig, kconfig_size);
}

static void answer(const char *path, const char *btf)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = btf);
	int error, i;

	load_count = 0;
	warning[0] = 0;
	core = open_memstream(&core_text, &core_size);
	current = bpf_object__open_file(path, &options);
	error = current ? bpf_object__load(current) : -errno;
	printf("{\"error\":%d,", error);
	print_text("warning", warning);
	printf(",\"programs\":[");
	for (i = 0; i < load_count; i++) {
		printf(i ? "," : "");
		print_load(names[i], &loads[i]);
	}
	fclose(core);
	core = NULL;
	printf("],\"core\":[%s]", core_text);
	free(core_text);
	if (current && getenv("TSBPF_PARITY_DATA"))
		print_data();
	printf("}\n");
	bpf_object__close(current);
	current = NULL;
}

int main(void)
{
	char line[8192];

	libbpf_set_print(print);
	while (fgets(line, sizeof(line), stdin)) {
		char *tab;

		line[strcspn(line, "\n")] = 0;
		tab = strchr(line, '\t');
		if (tab)
			*tab++ = 0;
		answer(line, tab);
	}
	return 0;
}
