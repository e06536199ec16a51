/*
 * lease: the thread that keeps this worker's claims alive.
 *
 * Own loop, own Redis connection. Every third of the lease it renews all leases of a shard in one
 * call. A lease that Redis calls lost, or that could not be renewed until a tenth of the lease
 * before its end (counted on this machine's monotonic clock from before the claim was sent), is
 * fenced: the thread kills the task's children at once and tells the loop thread, which drops the
 * task.
 *
 * Thread rule: lease_add and lease_remove on the loop thread; lease_guard sets what to kill and is
 * called on the loop thread too; the table is under one mutex that is never held across a wait.
 */
#ifndef LM_LEASE_H
#define LM_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/worker.h"

int lease_open(struct worker *w, uint64_t lease_ms, struct lease_table **out);
/* How long claims must be asked for: the thread renews by it, whatever a reload says. 0 after
 * lease_close(). */
uint64_t lease_length(const struct lease_table *t);
/* Stops and joins the thread. */
void lease_close(struct lease_table **t);

struct lease *lease_add(struct lease_table *t, unsigned shard, struct str id, struct str token,
                        uint64_t deadline_mono, struct task *task);
/* op may be NULL. While set, a lost lease makes the thread call ops->abandon(op). */
void lease_guard(struct lease_table *t, struct lease *l, const struct engine_ops *ops,
                 struct engine_op *op);
void lease_remove(struct lease_table *t, struct lease **l);
/* Loop thread: hands every task whose lease was lost to fn, once. */
void lease_reap(struct lease_table *t, void (*fn)(struct task *));

#endif
