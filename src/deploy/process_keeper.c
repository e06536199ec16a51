#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "deploy/process_int.h"

/* Only what a test needs to reach through; nothing of the worker's environment. */
static void make_env(char crash[96], const char *env[4])
{
    const char *c = getenv("LASTMILE_CRASH");
    size_t n = 0;

    env[n++] = "PATH=/usr/bin:/bin";
    env[n++] = "LANG=C.UTF-8";
    if (c && snprintf(crash, 96, "LASTMILE_CRASH=%s", c) < 96)
        env[n++] = crash;
    env[n] = NULL;
}

int process_keeper_start(uv_loop_t *loop, const struct process_keeper_opts *o,
                         const struct child_events *ev, struct child **out)
{
    char id[16], crash[96];
    const char *env[4];
    const char *argv[24];
    struct child_spec spec = {.argv = argv, .env = env};
    size_t n = 0;

    argv[n++] = o->program;
    argv[n++] = "--tenant";
    argv[n++] = o->tenant;
    argv[n++] = "--run";
    argv[n++] = o->paths->run;
    argv[n++] = "--data";
    argv[n++] = o->paths->data;
    argv[n++] = "--record";
    argv[n++] = o->paths->record;
    if (o->archive_dir[0]) {
        argv[n++] = "--archive";
        argv[n++] = o->archive_dir;
    }
    if (o->cgroup_root[0]) {
        argv[n++] = "--cgroup-root";
        argv[n++] = o->cgroup_root;
    }
    if (geteuid() == 0) {
        snprintf(id, sizeof(id), "%u", o->uid);
        argv[n++] = "--uid";
        argv[n++] = id;
        argv[n++] = "--gid";
        argv[n++] = id;
    }
    argv[n] = NULL;
    make_env(crash, env);
    return child_start(loop, &spec, ev, out);
}
