#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
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
    struct buf b;
    bool same;

    buf_init(&b, 128);
    same = file_read("/proc/sys/kernel/random/boot_id", &b) == 0 &&
           str_eq(str_trim(buf_view(&b)), json_str(state, "boot_id"));
    buf_free(&b);
    return same;
}

/* Only sure when the last keeper saw the end of the last instance, or the host was restarted. */
static bool nothing_runs(const struct process_paths *p)
{
    char path[PATH_MAX];
    cJSON *state = NULL;
    bool none;
    int rc;

    if (snprintf(path, sizeof(path), "%s/state.json", p->run) >= (int)sizeof(path))
        return false;
    rc = load(path, &state);
    none =
        rc == -ENOENT ||
        (rc == 0 && (!same_boot(state) || cJSON_GetArraySize(json_arr(state, "instances")) == 0));
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
