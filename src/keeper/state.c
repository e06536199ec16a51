#include "state.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"
#include "record.h"
#include "route.h"

#define STATE_MAX 16384

static const char *const inst_names[] = {"free", "starting", "serving", "stopping"};

static void put_inst(struct jsonw *w, const struct inst *i)
{
    jsonw_obj(w);
    jsonw_kvs(w, "state", str_of(inst_names[i->state]));
    jsonw_kvi(w, "seq", (int64_t)i->seq);
    jsonw_kvi(w, "pid", i->pid);
    jsonw_kvi(w, "starttime", (int64_t)i->starttime);
    jsonw_kvi(w, "socket_inode", (int64_t)i->sock_ino);
    jsonw_kvi(w, "generation", i->spec ? (int64_t)i->spec->generation : 0);
    jsonw_kvs(w, "hash", str_of(i->spec ? i->spec->hash : ""));
    jsonw_kvb(w, "adopted", i->adopted);
    jsonw_kvs(w, "limits", str_of(i->limits));
    jsonw_obj_end(w);
}

static void put_insts(const struct keeper *k, struct jsonw *w)
{
    jsonw_key(w, "instances");
    jsonw_arr(w);
    for (size_t n = 0; n < KEEPER_INSTS; n++)
        if (k->inst[n].state != INST_FREE)
            put_inst(w, &k->inst[n]);
    jsonw_arr_end(w);
}

/* pid and times of the serving instance at the top level, for people and scripts. */
static void put_serving(const struct keeper *k, struct jsonw *w)
{
    const struct inst *i = keeper_cfind(k, INST_SERVING);

    if (i == NULL)
        i = keeper_cfind(k, INST_STARTING);
    jsonw_kvi(w, "pid", i ? i->pid : 0);
    jsonw_kvi(w, "starttime", i ? (int64_t)i->starttime : 0);
    jsonw_kvs(w, "limits", str_of(i ? i->limits : ""));
    i = keeper_cfind(k, INST_SERVING);
    jsonw_kvi(w, "generation", i ? (int64_t)i->spec->generation : 0);
    jsonw_kvs(w, "spec_sha256", str_of(i ? i->spec->spec_sha256 : ""));
    jsonw_kvb(w, "healthy", i && i->bad < 3);
}

void state_fields(const struct keeper *k, struct jsonw *w)
{
    jsonw_kvs(w, "tenant", str_of(k->o.tenant));
    jsonw_kvi(w, "keeper_pid", getpid());
    jsonw_kvs(w, "status", str_of(keeper_status(k)));
    jsonw_kvs(w, "desired", str_of(record_desired_name(k->desired)));
    jsonw_kvi(w, "want_generation", k->want ? (int64_t)k->want->generation : 0);
    jsonw_kvs(w, "want_sha256", str_of(k->want ? k->want->spec_sha256 : ""));
    jsonw_kvb(w, "want_is_good", k->want && spec_same(k->want, k->good));
    put_serving(k, w);
    jsonw_kvs(w, "isolation", str_of(k->o.own_uid ? "own-uid" : "shared-uid"));
    jsonw_kvi(w, "uid", (int64_t)k->o.uid);
    jsonw_kvi(w, "restarts", k->restarts);
    jsonw_kvi(w, "attempts", k->attempts);
    jsonw_kvi(w, "cleanup_fails", k->cleanup_fails);
    jsonw_kvi(w, "fence", (int64_t)k->fence);
    jsonw_kvs(w, "failed", str_of(k->failed));
    jsonw_kvs(w, "error", str_of(k->error));
    jsonw_kvs(w, "archive", str_of(k->archive));
}

static int state_path(const struct keeper *k, char *out, size_t cap)
{
    int n = snprintf(out, cap, "%s/state.json", k->o.run);

    return n < 0 || (size_t)n >= cap ? -ENAMETOOLONG : 0;
}

int state_write(struct keeper *k)
{
    char path[512], boot[PROC_BOOT_ID], now[CLOCK_ISO];
    struct buf b;
    struct jsonw w;
    int rc = state_path(k, path, sizeof(path));

    if (rc == 0)
        rc = proc_boot_id(boot);
    if (rc)
        return rc;
    clock_iso(clock_wall_ms(), now);
    buf_init(&b, STATE_MAX);
    jsonw_init(&w, &b);
    jsonw_obj(&w);
    jsonw_kvs(&w, "boot_id", str_of(boot));
    jsonw_kvs(&w, "written", str_of(now));
    jsonw_kvi(&w, "seq", (int64_t)k->seq);
    state_fields(k, &w);
    put_insts(k, &w);
    jsonw_obj_end(&w);
    rc = buf_err(&b);
    if (rc == 0)
        rc = file_write_atomic(path, buf_view(&b), 0600);
    buf_free(&b);
    if (rc == 0)
        k->dirty = false;
    return rc;
}

static struct spec *spec_of(const struct keeper *k, struct str hash)
{
    if (k->want && str_is(hash, k->want->hash))
        return k->want;
    if (k->good && str_is(hash, k->good->hash))
        return k->good;
    return NULL;
}

/* The one that app.sock leads to is kept; everything else that still runs is ended. */
static void adopt_one(struct keeper *k, const cJSON *o, struct inst *i)
{
    int64_t pid = 0, start = 0, seq = 0, ino = 0;
    struct spec *s = spec_of(k, json_str(o, "hash"));
    int fd;

    if (json_int(o, "pid", &pid) || json_int(o, "starttime", &start) || json_int(o, "seq", &seq) ||
        json_int(o, "socket_inode", &ino))
        return;
    fd = proc_open((pid_t)pid, (uint64_t)start);
    if (fd < 0) {
        limits_release(k->o.cgroup_root, k->o.tenant, (uint64_t)seq);
        return;
    }
    memset(i, 0, sizeof(*i));
    i->pid = (pid_t)pid;
    i->pidfd = fd;
    i->starttime = (uint64_t)start;
    i->seq = (uint64_t)seq;
    i->sock_ino = (uint64_t)ino;
    i->adopted = true;
    i->probe.fd = -1;
    i->since = clock_mono_ms();
    (void)str_copy(json_str(o, "limits"), i->limits, sizeof(i->limits));
    if (s && ino && route_current(k) == (uint64_t)ino && k->desired == DESIRED_RUNNING) {
        i->state = INST_SERVING;
        i->spec = spec_ref(s);
        i->probe_at = i->since;
        return;
    }
    i->state = INST_STOPPING;
    i->spec = spec_ref(s ? s : k->want);
    i->term_at = i->since;
    i->kill_at = i->since + (i->spec ? i->spec->stop_ms : 10000);
}

/* A killed keeper may have switched without recording it as good: the switch is what counts. */
static void settle(struct keeper *k)
{
    struct inst *i = keeper_find(k, INST_SERVING);

    if (i && !spec_same(i->spec, k->good)) {
        spec_unref(&k->good);
        k->good = spec_ref(i->spec);
    }
    if (i == NULL)
        route_remove(k);
}

int state_adopt(struct keeper *k)
{
    char path[512], boot[PROC_BOOT_ID];
    struct buf b;
    cJSON *root = NULL;
    const cJSON *o;
    int64_t seq = 0;
    size_t n = 0;
    int rc = state_path(k, path, sizeof(path));

    buf_init(&b, STATE_MAX);
    if (rc == 0)
        rc = proc_boot_id(boot);
    if (rc == 0)
        rc = file_read(path, &b);
    if (rc == 0)
        rc = json_parse(buf_view(&b), STATE_MAX, &root);
    if (rc == 0 && !str_is(json_str(root, "boot_id"), boot))
        rc = -ENOENT;
    if (rc == 0) {
        (void)json_int(root, "seq", &seq);
        k->seq = seq > 0 ? (uint64_t)seq : 0;
        cJSON_ArrayForEach(o, json_arr(root, "instances"))
        {
            if (n < KEEPER_INSTS)
                adopt_one(k, o, &k->inst[n++]);
        }
    }
    settle(k);
    cJSON_Delete(root);
    buf_free(&b);
    return rc;
}
