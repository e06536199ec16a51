#include "sandbox/sb_az.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FABRIKAM "fab00000-1111-4000-8000-000000000001"
#define RESELLER "4e5e0000-1111-4000-8000-000000000002"
#define STRANGER "57a40000-1111-4000-8000-000000000003"

static const struct sb_az_person people[] = {
    {"alice", "Alice Archer", "alice@fabrikam.example", "alice@fabrikam.example",
     "a11ce000-2222-4000-8000-000000000001", FABRIKAM, "10032000A11CE001"},
    {"bob", "Bob Baker", "bob@fabrikam.example", "bob@fabrikam.example",
     "b0b00000-2222-4000-8000-000000000002", FABRIKAM, "1003200000B0B002"},
    {"carol", "Carol Cook", "", "carol@fabrikam.example", "ca401000-2222-4000-8000-000000000003",
     FABRIKAM, "10032000CA401003"},
    {"riley", "Riley Reseller", "riley@reseller.example", "riley@reseller.example",
     "411e4000-2222-4000-8000-000000000004", RESELLER, "10032000411E4004"},
    {"mallory", "Mallory Miller", "mallory@stranger.example", "mallory@stranger.example",
     "3a110400-2222-4000-8000-000000000005", STRANGER, "100320003A110405"},
    {"pat", "Pat Porter", "pat@mail.example", "pat@mail.example",
     "00000000-0000-0000-4444-000000000006", SB_AZ_MSA, "0003400000000006"},
};

int sb_az_new(struct sb *s)
{
    struct sb_az *az = calloc(1, sizeof(*az));

    if (!az)
        return -ENOMEM;
    az->set = (struct sb_az_set){.change_ms = 500,
                                 .auto_accept_ms = 10000,
                                 .redeliver_ms = 60000,
                                 .redeliver_max = 500,
                                 .suspend_days = 30,
                                 .jwt_version = 2,
                                 .page_size = 100,
                                 .unknown_operation = 404,
                                 .revert = true};
    sb_id_uuid(az->service_oid);
    sb_vec_init(&az->products, 64);
    sb_vec_init(&az->subs, 20000);
    sb_vec_init(&az->tokens, 50000);
    sb_vec_init(&az->ops, 20000);
    sb_vec_init(&az->codes, 1000);
    sb_vec_init(&az->strikes, 64);
    az->keys = sb_jws_new("accounts.accesscontrol.windows.net", SB_JWS_KID_ENTRA);
    s->az = az;
    return az->keys ? 0 : -ENOMEM;
}

void sb_az_free(struct sb *s)
{
    struct sb_az *az = s->az;

    if (!az)
        return;
    struct sb_vec *all[] = {&az->products, &az->subs,  &az->tokens,
                            &az->ops,      &az->codes, &az->strikes};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        sb_vec_free(all[i]);
    sb_jws_free(&az->keys);
    free(az);
    s->az = NULL;
}

const struct sb_az_person *sb_az_person_at(size_t i)
{
    return i < sizeof(people) / sizeof(people[0]) ? &people[i] : NULL;
}

const struct sb_az_person *sb_az_person(struct str name)
{
    for (size_t i = 0; i < sizeof(people) / sizeof(people[0]); i++) {
        if (str_is(name, people[i].name))
            return &people[i];
    }
    return NULL;
}

const struct sb_az_product *sb_az_product(const struct sb_az *az, struct str name)
{
    for (size_t i = 0; i < az->products.n; i++) {
        const struct sb_az_product *p = az->products.p[i];
        if (str_is(name, p->name))
            return p;
    }
    return NULL;
}

const struct sb_az_plan *sb_az_plan(const struct sb_az_product *p, struct str id)
{
    for (size_t i = 0; i < p->nplans; i++) {
        if (id.n == 0 || str_is(id, p->plans[i].id))
            return &p->plans[i];
    }
    return NULL;
}

struct sb_az_sub *sb_az_sub(const struct sb_az *az, struct str id)
{
    for (size_t i = 0; i < az->subs.n; i++) {
        struct sb_az_sub *sub = az->subs.p[i];
        if (str_ieq(id, str_of(sub->id)))
            return sub;
    }
    return NULL;
}

struct sb_az_op *sb_az_op(const struct sb_az *az, struct str id)
{
    for (size_t i = az->ops.n; i-- > 0;) {
        struct sb_az_op *op = az->ops.p[i];
        if (str_ieq(id, str_of(op->id)))
            return op;
    }
    return NULL;
}

struct sb_az_op *sb_az_pending(const struct sb_az *az, const struct sb_az_sub *sub)
{
    for (size_t i = az->ops.n; i-- > 0;) {
        struct sb_az_op *op = az->ops.p[i];
        if (op->sub == sub && (op->state == SB_AZ_NOT_STARTED || op->state == SB_AZ_IN_PROGRESS))
            return op;
    }
    return NULL;
}

const char *sb_az_status(enum sb_az_status status)
{
    static const char *const names[SB_AZ_STATES] = {"PendingFulfillmentStart", "Subscribed",
                                                    "Suspended", "Unsubscribed"};

    return names[status];
}

const char *sb_az_opstate(enum sb_az_opstate state)
{
    static const char *const names[SB_AZ_OPSTATES] = {"NotStarted", "InProgress", "Succeeded",
                                                      "Failed", "Conflict"};

    return names[state];
}

void sb_az_offer(const struct sb_az_sub *sub, char out[80])
{
    snprintf(out, 80, "%s%s", sub->product->offer, sub->test ? "-preview" : "");
}
