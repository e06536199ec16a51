/*
 * mail: one mail of an order. At least once, and once in every case but one: when the process dies
 * between the server's 250 and our record, the same Message-ID is sent again.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/file.h"
#include "base/log.h"
#include "store/state.h"
#include "worker/kinds.h"
#include "worker/mail_coming.h"
#include "worker/mail_money.h"
#include "worker/mail_text.h"

enum { MAIL_MAX = 65536, TRIES_MAX = 12, PASSWORD_MAX = 4096 };

struct mail_work {
    const char *kind; /* which words; the task's own kind, or a variant of it */
    struct str order, email, product, bought, endpoint, state, detail, money, coming;
    char link[512];
    struct str message;
    const char *message_id;
};

static void recorded(struct task *t, int rc, const struct store_rows *rows)
{
    (void)rows;
    if (rc)
        task_retry(t, "RETRY", "cannot record the mail", 0);
    else
        task_done(t);
}

static void sent(struct task *t, const struct http_reply *reply)
{
    struct str args[] = {t->id, t->token, STR("s.sent"), STR("1")};
    struct mail_work *m = t->state;
    char text[64];

    crash_point("mail.after_send");
    if (reply->rc == 0 && reply->status / 100 == 2) {
        LOG(LOG_INFO, "mail.sent", F("kind", m->kind), FS("order", m->order));
        task_store(t, t->shard, STORE_TASK_STEP, args, 4, recorded);
        return;
    }
    snprintf(text, sizeof(text), "smtp %d, rc %d", reply->status, reply->rc);
    if (reply->status / 100 == 5 || t->tries >= TRIES_MAX)
        task_dead(t, "INVALID", text);
    else
        task_retry(t, "RETRY", text, 0);
}

static void send_now(struct task *t, int rc, const struct store_rows *rows)
{
    const struct cfg_notify *n = &t->snap->cfg->notify;
    struct mail_work *m = t->state;
    struct str to = mail_is_alert(m->kind) ? str_of(n->alert_to) : m->email;
    struct http_mail mail = {
        .url = n->smtp_url,
        .user = n->smtp_user,
        .starttls_required = n->smtp_starttls_required,
        .from = arena_dup(t->arena, mail_address(str_of(n->from))),
        .to = arena_dup(t->arena, to),
        .message = m->message,
        .allow = HTTP_LOOPBACK | HTTP_PRIVATE,
    };
    struct buf password;

    (void)rows;
    if (rc) {
        task_retry(t, "RETRY", "cannot record the intent", 0);
        return;
    }
    buf_init(&password, PASSWORD_MAX);
    if (n->smtp_password_file[0] && file_read_secret(n->smtp_password_file, &password)) {
        buf_free(&password);
        task_retry(t, "CONFIG", "cannot read the SMTP password file", 60000);
        return;
    }
    mail.password = buf_cstr(&password);
    crash_point("mail.before_send");
    task_mail(t, &mail, sent);
    if (password.p)
        sodium_memzero(password.p, password.cap);
    buf_free(&password);
}

static const char *contact(struct task *t)
{
    const struct cfg_brand *b = &t->snap->cfg->brand;

    if (b->support_email[0] == '\0' && b->support_url[0])
        return arena_fmt(t->arena, "Questions? Visit %s and name the reference %.*s.",
                         b->support_url, STR_FMT(t->subject));
    if (b->support_email[0] == '\0')
        return "";
    return arena_fmt(t->arena, "Questions? Write to %s and name the reference %.*s.",
                     b->support_email, STR_FMT(t->subject));
}

static int compose(struct task *t)
{
    const struct config *c = t->snap->cfg;
    struct mail_work *m = t->state;
    const struct mail_value values[] = {
        {"product", m->product},
        {"bought", m->bought},
        {"endpoint", m->endpoint},
        {"link", str_of(m->link)},
        {"order", m->order},
        {"state", m->state},
        {"detail", m->detail},
        {"money", m->money},
        {"coming", m->coming},
        {"next_steps", str_of(c->brand.next_steps)},
        {"contact", str_of(contact(t))},
    };
    struct mail_in in = {
        .kind = m->kind,
        .from = c->notify.from,
        .to = mail_is_alert(m->kind) ? str_of(c->notify.alert_to) : m->email,
        .message_id = m->message_id,
        .date_ms = clock_wall_ms(),
        .values = values,
        .nvalues = sizeof(values) / sizeof(*values),
    };
    struct buf b;
    int rc;

    buf_init(&b, MAIL_MAX);
    rc = mail_text(&in, &b);
    m->message = arena_str(t->arena, buf_view(&b));
    buf_free(&b);
    return rc;
}

static void with_link(struct task *t, int rc, const struct store_rows *rows)
{
    struct mail_work *m = t->state;
    struct str args[] = {t->id, t->token, STR("s.intent"), str_of(m->message_id)};

    (void)rows;
    if (rc && rc != -ENOENT) {
        task_retry(t, "RETRY", "cannot make a link", 0);
        return;
    }
    if (compose(t)) {
        task_dead(t, "INVALID", "the mail cannot be composed");
        return;
    }
    task_store(t, t->shard, STORE_TASK_STEP, args, 4, send_now);
}

/* Every mail gets a capability of its own: it can be revoked without breaking the others. */
static void make_link(struct task *t)
{
    const struct cfg_front *f = &t->snap->cfg->front;
    struct mail_work *m = t->state;
    char cap[ID_SECRET], hash[HASH_HEX];
    struct str part;
    struct args a;
    unsigned shard;

    if (mail_is_alert(m->kind)) {
        with_link(t, 0, NULL);
        return;
    }
    id_secret_new(t->shard, cap);
    id_secret_parse(str_of(cap), store_shards(t->w->store), &shard, &part);
    id_secret_hash(part, hash);
    snprintf(m->link, sizeof(m->link), "%s%s/s/%s", f->public_url, f->base, cap);
    args_init(&a, t);
    args_add(&a, t->subject);
    args_cstr(&a, hash);
    args_int(&a, (int64_t)f->capability_ttl_ms);
    task_store(t, t->shard, STORE_CAP_ADD, a.v, a.n, with_link);
}

/* The same for every attempt of this task, another one when it is asked for anew. */
static const char *message_id(struct task *t, struct str created)
{
    struct str from = mail_address(str_of(t->snap->cfg->notify.from)), host;
    char hash[HASH_HEX];
    struct buf b;

    str_cut(from, '@', &host);
    buf_init(&b, 1024);
    buf_str(&b, t->id);
    buf_ch(&b, ' ');
    buf_str(&b, created);
    hash_sha256_hex(buf_view(&b), hash);
    buf_free(&b);
    return arena_fmt(t->arena, "%.40s@%.*s", hash, STR_FMT(host));
}

static struct str title_of(const struct cfg_market *m)
{
    const char *title = config_market_title(m);

    return title[0] ? str_of(title) : STR("our product");
}

/* An alert about a listing: its subject is no order, its task's data says what happened. */
static void listing_alert(struct task *t)
{
    const struct config *c = t->snap->cfg;
    struct mail_work *m = t->state;
    struct str name, channel = str_cut(t->subject, '/', &name);
    const struct cfg_market *market = config_market(c, channel, name);

    m->order = t->subject;
    m->product = market ? title_of(market) : t->subject;
    m->detail = t->data;
    if (strcmp(m->kind, "alert-plan") == 0) /* an order's has another text */
        m->kind = "alert-plan-listing";
    m->message_id = message_id(t, STR(""));
    if (str_is(task_step(t, "s.sent"), "1") || c->notify.alert_to[0] == '\0')
        task_done(t);
    else
        with_link(t, 0, NULL);
}

static bool obsolete(const struct mail_work *m)
{
    bool done = str_is(m->state, "READY") || str_is(m->state, "CLOSED");

    return done && (strcmp(m->kind, "delayed") == 0 || strcmp(m->kind, "failed") == 0 ||
                    strcmp(m->kind, "alert-late") == 0);
}

static bool is_over(const struct store_rows *rows)
{
    struct str contract = store_get(rows, "o.contract");

    return str_is(contract, "CANCELLED") || str_is(contract, "EXPIRED");
}

/* The same event is other news to somebody who had an environment, and to somebody who never had.
 */
static const char *variant(const struct store_rows *rows, const char *kind)
{
    bool had = store_get(rows, "o.at_ready").n > 0;

    if (strcmp(kind, "failed") == 0 && had)
        return "failed-later";
    return strcmp(kind, "closed") == 0 && !had && is_over(rows) ? "closed-never" : kind;
}

static void loaded(struct task *t, int rc, const struct store_rows *rows)
{
    const struct config *c = t->snap->cfg;
    struct mail_work *m = t->state;
    const struct cfg_market *market;
    const struct cfg_plan *plan;
    struct str channel, product;
    struct coming coming;
    bool unwanted;

    if (rc == -ENOENT || (rc == 0 && str_is(store_get(rows, "s.sent"), "1"))) {
        task_done(t);
        return;
    }
    if (rc) {
        task_retry(t, "RETRY", "cannot read the order", 0);
        return;
    }
    channel = store_get(rows, "o.channel");
    product = store_get(rows, "o.product");
    market = config_market(c, channel, product);
    coming_of(&rows->row[0], "o.", market, store_row_int(&rows->row[0], "now", 0), &coming);
    plan = market ? config_plan(market, coming.today) : NULL;
    m->coming = mail_coming_text(t->arena, market, &coming);
    m->order = t->subject;
    m->email = arena_str(t->arena, store_get(rows, "o.email"));
    if (m->email.n == 0) /* nobody registered yet: the address that the marketplace gave */
        m->email = arena_str(t->arena, store_get(rows, "o.buyer_email"));
    m->endpoint = arena_str(t->arena, store_get(rows, "o.endpoint"));
    m->state = arena_str(t->arena, store_get(rows, "o.fulfilment"));
    m->detail = arena_str(t->arena, store_get(rows, "o.detail"));
    m->product = market ? title_of(market) : STR("our product");
    m->bought = plan
                    ? str_of(arena_fmt(t->arena, "%.*s, plan %s", STR_FMT(m->product), plan->title))
                    : m->product;
    m->money = mail_money_text(t->arena,
                               &(struct mail_money){m->kind, channel, store_get(rows, "o.contract"),
                                                    store_get(rows, "o.commit"),
                                                    plan && plan->commit == CFG_COMMIT_REGISTERED});
    m->message_id = message_id(t, store_get(rows, "s.created"));
    unwanted = obsolete(m) || (is_over(rows) && strcmp(m->kind, "failed") == 0) ||
               (mail_is_alert(m->kind) ? c->notify.alert_to[0] == '\0' : m->email.n == 0);
    m->kind = variant(rows, m->kind);
    if (unwanted)
        task_done(t);
    else
        make_link(t);
}

void mail_run(struct task *t)
{
    struct str args[] = {t->id, t->token, t->subject};
    struct mail_work *m = arena_alloc(t->arena, sizeof(*m));
    ptrdiff_t colon = str_rchr(t->id, ':');

    if (t->snap->cfg->notify.smtp_url[0] == '\0') {
        task_done(t);
        return;
    }
    if (!m || colon < 0) {
        task_retry(t, "RETRY", "no memory", 0);
        return;
    }
    m->kind = arena_dup(t->arena, str_from(t->id, (size_t)colon + 1));
    t->state = m;
    if (str_chr(t->subject, '/') >= 0)
        listing_alert(t);
    else
        task_store(t, t->shard, STORE_FULFIL_LOAD, args, 3, loaded);
}
