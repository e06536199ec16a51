#include <errno.h>
#include <stdlib.h>

#include "sandbox/sb_gcp_key.h"
#include "sandbox/sb_gcp_state.h"

/* A zeroed record of the list, filled by its table. */
static void *load_record(struct sb_vec *v, const cJSON *o, size_t size,
                         const struct sb_gcp_field *f, int *rc)
{
    void *item = calloc(1, size);
    const char *bad;

    *rc = item ? sb_gcp_fields_read(o, f, item, &bad) : -ENOMEM;
    if (*rc == 0)
        *rc = sb_vec_add(v, item);
    if (*rc == 0)
        return item;
    free(item);
    return NULL;
}

static unsigned number_of(const char *handle, const char *prefix)
{
    uint64_t n = 0;

    for (; *prefix && *handle == *prefix; prefix++)
        handle++;
    return str_u64(str_of(handle), 1u << 30, &n) ? 0 : (unsigned)n;
}

static int load_account(struct sb *s, const cJSON *o)
{
    int rc;
    const struct sb_gcp_account *a =
        load_record(&s->gcp->accounts, o, sizeof(*a), sb_gcp_account_fields, &rc);

    if (a && number_of(a->handle, "ga") >= s->gcp->next_account)
        s->gcp->next_account = number_of(a->handle, "ga") + 1;
    return rc;
}

/* An order whose listing is gone is forgotten. */
static int load_ent(struct sb *s, const cJSON *o)
{
    const struct sb_gcp_product *p = sb_gcp_product(s, json_str(o, "product"));
    struct sb_gcp_account *a = sb_gcp_account(s, json_str(o, "account"));
    struct sb_gcp_ent *e;
    int rc;

    if (!p || !a)
        return 0;
    e = load_record(&s->gcp->ents, o, sizeof(*e), sb_gcp_ent_fields, &rc);
    if (!e)
        return rc;
    e->product = p;
    e->account = a;
    if (number_of(e->handle, "g") >= s->gcp->next_ent)
        s->gcp->next_ent = number_of(e->handle, "g") + 1;
    return 0;
}

static int load_message(struct sb_gcp_sub *q, const cJSON *o)
{
    char purchase[16], label[96];
    int64_t sent = 0, due = 0, receives = 0;
    struct sb_queue_msg *m;

    if (str_copy(json_str(o, "purchase"), purchase, sizeof(purchase)) ||
        str_copy(json_str(o, "label"), label, sizeof(label)) || json_int(o, "sent_ms", &sent) ||
        json_int(o, "due_ms", &due) || json_int(o, "receives", &receives))
        return -EINVAL;
    const struct sb_queue_put put = {json_str(o, "body"), purchase, label, sent, due};
    m = sb_queue_put(&q->queue, &put);
    if (!m)
        return -ENOBUFS;
    m->receives = (unsigned)receives;
    return str_copy(json_str(o, "id"), m->id, sizeof(m->id));
}

/* The listings say which subscriptions there are and where they push; the rest is remembered. */
static int load_sub(struct sb *s, const cJSON *o)
{
    struct sb_gcp_sub *q = sb_gcp_sub(s, json_str(o, "name"));
    const cJSON *item;
    int rc = 0;

    if (!q)
        return 0;
    json_int(o, "ack_s", &q->ack_s);
    q->dead_letter = json_bool(o, "dead_letter", false);
    cJSON_ArrayForEach(item, json_arr(o, "messages"))
    {
        if (rc == 0)
            rc = load_message(q, item);
    }
    return rc;
}

static int load_bearer(struct sb *s, const cJSON *o)
{
    int rc;

    load_record(&s->gcp->bearers, o, sizeof(struct sb_gcp_bearer), sb_gcp_bearer_fields, &rc);
    return rc;
}

static int load_key(struct sb *s, const cJSON *o)
{
    int rc = sb_gcp_key_adopt(s, json_str(o, "key"), json_str(o, "kid"));

    if (rc == 0)
        rc = str_copy(json_str(o, "subject"), s->gcp->keys->subject, sizeof(s->gcp->keys->subject));
    return rc;
}

int sb_gcp_state_load(struct sb *s, const cJSON *o)
{
    static const struct {
        const char *key;
        int (*fn)(struct sb *s, const cJSON *o);
    } lists[] = {
        {"accounts", load_account},
        {"orders", load_ent},
        {"subscriptions", load_sub},
        {"bearers", load_bearer},
    };
    const char *bad;
    int rc = 0;

    if (!o)
        return 0;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        const cJSON *item;
        cJSON_ArrayForEach(item, json_arr(o, lists[i].key))
        {
            if (rc == 0)
                rc = lists[i].fn(s, item);
        }
    }
    if (rc == 0)
        rc = sb_gcp_fields_read(json_obj(o, "settings"), sb_gcp_set_fields, &s->gcp->set, &bad);
    if (rc == 0 && json_str(o, "key").n > 0)
        rc = load_key(s, o);
    return rc;
}
