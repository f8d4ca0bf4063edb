// Links objects with libbpf's own linker. Each line of the input is an output and its inputs, separated by tabs; each line of the
// answer is 0, or the error and what libbpf said.

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char said[4096];

static int collect(enum libbpf_print_level level, const char *format, va_list args)
{
	size_t used = strlen(said);

	if (level == LIBBPF_WARN && used + 1 < sizeof(said))
		vsnprintf(said + used, sizeof(said) - used, format, args);
	return 0;
}

static int link_all(char *line)
{
	const char *output = strtok(line, "\t");
	struct bpf_linker *linker = bpf_linker__new(output, NULL);
	const char *input;
	int err = linker ? 0 : -errno;

	while (!err && (input = strtok(NULL, "\t")))
		err = bpf_linker__add_file(linker, input, NULL);
	if (!err)
		err = bpf_linker__finalize(linker);
	if (linker)
		bpf_linker__free(linker);
	return err;
}

int main(void)
{
	char *line = NULL;
	size_t size = 0;

	libbpf_set_print(collect);
	while (getline(&line, &size, stdin) > 0) {
		line[strcspn(line, "\n")] = 0;
		said[0] = 0;
		int err = link_all(line);
		for (char *c = said; *c; c++)
			if (*c == '\n')
				*c = ' ';
		printf("%d %s\n", err, said);
		fflush(stdout);
	}
	free(line);
	return 0;
}
