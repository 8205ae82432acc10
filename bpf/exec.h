/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What travels through the ring buffer. helper/linux/source/record.ts reads it; a test
 * holds the two layouts together through the object's own type information.
 *
 * Little endian, every record starts on 8 bytes. All strings of a record stand
 * after its fixed part, one after the other.
 */
#pragma once

/* Which counter a record's number comes from, and thereby what it is. */
enum kind {
	KIND_EXEC = 0,
	KIND_FAILED = 1,
	KIND_EXIT = 2,
	KIND_SNAPSHOT = 3, /* a process that ran already when the probe was attached */
	KIND_FORK = 4,
	KINDS = 5,
};

enum record_type {
	RECORD_EVENT = 1, /* struct exec_record */
	RECORD_ARGS = 2,  /* struct more_record: more bytes of the arguments of the event before it on this processor */
	RECORD_ENV = 3,	  /* the same of its environment */
};

enum exec_flags {
	FLAG_SCRIPT = 1 << 0,     /* an interpreter runs the file: a #! line or binfmt_misc */
	FLAG_MEMFD = 1 << 1,      /* the image has no file: memfd_create */
	FLAG_DELETED = 1 << 2,    /* the image's directory entry is gone */
	FLAG_SETUID = 1 << 3,     /* the kernel gave the process the file's owner, for the set-user-id bit */
	FLAG_SETGID = 1 << 4,     /* the kernel gave the process the file's group, for the set-group-id bit */
	FLAG_SECUREEXEC = 1 << 5, /* the kernel set AT_SECURE for the new program */
	FLAG_COMPAT32 = 1 << 6,   /* a 32-bit image on a 64-bit kernel */
	FLAG_CHROOT = 1 << 7,     /* the root directory is not the mount namespace's */
	FLAG_FOREIGN_MOUNT = 1 << 8, /* the image lies on a mount of no namespace, or of another than the process's */
	FLAG_ARGV_CUT = 1 << 16,  /* not all of the arguments could be read or sent */
	FLAG_EXE_CUT = 1 << 17,   /* the path is deeper or longer than the walk goes: its root end is missing */
	FLAG_CWD_CUT = 1 << 18,
	FLAG_PARENT_EXE_CUT = 1 << 19,
	FLAG_CGROUP_CUT = 1 << 20,
	FLAG_FILENAME_CUT = 1 << 21,
	FLAG_FD_PATH_CUT = 1 << 22,
	FLAG_ENV_CUT = 1 << 23, /* not all of the environment could be read, or it is longer than ENV_BYTES */
};

/* Namespaces, in the order of exec_record.ns. */
enum ns_index { NS_CGROUP, NS_IPC, NS_MNT, NS_NET, NS_PID, NS_USER, NS_UTS, NS_COUNT };

/*
 * Byte of the strings up to which a path may reach, NULs between components included; the last
 * NAME_BYTES of it are for one more name. So each path finds room for PATH_MAX at least (the
 * descriptor's and the control group's for half of that), and for what the paths before it left.
 */
#define EXE_END 6784
#define CWD_END (EXE_END + 4352)
#define PARENT_EXE_END (CWD_END + 4352)
#define FD_PATH_END (PARENT_EXE_END + 2304)
#define PATHS_BYTES (FD_PATH_END + 2304)
/*
 * Names, mount crossings and retries of a path. Fewer before Linux 6.4, where the
 * verifier follows each of them.
 */
#define PATH_STEPS 8192
#define PATH_STEPS_BEFORE_6_4 1024
#define CGROUP_STEPS 4096
#define CGROUP_STEPS_BEFORE_6_4 256
#define FILENAME_BYTES (4096 + 32) /* PATH_MAX; execveat puts "/dev/fd/N/" before the caller's path */
#define FAILED_ARG_BYTES 4096	   /* of each argument, when an exec failed */
#define NAME_BYTES 256	   /* NAME_MAX and a NUL */
#define HEAD_ARGS_BYTES 8192   /* arguments in the event's own record */
#define CHUNK_BYTES 24576	   /* arguments or environment in each further record */
#define CHUNKS 352		   /* 8 MiB: above the kernel's own limit of 6 MiB */
#define HEAD_ENV_BYTES 8192	   /* environment in the event's own record */
#define ENV_BYTES 262144	   /* environment that is looked at, from its beginning */
#define FAILED_ARGS 64	   /* arguments looked at when an exec failed */

/* Also of a fork, which has only pid, flags, start_time, comm, its parent, and the path of the image. */
struct exec_record {
	u16 type;
	u16 kind;
	u32 cpu;
	u64 number; /* taken from the counter of (kind, cpu) before there was room for the record */
	u32 seconds; /* since boot, time asleep included */
	u32 nanoseconds;
	u32 pid;
	u32 flags;
	u64 start_time;	/* microseconds since boot */
	s32 error;	/* errno of a failed exec, positive */
	u32 argv_bytes; /* in the new image; what follows in this record may be less */
	char comm[16];
	u32 filename_bytes;
	u32 args_bytes;
	u32 env_bytes; /* of the environment, behind the arguments in this record */
	u32 env_total; /* that is sent, ENV_BYTES at most; 0: none was asked for */
	/*
	 * From here to the end of the paths, execs of one parent are often the same
	 * byte for byte, and the reader makes use of it.
	 */
	u64 parent_start_time; /* 0: no parent */
	u32 ppid;
	u32 uid;
	u32 gid;
	u32 euid;
	u32 egid;
	u32 loginuid;   /* 0xffffffff: none */
	u32 session_id; /* 0: none */
	u32 tty;	    /* 0: none */
	u32 ns[NS_COUNT];
	/* Of the paths, in their order: components from the leaf up, each with its NUL. Then come filename, arguments and environment. */
	u32 exe_bytes;
	u32 cwd_bytes;
	u32 parent_exe_bytes;
	u32 fd_path_bytes; /* what `fd` leads to */
	u32 cgroup_bytes;
	s32 fd; /* descriptor of a failed execveat that filename is relative to; AT_FDCWD: none */
	u32 unused;
};

/* A process ended: KIND_EXIT. */
struct exit_record {
	u16 type;
	u16 kind;
	u32 cpu;
	u64 number;
	u32 seconds;
	u32 nanoseconds;
	u32 pid;
	s32 status; /* as wait(2) gives it */
	u64 start_time; /* microseconds since boot */
};

struct more_record {
	u16 type;
	u16 kind;
	u32 cpu;
	u64 number; /* of the event */
	u32 offset; /* of these bytes in the arguments, or in the environment */
	u32 bytes;
};

/* One per (processor, kind), in a page that user space maps and cannot write. */
struct counters {
	u64 events; /* all that happened, counted before anything could fail */
	u64 lost;   /* of those, no room in the ring */
	u64 cut;    /* events sent without all of their arguments */
	u64 newest; /* when the newest of them happened, nanoseconds since boot */
	u64 recovered; /* told by a further program, because the kernel had skipped the first */
	/* The newest of them, as last_event in maps.h has it: a further program that runs right after knows it without a look elsewhere. */
	u64 last_start_time;
	u64 last_id;
	u64 unused; /* a cache line each: processors do not disturb one another */
};
