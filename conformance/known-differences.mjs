// The only things that may stand between us and libbpf. Each says where it shows, and why it is so.
//
//   verdict   of the comparison: 'different', 'libbpf alone refuses', 'tsbpf alone refuses'
//   field     which field differs, where the verdict is 'different'
//   theirs    what libbpf says, where it alone refuses
//   ours      what we say, where we alone refuse
//   object, kernel, source   only there; anywhere when left out
//   reason    one line for the report
//
// Every condition that is given must hold. Texts are regular expressions.

export const KNOWN = [];
