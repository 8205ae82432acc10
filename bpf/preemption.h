/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Programs that can be preempted.
 *
 * The kernel runs a program on tp_btf once at a time on each processor, and skips it
 * otherwise (__bpf_trace_run in kernel/trace/bpf_trace.c counts that in
 * recursion_misses). Until 6.19 tracepoints call with preemption disabled, so that
 * nothing is ever skipped. Since 7.0 they do not: a task that is preempted inside the
 * program takes it from all that execute on that processor until it runs again.
 *
 * So, first, the program disables preemption itself; what it puts together and counts
 * is then as safe as before. But a task that was to be preempted meanwhile is so the
 * moment preemption is enabled again, still inside the program. Hence, second, there
 * are three programs on each tracepoint: what the first is skipped for, the second
 * tells, or the third. An event is lost only when three other tasks stand at the end
 * of one of them each, on the same processor.
 */
#pragma once

#include <bpf/bpf_helpers.h>

/* Weak: kernels before 6.10 do not offer these, nor need them. */
extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;

/*
 * Whether a further program can have something to tell. Where it cannot, the verifier leaves
 * out all that it does, and the helper starts sooner.
 */
static __always_inline bool can_be_skipped(void)
{
	return bpf_preempt_disable;
}

static __always_inline void disable_preemption(void)
{
	if (bpf_preempt_disable)
		bpf_preempt_disable();
}

static __always_inline void enable_preemption(void)
{
	if (bpf_preempt_enable)
		bpf_preempt_enable();
}
