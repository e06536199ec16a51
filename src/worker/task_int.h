/* task_int: what the files of task share. */
#ifndef LM_TASK_INT_H
#define LM_TASK_INT_H

#include "worker/task.h"

/* The end of every task, more than once harmless; callbacks that are still out keep its memory
 * until they return. */
void task_end(struct task *t);

#endif
