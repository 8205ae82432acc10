/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Numbers, and the way into the ring.
 */
#pragma once

#include "maps.h"

static __always_inline struct counters *counters_of(u32 kind, u32 cpu)
{
	u32 key = cpu * KINDS + kind;
	return bpf_map_lookup_elem(&counters, &key);
}

/*
 * Whether another program has seen this already; if not, it is this one's. `first`: no other of this probe comes before.
 *
 * The programs on one tracepoint run right after one another, on one processor, where nothing can come in between. Since
 * 7.0 a task can be preempted between them (preemption.h), and go on elsewhere; for that the event is also remembered by
 * the task. There, and there alone, an event can be told twice: when four others push it out, or one that is written by
 * another processor in the same nanoseconds.
 */
static __always_inline bool is_seen(struct counters *c, u32 task_id, u64 start_time, u64 id, bool first)
{
	if (c->last_id == id && c->last_start_time == start_time)
		return true;
	c->last_id = id;
	c->last_start_time = start_time;

	u32 key = task_id % LAST_EVENT_SETS;
	struct last_events *set = bpf_map_lookup_elem(&last_events, &key);

	if (!set)
		return true;
	struct last_event *events = set->newest_first;
	for (int i = 0; i < LAST_EVENTS; i++)
		if (events[i].id == id && events[i].start_time == start_time)
			return true;
	for (int i = LAST_EVENTS - 1; i > 0; i--)
		events[i] = events[i - 1];
	events->id = id;
	events->start_time = start_time;
	if (!first)
		c->recovered++;
	return false;
}

/*
 * Nanoseconds without an event on this processor after which an event wakes the
 * reader, if it has read everything else. A wake-up costs the program that executes
 * ten times the probe itself, so a reader that is awake anyway gets none: it looks
 * by itself until nothing has come for longer than this (QUIET_MS in helper/limits.ts).
 */
#define QUIET_NS 100000000

static __always_inline u64 wake_up_after_quiet(struct counters *c, u64 now)
{
	u64 newest = c->newest;

	c->newest = now;
	if (now - newest < QUIET_NS || bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA))
		return BPF_RB_NO_WAKEUP;
	return BPF_RB_FORCE_WAKEUP;
}

/* Copies the finished event into the ring. False, and counted, when there is no room. */
static __always_inline bool send_event(struct scratch *s, u64 end, struct counters *c, u64 flags)
{
	u64 size = sizeof(struct exec_record) + end;

	CLAMP(size, sizeof(struct exec_record) + STRING_BYTES);
	if (!bpf_ringbuf_output(&ring, &s->event, size, flags))
		return true;
	c->lost++;
	return false;
}

/*
 * Whether the ring has room for `bytes` of arguments or environment. An eighth of it is
 * kept for events: whoever executes long command lines in a loop loses his own arguments
 * before others lose their events. (Above the 6 MiB that execve allows, by default.)
 */
static __always_inline bool has_room_for(u64 bytes)
{
	u64 size = bpf_ringbuf_query(&ring, BPF_RB_RING_SIZE);

	return bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) + bytes <= size - size / 8;
}

/*
 * Sends what did not fit the event's own record: from `more_at` to `more_end` of the arguments, or of the environment,
 * which begins at `start`. False when the rest could not be sent.
 */
static __noinline bool send_more(struct scratch *s, u32 type, u64 start, u64 number, u32 cpu)
{
	struct more_record *m = &s->more;

	for (int i = 0; i < CHUNKS; i++) {
		u64 at = s->more_at;
		u64 n = s->more_end - at;
		if (!n)
			return true;
		CLAMP(n, CHUNK_BYTES);
		m->type = type;
		m->kind = KIND_EXEC;
		m->cpu = cpu;
		m->number = number;
		m->offset = at - start;
		m->bytes = n;
		if (!has_room_for(n) || bpf_probe_read_user(s->chunk, n, (void *)at))
			return false;
		if (bpf_ringbuf_output(&ring, m, sizeof(*m) + n, BPF_RB_NO_WAKEUP))
			return false;
		s->more_at = at + n;
	}
	return s->more_at == s->more_end;
}
