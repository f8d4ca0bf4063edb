// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What does libbpf make of an object? Reads lines of four fields with tabs between them,
 *
 *     MODE  PROGRAM  OBJECT  BTF
 *
 * and answers each with a line of JSON: what the kernel was given. MODE has `k` when programs really go to the kernel, and `e` when
 * those that their section switches off are loaded too. PROGRAM is the name of the only one to load, or empty. BTF is the file of
 * types to relocate against, or empty for the running kernel's.
 *
 * libbpf reaches bpf(2) through syscall(3), which this executable defines in libc's place. Maps and BTF go on to the kernel. What
 * becomes of a program is noted, but libbpf never sees one refused: so all are tried. Nothing is pinned: the file system is
 * played. Each question has a process of its own.
 */
#define _GNU_SOURCE
#include <bpf.h>
#include <btf.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libbpf.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libbpf_internal.h> /* the list of features, to be asked for before the first object */

#define MOST_MAPS 512
#define TRIES 5
#define SECONDS 100
#define LD_IMM64 0x18
#define CALL 0x85

static struct bpf_object *object;
static bool to_kernel, loading;
static char warning[1024];

/* Every part of the answer is written when it happens. */
static FILE *maps, *contents, *programs, *types, *paths, *core;
static struct {
	FILE **to;
	char *text;
	size_t size;
} parts[] = { { &maps, 0, 0 }, { &contents, 0, 0 }, { &programs, 0, 0 }, { &types, 0, 0 }, { &paths, 0, 0 }, { &core, 0, 0 } };

static struct {
	__u32 id;
	char name[BPF_OBJ_NAME_LEN + 1];
	__u32 type, key_size, value_size;
} created[MOST_MAPS];
static int created_count;
static int failed_cmd = -1, failed_errno;

static long call(long number, long a, long b, long c)
{
	static long (*next)(long, ...);

	if (!next)
		next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	return next(number, a, b, c, 0L, 0L, 0L);
}

static const void *at(__u64 address)
{
	return (const void *)(unsigned long)address;
}

static void put_string(FILE *to, const char *text)
{
	fputc('"', to);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(to, "\\%c", *text);
		else
			fputc((unsigned char)*text < ' ' || (unsigned char)*text > '~' ? ' ' : *text, to);
	}
	fputc('"', to);
}

static void put_text(FILE *to, const char *key, const char *text)
{
	fprintf(to, "\"%s\":", key);
	put_string(to, text);
}

static void put_bytes(FILE *to, const char *key, const void *from, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bytes = from;

	fprintf(to, ",\"%s\":\"", key);
	while (size--) {
		fputc(digits[*bytes >> 4], to);
		fputc(digits[*bytes++ & 15], to);
	}
	fputc('"', to);
}

static void put_number(FILE *to, const char *key, __u64 number)
{
	if (number)
		fprintf(to, ",\"%s\":%llu", key, (unsigned long long)number);
}

/* ---- who is who ---- */

static __u32 map_id(int fd)
{
	struct bpf_map_info info = {};
	union bpf_attr attr = {};

	attr.info.bpf_fd = fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (unsigned long)&info;
	return call(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, (long)&attr, sizeof(attr.info)) ? 0 : info.id;
}

static int record_of(int fd)
{
	__u32 id = map_id(fd);
	int i;

	for (i = 0; id && i < created_count; i++) {
		if (created[i].id == id)
			return i;
	}
	return -1;
}

/* The module whose types a descriptor is of. */
static const char *module_of(int fd)
{
	static char name[2][64];
	static int turn;
	struct bpf_btf_info info = {};
	union bpf_attr attr = {};

	turn = !turn;
	strcpy(name[turn], "?");
	info.name = (unsigned long)name[turn];
	info.name_len = sizeof(name[turn]);
	attr.info.bpf_fd = fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (unsigned long)&info;
	call(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, (long)&attr, sizeof(attr.info));
	return name[turn];
}

static void put_module(FILE *to, const char *key, int fd)
{
	if (fd) {
		fputc(',', to);
		put_text(to, key, module_of(fd));
	}
}

/* Maps are called by the names that the kernel was given for them. */
static const char *name_of(int fd)
{
	int record = record_of(fd);

	return record < 0 ? "?" : created[record].name;
}

static struct bpf_program *program_of(int fd)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object) {
		if (bpf_program__fd(program) == fd)
			return program;
	}
	return NULL;
}

static struct bpf_program *own_program(const union bpf_attr *attr)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object) {
		if (at(attr->insns) == bpf_program__insns(program) && attr->insn_cnt == bpf_program__insn_cnt(program))
			return program;
	}
	return NULL;
}

/* ---- what is noted ---- */

static void note_map(const union bpf_attr *attr, int result, int error)
{
	if (ftell(maps))
		fputc(',', maps);
	fputc('{', maps);
	put_text(maps, "map_name", attr->map_name);
	put_number(maps, "refused", result < 0 ? error : 0);
	put_number(maps, "map_type", attr->map_type);
	put_number(maps, "key_size", attr->key_size);
	put_number(maps, "value_size", attr->value_size);
	put_number(maps, "max_entries", attr->max_entries);
	put_number(maps, "map_flags", attr->map_flags);
	put_number(maps, "numa_node", attr->numa_node);
	put_number(maps, "map_ifindex", attr->map_ifindex);
	put_number(maps, "btf_fd", attr->btf_fd ? 1 : 0);
	put_number(maps, "btf_key_type_id", attr->btf_key_type_id);
	put_number(maps, "btf_value_type_id", attr->btf_value_type_id);
	put_number(maps, "btf_vmlinux_value_type_id", attr->btf_vmlinux_value_type_id);
	put_number(maps, "map_extra", attr->map_extra);
	put_module(maps, "value_type_btf_obj_fd", attr->value_type_btf_obj_fd);
	if (attr->inner_map_fd)
		fprintf(maps, ",\"inner\":%d", record_of(attr->inner_map_fd));
	fputc('}', maps);
	if (created_count < MOST_MAPS) {
		created[created_count].id = result < 0 ? 0 : map_id(result);
		created[created_count].type = attr->map_type;
		created[created_count].key_size = attr->key_size;
		created[created_count].value_size = attr->value_size;
		memcpy(created[created_count++].name, attr->map_name, BPF_OBJ_NAME_LEN);
	}
}

static void note_content(const union bpf_attr *attr)
{
	int fd, record = record_of(attr->map_fd);
	__u32 type;

	if (record < 0)
		return;
	type = created[record].type;
	if (ftell(contents))
		fputc(',', contents);
	fputc('{', contents);
	put_text(contents, "map", created[record].name);
	put_bytes(contents, "key", at(attr->key), created[record].key_size);
	if (type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS || type == BPF_MAP_TYPE_PROG_ARRAY) {
		struct bpf_program *program;

		memcpy(&fd, at(attr->value), sizeof(fd));
		program = type == BPF_MAP_TYPE_PROG_ARRAY ? program_of(fd) : NULL;
		fputc(',', contents);
		put_text(contents, "names", program ? bpf_program__name(program) : name_of(fd));
	} else {
		put_bytes(contents, "value", at(attr->value), created[record].value_size);
	}
	put_number(contents, "flags", attr->flags);
	fputc('}', contents);
}

static void note_frozen(const union bpf_attr *attr)
{
	if (ftell(contents))
		fputc(',', contents);
	fputc('{', contents);
	put_text(contents, "map", name_of(attr->map_fd));
	fprintf(contents, ",\"frozen\":1}");
}

static void note_path(const char *what, const union bpf_attr *attr)
{
	if (ftell(paths))
		fputc(',', paths);
	fputc('{', paths);
	put_text(paths, "what", what);
	fputc(',', paths);
	put_text(paths, "path", at(attr->pathname));
	if (record_of(attr->bpf_fd) >= 0) {
		fputc(',', paths);
		put_text(paths, "map", name_of(attr->bpf_fd));
	}
	fputc('}', paths);
}

static void note_types(const union bpf_attr *attr, int result, int error)
{
	rewind(types);
	fprintf(types, "\"btfRefused\":%d", result < 0 ? error : 0);
	put_bytes(types, "btf", at(attr->btf), attr->btf_size);
}

/* Descriptors are numbers of the moment. Those in instructions become 0, and what they mean is told by name. */
static void put_instructions(const union bpf_attr *attr)
{
	struct bpf_insn *insns = malloc((attr->insn_cnt + 1) * sizeof(*insns));
	const char *comma = "";
	__u32 i;

	memcpy(insns, at(attr->insns), attr->insn_cnt * sizeof(*insns));
	fprintf(programs, ",\"refs\":[");
	for (i = 0; i < attr->insn_cnt; i++) {
		if (insns[i].code == CALL && insns[i].src_reg == BPF_PSEUDO_KFUNC_CALL && insns[i].off > 0 && attr->fd_array) {
			fprintf(programs, "%s{\"insn\":%u,", comma, i);
			put_text(programs, "module", module_of(((const int *)at(attr->fd_array))[insns[i].off]));
			fputc('}', programs);
			comma = ",";
		}
		if (insns[i].code != LD_IMM64)
			continue;
		if ((insns[i].src_reg == BPF_PSEUDO_MAP_FD || insns[i].src_reg == BPF_PSEUDO_MAP_VALUE) && 
		    record_of(insns[i].imm) >= 0) {
			fprintf(programs, "%s{\"insn\":%u,", comma, i);
			put_text(programs, "map", name_of(insns[i].imm));
			fputc('}', programs);
			comma = ",";
			insns[i].imm = 0;
		}
		if (insns[i].src_reg == BPF_PSEUDO_BTF_ID && insns[i + 1].imm) {
			fprintf(programs, "%s{\"insn\":%u,", comma, i);
			put_text(programs, "module", module_of(insns[i + 1].imm));
			fputc('}', programs);
			comma = ",";
			insns[i + 1].imm = 0;
		}
		i++;
	}
	fprintf(programs, "]");
	put_bytes(programs, "insns", insns, attr->insn_cnt * sizeof(*insns));
	free(insns);
}

static void note_program(const char *name, const union bpf_attr *attr, int error)
{
	if (ftell(programs))
		fputc(',', programs);
	fputc('{', programs);
	put_text(programs, "name", name);
	if (to_kernel)
		fprintf(programs, ",\"outcome\":%d", error);
	put_number(programs, "prog_type", attr->prog_type);
	fputc(',', programs);
	put_text(programs, "license", attr->license ? at(attr->license) : "");
	fputc(',', programs);
	put_text(programs, "prog_name", attr->prog_name);
	put_number(programs, "kern_version", attr->kern_version);
	put_number(programs, "prog_flags", attr->prog_flags);
	put_number(programs, "prog_ifindex", attr->prog_ifindex);
	put_number(programs, "expected_attach_type", attr->expected_attach_type);
	put_number(programs, "prog_btf_fd", attr->prog_btf_fd ? 1 : 0);
	put_number(programs, "attach_btf_id", attr->attach_btf_id);
	put_module(programs, "attach_btf_obj_fd", attr->attach_btf_obj_fd);
	put_number(programs, "core_relo_cnt", attr->core_relo_cnt);
	put_number(programs, "fd_array", attr->fd_array ? 1 : 0);
	put_bytes(programs, "func_info", at(attr->func_info), (size_t)attr->func_info_cnt * attr->func_info_rec_size);
	put_bytes(programs, "line_info", at(attr->line_info), (size_t)attr->line_info_cnt * attr->line_info_rec_size);
	put_instructions(attr);
	fputc('}', programs);
}

/* ---- the calls ---- */

static long load_program(struct bpf_program *program, const union bpf_attr *attr, long size)
{
	int tries = 0, error = 0;
	long fd = -1;

	if (to_kernel) {
		do
			fd = call(SYS_bpf, BPF_PROG_LOAD, (long)attr, size);
		while (fd < 0 && errno == EAGAIN && ++tries < TRIES);
		error = fd < 0 ? errno : 0;
	}
	note_program(bpf_program__name(program), attr, error);
	return fd < 0 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : fd;
}

static long answer_bpf(int cmd, union bpf_attr *given, long size)
{
	struct bpf_program *program;
	union bpf_attr attr = {};
	long result;
	int error;

	memcpy(&attr, given, (size_t)size < sizeof(attr) ? (size_t)size : sizeof(attr));
	switch (cmd) {
	case BPF_PROG_LOAD:
		program = own_program(&attr);
		loading = program;
		if (program)
			return load_program(program, &attr, size);
		break;
	case BPF_PROG_BIND_MAP:
		return 0; /* what stands for a refused program would be refused */
	case BPF_OBJ_GET:
		note_path("get", &attr);
		errno = ENOENT;
		return -1;
	case BPF_OBJ_PIN:
		note_path("pin", &attr);
		return 0;
	case BPF_MAP_UPDATE_ELEM:
		note_content(&attr);
		if (record_of(attr.map_fd) >= 0 && created[record_of(attr.map_fd)].type == BPF_MAP_TYPE_PROG_ARRAY)
			return 0;
		break;
	case BPF_MAP_FREEZE:
		note_frozen(&attr);
		break;
	}
	result = call(SYS_bpf, cmd, (long)given, size);
	error = errno;
	if (cmd == BPF_MAP_CREATE)
		note_map(&attr, result, error);
	if (cmd == BPF_BTF_LOAD)
		note_types(&attr, result, error);
	if (result < 0 && (cmd == BPF_MAP_CREATE || cmd == BPF_MAP_UPDATE_ELEM || cmd == BPF_MAP_FREEZE)) {
		failed_cmd = cmd;
		failed_errno = error;
	}
	errno = error;
	return result;
}

long syscall(long number, ...)
{
	va_list list;
	long a[3];
	int i;

	va_start(list, number);
	for (i = 0; i < 3; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	return number == SYS_bpf && object ? answer_bpf(a[0], (void *)a[1], a[2]) : call(number, a[0], a[1], a[2]);
}

/* Any folder is a BPF file system, and can be made. */
int statfs(const char *path, struct statfs *found)
{
	(void)path;
	memset(found, 0, sizeof(*found));
	found->f_type = BPF_FS_MAGIC;
	return 0;
}
int statfs64(const char *path, struct statfs64 *found)
{
	return statfs(path, (struct statfs *)found);
}
int mkdir(const char *path, mode_t mode)
{
	(void)path;
	(void)mode;
	return 0;
}

/* All that is said from the first CO-RE relocation on, until a program is loaded. */
static void note_core(const char *format, va_list args)
{
	static char line[8192];
	va_list again;

	if (!core || (!ftell(core) && !strstr(format, "CO-RE relocations\n")))
		return;
	va_copy(again, args);
	vsnprintf(line, sizeof(line), format, again);
	va_end(again);
	line[strcspn(line, "\n")] = 0;
	if (ftell(core))
		fputc(',', core);
	put_string(core, line + strlen("libbpf: "));
}

static int print(enum libbpf_print_level level, const char *format, va_list args)
{
	if (getenv("LIBBPF_DEBUG"))
		return vfprintf(stderr, format, args);
	if (!loading)
		note_core(format, args);
	/* The first warning is the cause, but for those after which libbpf goes on. */
	if (level == LIBBPF_WARN && !warning[0] && !strstr(format, "skipping all of") && !strstr(format, "Retrying without BTF"))
		vsnprintf(warning, sizeof(warning), format, args);
	return 0;
}

/* ---- one question ---- */

static void choose_programs(bool all, const char *only)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object) {
		if (*only)
			bpf_program__set_autoload(program, !strcmp(bpf_program__name(program), only));
		else if (all)
			bpf_program__set_autoload(program, true);
	}
}

static void put_arena(void)
{
	const void *value = NULL;
	struct bpf_map *map;
	size_t size = 0, arena_size = 0, page = sysconf(_SC_PAGESIZE);

	bpf_object__for_each_map(map, object) {
		if (bpf_map__type(map) == BPF_MAP_TYPE_ARENA) {
			value = bpf_map__initial_value(map, &size);
			arena_size = page * bpf_map__max_entries(map);
		}
	}
	/* libbpf 1.7 writes it into the last pages where it can, but tells the first. */
	if (value && feat_supported(NULL, FEAT_LDIMM64_FULL_RANGE_OFF))
		value += arena_size - (size + page - 1) / page * page;
	if (value)
		put_bytes(stdout, "arena", value, size);
}

static void put_part(const char *key, FILE *part, char open, char close)
{
	size_t i;

	fflush(part);
	for (i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (*parts[i].to == part)
			printf(",\"%s\":%c%s%c", key, open, parts[i].text, close);
	}
}

static void answer(const char *mode, const char *only, const char *path, const char *btf)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = *btf ? btf : NULL);
	struct bpf_object *opened;
	int error, count = 0, on = 0;
	struct bpf_program *program;
	bool loaded = false;
	size_t i;

	alarm(SECONDS);
	for (i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		*parts[i].to = open_memstream(&parts[i].text, &parts[i].size);
	to_kernel = strchr(mode, 'k');
	opened = bpf_object__open_file(path, &options);
	error = opened ? 0 : -errno;
	if (opened) {
		object = opened;
		choose_programs(strchr(mode, 'e'), only);
		bpf_object__for_each_program(program, object) {
			count++;
			on += bpf_program__autoload(program);
		}
		loaded = true;
		error = bpf_object__load(object);
	}
	printf("{\"error\":%d,\"opened\":%s,\"programCount\":%d,\"autoload\":%d,", -error, loaded ? "true" : "false", count, on);
	put_text(stdout, "warning", warning);
	if (failed_cmd >= 0 && error)
		printf(",\"failedCommand\":%d,\"failedErrno\":%d", failed_cmd, failed_errno);
	put_part("types", types, '{', '}');
	put_part("maps", maps, '[', ']');
	put_part("contents", contents, '[', ']');
	put_part("paths", paths, '[', ']');
	put_part("programs", programs, '[', ']');
	put_part("core", core, '[', ']');
	if (object && !error)
		put_arena();
	printf("}\n");
	fflush(stdout);
	_exit(0);
}

int main(void)
{
	char line[16384];
	int feature;

	libbpf_set_print(print);
	if (getenv("TSBPF_VERSION")) {
		printf("%s\n", libbpf_version_string());
		return 0;
	}
	/* Asked now, once, so that what is noted later is of the objects alone. */
	for (feature = 0; feature < __FEAT_CNT; feature++)
		feat_supported(NULL, feature);
	warning[0] = 0;
	setvbuf(stdout, NULL, _IOFBF, 1 << 24);
	while (fgets(line, sizeof(line), stdin)) {
		char *field[4] = { line, "", "", "" };
		int i, status;
		pid_t child;

		line[strcspn(line, "\n")] = 0;
		for (i = 1; i < 4 && (field[i] = strchr(field[i - 1], '\t')); i++)
			*field[i]++ = 0;
		if (i < 4)
			return 2;
		child = fork();
		if (child == 0)
			answer(field[0], field[1], field[2], field[3]);
		if (child < 0 || waitpid(child, &status, 0) < 0)
			return 1;
		if (status) {
			printf("\n{\"crashed\":%d}\n", WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status));
			fflush(stdout);
		}
	}
	return 0;
}
