#include "sandbox/sb_gcp_list.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <strings.h>

#define SIZE_MAX_PAGE 200
#define DEPTH_MAX     16

int sb_gcp_list_page(struct sb_gcp_call *c, size_t dflt, size_t have, size_t *size, size_t *from)
{
    char text[64];
    uint64_t v;

    *size = dflt;
    *from = have;
    if (sb_gcp_query(c, "pageSize", text, sizeof(text)))
        return -1;
    if (text[0] && str_u64(str_of(text), 2147483647, &v))
        return sb_gcp_fail(c, "INVALID_ARGUMENT", "Invalid value at 'page_size' (TYPE_INT32)");
    if (text[0] && v > 0)
        *size = v < SIZE_MAX_PAGE ? (size_t)v : SIZE_MAX_PAGE;
    if (sb_gcp_query(c, "pageToken", text, sizeof(text)))
        return -1;
    if (!text[0])
        return 0;
    if (!str_starts(str_of(text), STR("p-")) || str_u64(str_from(str_of(text), 2), have, &v))
        return sb_gcp_fail(c, "INVALID_ARGUMENT", "Invalid page token");
    *from = (size_t)v;
    return 0;
}

void sb_gcp_list_next(struct sb_gcp_call *c, size_t next)
{
    char text[32];

    snprintf(text, sizeof(text), "p-%zu", next);
    jsonw_kvs(&c->w, "nextPageToken", str_of(text));
}

struct parser {
    struct str rest;
    const struct sb_gcp_ent *e;
    bool bad;
};

static bool either(struct parser *p, unsigned depth);

static void blanks(struct parser *p)
{
    while (p->rest.n > 0 && isspace((unsigned char)p->rest.p[0]))
        p->rest = str_from(p->rest, 1);
}

static bool letter(char c, bool value)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-' ||
           (value && (c == '/' || c == '\\'));
}

static struct str word(struct parser *p, bool value)
{
    size_t n = 0;

    while (n < p->rest.n && letter(p->rest.p[n], value))
        n++;
    struct str w = str_sub(p->rest, 0, n);
    p->rest = str_from(p->rest, n);
    return w;
}

/* Takes a keyword, if it is the next word. */
static bool keyword(struct parser *p, const char *name)
{
    struct parser ahead = *p;

    blanks(&ahead);
    if (!str_is(word(&ahead, false), name))
        return false;
    if (ahead.rest.n > 0 && (ahead.rest.p[0] == '=' || ahead.rest.p[0] == ':'))
        return false;
    *p = ahead;
    return true;
}

static struct str value(struct parser *p)
{
    if (p->rest.n == 0 || p->rest.p[0] != '"')
        return word(p, true);
    struct str inner = str_from(p->rest, 1);
    ptrdiff_t end = str_chr(inner, '"');
    if (end < 0) {
        p->bad = true;
        return STR("");
    }
    p->rest = str_from(inner, (size_t)end + 1);
    return str_sub(inner, 0, (size_t)end);
}

/* An account by its bare id or by its name. */
static bool same_account(const struct sb_gcp_ent *e, struct str v)
{
    ptrdiff_t slash = str_rchr(v, '/');

    return str_is(slash >= 0 ? str_from(v, (size_t)slash + 1) : v, e->account->id);
}

static bool same_state(const struct sb_gcp_ent *e, struct str v)
{
    const char *name = sb_gcp_state_name(e->state);

    return str_ieq(v, str_of(name)) || str_ieq(v, str_of(name + sizeof("ENTITLEMENT_") - 1));
}

static bool has_consumer(const struct sb_gcp_ent *e, struct str v)
{
    char project[80];

    snprintf(project, sizeof(project), "projects/%s", e->usage_id + sizeof("project_number:") - 1);
    return e->activated && e->product->usage && str_is(v, project);
}

static bool holds(struct parser *p, struct str key, char op, struct str v)
{
    const struct sb_gcp_ent *e = p->e;
    const struct {
        const char *key, *have;
    } texts[] = {
        {"plan", e->plan},
        {"newPendingPlan", e->pending_plan},
        {"new_pending_plan", e->pending_plan},
        {"offer", e->offer},
        {"new_pending_offer", e->pending_offer},
        {"product_external_name", e->product->product_name},
        {"product", e->offer[0] ? e->offer : e->product->product_name},
        {"quote_external_name", ""},
        {"services", e->product->product_name},
        {"customer_billing_account", e->account->reseller},
    };

    if (str_is(key, "consumers.project") || str_is(key, "change_history.new_offer")) {
        p->bad = p->bad || op != ':';
        return str_is(key, "consumers.project") ? has_consumer(e, v)
                                                : v.n > 0 && str_is(v, e->offer);
    }
    p->bad = p->bad || op == ':';
    if (str_is(key, "account"))
        return same_account(e, v) == (op == '=');
    if (str_is(key, "state"))
        return same_state(e, v) == (op == '=');
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (str_is(key, texts[i].key))
            return str_is(v, texts[i].have) == (op == '=');
    }
    p->bad = true;
    return false;
}

static bool term(struct parser *p, unsigned depth)
{
    struct str key;
    char op;

    blanks(p);
    if (depth > DEPTH_MAX || p->rest.n == 0) {
        p->bad = true;
        return false;
    }
    if (keyword(p, "NOT"))
        return !term(p, depth + 1);
    if (p->rest.p[0] == '(') {
        p->rest = str_from(p->rest, 1);
        bool v = either(p, depth + 1);
        blanks(p);
        p->bad = p->bad || p->rest.n == 0 || p->rest.p[0] != ')';
        p->rest = str_from(p->rest, 1);
        return v;
    }
    key = word(p, false);
    blanks(p);
    op = p->rest.n ? p->rest.p[0] : 0;
    if (op == '!' && p->rest.n > 1 && p->rest.p[1] == '=')
        p->rest = str_from(p->rest, 1);
    else if (op != '=' && op != ':')
        p->bad = true;
    p->rest = str_from(p->rest, 1);
    blanks(p);
    struct str v = value(p);
    return holds(p, key, op, v);
}

/* AND may be left out. */
static bool both(struct parser *p, unsigned depth)
{
    bool v = term(p, depth);

    for (;;) {
        struct parser ahead = *p;
        blanks(p);
        if (p->bad || p->rest.n == 0 || p->rest.p[0] == ')' || keyword(&ahead, "OR"))
            return v;
        keyword(p, "AND");
        bool next = term(p, depth);
        v = v && next;
    }
}

static bool either(struct parser *p, unsigned depth)
{
    bool v = both(p, depth);

    while (!p->bad && keyword(p, "OR")) {
        bool next = both(p, depth);
        v = v || next;
    }
    return v;
}

int sb_gcp_list_match(struct str filter, const struct sb_gcp_ent *e)
{
    struct parser p = {.rest = str_trim(filter), .e = e};

    if (p.rest.n == 0)
        return 1;
    bool v = either(&p, 0);
    blanks(&p);
    return p.bad || p.rest.n > 0 ? -EINVAL : v;
}
