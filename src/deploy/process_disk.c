#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"
#include "deploy/process_int.h"

#define FILE_MAX (512u * 1024u)

static int load(const char *path, cJSON **out)
{
    struct buf b;
    int rc;

    *out = NULL;
    buf_init(&b, FILE_MAX);
    rc = file_read(path, &b);
    if (rc == 0)
        rc = json_parse(buf_view(&b), FILE_MAX, out);
    buf_free(&b);
    return rc;
}

static bool same_boot(const cJSON *state)
{
    char boot[PROC_BOOT_ID];

    return proc_boot_id(boot) == 0 && str_is(json_str(state, "boot_id"), boot);
}

static bool alive(const cJSON *inst)
{
    int64_t pid, start;
    int fd;

    if (json_int(inst, "pid", &pid) || json_int(inst, "starttime", &start))
        return true;
    fd = proc_open((pid_t)pid, (uint64_t)start);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* Only when it is sure: state.json knows every instance before its first instruction. */
static bool nothing_runs(const struct process_paths *p)
{
    char path[PATH_MAX];
    cJSON *state = NULL;
    const cJSON *inst;
    bool none;
    int rc;

    if (snprintf(path, sizeof(path), "%s/state.json", p->run) >= (int)sizeof(path))
        return false;
    rc = load(path, &state);
    none = rc == 0 || rc == -ENOENT;
    if (rc == 0 && same_boot(state))
        cJSON_ArrayForEach(inst, json_arr(state, "instances")) none = none && !alive(inst);
    cJSON_Delete(state);
    return none;
}

static bool exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

enum process_disk process_disk(const struct process_paths *p)
{
    cJSON *record = NULL;
    enum process_disk d = DISK_GONE;
    int rc = load(p->record, &record);

    if (rc == -ENOENT && !exists(p->run) && !exists(p->data))
        d = DISK_NOTHING;
    else if (rc == 0 && str_is(json_str(record, "desired"), "deleted"))
        d = DISK_DELETING;
    else if (rc == 0 && str_is(json_str(record, "desired"), "suspended") && nothing_runs(p))
        d = DISK_SUSPENDED;
    cJSON_Delete(record);
    return d;
}
