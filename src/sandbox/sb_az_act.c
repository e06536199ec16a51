#include <errno.h>
#include <stdio.h>

#include "sandbox/sb_az_ctl.h"
#include "sandbox/sb_az_op.h"
#include "sandbox/sb_az_sub.h"

/* A number, or its decimal text as forms have it. Absent or empty: dflt. */
static int integer(const cJSON *in, const char *key, int64_t dflt, int64_t *out)
{
    struct str text = json_str(in, key);
    int rc = text.n > 0 ? str_i64(text, out) : json_int(in, key, out);

    if (rc == -ENOENT ||
        (rc && json_get(in, key) && cJSON_IsString(json_get(in, key)) && text.n == 0)) {
        *out = dflt;
        return 0;
    }
    return rc;
}

/* true, or any text that is not empty. */
static bool truth(const cJSON *in, const char *key)
{
    return json_bool(in, key, json_str(in, key).n > 0);
}

static const struct sb_az_person *person(const cJSON *in, const char *key, bool *bad)
{
    struct str name = json_str(in, key);
    const struct sb_az_person *p = name.n > 0 ? sb_az_person(name) : NULL;

    *bad = *bad || (name.n > 0 && !p);
    return p;
}

int sb_az_order(struct sb *s, const cJSON *in, struct sb_az_sub **out, const char **why)
{
    struct sb_az_buy b = {.product = sb_az_product(s->az, json_str(in, "product"))};
    bool bad = false;

    *why = "there is no such product or plan";
    if (!b.product)
        return -EINVAL;
    b.plan = sb_az_plan(b.product, json_str(in, "plan"));
    if (!b.plan)
        return -EINVAL;
    b.purchaser = person(in, "purchaser", &bad);
    b.beneficiary = person(in, "beneficiary", &bad);
    *why = "there is no such account";
    if (bad)
        return -EINVAL;
    b.name = json_str(in, "name");
    b.private_offer = json_str(in, "private_offer");
    b.trial = truth(in, "trial");
    b.test = truth(in, "test");
    b.reseller = truth(in, "reseller");
    b.activate_fails = truth(in, "activate_fails");
    b.auto_activate = json_bool(in, "auto_activate", b.plan->auto_activate);
    *why = "a number is out of range";
    if (integer(in, "quantity", b.plan->seats ? b.plan->min_seats : 0, &b.quantity) ||
        integer(in, "start_in_ms", 0, &b.start_in_ms))
        return -EINVAL;
    if (!b.plan->seats && !cJSON_IsNumber(json_get(in, "quantity")))
        b.quantity = 0;
    return sb_az_buy(s, &b, out, why);
}

/* The next plan of the list when none is named. */
static const struct sb_az_plan *other_plan(const struct sb_az_sub *sub, const cJSON *in)
{
    struct str id = json_str(in, "plan");
    size_t at = (size_t)(sub->plan - sub->product->plans);

    return id.n > 0 ? sb_az_plan(sub->product, id)
                    : &sub->product->plans[(at + 1) % sub->product->nplans];
}

static int quiet_act(struct sb *s, struct sb_az_sub *sub, struct str action, const cJSON *in)
{
    s->dirty = true;
    if (str_is(action, "expire-token")) {
        sb_az_token_expire(s, sub);
    } else if (str_is(action, "auto-renew")) {
        sub->auto_renew = json_bool(in, "on", false);
    } else if (str_is(action, "read-only")) {
        sub->reseller = true;
        sub->purchaser = sb_az_person(STR("riley"));
    } else {
        return -ENOENT;
    }
    return 0;
}

int sb_az_act(struct sb *s, struct sb_az_sub *sub, struct str action, const cJSON *in,
              struct sb_az_op **op, const char **why)
{
    static const struct {
        const char *act, *action;
    } map[] = {{"change-plan", "ChangePlan"},
               {"change-quantity", "ChangeQuantity"},
               {"renew", "Renew"},
               {"suspend", "Suspend"},
               {"reinstate", "Reinstate"},
               {"cancel", "Unsubscribe"},
               {"unknown", "Transfer"}};
    struct sb_az_ask ask = {.minimal = truth(in, "minimal")};
    char word[32];

    *op = NULL;
    *why = "there is no such action";
    for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
        if (str_is(action, map[i].act))
            ask.action = map[i].action;
    }
    if (!ask.action)
        return quiet_act(s, sub, action, in);
    if (str_is(action, "unknown") && json_str(in, "action").n > 0) {
        if (str_copy(json_str(in, "action"), word, sizeof(word)))
            return -EINVAL;
        ask.action = word;
    }
    if (str_is(action, "change-plan"))
        ask.plan = other_plan(sub, in);
    *why = "quantity is required";
    if (str_is(action, "change-quantity") &&
        (integer(in, "quantity", 0, &ask.quantity) || ask.quantity <= 0))
        return -EINVAL;
    return sb_az_ask(s, sub, &ask, op, why);
}
