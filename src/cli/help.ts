// `tsbpf` and `tsbpf --help`, and what is said of an unknown verb.

import { main } from './frame.js';

main();
