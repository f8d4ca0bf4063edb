// The verbs of the command line. Each is a file of its own here, `<name>.ts`, that exports `<name>Command`; and each is built into one
// file with everything that it needs, because a tool is to start within a moment.

export interface Verb {
  readonly name: string;
  readonly description: string;
}

export const VERBS: readonly Verb[] = [
  { name: 'run', description: 'run a bundled tool' },
  { name: 'inspect', description: 'show what an object is, and what a kernel would be given of it' },
  { name: 'explain', description: 'show what a load would do, and why it would not work; nothing is done' },
  { name: 'check', description: 'say whether objects fit kernels that are not at hand' },
  { name: 'btf', description: 'show the types of kernels and objects' },
  { name: 'doctor', description: 'say why BPF works on this machine or not, and what mends it' },
  { name: 'feature', description: 'list what this kernel knows of BPF' },
  { name: 'prog', description: 'load programs; show, dump and run those that are loaded: bpftool prog' },
  { name: 'map', description: 'show and change maps: bpftool map' },
  { name: 'link', description: 'show and change what is attached: bpftool link' },
  { name: 'cgroup', description: 'show programs attached to groups of processes: bpftool cgroup' },
  { name: 'perf', description: 'show programs on tracepoints and probes, by process: bpftool perf' },
  { name: 'net', description: 'show programs attached to network devices: bpftool net' },
  { name: 'gen', description: 'make files out of objects' },
];

/** Of a verb that is there. */
export const descriptionOf = (name: string): string => (VERBS.find((verb) => verb.name === name) as Verb).description;
