// Ids of the steps whose descriptors other steps refer to.

export const stepIds = {
  btf: 'btf',
  map: (name: string) => `map ${name}`,
  /** The map that tells the kernel what the maps in a map are like. */
  inner: (map: string) => `inner map of ${map}`,
  memory: (map: string) => `memory of ${map}`,
  module: (name: string) => `btf of module ${name}`,
  program: (name: string) => `prog ${name}`,
  link: (program: string) => `link ${program}`,
  perfEvent: (cpu: number) => `perf event of CPU ${cpu}`,
  perfRing: (cpu: number) => `ring of CPU ${cpu}`,
  iterator: (program: string) => `iterator ${program}`,
} as const;
