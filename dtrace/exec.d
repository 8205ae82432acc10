/*
 * Prints every program that begins to run, as records for probes-helper, which starts it as
 * /usr/sbin/dtrace -s exec.d FAILURES (1: execs that failed too; 0: without them).
 *
 * Sees      each successful exec on the machine, by execve or posix_spawn: the probe fires in the new
 *           process, when it leaves the kernel for the first time and its memory is that of the new image.
 * Not seen  what ran before; a fork without an exec; arguments after the 64th, and what of an argument goes
 *           beyond 1,023 bytes (the helper marks both). Where System Integrity Protection restricts DTrace,
 *           kernel memory cannot be read, so nothing but pid, ppid, uid and the name is left, and the probes
 *           of proc may not be there at all. The helper notices by programs that it runs itself.
 * Stable    by documentation: proc:::create, exec, exec-success, exec-failure, profile, BEGIN; pid, ppid,
 *           uid, gid, execname, walltimestamp; the members of curpsinfo, which the system's own library
 *           translates. Not documented: proc:::spawn-success and spawn-failure, "posix_spawn" as probefunc.
 * Tried     with dtrace 2.0.7 on Linux (npm run test:dtrace). What stands between "macOS" and "end of macOS"
 *           is replaced there and has never run; it was written from the source of xnu (bsd/kern/kern_exec.c,
 *           bsd/dev/dtrace/scripts/darwin.d).
 * No destructive action: it only looks.
 *
 * A record is a kind, a processor, a number, more fields, all with a space between them, and a newline. A
 * string is a netstring, LENGTH:BYTES, so that any byte may stand in it.
 *
 *   b 0 0 STRSIZE                                   tracing begins
 *   x CPU N TIME PID PPID UID GID NAME              an exec; TIME in nanoseconds since 1970
 *   p CPU N PATH                                    the path that was asked for
 *   i CPU N ARGC EUID EGID SESSION TTY SECONDS US   TTY is -1 without one; since 1970 the process is there
 *   a CPU N INDEX ARGUMENT
 *   e CPU N                                         this exec was told to its end
 *   f CPU N TIME PID PPID UID GID ERRNO NAME        an exec that failed; p and e follow
 *   c CPU N                                         each second: so far N were counted on this processor
 *
 * N is counted for each processor, in clauses that record nothing and therefore need no room in a buffer: an
 * event whose records were dropped is missed by its number. Nothing comes between the clauses of one probe on
 * one processor, so the count is exact there (one variable for all processors would not be), and the records
 * of a processor come in their order.
 */
#pragma D option quiet
#pragma D option strsize=1024
#pragma D option bufsize=4m
#pragma D option switchrate=10hz
#pragma D option dynvarsize=1m

long number[int];	/* by processor */
string path[int];	/* by process: what it is about to execute */
self int child;		/* the process that posix_spawn is making */

BEGIN
{
	printf("b 0 0 1024\n");
}

profile:::profile-1hz
{
	printf("c %d %d\n", cpu, number[cpu]);
}

/* macOS: posix_spawn looks for the program in the name of the parent */
proc:::create
/probefunc == "posix_spawn"/
{
	self->child = args[0]->pr_pid;
}
/* end of macOS */

proc:::exec
{
	path[self->child != 0 ? self->child : pid] = stringof(args[0]);
}

/* macOS */
proc:::spawn-success
{
	self->child = 0;
}
/* end of macOS */

proc:::exec-success
{
	number[cpu]++;
	this->n = number[cpu];
	this->i = 0;
	this->argc = 0;
	this->argv = (uintptr_t)0;
}

proc:::exec-success
{
	printf("x %d %d %d %d %d %d %d %d:%s,\n", cpu, this->n, walltimestamp, pid, ppid, uid, gid, strlen(execname), execname);
}

proc:::exec-success
/path[pid] != NULL/
{
	this->s = path[pid];
	path[pid] = 0;
	printf("p %d %d %d:%s,\n", cpu, this->n, strlen(this->s), this->s);
}

/* macOS */
proc:::exec-success
{
	this->argc = curpsinfo->pr_argc;
	this->argv = (uintptr_t)curpsinfo->pr_argv;
	printf("i %d %d %d %d %d %d %d %d %d\n", cpu, this->n, this->argc, curpsinfo->pr_euid, curpsinfo->pr_egid,
	    curpsinfo->pr_sid, (int)curpsinfo->pr_ttydev, curpsinfo->pr_start_tv.tv_sec, curpsinfo->pr_start_tv.tv_usec);
}
/* end of macOS */

/*
 * D has no loops: the same clause once for each argument. One that cannot be read ends its clause alone.
 * (An empty string is not read: dtrace on Linux takes it for a fault.)
 */
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }
proc:::exec-success /this->i < this->argc/ { this->i++; this->p = *(uintptr_t *)copyin(this->argv + 8 * (this->i - 1), 8); this->s = *(char *)copyin(this->p, 1) == 0 ? "" : copyinstr(this->p); printf("a %d %d %d %d:%s,\n", cpu, this->n, this->i - 1, strlen(this->s), this->s); }

proc:::exec-success
{
	printf("e %d %d\n", cpu, this->n);
}

proc:::exec-failure
/$1/
{
	number[cpu]++;
	this->n = number[cpu];
	this->error = (int)args[0];
	this->target = pid;
}

/* macOS */
proc:::spawn-failure
/$1/
{
	number[cpu]++;
	this->n = number[cpu];
	this->error = (int)args[0];
	this->target = self->child != 0 ? self->child : pid;
}
/* end of macOS */

proc:::exec-failure/* macOS */, proc:::spawn-failure/* end of macOS */
/$1/
{
	printf("f %d %d %d %d %d %d %d %d %d:%s,\n", cpu, this->n, walltimestamp, pid, ppid, uid, gid, this->error,
	    strlen(execname), execname);
}

proc:::exec-failure/* macOS */, proc:::spawn-failure/* end of macOS */
/$1 && path[this->target] != NULL/
{
	this->s = path[this->target];
	printf("p %d %d %d:%s,\n", cpu, this->n, strlen(this->s), this->s);
}

proc:::exec-failure/* macOS */, proc:::spawn-failure/* end of macOS */
/$1/
{
	printf("e %d %d\n", cpu, this->n);
}

proc:::exec-failure/* macOS */, proc:::spawn-failure/* end of macOS */
{
	path[self->child != 0 ? self->child : pid] = 0;
	self->child = 0;
}
