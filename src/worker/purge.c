/*
 * purge: the archive of a deleted environment is kept for the plan's time and then removed.
 *
 * Queued in the same script that closes the order, due when the time is over. Removing what is
 * gone already is no error, so a second run does no harm. Archives that the bundled engine makes
 * are <tenant>-<utc>[-n].tar.gz (docs/engines.md); other engines keep theirs elsewhere.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "worker/kinds.h"

static bool archive_of(struct str name, struct str tenant)
{
    return str_starts(name, tenant) && name.n > tenant.n && name.p[tenant.n] == '-' &&
           str_ends(name, STR(".tar.gz"));
}

/* Number of files removed, or -errno. */
static int remove_archives(const char *dir, struct str tenant)
{
    DIR *d = opendir(dir);
    const struct dirent *e;
    int n = 0;

    if (!d)
        return errno == ENOENT ? 0 : -errno;
    while ((e = readdir(d)))
        if (archive_of(str_of(e->d_name), tenant) && unlinkat(dirfd(d), e->d_name, 0) == 0)
            n++;
    closedir(d);
    return n;
}

static void loaded(struct task *t, int rc, const struct store_rows *rows)
{
    struct str tenant = store_get(rows, "o.tenant");
    int n;

    if (rc == -ENOENT || (rc == 0 && tenant.n == 0)) {
        task_done(t);
        return;
    }
    if (rc) {
        task_retry(t, "RETRY", "cannot read the order", 0);
        return;
    }
    if (!str_is(store_get(rows, "o.fulfilment"), "CLOSED")) {
        task_done(t);
        return;
    }
    n = remove_archives(t->snap->cfg->deploy.archive_dir, tenant);
    LOG(n < 0 ? LOG_ERROR : LOG_INFO, "archive.purged", FS("tenant", tenant), FI("files", n));
    if (n < 0)
        task_retry(t, "RETRY", "the archive directory cannot be read", 0);
    else
        task_done(t);
}

void purge_run(struct task *t)
{
    struct str args[] = {t->id, t->token, t->subject};

    task_store(t, t->shard, STORE_FULFIL_LOAD, args, 3, loaded);
}
