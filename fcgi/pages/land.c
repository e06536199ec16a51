#include "pages/land.h"

#include <errno.h>

#include "base/json.h"
#include "base/rand.h"
#include "base/seal.h"
#include "pages/channel.h"
#include "store/store.h"

enum { EXTRA_VALUE = 128, EXTRA_JSON = 1024, SEALED_MAX = 2 * LAND_TOKEN_MAX };

struct land {
    struct req *r;
    const struct cfg_market *m;
    land_cb *cb;
    char id[ID_SECRET];
    char hash[HASH_HEX];
};

const char *land_token_wrong(size_t count, struct str token)
{
    size_t i;

    if (count == 0)
        return "token_missing";
    if (count > 1)
        return "token_twice";
    if (token.n == 0)
        return "token_missing";
    if (token.n > LAND_TOKEN_MAX)
        return "token_long";
    for (i = 0; i < token.n; i++)
        if ((unsigned char)token.p[i] <= ' ' || (unsigned char)token.p[i] >= 0x7f)
            return "token_unreadable";
    return NULL;
}

/* Fields that AWS documents or was seen to send beside the token (reference: aws.md 1). */
static void extra_json(const struct form *form, struct buf *out)
{
    static const struct {
        const char *field, *key;
    } known[] = {
        {"x-amzn-marketplace-offer-type", "offer_type"},
        {"x-amzn-marketplace-product-id", "product_id"},
        {"x-amzn-marketplace-agreement-id", "agreement_id"},
    };
    struct jsonw w;
    struct str v;
    size_t i;

    jsonw_init(&w, out);
    jsonw_obj(&w);
    for (i = 0; form && i < sizeof(known) / sizeof(known[0]); i++)
        if (form_count(form, known[i].field, &v) == 1 && v.n <= EXTRA_VALUE && str_text(v))
            jsonw_kvs_opt(&w, known[i].key, v);
    jsonw_obj_end(&w);
}

static void on_stored(void *arg, int rc, const struct store_rows *rows)
{
    struct land *l = arg;

    (void)rows;
    l->cb(l->r, rc == 0 ? 0 : -EAGAIN, l->m, l->id);
}

void land_store(struct req *r, const struct cfg_market *m, struct str token,
                const struct form *extra, land_cb *cb)
{
    struct front *f = r->app;
    unsigned shards = store_shards(f->store), shard;
    struct land *l = arena_alloc(r->arena, sizeof(*l));
    struct buf sealed, json;
    struct str rand_part, ttl;

    if (!l || !f->sealed) {
        cb(r, -EAGAIN, m, NULL);
        return;
    }
    *l = (struct land){.r = r, .m = m, .cb = cb};
    buf_init(&sealed, SEALED_MAX);
    buf_init(&json, EXTRA_JSON);
    id_secret_new((unsigned)rand_below(shards ? shards : 1), l->id);
    extra_json(extra, &json);
    ttl =
        str_of(arena_fmt(r->arena, "%llu", (unsigned long long)f->cfg->front.registration_ttl_ms));
    if (id_secret_parse(str_of(l->id), shards ? shards : 1, &shard, &rand_part) ||
        seal_box(&f->seal, token, &sealed) || buf_err(&sealed) || buf_err(&json)) {
        cb(r, -EAGAIN, m, NULL);
    } else {
        id_secret_hash(rand_part, l->hash);
        struct str args[] = {str_of(l->hash),
                             str_of(m->channel),
                             str_of(m->name),
                             buf_view(&sealed),
                             ttl,
                             buf_view(&json),
                             channel_signs_in(m) ? STR("1") : STR("0")};

        store_call(f->store, shard, STORE_LAND, args, 7, on_stored, l);
    }
    buf_free(&sealed);
    buf_free(&json);
}
