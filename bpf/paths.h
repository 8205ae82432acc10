/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Paths of files and of control groups, by walking up: bpf_d_path is not allowed in
 * these programs.
 */
#pragma once

#include "maps.h"

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
 * Appends the components of an absolute path, leaf first. Each component is a name that it had; a folder that
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
