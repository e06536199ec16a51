#include <stdio.h>
#include <string.h>

#include "sandbox/sb_gcp_list.h"
#include "sandbox/sb_gcp_order.h"

#define LIST_DEFAULT 25

static struct sb_gcp_account *find(struct sb_gcp_call *c)
{
    struct sb_gcp_account *a = sb_gcp_account(c->s, c->id);

    if (!a || a->deleted || !str_is(c->owner, a->provider) || !str_is(c->id, a->id)) {
        sb_gcp_fail(c, "NOT_FOUND", "Requested entity was not found.");
        return NULL;
    }
    sb_gcp_about(c, a->handle, a->id);
    return a;
}

static int get(struct sb_gcp_call *c)
{
    const struct sb_gcp_account *a = find(c);
    char view[64];

    if (!a || sb_gcp_query(c, "view", view, sizeof(view)))
        return -1;
    if (view[0] && strcmp(view, "ACCOUNT_VIEW_FULL") != 0 &&
        strcmp(view, "ACCOUNT_VIEW_BASIC") != 0 && strcmp(view, "ACCOUNT_VIEW_UNSPECIFIED") != 0)
        return sb_gcp_fail(c, "INVALID_ARGUMENT", "Invalid value at 'view'");
    sb_gcp_write_account(&c->w, a, !strcmp(view, "ACCOUNT_VIEW_FULL"));
    return 0;
}

static int list(struct sb_gcp_call *c)
{
    const struct sb_vec *all = &c->s->gcp->accounts;
    size_t size, from, n = 0;

    if (sb_gcp_list_page(c, LIST_DEFAULT, all->n, &size, &from))
        return -1;
    jsonw_obj(&c->w);
    jsonw_key(&c->w, "accounts");
    jsonw_arr(&c->w);
    for (; from > 0 && n < size; from--) {
        const struct sb_gcp_account *a = all->p[from - 1];
        if (a->deleted || !str_is(c->owner, a->provider))
            continue;
        sb_gcp_write_account(&c->w, a, false);
        n++;
    }
    jsonw_arr_end(&c->w);
    if (from > 0)
        sb_gcp_list_next(c, from);
    jsonw_obj_end(&c->w);
    return 0;
}

static void empty(struct sb_gcp_call *c)
{
    jsonw_obj(&c->w);
    jsonw_obj_end(&c->w);
}

static int decide(struct sb_gcp_call *c, enum sb_gcp_approval to)
{
    struct str name = json_str(c->in, "approvalName");
    struct sb_gcp_account *a = find(c);

    if (!a)
        return -1;
    if (name.n > 0 && !str_is(name, "signup"))
        return sb_gcp_fail(c, "INVALID_ARGUMENT", "There is no approval of that name.");
    if (to == SB_GCP_REJECTED && a->approval == SB_GCP_APPROVED)
        return sb_gcp_fail(c, "FAILED_PRECONDITION", "Precondition check failed.");
    if (a->approval != (int)to)
        sb_gcp_order_approval(c->s, a, to, json_str(c->in, "reason"));
    empty(c);
    return 0;
}

static int approve(struct sb_gcp_call *c)
{
    return decide(c, SB_GCP_APPROVED);
}

static int reject(struct sb_gcp_call *c)
{
    return decide(c, SB_GCP_REJECTED);
}

static int reset(struct sb_gcp_call *c)
{
    struct sb_gcp_account *a = find(c);

    if (!a)
        return -1;
    if (!a->test)
        return sb_gcp_fail(c, "PERMISSION_DENIED", "Only accounts that you own can be reset.");
    sb_gcp_order_reset(c->s, a);
    empty(c);
    return 0;
}

const struct sb_gcp_op sb_gcp_acct_ops[] = {
    {"accounts.get", "GET", "", true, "", "view", get},
    {"accounts.list", "GET", "", false, "", "pageSize pageToken", list},
    {"accounts.approve", "POST", "approve", true, "approvalName:s reason:s properties:o", "",
     approve},
    {"accounts.reject", "POST", "reject", true, "approvalName:s reason:s", "", reject},
    {"accounts.reset", "POST", "reset", true, "", "", reset},
    {0},
};
