#include "store/event_key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/id.h"
#include "base/json.h"

enum { PART_MAX = 190, CHANNEL_MAX = 16 };

void event_key(struct str channel, struct str text, unsigned shards, struct event_key *out)
{
    struct buf key;

    buf_init(&key, CHANNEL_MAX + 1 + text.n);
    buf_str(&key, str_sub(channel, 0, CHANNEL_MAX));
    buf_ch(&key, '\n');
    buf_str(&key, text);
    hash_sha256_hex(buf_view(&key), out->dedupe);
    buf_free(&key);
    memcpy(out->id, out->dedupe, EVENT_ID - 1);
    out->id[EVENT_ID - 1] = '\0';
    out->shard = id_shard_of(channel, str_of(out->dedupe), shards ? shards : 1);
}

static int join(struct str a, struct str b, char out[EVENT_TEXT])
{
    out[0] = '\0';
    if (a.n > PART_MAX || b.n > PART_MAX || !str_text(a) || !str_text(b))
        return -ENOENT;
    snprintf(out, EVENT_TEXT, "%.*s\n%.*s", STR_FMT(a), STR_FMT(b));
    return 0;
}

int event_text_azure(const cJSON *body, char out[EVENT_TEXT])
{
    struct str id = json_str(body, "id"), action = json_str(body, "action");

    out[0] = '\0';
    return id.n && action.n ? join(id, action, out) : -ENOENT;
}

int event_text_gcp(const cJSON *notification, char out[EVENT_TEXT])
{
    struct str id = json_str(notification, "eventId"), type = json_str(notification, "eventType");

    out[0] = '\0';
    return id.n ? join(type, id, out) : -ENOENT;
}
