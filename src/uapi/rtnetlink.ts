// rtnetlink: what devices, queueing disciplines and filters there are. From include/uapi/linux/netlink.h, rtnetlink.h, if_link.h,
// pkt_sched.h, pkt_cls.h (v6.18).

import { struct } from '../bytes/index.js';

export const AF_NETLINK = 16;
export const SOCK_RAW = 3;
export const SOCK_CLOEXEC = 0o2000000;
export const NETLINK_ROUTE = 0;
/** recvfrom: say how long the message was, though it did not fit. */
export const MSG_TRUNC = 0x20;

/** nlmsg_type */
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const RTM_NEWLINK = 16;
export const RTM_GETLINK = 18;
export const RTM_NEWQDISC = 36;
export const RTM_GETQDISC = 38;
export const RTM_NEWTCLASS = 40;
export const RTM_GETTCLASS = 42;
export const RTM_NEWTFILTER = 44;
export const RTM_GETTFILTER = 46;

/** nlmsg_flags */
export const NLM_F_REQUEST = 0x1;
export const NLM_F_DUMP = 0x300;

/** Messages and attributes start at multiples of this. */
export const NLMSG_ALIGNTO = 4;
/** Of nla_type, the bits above say how it is encoded. */
export const NLA_TYPE_MASK = 0x3fff;

export const SOCKADDR_NL = struct('sockaddr_nl', { nl_family: 'u16', nl_pad: 'u16', nl_pid: 'u32', nl_groups: 'u32' });
export const NLMSGHDR = struct('nlmsghdr', {
  nlmsg_len: 'u32',
  nlmsg_type: 'u16',
  nlmsg_flags: 'u16',
  nlmsg_seq: 'u32',
  nlmsg_pid: 'u32',
});
export const NLATTR = struct('nlattr', { nla_len: 'u16', nla_type: 'u16' });
export const IFINFOMSG = struct('ifinfomsg', {
  ifi_family: 'u8',
  __ifi_pad: 'u8',
  ifi_type: 'u16',
  ifi_index: 's32',
  ifi_flags: 'u32',
  ifi_change: 'u32',
});
export const TCMSG = struct('tcmsg', {
  tcm_family: 'u8',
  tcm__pad1: 'u8',
  tcm__pad2: 'u16',
  tcm_ifindex: 's32',
  tcm_handle: 'u32',
  tcm_parent: 'u32',
  tcm_info: 'u32',
});

/** Attributes of a device. */
export const IFLA_IFNAME = 3;
export const IFLA_XDP = 43;
export const IFLA_PROP_LIST = 52;
export const IFLA_ALT_IFNAME = 53;

/** In IFLA_XDP. */
export const IFLA_XDP_ATTACHED = 2;
export const IFLA_XDP_PROG_ID = 4;
export const IFLA_XDP_DRV_PROG_ID = 5;
export const IFLA_XDP_SKB_PROG_ID = 6;
export const IFLA_XDP_HW_PROG_ID = 7;

/** IFLA_XDP_ATTACHED */
export const XDP_ATTACHED_NONE = 0;
export const XDP_ATTACHED_DRV = 1;
export const XDP_ATTACHED_SKB = 2;
export const XDP_ATTACHED_HW = 3;
export const XDP_ATTACHED_MULTI = 4;

/** Attributes of a queueing discipline, a class or a filter. */
export const TCA_KIND = 1;
export const TCA_OPTIONS = 2;

/** In TCA_OPTIONS of a filter of kind `bpf`. */
export const TCA_BPF_ACT = 1;
export const TCA_BPF_NAME = 7;
export const TCA_BPF_ID = 11;

/** Actions are numbered from 1 in TCA_BPF_ACT; in each of them: */
export const TCA_ACT_KIND = 1;
export const TCA_ACT_OPTIONS = 2;
/** In TCA_ACT_OPTIONS of an action of kind `bpf`. */
export const TCA_ACT_BPF_NAME = 6;
export const TCA_ACT_BPF_ID = 9;

/** Handles that filters hang on, beside those of classes and queueing disciplines. */
export const TC_H_ROOT = 0xffffffff;
export const TC_H_CLSACT_INGRESS = 0xfffffff2;
export const TC_H_CLSACT_EGRESS = 0xfffffff3;
