/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * One program at a time on a processor.
 *
 * Until 6.19 the kernel itself sees to that for programs on tp_btf: tracepoints call
 * them with preemption disabled. Since 7.0 they can be preempted (__bpf_trace_run in
 * kernel/trace/bpf_trace.c), and the kernel skips and counts the run for whatever
 * else executes on that processor meanwhile (recursion_misses). So the program does
 * itself what the kernel did for it. A few instructions at either end stay open.
 *
 * Weak: kernels before 6.10 do not offer these functions, nor need them.
 */
#pragma once

#include <bpf/bpf_helpers.h>

extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;

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
