// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Names that this kernel has several types of: what they agree on, and existence that narrows them down. */
#include "core.h"

CORE_BEGIN
struct irq_info {
	int spurious_threshold;
	int irq;
};
struct console {
	char name[16];
	short flags;
	int no_such;
};
struct dma_chan {
	struct list_head *device;
	int chan_id;
};
struct dir_entry {
	unsigned char type;
};
struct walk_control {
	int wc;
};
CORE_END
typedef unsigned char u8;

SEC("raw_tp/several")
int several(void **args)
{
	struct irq_info *irq = args[0];
	struct console *console = args[1];
	struct dma_chan *chan = args[2];
	struct dir_entry *entry = args[3];
	struct walk_control *walk = args[4];
	__u64 sum = bpf_core_field_exists(irq->spurious_threshold) + bpf_core_field_exists(console->flags) * 2 +
		    bpf_core_field_exists(chan->chan_id) * 4 + bpf_core_field_exists(entry->type) * 8 + bpf_core_field_exists(walk->wc) * 16;

	if (bpf_core_field_exists(console->no_such))
		sum += console->no_such;
	sum += console->flags + console->name[3];
	return sum + bpf_core_type_exists(u8) + bpf_core_type_size(u8);
}
