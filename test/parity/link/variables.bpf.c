// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// Variables of several files: all data sections, extern and weak ones, the kernel's configuration and symbols.

#include "../progs/core.h"

extern int LINUX_KERNEL_VERSION __kconfig;
extern unsigned long CONFIG_HZ __kconfig __weak;

#if PART == 0

int initialised = 1;
long zeroed;
const volatile short constant = 2;
static volatile char local = 3;
static volatile int hidden_zero;
int weak_one __weak = 4;
extern int theirs;
extern const int unsized_list[];
char custom SEC(".data.custom") = 5;

SEC("raw_tp/sys_enter")
int zero(void *ctx)
{
	static volatile int counter;

	counter++;
	local++;
	hidden_zero++;
	zeroed += initialised + constant + weak_one + theirs + unsized_list[1] + custom;
	return LINUX_KERNEL_VERSION + CONFIG_HZ;
}

#elif PART == 1

char first = 9;
int theirs = 7;
extern long zeroed;
const int unsized_list[4] = { 1, 2, 3, 4 };
static volatile long long local = 3;
int weak_one = 5;
unsigned char wide[64] __attribute__((aligned(64))) = { 1 };
extern _Bool CONFIG_BPF_SYSCALL __kconfig __weak;
extern const void bpf_prog_active __ksym __weak;

SEC("raw_tp/sys_enter")
int one(void *ctx)
{
	static volatile int counter;
	static volatile const char text[] = "text";

	counter += text[LINUX_KERNEL_VERSION & 3];
	local++;
	zeroed += theirs + first + wide[3] + weak_one;
	if (&bpf_prog_active)
		zeroed++;
	return CONFIG_BPF_SYSCALL;
}

#else

int own SEC(".data.custom") = 8;
extern int initialised;
int weak_one __weak = 6;
extern const volatile short constant;
static volatile const long local = 11;

SEC("raw_tp/sys_exit")
int two(void *ctx)
{
	return own + initialised + weak_one + constant + local + CONFIG_HZ;
}

#endif
