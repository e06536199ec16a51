#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "deploy/process_int.h"

enum { PASSED_TEXT = 256 };

/* Only what a test needs to reach through; nothing of the worker's environment. */
static const char *const passed[] = {
    "LASTMILE_CRASH",
#ifdef __SANITIZE_ADDRESS__
    "ASAN_OPTIONS", /* where reports go: the keeper's own log goes with its tenant */
#endif
};
enum { PASSED = sizeof(passed) / sizeof(passed[0]), ENVS = 2 + PASSED + 1 };

static void make_env(char text[PASSED][PASSED_TEXT], const char *env[ENVS])
{
    size_t n = 0;

    env[n++] = "PATH=/usr/bin:/bin";
    env[n++] = "LANG=C.UTF-8";
    for (size_t i = 0; i < PASSED; i++) {
        const char *v = getenv(passed[i]);

        if (v && snprintf(text[i], PASSED_TEXT, "%s=%s", passed[i], v) < PASSED_TEXT)
            env[n++] = text[i];
    }
    env[n] = NULL;
}

int process_keeper_start(uv_loop_t *loop, const struct process_keeper_opts *o,
                         const struct child_events *ev, struct child **out)
{
    char id[16], text[PASSED][PASSED_TEXT];
    const char *env[ENVS];
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
    make_env(text, env);
    return child_start(loop, &spec, ev, out);
}
