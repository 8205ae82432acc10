/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Attempts to execute that failed. Attached on request only.
 */
#pragma once

#include "process.h"
#include "send.h"

static __always_inline int remember_attempt(s32 fd, u64 filename, u64 argv)
{
	u64 id = bpf_get_current_pid_tgid();
	struct task_struct *t = (void *)bpf_get_current_task();
	struct attempt a = { filename, argv, BPF_CORE_READ(t, self_exec_id), fd };

	bpf_map_update_elem(&attempts, &id, &a, 0);
	return 0;
}

/* Appends the path and the arguments that were asked for, from the caller's memory. */
static __noinline int append_attempt(struct scratch *s, struct attempt *a)
{
	u64 at = s->end;

	CLAMP(at, STRING_BYTES - HEAD_ARGS_BYTES - FILENAME_BYTES);
	long filename_bytes = bpf_probe_read_user_str(s->strings + at, FILENAME_BYTES, (void *)a->filename);
	if (filename_bytes == FILENAME_BYTES)
		s->event.flags |= FLAG_FILENAME_CUT;
	s->event.filename_bytes = filename_bytes > 0 ? filename_bytes : 0;
	s->end = at + s->event.filename_bytes;
	/* No list at all is an empty one to execve(2). */
	if (!a->argv)
		return 0;

	u64 start = s->end;
	s->limit = start + HEAD_ARGS_BYTES;
	bool whole = false;
	for (int i = 0; i <= FAILED_ARGS; i++) {
		u64 arg = 0;
		if (bpf_probe_read_user(&arg, sizeof(arg), (void *)(a->argv + i * 8)))
			break;
		if (!arg) {
			whole = true;
			break;
		}
		u64 pos = s->end;
		if (i == FAILED_ARGS || pos + FAILED_ARG_BYTES > s->limit)
			break;
		CLAMP(pos, STRING_BYTES - FAILED_ARG_BYTES);
		long n = bpf_probe_read_user_str(s->strings + pos, FAILED_ARG_BYTES, (void *)arg);
		if (n < 0)
			break;
		/* Kernels before 6.2 say 0 of an empty string, and write nothing. */
		if (n == 0) {
			s->strings[pos] = 0;
			n = 1;
		}
		s->end = pos + n;
		if (n == FAILED_ARG_BYTES)
			break;
	}
	if (!whole)
		s->event.flags |= FLAG_ARGV_CUT;
	s->event.args_bytes = s->end - start;
	s->event.argv_bytes = s->end - start;
	return 0;
}

/* The descriptor that the path asked for is relative to, as getname() and do_filp_open() take it; AT_FDCWD: none. */
static __always_inline s64 fd_of(struct attempt *a)
{
	char first = 0;

	bpf_probe_read_user(&first, sizeof(first), (void *)a->filename);
	return first == '/' ? AT_FDCWD : a->fd;
}

/*
 * The strings are read when the call has failed, not when it begins: pages that
 * were never touched (a literal in a fresh fork) read as empty before the
 * kernel itself has read them. `at`: it was execveat.
 */
static __always_inline int report_attempt(s64 ret, bool at)
{
	u64 id = bpf_get_current_pid_tgid();
	struct attempt *found = bpf_map_lookup_elem(&attempts, &id);

	if (!found)
		return 0;
	struct attempt a = *found;
	bpf_map_delete_elem(&attempts, &id);
	/* From -512 on the kernel restarts the call by itself: nothing has failed yet. */
	if (ret >= 0 || ret <= -512)
		return 0;

	u32 kind = KIND_FAILED, cpu = bpf_get_smp_processor_id();
	struct counters *c = counters_of(kind, cpu);
	struct scratch *s = bpf_map_lookup_elem(&scratches, &kind);
	struct task_struct *t = (void *)bpf_get_current_task();

	if (!c || !s)
		return 0;
	u64 number = c->events++;

	u64 now = fill_process(&s->event, t, kind, cpu, number);
	s->event.error = -ret;

	/*
	 * Too late: it failed when the caller's memory was gone, and the process will be
	 * killed. What lies at these addresses now was written by the new image's author.
	 */
	if (a.exec_id != BPF_CORE_READ(t, self_exec_id))
		s->event.flags |= FLAG_ARGV_CUT | FLAG_FILENAME_CUT;
	else if (at)
		s->event.fd = fd_of(&a);
	FORGET();
	append_places(s, t, at ? file_at(t, s->event.fd) : 0);
	s->event.filename_bytes = 0;
	s->event.args_bytes = 0;
	s->event.argv_bytes = 0;
	FORGET();
	if (!(s->event.flags & FLAG_FILENAME_CUT))
		append_attempt(s, &a);
	if (s->event.flags & FLAG_ARGV_CUT)
		c->cut++;
	send_event(s, s->end, c, wake_up_after_quiet(c, now));
	return 0;
}
