// prlimit64(2). From include/uapi/asm-generic/resource.h.

export const RLIMIT = { RLIMIT_MEMLOCK: 8 } as const;
export type RLimit = keyof typeof RLIMIT;
export const RLIM_INFINITY = 0xffffffffffffffffn;
