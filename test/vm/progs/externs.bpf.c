// What a kernel says of itself: settings and symbols. The program writes down what it was given.
#include "vm.bpf.h"

extern int LINUX_KERNEL_VERSION __kconfig;
extern bool LINUX_HAS_BPF_COOKIE __kconfig __weak;
extern bool LINUX_HAS_SYSCALL_WRAPPER __kconfig __weak;
extern int CONFIG_HZ __kconfig;
extern bool CONFIG_BPF_SYSCALL __kconfig;
extern enum libbpf_tristate CONFIG_XFS_FS __kconfig __weak;
extern bool CONFIG_FPROBE __kconfig __weak;
extern bool CONFIG_NETKIT __kconfig __weak;
extern char CONFIG_DEFAULT_HOSTNAME[16] __kconfig __weak;
extern int CONFIG_NO_SUCH_OPTION __kconfig __weak;

extern const void __start_BTF __ksym;
extern const void bpf_link_fops __ksym;
extern const void fprobe_handler __ksym __weak;
extern const void tcx_prog_attach __ksym __weak;
extern const void no_such_symbol __ksym __weak;

int version, hz, no_option, xfs;
bool cookie, wrapper, syscall_, fprobe, netkit;
char hostname[16];
u64 start_btf, link_fops, has_handler, has_tcx, has_none;

SEC("tc") int look(struct __sk_buff *skb)
{
	version = LINUX_KERNEL_VERSION;
	cookie = LINUX_HAS_BPF_COOKIE;
	wrapper = LINUX_HAS_SYSCALL_WRAPPER;
	hz = CONFIG_HZ;
	syscall_ = CONFIG_BPF_SYSCALL;
	xfs = CONFIG_XFS_FS;
	fprobe = CONFIG_FPROBE;
	netkit = CONFIG_NETKIT;
	no_option = CONFIG_NO_SUCH_OPTION;
	for (int i = 0; i < 15; i++)
		hostname[i] = CONFIG_DEFAULT_HOSTNAME[i];
	start_btf = (u64)&__start_BTF;
	link_fops = (u64)&bpf_link_fops;
	has_handler = (u64)&fprobe_handler;
	has_tcx = (u64)&tcx_prog_attach;
	has_none = (u64)&no_such_symbol;
	return 4;
}
