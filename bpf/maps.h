/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The maps, and what lies in them.
 */
#pragma once

#include "kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "exec.h"

/* Sizes marked 1 are set by the loader. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* frozen by the loader: user space can only read */
	__uint(max_entries, 1); /* KINDS for each possible processor */
	__type(key, u32);
	__type(value, struct counters);
} counters SEC(".maps");

/*
 * The helper's backlog of finished lines. No program touches it: it is a map so
 * that it can be pinned and outlive the process that fills it.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* pages */
	__uint(key_size, sizeof(u32));
	__uint(value_size, 4096);
} backlog SEC(".maps");

/*
 * What a task did last, for the programs that see it after the first one, right
 * then: further programs of this probe (preemption.h), and those of another build
 * that takes over, which is attached before the older one is detached. By the low
 * bits of the task's id, four that share them. (A hash by the whole id costs an exec
 * ten times as much: decision 0051.)
 */
struct last_event {
	u64 start_time; /* of the task: with its id, no other ever */
	u64 id;         /* of the task, and which exec or that it was made or ended */
};

#define LAST_EVENT_SETS 8192
#define LAST_EVENTS 4 /* in a set: one cache line */

struct last_events {
	struct last_event newest_first[LAST_EVENTS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LAST_EVENT_SETS);
	__type(key, u32);
	__type(value, struct last_events);
} last_events SEC(".maps");

#define STRING_BYTES (PATHS_BYTES + FILENAME_BYTES + HEAD_ARGS_BYTES)

/*
 * A record is put together here and then copied into the ring in its true size.
 * Reserving the largest size in the ring instead would waste 32 KiB an event.
 * No two programs of a kind run at once on a processor (preemption.h), so one of
 * these per kind and processor is enough.
 */
struct scratch {
	/*
	 * Where loops stand. Kept in memory rather than in registers: the verifier
	 * follows every value that a register can take through a loop, and gives up.
	 */
	u64 end;      /* of the strings so far */
	u64 limit;    /* for the string that is being put together */
	u64 more_at;  /* address in the process of what is still to be sent of arguments or environment */
	u64 more_end;
	union {
		struct {
			struct exec_record event;
			char strings[STRING_BYTES];
		};
		struct {
			struct more_record more;
			char chunk[CHUNK_BYTES];
		};
	};
};

_Static_assert(sizeof(struct scratch) <= 32768, "a per-processor map value has at most 32 KiB");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, KINDS);
	__type(key, u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

/*
 * Processes that were reported, where more than one thread could do it. Their ends:
 * two threads that end at the same time can both find themselves the last, and two
 * builds of the probe see every end twice. In the snapshot: a process whose first
 * thread has ended, by whichever of the others comes first.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct last_event); /* id: the pid, and SNAPSHOT_ID for the snapshot */
	__type(value, u8);
} reported_processes SEC(".maps");

#define SNAPSHOT_ID (1ULL << 32)

/* What a thread in execve asked for: user pointers, read when the call has failed. */
struct attempt {
	u64 filename;
	u64 argv;
	u64 exec_id; /* changes when the new image replaces the caller's */
	s64 fd;      /* that filename is relative to */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64); /* pid and thread id */
	__type(value, struct attempt);
} attempts SEC(".maps");
