#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/store_internal.h"
#include "store/trouble.h"

/* Names of INFO, and ours. */
static const struct {
    const char *info, *name;
} wanted[] = {
    {"redis_version", "version"},
    {"role", "role"},
    {"aof_enabled", "appendonly"},
    {"maxmemory_policy", "maxmemory_policy"},
    {"maxmemory", "maxmemory"},
    {"used_memory", "used_memory"},
    {"loading", "loading"},
    {"aof_last_write_status", "aof_last_write_status"},
    {"connected_slaves", "connected_slaves"},
};

enum { WANTED = sizeof(wanted) / sizeof(wanted[0]), VALUE = 48 };

struct info {
    struct store_rows rows;
    struct store_row row;
    struct store_field f[WANTED + 1];
    char value[WANTED + 1][VALUE];
};

static void set(struct info *info, size_t i, const char *name, struct str value)
{
    if (str_copy(value, info->value[i], VALUE))
        return;
    info->f[i] = (struct store_field){str_of(name), str_of(info->value[i])};
}

static struct info *read_info(struct str text)
{
    struct info *info = calloc(1, sizeof(*info));

    if (!info)
        return NULL;
    info->rows = (struct store_rows){&info->row, 1};
    info->row = (struct store_row){info->f, WANTED + 1};
    for (size_t i = 0; i < WANTED; i++)
        set(info, i, wanted[i].name, str_of(""));
    set(info, WANTED, "appendfsync", str_of(""));
    while (text.n) {
        struct str line = str_trim(str_cut(text, '\n', &text)), v, k = str_cut(line, ':', &v);

        for (size_t i = 0; i < WANTED; i++)
            if (str_is(k, wanted[i].info))
                set(info, i, wanted[i].name, i == 2 ? str_of(str_is(v, "1") ? "yes" : "no") : v);
    }
    return info;
}

enum redis_next store_info_reply(struct redis_call *call, const struct reply *reply)
{
    struct info *info;

    if (call->replies == 2) {
        call->replies = 1;
        call->saved = reply->type == REPLY_ERROR    ? trouble_of(reply->s).rc
                      : reply->type != REPLY_STRING ? -EPROTO
                                                    : 0;
        if (!call->saved) {
            call->kept = read_info(reply->s);
            call->saved = call->kept ? 0 : -EAGAIN;
        }
        return REDIS_MORE;
    }
    info = call->kept;
    if (info && reply->type == REPLY_ARRAY && reply->n == 2 && reply->e[1]->type == REPLY_STRING)
        set(info, WANTED, "appendfsync", reply->e[1]->s);
    call->cb(call->arg, call->saved, info ? &info->rows : NULL);
    free(call->kept);
    call->kept = NULL;
    return REDIS_DONE;
}

int store_check(const struct store_row *row, enum cfg_durability durability, char *why, size_t cap)
{
    struct str policy = store_row_get(row, "maxmemory_policy");
    struct str fsync = store_row_get(row, "appendfsync"), version = store_row_get(row, "version");
    bool aof = str_is(store_row_get(row, "appendonly"), "yes");
    struct str rest, major = str_cut(version, '.', &rest);
    uint64_t n = 0;

    if (cap)
        why[0] = '\0';
    if (str_u64(major, 1000, &n) || n < 7) {
        snprintf(why, cap, "Redis %.*s is too old: 7.0 or newer is needed", STR_FMT(version));
        return -1;
    }
    if (!str_is(policy, "noeviction")) {
        snprintf(why, cap, "maxmemory-policy is %.*s: Redis may throw orders away; set noeviction",
                 STR_FMT(policy));
        return -1;
    }
    if (str_is(store_row_get(row, "role"), "slave")) {
        snprintf(why, cap, "this Redis is a replica and refuses writes");
        return -1;
    }
    if (durability == CFG_DUR_ANY)
        return 0;
    if (!aof) {
        snprintf(why, cap,
                 "appendonly is no: a restart forgets orders; set appendonly yes, or "
                 "redis.durability: any");
        return -1;
    }
    if (durability == CFG_DUR_ALWAYS && fsync.n && !str_is(fsync, "always")) {
        snprintf(why, cap, "appendfsync is %.*s but redis.durability is always", STR_FMT(fsync));
        return -1;
    }
    if (str_is(fsync, "no")) {
        snprintf(why, cap, "appendfsync is no: a power cut may lose half a minute of orders");
        return -1;
    }
    if (!fsync.n) {
        snprintf(why, cap, "CONFIG GET is not allowed: cannot see whether appendfsync is %s",
                 durability == CFG_DUR_ALWAYS ? "always" : "everysec");
        return 1;
    }
    if (!str_is(store_row_get(row, "aof_last_write_status"), "ok")) {
        snprintf(why, cap, "Redis could not write its append-only file");
        return 1;
    }
    return 0;
}
