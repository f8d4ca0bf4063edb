// Each way of hooking into the kernel, as data: what it is for, what it needs, and small programs of every type and attach type.

import type { Hook } from './hook.js';
import { NETWORK_HOOKS } from './hooks-network.js';
import { TRACING_HOOKS } from './hooks-tracing.js';

/** In the order of the report. The parts cover every type and attach type of SEC_DEFS; a test sees to it. */
export const HOOKS: readonly Hook[] = [...TRACING_HOOKS, ...NETWORK_HOOKS];
