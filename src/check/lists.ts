// Lists of functions that the kernel keeps for itself: where programs may not hook in, or may not sleep. Types do not tell them; symbols
// do, where those of data are shown (CONFIG_KALLSYMS_ALL): a list is a symbol, and what is in it stands behind it.

import type { BpfFunction } from '../object/index.js';
import { BPF_FUNC, type BpfAttachType } from '../uapi/enums.js';
import type { Finding } from './finding.js';
import { type CheckedKernel, hasNumber } from './kernel.js';

/** btf_id_deny: what trampolines themselves call. */
const DENIED = ['btf_id_deny'];
/** Functions that do not return: behind them nothing runs. */
const NO_RETURN = ['noreturn_deny'];
/** The first name is that of Linux 5.10. */
const SLEEPABLE = ['btf_sleepable_lsm_hooks', 'sleepable_lsm_hooks'];
const DISABLED = ['bpf_lsm_disabled_hooks'];

/** Since 5.11, and in 6.1 as in 7.3. Only the first was there before. */
const SLEEPABLE_HOOKS: ReadonlySet<string> = new Set(
  `bprm_committed_creds bpf bpf_map bpf_prog bprm_check_security bprm_committing_creds bprm_creds_for_exec bprm_creds_from_file capget
capset cred_prepare file_ioctl file_lock file_open file_receive inode_create inode_free_security inode_getattr inode_getxattr inode_mknod
inode_need_killpriv inode_post_setxattr inode_readlink inode_rename inode_rmdir inode_setattr inode_setxattr inode_symlink inode_unlink
kernel_module_request kernel_read_file kernfs_init_security mmap_file netlink_send path_notify release_secctx sb_alloc_security
sb_eat_lsm_opts sb_kern_mount sb_mount sb_remount sb_set_mnt_opts sb_show_options sb_statfs sb_umount settime socket_accept socket_bind
socket_connect socket_create socket_getpeername socket_getpeersec_dgram socket_getsockname socket_getsockopt socket_listen
socket_post_create socket_recvmsg socket_sendmsg socket_shutdown socket_socketpair syslog task_alloc task_prctl task_setscheduler`.split(
    /\s+/,
  ),
);
const [FIRST_SLEEPABLE] = SLEEPABLE_HOOKS;

/** Since 6.12, and in later releases of older series. */
const DISABLED_HOOKS: ReadonlySet<string> = new Set(
  `vm_enough_memory inode_need_killpriv inode_getsecurity inode_listsecurity inode_copy_up_xattr getselfattr getprocattr setprocattr
key_getsecurity audit_rule_match ismaclabel`.split(/\s+/),
);

const AT_RETURN: ReadonlySet<BpfAttachType> = new Set(['BPF_TRACE_FEXIT', 'BPF_MODIFY_RETURN', 'BPF_TRACE_FSESSION']);

/** @param name The function, of an LSM hook with `bpf_lsm_` before it. */
export function checkLists({ def }: BpfFunction, name: string, kernel: CheckedKernel): Finding[] {
  if (!def) return [];
  if (def.type === 'BPF_PROG_TYPE_LSM') return checkHook(name.replace(/^bpf_lsm_/, ''), def.sleepable === true, kernel);
  if (isListed(kernel, DENIED, name))
    return [red(`Programs may not hook into ${name}, which the kernel calls to run them (btf_id_deny)`)];
  if (def.attachType && AT_RETURN.has(def.attachType) && isListed(kernel, NO_RETURN, name))
    return [red(`${name} does not return, so nothing runs at its end (noreturn_deny)`)];
  return [];
}

function checkHook(hook: string, isSleepable: boolean, kernel: CheckedKernel): Finding[] {
  const isDisabled = isListed(kernel, DISABLED, `bpf_lsm_${hook}`);
  if (isDisabled) return [red(`Programs may not hook into ${hook}: the kernel has it among those that it disabled`)];
  if (isDisabled === undefined && DISABLED_HOOKS.has(hook))
    return [
      unknown(`whether programs may hook into ${hook}: most kernels since 6.12 disable that, and later releases of older ones`),
    ];
  if (!isSleepable) return [];
  const sleeps = isListed(kernel, SLEEPABLE, `bpf_lsm_${hook}`);
  if (sleeps === false) return [red(`Programs may not sleep in ${hook}`, `SEC("lsm/${hook}"), without sleeping, may do.`)];
  const isNew = hasNumber(kernel, 'bpf_func_id', BPF_FUNC.BPF_FUNC_bprm_opts_set, '5.11') === true; // as old as the longer list
  if (sleeps || (isNew ? SLEEPABLE_HOOKS.has(hook) : hook === FIRST_SLEEPABLE)) return [];
  return [unknown(`whether programs may sleep in ${hook} (a list of the kernel tells, which its symbols show)`)];
}

/** Every kernel with LSM programs has it. */
const ANY_LIST = 'bpf_lsm_hooks';

/** Undefined where symbols are not known, or show no lists. */
function isListed({ symbols }: CheckedKernel, lists: readonly string[], name: string): boolean | undefined {
  const known = lists.flatMap((list) => symbols?.list(list) ?? []);
  if (known.length === 0) return symbols?.list(ANY_LIST) ? false : undefined;
  return known.some((list) => list.has(name));
}

const red = (what: string, remedy?: string): Finding => ({ concern: 'attach', verdict: 'red', stage: 'load', what, remedy });
const unknown = (what: string): Finding => ({ concern: 'attach', verdict: 'unknown', stage: 'load', what });
