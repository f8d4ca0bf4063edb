// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * handed-on FOLDER COMMAND…: runs the command as root of a user namespace of its own, with a BPF file system at FOLDER that hands on
 * the right to use BPF. Only somebody outside may say what it hands on, but it must be opened inside: so both share descriptors.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char **arguments;
static int mapped[2], opened[2], created[2];
static char stack[256 * 1024];

static void check(int failed, const char *what)
{
	if (!failed)
		return;
	perror(what);
	_exit(125);
}

static int inside(void *unused)
{
	int fs, mount;
	char byte;

	(void)unused;
	check(read(mapped[0], &byte, 1) != 1, "waiting for the user");
	fs = syscall(SYS_fsopen, "bpf", 0);
	check(fs < 0, "fsopen");
	check(write(opened[1], &fs, sizeof(fs)) != sizeof(fs), "telling the file system");
	check(read(created[0], &byte, 1) != 1, "waiting for the file system");
	mount = syscall(SYS_fsmount, fs, 0, 0);
	check(mount < 0, "fsmount");
	check(syscall(SYS_move_mount, mount, "", AT_FDCWD, arguments[1], MOVE_MOUNT_F_EMPTY_PATH), "move_mount");
	execvp(arguments[2], arguments + 2);
	check(1, arguments[2]);
	return 1;
}

static void put(pid_t pid, const char *name, const char *text)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	check(fd < 0 || write(fd, text, strlen(text)) < 0, path);
	close(fd);
}

int main(int argc, char **argv)
{
	static const char *const rights[] = { "delegate_cmds", "delegate_maps", "delegate_progs", "delegate_attachs" };
	int fs, status;
	size_t i;
	pid_t pid;

	if (argc < 3)
		return 125;
	arguments = argv;
	check(pipe2(mapped, O_CLOEXEC) || pipe2(opened, O_CLOEXEC) || pipe2(created, O_CLOEXEC), "pipe2");
	pid = clone(inside, stack + sizeof(stack), CLONE_NEWUSER | CLONE_NEWNS | CLONE_FILES | SIGCHLD, NULL);
	check(pid < 0, "clone");
	put(pid, "setgroups", "deny");
	put(pid, "uid_map", "0 0 1");
	put(pid, "gid_map", "0 0 1");
	check(write(mapped[1], "", 1) != 1, "the user");
	check(read(opened[0], &fs, sizeof(fs)) != sizeof(fs), "waiting to be told the file system");
	for (i = 0; i < sizeof(rights) / sizeof(*rights); i++)
		check(syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, rights[i], "any", 0), rights[i]);
	check(syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0), "creating the file system");
	check(write(created[1], "", 1) != 1, "the file system");
	check(waitpid(pid, &status, 0) != pid, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}
