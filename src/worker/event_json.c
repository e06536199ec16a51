#include "worker/event_json.h"

#include <errno.h>
#include <stddef.h>

#include "base/json.h"

static const struct {
    const char *key;
    size_t at;
} texts[] = {
    {"dedupe", offsetof(struct market_event, dedupe)},
    {"type", offsetof(struct market_event, type)},
    {"purchase", offsetof(struct market_event, purchase)},
    {"license", offsetof(struct market_event, license)},
    {"agreement", offsetof(struct market_event, agreement)},
    {"previous_agreement", offsetof(struct market_event, previous_agreement)},
    {"account", offsetof(struct market_event, account)},
    {"customer", offsetof(struct market_event, customer)},
    {"offer", offsetof(struct market_event, offer)},
    {"product_code", offsetof(struct market_event, product_code)},
    {"product_id", offsetof(struct market_event, product_id)},
    {"reason", offsetof(struct market_event, reason)},
    {"change_id", offsetof(struct market_event, change_id)},
    {"plan", offsetof(struct market_event, plan)},
};

static const struct {
    const char *key;
    size_t at;
} times[] = {
    {"time", offsetof(struct market_event, time_ms)},
    {"starts", offsetof(struct market_event, starts_ms)},
    {"ends", offsetof(struct market_event, ends_ms)},
};

enum { EVENT_TEXT_MAX = 65536 };

void event_json_write(const struct market_event *e, struct buf *out)
{
    const char *base = (const char *)e;
    struct jsonw w;

    jsonw_init(&w, out);
    jsonw_obj(&w);
    jsonw_kvs(&w, "kind", str_of(market_event_name(e->kind)));
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        jsonw_kvs_opt(&w, texts[i].key, str_of(*(const char *const *)(base + texts[i].at)));
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
        int64_t v = *(const int64_t *)(base + times[i].at);

        if (v)
            jsonw_kvi(&w, times[i].key, v);
    }
    if (e->trial)
        jsonw_kvb(&w, "trial", true);
    if (e->grants)
        jsonw_kvb(&w, "grants", true);
    jsonw_obj_end(&w);
}

int event_json_read(struct str text, struct arena *a, struct market_event *out)
{
    char *base = (char *)out;
    cJSON *j;
    int rc = json_parse(text, EVENT_TEXT_MAX, &j);

    if (rc)
        return -EINVAL;
    *out = market_event_none;
    rc = market_event_parse(json_str(j, "kind"), &out->kind);
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts) && rc == 0; i++) {
        char *copy = arena_dup(a, json_str(j, texts[i].key));

        if (!copy)
            rc = -ENOMEM;
        *(const char **)(void *)(base + texts[i].at) = copy;
    }
    for (size_t i = 0; i < sizeof(times) / sizeof(*times) && rc == 0; i++) {
        int64_t v = 0;

        if (json_int(j, times[i].key, &v) == 0)
            *(int64_t *)(void *)(base + times[i].at) = v;
    }
    out->trial = json_bool(j, "trial", false);
    out->grants = json_bool(j, "grants", false);
    cJSON_Delete(j);
    return rc;
}
