/*
 * crash: named crash points. When the environment variable LASTMILE_CRASH holds "name" (or
 * "name:3" for the third pass), the process kills itself with SIGKILL there, so that a test can
 * die at exactly one place; "died at <name>" on stderr says that it did. Without the variable the
 * cost is one load and a compare.
 */
#ifndef LM_CRASH_H
#define LM_CRASH_H

void crash_init(void);
void crash_point(const char *name);

#endif
