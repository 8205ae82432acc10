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

/* Makes the compiler read memory again. The verifier follows each value that a register can have; of memory it knows none. */
#define FORGET() asm volatile("" : : : "memory")

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

/*
 * Writes a NUL-terminated name after the strings and tells its length. 0 when it would begin
 * after byte `last`, a constant to the verifier, or cannot be read.
 */
static __always_inline u64 write_name(struct scratch *s, const void *name, u64 last)
{
	u64 pos = s->end;

	/* In assembly for the reason of CLAMP. */
	asm volatile goto("if %0 > %1 goto %l[full]" : "+r"(pos) : "r"(last) : : full);
	long n = bpf_probe_read_kernel_str(s->strings + pos, NAME_BYTES, name);
	if (n > 0)
		return n;
full:
	return 0;
}

/* Odd while the entry is renamed, and another afterwards. */
static __always_inline u32 rename_count(struct dentry *dentry)
{
	u32 sequence = 0;

	bpf_probe_read_kernel(&sequence, sizeof(sequence), (void *)dentry + bpf_core_field_offset(struct dentry, d_seq));
	return sequence;
}

/* Weak: kernels before 6.4 do not offer these. */
extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym __weak;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym __weak;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym __weak;

/*
 * Repeats a step until it gives false, at most `most` times. The verifier walks through
 * every turn of a plain loop, and gives up after a million instructions; of an iterator's
 * loop it checks one turn.
 *
 * The jump back is assembly: kernels of 5.10's time refuse a loop that is not closed by a
 * jump, and the compiler can place the last instruction right before the first.
 */
#define REPEAT(step, most, most_before_6_4)                                                                \
	({                                                                                                 \
		__label__ again, again_before;                                                             \
		if (bpf_iter_num_new) {                                                                    \
			struct bpf_iter_num turns;                                                         \
			bpf_iter_num_new(&turns, 0, most);                                                 \
		again:                                                                                     \
			if (bpf_iter_num_next(&turns))                                                     \
				asm volatile goto("if %0 != 0 goto %l[again]" : : "r"((u64)(step)) : : again); \
			bpf_iter_num_destroy(&turns);                                                      \
		} else {                                                                                   \
			int turn = 0;                                                                      \
		again_before:                                                                              \
			if (turn++ < most_before_6_4)                                                      \
				asm volatile goto("if %0 != 0 goto %l[again_before]" : : "r"((u64)(step)) : : again_before); \
		}                                                                                          \
	})

/* Where a walk stands. */
struct walk {
	struct vfsmount *mnt;
	struct dentry *dentry;
	struct dentry *root; /* of the mount */
};

static __always_inline void stand_at(struct walk *w, struct vfsmount *mnt, struct dentry *dentry)
{
	w->mnt = mnt;
	w->dentry = dentry;
	w->root = BPF_CORE_READ(mnt, mnt_root);
}

/* Steps from the root of a mount to where it is mounted. False at the namespace's own root. */
static __always_inline bool cross_mount(struct walk *w)
{
	struct mount *m = mount_of(w->mnt);
	struct mount *parent = BPF_CORE_READ(m, mnt_parent);

	/* In assembly, so that the end comes first: the verifier puts the other side of a branch off, and 8,192 of those are too many. */
	asm volatile goto("if %0 != %1 goto %l[mounted]" : : "r"(parent), "r"(m) : : mounted);
	return false;
mounted:
	stand_at(w, (void *)parent + bpf_core_field_offset(struct mount, mnt), BPF_CORE_READ(m, mnt_mountpoint));
	return true;
}

/*
 * One step up: appends a component's name, or crosses from a mount to where it is mounted. False at the end;
 * at the root, and only there, takes `cut` from the record's flags.
 */
static __always_inline bool walk_step(struct scratch *s, struct walk *w, u32 cut, u64 last)
{
	struct dentry *dentry = w->dentry;

	if (dentry == w->root) {
		if (cross_mount(w))
			return true;
		s->event.flags &= ~cut;
		return false;
	}
	u32 renames = rename_count(dentry);
	struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
	u64 bytes = write_name(s, BPF_CORE_READ(dentry, d_name.name), last);
	if (!bytes)
		return false;
	/* Short names are exchanged in place, and may have been read half old, half new: once more. */
	if ((renames & 1) | (renames ^ rename_count(dentry)))
		return true;
	s->end += bytes;
	/* Its own parent but not the root of its mount: a file without a directory, such as a memfd. */
	if (parent == dentry) {
		s->event.flags &= ~cut;
		return false;
	}
	w->dentry = parent;
	return true;
}

/*
 * Appends the components of an absolute path, leaf first, up to byte `most` of the strings.
 * Each component is a name that it had; a folder that is moved during the walk can give the upper part of another
 * place. Leaves `cut` in the record's flags when the walk ends before the root.
 */
static __noinline int append_path(struct scratch *s, struct vfsmount *mnt, struct dentry *dentry, u32 cut, u64 most)
{
	struct walk w;

	stand_at(&w, mnt, dentry);
	s->event.flags |= cut;
	REPEAT(walk_step(s, &w, cut, most - NAME_BYTES), PATH_STEPS, PATH_STEPS_BEFORE_6_4);
	return 0;
}

static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *kn)
{
	if (bpf_core_field_exists(kn->parent))
		return BPF_CORE_READ(kn, parent);
	struct kernfs_node___since_6_15 *newer = (void *)kn;
	return BPF_CORE_READ(newer, __parent);
}

/* Appends a group's name and goes up. False at the root, which has no name, and when there is no room. */
static __always_inline bool cgroup_step(struct scratch *s, struct kernfs_node **group)
{
	struct kernfs_node *kn = *group;
	struct kernfs_node *parent = kernfs_parent(kn);

	if (!parent) {
		s->event.flags &= ~FLAG_CGROUP_CUT;
		return false;
	}
	u64 bytes = write_name(s, BPF_CORE_READ(kn, name), PATHS_BYTES - NAME_BYTES);
	s->end += bytes;
	*group = parent;
	return bytes;
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
	s->event.flags |= FLAG_CGROUP_CUT;
	REPEAT(cgroup_step(s, &kn), CGROUP_STEPS, CGROUP_STEPS_BEFORE_6_4);
	return 0;
}

static __always_inline bool is_chrooted(struct fs_struct *fs)
{
	struct walk w;

	stand_at(&w, BPF_CORE_READ(fs, root.mnt), BPF_CORE_READ(fs, root.dentry));
	/* Mounts stacked on the root, as an initial ramdisk leaves them, are not a chroot. */
	for (int i = 0; i < 8; i++) {
		if (w.dentry != w.root)
			return true;
		if (!cross_mount(&w))
			return false;
	}
	return true;
}
