/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What an event tells of a process, whatever happened to it.
 */
#pragma once

#include "paths.h"

#define AT_FDCWD (-100) /* include/uapi/linux/fcntl.h: no descriptor, the working directory */

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
	e->fd = AT_FDCWD;
	/* Further records of an earlier event were put together in the same memory. */
	e->env_bytes = 0;
	e->env_total = 0;
	e->unused = 0;
	BPF_CORE_READ_INTO(&e->comm, t, comm);
	return now;
}

/* The file that a descriptor of the process is open on; NULL: none. */
static __always_inline struct file *file_at(struct task_struct *t, s64 fd)
{
	struct fdtable *table = BPF_CORE_READ(t, files, fdt);
	struct file *file = 0;

	if (fd >= 0 && fd < BPF_CORE_READ(table, max_fds))
		bpf_probe_read_kernel(&file, sizeof(file), BPF_CORE_READ(table, fd) + fd);
	return file;
}

/* Appends the file's path and tells its length; 0 without a file (a kernel thread has none). */
static __always_inline u32 append_file(struct scratch *s, struct file *file, u32 cut, u64 most)
{
	u64 start = s->end;

	if (file)
		append_path(s, BPF_CORE_READ(file, f_path.mnt), BPF_CORE_READ(file, f_path.dentry), cut, most);
	return s->end - start;
}

/* Puts the paths that the process has into the record, at the start of its strings. `fd_file`: what a descriptor leads to, or NULL. */
static __always_inline void append_places(struct scratch *s, struct task_struct *t, struct file *fd_file)
{
	struct exec_record *e = &s->event;
	struct fs_struct *fs = BPF_CORE_READ(t, fs);

	s->end = 0;
	e->exe_bytes = append_file(s, BPF_CORE_READ(t, mm, exe_file), FLAG_EXE_CUT, EXE_END);
	u64 start = s->end;
	append_path(s, BPF_CORE_READ(fs, pwd.mnt), BPF_CORE_READ(fs, pwd.dentry), FLAG_CWD_CUT, CWD_END);
	e->cwd_bytes = s->end - start;
	e->parent_exe_bytes =
		append_file(s, BPF_CORE_READ(t, real_parent, mm, exe_file), FLAG_PARENT_EXE_CUT, PARENT_EXE_END);
	e->fd_path_bytes = append_file(s, fd_file, FLAG_FD_PATH_CUT, FD_PATH_END);
	start = s->end;
	append_cgroup(s, t);
	e->cgroup_bytes = s->end - start;
	if (is_chrooted(fs))
		e->flags |= FLAG_CHROOT;
}

/* What the file that a process runs tells of where it is. */
static __always_inline u32 image_flags(struct task_struct *t, struct file *file)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
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
	return flags;
}
