#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"
#include "deploy/exec_int.h"

#define CLAIM_MAX 512

static int claim_path(const char *dir, char out[PATH_MAX])
{
    return snprintf(out, PATH_MAX, "%s/.running", dir) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int put(const char *path, pid_t pid, uint64_t start, bool told)
{
    char boot[PROC_BOOT_ID];
    struct buf b;
    struct jsonw w;
    int rc = proc_boot_id(boot);

    if (rc)
        return rc;
    buf_init(&b, CLAIM_MAX);
    jsonw_init(&w, &b);
    jsonw_obj(&w);
    jsonw_kvi(&w, "pid", pid);
    jsonw_kvi(&w, "starttime", (int64_t)start);
    jsonw_kvs(&w, "boot_id", str_of(boot));
    jsonw_kvb(&w, "told_to_end", told);
    jsonw_obj_end(&w);
    rc = file_write_atomic(path, buf_view(&b), 0600);
    buf_free(&b);
    return rc;
}

int exec_claim_write(const char *dir, pid_t pid)
{
    char path[PATH_MAX];
    uint64_t start;
    int rc = claim_path(dir, path);

    if (rc == 0)
        rc = proc_starttime(pid, &start);
    return rc ? rc : put(path, pid, start, false);
}

void exec_claim_drop(const char *dir)
{
    char path[PATH_MAX];

    if (claim_path(dir, path) == 0)
        unlink(path);
}

/*
 * The leader lives: TERM, and KILL when it is still there the next time. The leader is gone or a
 * zombie: while some of its group is left, the number cannot have been given to anybody else, so
 * what gets the KILL is its children. They need not be waited for.
 */
static int end_former(const char *path, const cJSON *o)
{
    char boot[PROC_BOOT_ID];
    int64_t pid, start;
    uint64_t now;
    bool told = json_bool(o, "told_to_end", false);

    if (json_int(o, "pid", &pid) || json_int(o, "starttime", &start) || pid <= 1 ||
        proc_boot_id(boot) || !str_is(json_str(o, "boot_id"), boot))
        return 0;
    if (proc_starttime((pid_t)pid, &now)) {
        kill(-(pid_t)pid, SIGKILL);
        return 0;
    }
    if (now != (uint64_t)start)
        return 0;
    kill(-(pid_t)pid, told ? SIGKILL : SIGTERM);
    (void)put(path, (pid_t)pid, (uint64_t)start, true);
    return -EBUSY;
}

int exec_claim_check(const char *dir)
{
    char path[PATH_MAX];
    struct buf b;
    cJSON *o = NULL;
    int rc = claim_path(dir, path);

    buf_init(&b, CLAIM_MAX);
    if (rc == 0)
        rc = file_read(path, &b);
    if (rc == 0 && json_parse(buf_view(&b), CLAIM_MAX, &o) == 0)
        rc = end_former(path, o);
    else if (rc == -ENOENT)
        rc = 0;
    cJSON_Delete(o);
    buf_free(&b);
    return rc;
}
