#include "base/crash.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

static char crash_name[64];
static atomic_int crash_left;

void crash_init(void)
{
    struct str rest, name = str_cut(str_of(getenv("LASTMILE_CRASH")), ':', &rest);
    uint64_t n = 1;

    if (name.n == 0 || str_copy(name, crash_name, sizeof(crash_name)))
        return;
    if (rest.n && str_u64(rest, 1000000, &n))
        n = 1;
    atomic_store(&crash_left, (int)n);
}

void crash_point(const char *name)
{
    char line[96];
    int n;

    if (crash_name[0] == '\0' || strcmp(name, crash_name) != 0)
        return;
    if (atomic_fetch_sub(&crash_left, 1) != 1)
        return;
    n = snprintf(line, sizeof(line), "died at %s\n", crash_name);
    (void)!write(STDERR_FILENO, line, (size_t)n); /* nothing else: the front may do little more */
    kill(getpid(), SIGKILL);
}
