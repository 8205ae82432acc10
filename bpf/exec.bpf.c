// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * The probe: which programs begin to run, and, where it is asked for, which
 * could not.
 *
 *   on_exec        sched_process_exec, in the new image, when nothing can refuse
 *                  it any more. Sees 32-bit, execveat and memfd execs alike.
 *   on_exit        sched_process_exit, of the last thread of a process that has
 *                  executed something. On request.
 *   on_snapshot    a task iterator, run once: what runs already.
 *   on_execve*     the execve syscall tracepoints, for attempts that failed.
 *                  Loaded on request only: while any syscall tracepoint is
 *                  attached, every system call of the machine takes the slow path.
 *
 * It only looks: no program here writes to a process, changes a return value or
 * reads a map that user space can write.
 */
#include "kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "exec.h"

/* Helpers that only GPL-compatible programs may call (bpf_probe_read_kernel …). */
char LICENSE[] SEC("license") = "GPL";

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
 * What each processor reported last, by kind. When a newer build of the probe
 * takes over, it is attached before the older one is detached, and both see every
 * event in between, one right after the other: the second finds it here.
 */
struct last_event {
	u64 start_time; /* of the process: with its pid, no other ever */
	u64 id;         /* pid, and which exec of that process */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* KINDS for each possible processor */
	__type(key, u32);
	__type(value, struct last_event);
} last_events SEC(".maps");

#define STRING_BYTES (3 * PATH_BYTES + CGROUP_BYTES + FILENAME_BYTES + HEAD_ARGS_BYTES)

/*
 * A record is put together here and then copied into the ring in its true size.
 * Reserving the largest size in the ring instead would waste 26 KiB an event.
 * The kernel runs at most one instance of a program per processor (it counts and
 * skips a nested one, see prog_info.recursion_misses), so one of these per kind
 * and processor is enough.
 */
struct scratch {
	/*
	 * Where loops stand. Kept in memory rather than in registers: the verifier
	 * follows every value that a register can take through a loop, and gives up.
	 */
	u64 end;      /* of the strings so far */
	u64 limit;    /* for the string that is being put together */
	u64 args_at;  /* address in the process of the arguments that are still to be sent */
	u64 args_end;
	union {
		struct {
			struct exec_record event;
			char strings[STRING_BYTES];
		};
		struct {
			struct args_record args;
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
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64); /* pid and thread id */
	__type(value, struct attempt);
} attempts SEC(".maps");

/*
 * Bounds `n` for the verifier. In assembly, because the compiler moves a plain
 * comparison to a copy of the value and the verifier then loses the bound.
 */
#define CLAMP(n, max) asm volatile("if %0 <= %1 goto +1; %0 = %1" : "+r"(n) : "i"(max))

static __always_inline struct mount *mount_of(struct vfsmount *mnt)
{
	return (void *)mnt - bpf_core_field_offset(struct mount, mnt);
}

/*
 * Reads the pointer at `index` of an array field. Only a constant index would be
 * relocated by the compiler, so the address is put together here.
 */
#define READ_POINTER_AT(object, type, field, index)                                                        \
	({                                                                                                 \
		void *found = 0;                                                                           \
		bpf_probe_read_kernel(&found, sizeof(found),                                               \
				      (void *)(object) + bpf_core_field_offset(type, field) + (index) * 8); \
		found;                                                                                     \
	})

/* Steps from the root of a mount to where it is mounted. False at the namespace's own root. */
static __always_inline bool cross_mount(struct vfsmount **mnt, struct dentry **dentry)
{
	struct mount *m = mount_of(*mnt);
	struct mount *parent = BPF_CORE_READ(m, mnt_parent);

	if (parent == m)
		return false;
	*dentry = BPF_CORE_READ(m, mnt_mountpoint);
	*mnt = (void *)parent + bpf_core_field_offset(struct mount, mnt);
	return true;
}

/* Appends a NUL-terminated name to the strings. False when it does not fit, or cannot be read. */
static __always_inline bool append_name(struct scratch *s, const void *name)
{
	u64 pos = s->end;

	if (pos + NAME_BYTES > s->limit)
		return false;
	CLAMP(pos, STRING_BYTES - NAME_BYTES);
	long n = bpf_probe_read_kernel_str(s->strings + pos, NAME_BYTES, name);
	if (n <= 0)
		return false;
	s->end = pos + n;
	return true;
}

/* Odd while the entry is renamed, and another afterwards. */
static __always_inline u32 rename_count(struct dentry *dentry)
{
	u32 sequence = 0;

	bpf_probe_read_kernel(&sequence, sizeof(sequence), (void *)dentry + bpf_core_field_offset(struct dentry, d_seq));
	return sequence;
}

/*
 * Appends the components of an absolute path, leaf first (bpf_d_path is not
 * allowed in these programs). Each component is a name that it had; a folder that
 * is moved during the walk can give the upper part of another place. Sets `cut` in the record's flags when the walk ends before the root.
 */
static __noinline int append_path(struct scratch *s, struct vfsmount *mnt, struct dentry *dentry, u32 cut)
{
	s->limit = s->end + PATH_BYTES;
	for (int i = 0; i < PATH_DEPTH; i++) {
		if (dentry == BPF_CORE_READ(mnt, mnt_root)) {
			if (!cross_mount(&mnt, &dentry))
				return 0;
			continue;
		}
		u32 renames = rename_count(dentry);
		u64 end = s->end;
		struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
		if (!append_name(s, BPF_CORE_READ(dentry, d_name.name)))
			break;
		/* Short names are exchanged in place, and may have been read half old, half new: once more. */
		if ((renames & 1) || renames != rename_count(dentry)) {
			s->end = end;
			continue;
		}
		/* Its own parent but not the root of its mount: a file without a directory, such as a memfd. */
		if (parent == dentry)
			return 0;
		dentry = parent;
	}
	s->event.flags |= cut;
	return 0;
}

static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *kn)
{
	if (bpf_core_field_exists(kn->parent))
		return BPF_CORE_READ(kn, parent);
	struct kernfs_node___since_6_15 *newer = (void *)kn;
	return BPF_CORE_READ(newer, __parent);
}

/*
 * Appends the cgroup's components, leaf first: of the unified hierarchy, or of
 * the pids controller where the unified one is not in use (its root has no parent).
 */
static __noinline int append_cgroup(struct scratch *s, struct task_struct *t)
{
	struct css_set *set = BPF_CORE_READ(t, cgroups);
	struct kernfs_node *kn = BPF_CORE_READ(set, dfl_cgrp, kn);

	if (!kernfs_parent(kn) && bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id)) {
		u64 id = bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id);
		struct cgroup_subsys_state *css = READ_POINTER_AT(set, struct css_set, subsys, id);
		if (css)
			kn = BPF_CORE_READ(css, cgroup, kn);
	}
	s->limit = s->end + CGROUP_BYTES;
	for (int i = 0; i < CGROUP_DEPTH; i++) {
		struct kernfs_node *parent = kernfs_parent(kn);
		if (!parent)
			return 0;
		if (!append_name(s, BPF_CORE_READ(kn, name)))
			break;
		kn = parent;
	}
	s->event.flags |= FLAG_CGROUP_CUT;
	return 0;
}

static __always_inline bool is_chrooted(struct fs_struct *fs)
{
	struct vfsmount *mnt = BPF_CORE_READ(fs, root.mnt);
	struct dentry *dentry = BPF_CORE_READ(fs, root.dentry);

	/* Mounts stacked on the root, as an initial ramdisk leaves them, are not a chroot. */
	for (int i = 0; i < 8; i++) {
		if (dentry != BPF_CORE_READ(mnt, mnt_root))
			return true;
		if (!cross_mount(&mnt, &dentry))
			return false;
	}
	return true;
}

/* As new_encode_dev() in include/linux/kdev_t.h, which proc_pid_stat(5) shows. */
static __always_inline u32 tty_number(struct task_struct *t)
{
	struct tty_struct *tty = BPF_CORE_READ(t, signal, tty);

	if (!tty)
		return 0;
	u32 major = BPF_CORE_READ(tty, driver, major);
	u32 minor = BPF_CORE_READ(tty, driver, minor_start) + BPF_CORE_READ(tty, index);
	return (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);
}

static __always_inline struct counters *counters_of(u32 kind, u32 cpu)
{
	u32 key = cpu * KINDS + kind;
	return bpf_map_lookup_elem(&counters, &key);
}

/* Whether another build of this probe has just reported the same event here; if not, it is this one's. */
static __always_inline bool is_reported(u32 kind, u32 cpu, u64 start_time, u64 id)
{
	u32 key = cpu * KINDS + kind;
	struct last_event *last = bpf_map_lookup_elem(&last_events, &key);

	if (!last)
		return false;
	if (last->id == id && last->start_time == start_time)
		return true;
	last->id = id;
	last->start_time = start_time;
	return false;
}

/* Fills all that does not depend on the image: who, when, where. Gives the time, in nanoseconds since boot. */
static __always_inline u64 fill_process(struct exec_record *e, struct task_struct *t, u32 kind, u32 cpu, u64 number)
{
	u64 now = bpf_ktime_get_boot_ns();
	struct task_struct *parent = BPF_CORE_READ(t, real_parent, group_leader);
	const struct cred *cred = BPF_CORE_READ(t, cred);
	struct nsproxy *ns = BPF_CORE_READ(t, nsproxy);
	struct pid *pid = BPF_CORE_READ(t, thread_pid);

	e->type = RECORD_EVENT;
	e->kind = kind;
	e->cpu = cpu;
	e->number = number;
	e->seconds = now / 1000000000;
	e->nanoseconds = now % 1000000000;
	e->pid = BPF_CORE_READ(t, tgid);
	e->ppid = BPF_CORE_READ(parent, tgid);
	e->uid = BPF_CORE_READ(cred, uid.val);
	e->gid = BPF_CORE_READ(cred, gid.val);
	e->euid = BPF_CORE_READ(cred, euid.val);
	e->egid = BPF_CORE_READ(cred, egid.val);
	e->loginuid = bpf_core_field_exists(t->loginuid) ? BPF_CORE_READ(t, loginuid.val) : ~0U;
	u64 sid = bpf_core_enum_value(enum pid_type, PIDTYPE_SID);
	struct pid *session = READ_POINTER_AT(BPF_CORE_READ(t, signal), struct signal_struct, pids, sid);
	e->session_id = BPF_CORE_READ(session, numbers[0].nr);
	e->tty = tty_number(t);
	e->flags = 0;
	e->start_time = BPF_CORE_READ(t, group_leader, start_boottime) / 1000;
	e->parent_start_time = BPF_CORE_READ(parent, start_boottime) / 1000;
	e->ns[NS_CGROUP] = BPF_CORE_READ(ns, cgroup_ns, ns.inum);
	e->ns[NS_IPC] = BPF_CORE_READ(ns, ipc_ns, ns.inum);
	e->ns[NS_MNT] = BPF_CORE_READ(ns, mnt_ns, ns.inum);
	e->ns[NS_NET] = BPF_CORE_READ(ns, net_ns, ns.inum);
	u64 level = BPF_CORE_READ(pid, level) * bpf_core_type_size(struct upid);
	struct upid *innermost = (void *)pid + bpf_core_field_offset(struct pid, numbers) + level;
	e->ns[NS_PID] = BPF_CORE_READ(innermost, ns, ns.inum);
	e->ns[NS_USER] = BPF_CORE_READ(cred, user_ns, ns.inum);
	e->ns[NS_UTS] = BPF_CORE_READ(ns, uts_ns, ns.inum);
	e->error = 0;
	BPF_CORE_READ_INTO(&e->comm, t, comm);
	return now;
}

/* Appends the file's path and tells its length; 0 without a file (a kernel thread has none). */
static __always_inline u32 append_file(struct scratch *s, struct file *file, u32 cut)
{
	u64 start = s->end;

	if (file)
		append_path(s, BPF_CORE_READ(file, f_path.mnt), BPF_CORE_READ(file, f_path.dentry), cut);
	return s->end - start;
}

/* Puts the paths that the process has into the record, at the start of its strings. */
static __always_inline void append_places(struct scratch *s, struct task_struct *t)
{
	struct exec_record *e = &s->event;
	struct fs_struct *fs = BPF_CORE_READ(t, fs);

	s->end = 0;
	e->exe_bytes = append_file(s, BPF_CORE_READ(t, mm, exe_file), FLAG_EXE_CUT);
	u64 start = s->end;
	append_path(s, BPF_CORE_READ(fs, pwd.mnt), BPF_CORE_READ(fs, pwd.dentry), FLAG_CWD_CUT);
	e->cwd_bytes = s->end - start;
	e->parent_exe_bytes = append_file(s, BPF_CORE_READ(t, real_parent, mm, exe_file), FLAG_PARENT_EXE_CUT);
	start = s->end;
	append_cgroup(s, t);
	e->cgroup_bytes = s->end - start;
	if (is_chrooted(fs))
		e->flags |= FLAG_CHROOT;
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
 * Whether the ring has room for `bytes` of arguments. An eighth of it is kept for
 * events: whoever executes long command lines in a loop loses his own arguments
 * before others lose their events. (Above the 6 MiB that execve allows, by default.)
 */
static __always_inline bool has_room_for_args(u64 bytes)
{
	u64 size = bpf_ringbuf_query(&ring, BPF_RB_RING_SIZE);

	return bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) + bytes <= size - size / 8;
}

/* Sends the arguments that did not fit the event's own record. False when the rest could not be sent. */
static __noinline bool send_more_args(struct scratch *s, u64 start, u64 number, u32 cpu)
{
	struct args_record *a = &s->args;

	for (int i = 0; i < CHUNKS; i++) {
		u64 at = s->args_at;
		u64 n = s->args_end - at;
		if (!n)
			return true;
		CLAMP(n, CHUNK_BYTES);
		a->type = RECORD_ARGS;
		a->kind = KIND_EXEC;
		a->cpu = cpu;
		a->number = number;
		a->offset = at - start;
		a->args_bytes = n;
		if (!has_room_for_args(n) || bpf_probe_read_user(s->chunk, n, (void *)at))
			return false;
		if (bpf_ringbuf_output(&ring, a, sizeof(*a) + n, BPF_RB_NO_WAKEUP))
			return false;
		s->args_at = at + n;
	}
	return s->args_at == s->args_end;
}

/* What the file that a process runs tells: where it is, and whose rights it lends. */
static __always_inline u32 image_flags(struct task_struct *t, struct file *file)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	u16 mode = BPF_CORE_READ(file, f_inode, i_mode);
	u32 flags = 0;

	if (BPF_CORE_READ(dentry, d_parent) == dentry) {
		u32 name = 0;
		bpf_probe_read_kernel(&name, sizeof(name), BPF_CORE_READ(dentry, d_name.name));
		if (name == 0x666d656d) /* "memf", in a dentry that only the kernel can name */
			flags |= FLAG_MEMFD;
	} else {
		struct nsproxy *ns = BPF_CORE_READ(t, nsproxy);
		struct mount *m = mount_of(BPF_CORE_READ(file, f_path.mnt));
		if (!BPF_CORE_READ(dentry, d_hash.pprev))
			flags |= FLAG_DELETED;
		if (ns && BPF_CORE_READ(m, mnt_ns) != BPF_CORE_READ(ns, mnt_ns))
			flags |= FLAG_FOREIGN_MOUNT;
	}
	if ((mode & 04000) && BPF_CORE_READ(t, cred, euid.val) == BPF_CORE_READ(file, f_inode, i_uid.val))
		flags |= FLAG_SETUID;
	if ((mode & 02010) == 02010)
		flags |= FLAG_SETGID;
	return flags;
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

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *t, int old_pid, struct linux_binprm *bprm)
{
	u32 kind = KIND_EXEC, cpu = bpf_get_smp_processor_id();
	struct counters *c = counters_of(kind, cpu);
	struct scratch *s = bpf_map_lookup_elem(&scratches, &kind);

	if (!c || !s)
		return 0;
	u64 id = (u64)BPF_CORE_READ(t, tgid) << 32 | (u32)BPF_CORE_READ(t, self_exec_id);
	if (is_reported(kind, cpu, BPF_CORE_READ(t, start_boottime), id))
		return 0;
	u64 number = c->events++;

	u64 now = fill_process(&s->event, t, kind, cpu, number);
	s->event.flags |= image_flags(t, BPF_CORE_READ(bprm, file)) | exec_flags(bprm);

	append_places(s, t);
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
	if (!send_event(s, pos + args, c, wake_up_after_quiet(c, now)))
		return 0;
	s->args_at = start + args;
	s->args_end = start + total;
	if (args < total && !send_more_args(s, start, number, cpu))
		c->cut++;
	return 0;
}

#define EEXIST 17
#define PF_FORKNOEXEC 0x40	/* include/linux/sched.h: forked, has not executed anything yet */
#define SIGNAL_GROUP_EXIT 0x4 /* include/linux/sched/signal.h */

SEC("?tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *t)
{
	u32 kind = KIND_EXIT, cpu = bpf_get_smp_processor_id();
	struct signal_struct *signal = BPF_CORE_READ(t, signal);
	struct task_struct *leader = BPF_CORE_READ(t, group_leader);
	struct counters *c = counters_of(kind, cpu);
	u64 now = bpf_ktime_get_boot_ns();
	u64 started = BPF_CORE_READ(leader, start_boottime);

	/* The last thread only, and only of a process that an exec event has told of. */
	if (!c || BPF_CORE_READ(signal, live.counter) != 0 || (BPF_CORE_READ(leader, flags) & PF_FORKNOEXEC))
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
	append_places(s, t);
	s->event.filename_bytes = 0;
	/* The arguments lie in another process's memory, which an iterator cannot read on every kernel: the reader asks /proc. */
	s->event.argv_bytes = 0;
	s->event.args_bytes = 0;
	send_event(s, s->end, c, BPF_RB_NO_WAKEUP);
	return 0;
}

static __always_inline int remember_attempt(u64 filename, u64 argv)
{
	u64 id = bpf_get_current_pid_tgid();
	struct task_struct *t = (void *)bpf_get_current_task();
	struct attempt a = { filename, argv, BPF_CORE_READ(t, self_exec_id) };

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
		if (i == FAILED_ARGS || pos + PATH_BYTES > s->limit)
			break;
		CLAMP(pos, STRING_BYTES - PATH_BYTES);
		long n = bpf_probe_read_user_str(s->strings + pos, PATH_BYTES, (void *)arg);
		if (n < 0)
			break;
		/* Kernels before 6.2 say 0 of an empty string, and write nothing. */
		if (n == 0) {
			s->strings[pos] = 0;
			n = 1;
		}
		s->end = pos + n;
		if (n == PATH_BYTES)
			break;
	}
	if (!whole)
		s->event.flags |= FLAG_ARGV_CUT;
	s->event.args_bytes = s->end - start;
	s->event.argv_bytes = s->end - start;
	return 0;
}

/*
 * The strings are read when the call has failed, not when it begins: pages that
 * were never touched (a literal in a fresh fork) read as empty before the
 * kernel itself has read them.
 */
static __always_inline int report_attempt(s64 ret)
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

	append_places(s, t);
	s->event.filename_bytes = 0;
	s->event.args_bytes = 0;
	s->event.argv_bytes = 0;
	/*
	 * It failed so late that the caller's memory is gone, and the process will be
	 * killed: what lies at these addresses now was written by the new image's author.
	 */
	if (a.exec_id != BPF_CORE_READ(t, self_exec_id))
		s->event.flags |= FLAG_ARGV_CUT | FLAG_FILENAME_CUT;
	else
		append_attempt(s, &a);
	if (s->event.flags & FLAG_ARGV_CUT)
		c->cut++;
	send_event(s, s->end, c, wake_up_after_quiet(c, now));
	return 0;
}

SEC("?tp/syscalls/sys_enter_execve")
int on_execve(struct syscall_enter *ctx)
{
	return remember_attempt(ctx->args[0], ctx->args[1]);
}

SEC("?tp/syscalls/sys_enter_execveat")
int on_execveat(struct syscall_enter *ctx)
{
	return remember_attempt(ctx->args[1], ctx->args[2]);
}

SEC("?tp/syscalls/sys_exit_execve")
int on_execve_return(struct syscall_exit *ctx)
{
	return report_attempt(ctx->ret);
}

SEC("?tp/syscalls/sys_exit_execveat")
int on_execveat_return(struct syscall_exit *ctx)
{
	return report_attempt(ctx->ret);
}
