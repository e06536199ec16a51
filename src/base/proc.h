/*
 * proc: which process is meant, across restarts of whoever started it: pid + start time + boot id
 * name exactly one (proc_pid_stat(5), pidfd_open(2)). A zombie counts as gone. Linux only.
 */
#ifndef LM_PROC_H
#define LM_PROC_H

#include <stdint.h>
#include <sys/types.h>

#define PROC_BOOT_ID 48

/* Field 22 of /proc/PID/stat (proc_pid_stat(5)), clock ticks since boot. A zombie is -ESRCH. */
int proc_starttime(pid_t pid, uint64_t *out);
int proc_boot_id(char out[PROC_BOOT_ID]);
/* A pidfd for exactly the process that started then, or -ESRCH. */
int proc_open(pid_t pid, uint64_t starttime);
int proc_pidfd(pid_t pid); /* descriptor or -errno */
void proc_signal(int pidfd, int sig);
/* Kills every child of this process but one (0: really all); for strays given to the subreaper. */
void proc_kill_strays(pid_t but);

#endif
