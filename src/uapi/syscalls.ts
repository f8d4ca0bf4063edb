// System call numbers, by Node's name of the architecture. From the kernel's unistd tables.

export const SYSCALLS = {
  x64: {
    bpf: 321,
    perf_event_open: 298,
    ioctl: 16,
    mmap: 9,
    munmap: 11,
    mkdirat: 258,
    unlinkat: 263,
    mount: 165,
    close: 3,
    read: 0,
    openat: 257,
    prlimit64: 302,
    fsopen: 430,
    fsconfig: 431,
    fsmount: 432,
    gettid: 186,
    clock_gettime: 228,
  },
  arm64: {
    bpf: 280,
    perf_event_open: 241,
    ioctl: 29,
    mmap: 222,
    munmap: 215,
    mkdirat: 34,
    unlinkat: 35,
    mount: 40,
    close: 57,
    read: 63,
    openat: 56,
    prlimit64: 261,
    fsopen: 430,
    fsconfig: 431,
    fsmount: 432,
    gettid: 178,
    clock_gettime: 113,
  },
} as const;
export type Arch = keyof typeof SYSCALLS;
export type Syscall = keyof (typeof SYSCALLS)[Arch];
