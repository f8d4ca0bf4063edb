// ioctls of any socket that ask for network devices. From include/uapi/linux/sockios.h and if.h (v6.18).

export const AF_UNIX = 1;
export const SOCK_DGRAM = 2;

/** The name of a device by its number, and the other way round. */
export const SIOCGIFNAME = 0x8910;
export const SIOCGIFINDEX = 0x8933;

/** Bytes of a name, with the NUL. */
export const IFNAMSIZ = 16;
/** struct ifreq: the name, and a union whose largest member is struct ifmap. */
export const IFREQ = { size: 40, ifr_name: 0, ifr_ifindex: IFNAMSIZ } as const;
