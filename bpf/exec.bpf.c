// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * The probe: which programs begin to run, and, where it is asked for, which
 * could not.
 *
 *   on_exec        sched_process_exec, in the new image, when nothing can refuse
 *                  it any more. Sees 32-bit, execveat and memfd execs alike.
 *   on_exec_env    the same, with the environment. On request, in its place.
 *   on_exit        sched_process_exit, of the last thread of a process that has
 *                  executed something. On request.
 *   on_exit_all    the same, of every process. On request, in its place.
 *   on_fork        sched_process_fork, of new processes. On request.
 *   on_snapshot    a task iterator, run once: what runs already.
 *   on_execve*     the execve syscall tracepoints, for attempts that failed.
 *                  Loaded on request only: while any syscall tracepoint is
 *                  attached, every system call of the machine takes the slow path.
 *
 * It only looks: no program here writes to a process, changes a return value or
 * reads a map that user space can write.
 */
#include "process.h"
#include "send.h"
#include "attempts.h"
#include "preemption.h"
#include <bpf/bpf_tracing.h>

/* Helpers that only GPL-compatible programs may call (bpf_probe_read_kernel …). */
char LICENSE[] SEC("license") = "GPL";

#define MNT_NOSUID 1		  /* include/linux/mount.h */
#define LSM_UNSAFE_NO_NEW_PRIVS 4 /* include/linux/security.h */

/*
 * Whose rights the file lends to the process, where the kernel honoured its set-id bits.
 *
 * The kernel ignores the bits on a nosuid mount and on one of another mount namespace, under no_new_privs, and where
 * the user namespace does not map owner and group; else it sets per_clear (bprm_fill_uid() in fs/exec.c; capabilities
 * that are gained set it as well). From a caller that is traced or shares its working directory it can take the ids
 * back (cap_bprm_creds_from_file() in security/commoncap.c); the process then has not the file's.
 */
static __always_inline u32 set_id_flags(struct task_struct *t, struct linux_binprm *bprm, u32 known)
{
	struct file *file = BPF_CORE_READ(bprm, file);

	/* binfmt_misc with C: the bits of the file that was asked for count, which is a descriptor by now, not the interpreter's. */
	if ((known & FLAG_SCRIPT) && BPF_CORE_READ_BITFIELD_PROBED(bprm, execfd_creds))
		file = file_at(t, BPF_CORE_READ(bprm, execfd));
	u16 mode = BPF_CORE_READ(file, f_inode, i_mode);
	if (!(mode & 06000))
		return 0;
	struct vfsmount *mnt = BPF_CORE_READ(file, f_path.mnt);
	struct mount *m = mount_of(mnt);
	int unsafe = BPF_CORE_READ(bprm, unsafe);
	if (!BPF_CORE_READ(bprm, per_clear) || (unsafe & LSM_UNSAFE_NO_NEW_PRIVS) ||
	    (BPF_CORE_READ(mnt, mnt_flags) & MNT_NOSUID) || BPF_CORE_READ(m, mnt_ns) != BPF_CORE_READ(t, nsproxy, mnt_ns))
		return 0;
	u32 flags = 0;
	/* On an idmapped mount the inode's owner is another number, so it is compared only where it has to be. */
	if ((mode & 04000) && (!unsafe || BPF_CORE_READ(t, cred, euid.val) == BPF_CORE_READ(file, f_inode, i_uid.val)))
		flags |= FLAG_SETUID;
	/* Without group execute the bit means something else. */
	if ((mode & 02010) == 02010 &&
	    (!unsafe || BPF_CORE_READ(t, cred, egid.val) == BPF_CORE_READ(file, f_inode, i_gid.val)))
		flags |= FLAG_SETGID;
	return flags;
}

/* No event_id has these bits: process ids have 22. */
#define ENDED (1ULL << 63)
#define FORKED (1ULL << 62)

/*
 * What a task does, for is_seen(): its number, and how often it has executed something. Both are needed for an end too.
 * When another thread than the first executes, the first ends, and the other takes its number and start time; later it
 * ends as well.
 */
static __always_inline u64 event_id(struct task_struct *t, u32 pid)
{
	return (u64)pid << 32 | (u32)BPF_CORE_READ(t, self_exec_id);
}

/* What only the exec itself tells. */
static __always_inline u32 exec_flags(struct linux_binprm *bprm)
{
	u32 flags = 0;
	u8 elf_class = 0;

	if (BPF_CORE_READ(bprm, interp) != BPF_CORE_READ(bprm, filename))
		flags |= FLAG_SCRIPT;
	if (BPF_CORE_READ_BITFIELD_PROBED(bprm, secureexec))
		flags |= FLAG_SECUREEXEC;
	/* e_ident[EI_CLASS] of the image's first bytes: 1 is ELFCLASS32. */
	bpf_probe_read_kernel(&elf_class, 1, (void *)bprm + bpf_core_field_offset(struct linux_binprm, buf) + 4);
	if (elf_class == 1)
		flags |= FLAG_COMPAT32;
	return flags;
}

/*
 * Puts the beginning of the environment into the record, behind the arguments, which end at byte `at` of the strings.
 * It lies in the ring with the names that nobody asked for; the reader picks the others, and forgets the rest.
 */
static __always_inline void append_env(struct scratch *s, u64 at, u64 start, u64 total)
{
	if (total > ENV_BYTES) {
		s->event.flags |= FLAG_ENV_CUT;
		total = ENV_BYTES;
	}
	u64 n = total;
	CLAMP(n, HEAD_ENV_BYTES);
	s->event.env_total = total;
	/* In assembly for the reason of CLAMP. */
	asm volatile goto("if %0 > %1 goto %l[full]" : "+r"(at) : "i"(STRING_BYTES - HEAD_ENV_BYTES) : : full);
	if (!has_room_for(n) || bpf_probe_read_user(s->strings + at, n, (void *)start)) {
		s->event.flags |= FLAG_ENV_CUT;
		s->event.env_total = 0;
	} else {
		s->event.env_bytes = n;
	}
full:
	return;
}

/* `env`, a constant: with the environment. */
static __always_inline int report_exec(struct task_struct *t, struct linux_binprm *bprm, bool first, bool env)
{
	u32 kind = KIND_EXEC, cpu = bpf_get_smp_processor_id();
	struct counters *c = counters_of(kind, cpu);
	struct scratch *s = bpf_map_lookup_elem(&scratches, &kind);

	if (!c || !s)
		return 0;
	u32 pid = BPF_CORE_READ(t, tgid);
	if (is_seen(c, pid, BPF_CORE_READ(t, start_boottime), event_id(t, pid), first))
		return 0;
	u64 number = c->events++;

	u64 now = fill_process(&s->event, t, kind, cpu, number);
	s->event.flags |= image_flags(t, BPF_CORE_READ(bprm, file)) | exec_flags(bprm);
	s->event.flags |= set_id_flags(t, bprm, s->event.flags);

	append_places(s, t, 0);
	u64 pos = s->end;
	CLAMP(pos, STRING_BYTES - HEAD_ARGS_BYTES - FILENAME_BYTES);
	long n = bpf_probe_read_kernel_str(s->strings + pos, FILENAME_BYTES, BPF_CORE_READ(bprm, filename));
	s->event.filename_bytes = n > 0 ? n : 0;
	pos += s->event.filename_bytes;
	CLAMP(pos, STRING_BYTES - HEAD_ARGS_BYTES);

	/* The arguments as the new image has them: no other thread exists that could change them. */
	u64 start = BPF_CORE_READ(t, mm, arg_start), total = BPF_CORE_READ(t, mm, arg_end) - start;
	u64 args = total;
	CLAMP(args, HEAD_ARGS_BYTES);
	s->event.argv_bytes = total;
	if (bpf_probe_read_user(s->strings + pos, args, (void *)start)) {
		s->event.flags |= FLAG_ARGV_CUT;
		args = 0;
		total = 0;
		c->cut++;
	}
	s->event.args_bytes = args;
	u64 end = pos + args, env_start = 0, env_sent = 0, env_total = 0;
	if (env) {
		env_start = BPF_CORE_READ(t, mm, env_start);
		append_env(s, end, env_start, BPF_CORE_READ(t, mm, env_end) - env_start);
		env_sent = s->event.env_bytes;
		env_total = s->event.env_total;
		CLAMP(env_sent, HEAD_ENV_BYTES);
	}
	if (!send_event(s, end + env_sent, c, wake_up_after_quiet(c, now)))
		return 0;
	s->more_at = start + args;
	s->more_end = start + total;
	if (args < total && !send_more(s, RECORD_ARGS, start, number, cpu))
		c->cut++;
	if (env && env_sent < env_total) {
		s->more_at = env_start + env_sent;
		s->more_end = env_start + env_total;
		send_more(s, RECORD_ENV, env_start, number, cpu);
	}
	return 0;
}

#define ON_EXEC(name, first, env)                                                                  \
	SEC("?tp_btf/sched_process_exec")                                                          \
	int BPF_PROG(name, struct task_struct *t, int old_pid, struct linux_binprm *bprm)          \
	{                                                                                          \
		if (!first && !can_be_skipped())                                                   \
			return 0;                                                                  \
		disable_preemption();                                                              \
		report_exec(t, bprm, first, env);                                                  \
		enable_preemption();                                                               \
		return 0;                                                                          \
	}

ON_EXEC(on_exec, true, false)
ON_EXEC(on_exec_second, false, false)
ON_EXEC(on_exec_third, false, false)

ON_EXEC(on_exec_env, true, true)
ON_EXEC(on_exec_env_second, false, true)
ON_EXEC(on_exec_env_third, false, true)

#define EEXIST 17
#define PF_FORKNOEXEC 0x40	/* include/linux/sched.h: forked, has not executed anything yet */
#define PF_KTHREAD 0x200000	/* the same: one of the kernel's own, which no program asked for */
#define SIGNAL_GROUP_EXIT 0x4 /* include/linux/sched/signal.h */

/* `all`, a constant: also processes that have not executed anything, as fork events tell of them. */
static __always_inline int report_exit(struct task_struct *t, bool first, bool all)
{
	u32 kind = KIND_EXIT, cpu = bpf_get_smp_processor_id();
	struct signal_struct *signal = BPF_CORE_READ(t, signal);
	struct task_struct *leader = BPF_CORE_READ(t, group_leader);
	struct counters *c = counters_of(kind, cpu);
	u64 now = bpf_ktime_get_boot_ns();
	u64 started = BPF_CORE_READ(leader, start_boottime);

	u32 pid = BPF_CORE_READ(t, pid);

	if (!c || is_seen(c, pid, BPF_CORE_READ(t, start_boottime), ENDED | event_id(t, pid), first))
		return 0;
	/* The last thread only, and only of a process that an event has told of. */
	u32 flags = BPF_CORE_READ(leader, flags);
	if (BPF_CORE_READ(signal, live.counter) != 0 || ((flags & PF_FORKNOEXEC) && (!all || (flags & PF_KTHREAD))))
		return 0;
	struct last_event process = { started, BPF_CORE_READ(t, tgid) };
	u8 reported = 1;
	/* Before 6.4 the map's own function is called, which returns an int: the upper half of the register is then not its sign. */
	s32 known = bpf_map_update_elem(&reported_processes, &process, &reported, BPF_NOEXIST);
	if (known == -EEXIST)
		return 0;
	struct exit_record e = {
		.type = RECORD_EVENT,
		.kind = kind,
		.cpu = cpu,
		.number = c->events++,
		.seconds = now / 1000000000,
		.nanoseconds = now % 1000000000,
		.pid = BPF_CORE_READ(t, tgid),
		.status = BPF_CORE_READ(signal, flags) & SIGNAL_GROUP_EXIT ? BPF_CORE_READ(signal, group_exit_code) :
									     BPF_CORE_READ(leader, exit_code),
		.start_time = started / 1000,
	};
	if (bpf_ringbuf_output(&ring, &e, sizeof(e), wake_up_after_quiet(c, now)))
		c->lost++;
	return 0;
}

#define ON_EXIT(name, first, all)                                                                  \
	SEC("?tp_btf/sched_process_exit")                                                          \
	int BPF_PROG(name, struct task_struct *t)                                                  \
	{                                                                                          \
		if (!first && !can_be_skipped())                                                   \
			return 0;                                                                  \
		disable_preemption();                                                              \
		report_exit(t, first, all);                                                        \
		enable_preemption();                                                               \
		return 0;                                                                          \
	}

ON_EXIT(on_exit, true, false)
ON_EXIT(on_exit_second, false, false)
ON_EXIT(on_exit_third, false, false)

ON_EXIT(on_exit_all, true, true)
ON_EXIT(on_exit_all_second, false, true)
ON_EXIT(on_exit_all_third, false, true)

/*
 * A process that was just made: `p`, not yet running. Not a thread, and not one of the kernel's own, whose end is not told
 * either; the flag that says so stays until the process executes something, so every fork that is told has its exit.
 */
static __always_inline int report_fork(struct task_struct *p, bool first)
{
	u32 kind = KIND_FORK, cpu = bpf_get_smp_processor_id();
	struct counters *c = counters_of(kind, cpu);
	struct scratch *s = bpf_map_lookup_elem(&scratches, &kind);
	u32 pid = BPF_CORE_READ(p, pid);

	u64 started = BPF_CORE_READ(p, start_boottime);
	/* First of all, also for what is not told: the kernel counts each run that it skips. */
	if (!c || !s || is_seen(c, pid, started, FORKED | event_id(p, pid), first))
		return 0;
	if (BPF_CORE_READ(p, tgid) != pid || (BPF_CORE_READ(p, flags) & PF_KTHREAD))
		return 0;
	struct exec_record *e = &s->event;
	u64 now = bpf_ktime_get_boot_ns();
	/* The caller of fork, or with CLONE_PARENT its parent; a thread of it may be meant, which is not a process. */
	struct task_struct *parent = BPF_CORE_READ(p, real_parent, group_leader);

	e->type = RECORD_EVENT;
	e->kind = kind;
	e->cpu = cpu;
	e->number = c->events++;
	e->seconds = now / 1000000000;
	e->nanoseconds = now % 1000000000;
	e->pid = pid;
	e->flags = 0;
	e->start_time = started / 1000;
	e->ppid = BPF_CORE_READ(parent, tgid);
	e->parent_start_time = BPF_CORE_READ(parent, start_boottime) / 1000;
	BPF_CORE_READ_INTO(&e->comm, p, comm);
	s->end = 0;
	e->exe_bytes = append_file(s, BPF_CORE_READ(p, mm, exe_file), FLAG_EXE_CUT, EXE_END);
	send_event(s, s->end, c, wake_up_after_quiet(c, now));
	return 0;
}

#define ON_FORK(name, first)                                                                       \
	SEC("?tp_btf/sched_process_fork")                                                          \
	int BPF_PROG(name, struct task_struct *caller, struct task_struct *p)                      \
	{                                                                                          \
		if (!first && !can_be_skipped())                                                   \
			return 0;                                                                  \
		disable_preemption();                                                              \
		report_fork(p, first);                                                             \
		enable_preemption();                                                               \
		return 0;                                                                          \
	}

ON_FORK(on_fork, true)
ON_FORK(on_fork_second, false)
ON_FORK(on_fork_third, false)

SEC("?iter/task")
int on_snapshot(struct bpf_iter__task *ctx)
{
	u32 kind = KIND_SNAPSHOT, cpu = bpf_get_smp_processor_id();
	struct task_struct *t = ctx->task;
	struct counters *c = counters_of(kind, cpu);
	struct scratch *s = bpf_map_lookup_elem(&scratches, &kind);

	/* Not the kernel's own processes, which have no image. */
	if (!c || !s || !t || !BPF_CORE_READ(t, mm))
		return 0;
	/* Processes, not threads: the first thread speaks for its process; when it has ended, one of the others. */
	if (BPF_CORE_READ(t, tgid) != BPF_CORE_READ(t, pid)) {
		struct task_struct *leader = BPF_CORE_READ(t, group_leader);
		struct last_event process = { BPF_CORE_READ(leader, start_boottime), SNAPSHOT_ID | BPF_CORE_READ(t, tgid) };
		u8 reported = 1;
		if (BPF_CORE_READ(leader, mm) || bpf_map_update_elem(&reported_processes, &process, &reported, BPF_NOEXIST))
			return 0;
	}
	fill_process(&s->event, t, kind, cpu, c->events++);
	struct file *image = BPF_CORE_READ(t, mm, exe_file);
	if (image)
		s->event.flags |= image_flags(t, image);
	append_places(s, t, 0);
	s->event.filename_bytes = 0;
	/* The arguments lie in another process's memory, which an iterator cannot read on every kernel: the reader asks /proc. */
	s->event.argv_bytes = 0;
	s->event.args_bytes = 0;
	send_event(s, s->end, c, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("?tp/syscalls/sys_enter_execve")
int on_execve(struct syscall_enter *ctx)
{
	return remember_attempt(AT_FDCWD, ctx->args[0], ctx->args[1]);
}

SEC("?tp/syscalls/sys_enter_execveat")
int on_execveat(struct syscall_enter *ctx)
{
	return remember_attempt((s32)ctx->args[0], ctx->args[1], ctx->args[2]);
}

SEC("?tp/syscalls/sys_exit_execve")
int on_execve_return(struct syscall_exit *ctx)
{
	return report_attempt(ctx->ret, false);
}

SEC("?tp/syscalls/sys_exit_execveat")
int on_execveat_return(struct syscall_exit *ctx)
{
	return report_attempt(ctx->ret, true);
}
