#include "sandbox/sb_gcp_page.h"

#include <string.h>

#include "base/clock.h"
#include "sandbox/sb_gcp_order.h"
#include "sandbox/sb_gcp_token.h"
#include "sandbox/sb_page.h"

#define SHOWN 200

static void plan_choice(struct buf *b, const struct sb_gcp_plan *p, bool first)
{
    buf_cat(b, "<label class=\"plan\"><input type=\"radio\" name=\"plan\" value=\"");
    sb_page_text(b, p->plan);
    buf_fmt(b, "\"%s><span><strong>", first ? " checked" : "");
    sb_page_text(b, p->title);
    buf_cat(b, "</strong><small>");
    sb_page_text(b, p->price);
    buf_cat(b, "</small></span></label>\n");
}

/* Existing accounts that may buy: Google makes one for each customer of a provider. */
static void account_choice(const struct sb *s, struct buf *b, const struct sb_gcp_product *p)
{
    buf_fmt(b,
            "<label class=\"field\" for=\"gcp-account-%s\">Billing account</label>"
            "<select class=\"text\" id=\"gcp-account-%s\" name=\"account\">"
            "<option value=\"\">a new customer</option>",
            p->name, p->name);
    for (size_t i = s->gcp->accounts.n, n = 0; i-- > 0 && n < SHOWN; n++) {
        const struct sb_gcp_account *a = s->gcp->accounts.p[i];
        if (!a->deleted && !strcmp(a->provider, p->provider))
            buf_fmt(b, "<option value=\"%s\">%s, %.8s…</option>", a->handle, a->handle, a->id);
    }
    buf_cat(b, "</select>\n");
}

static void card(const struct sb *s, struct buf *b, const struct sb_gcp_product *p)
{
    buf_cat(b, "<article class=\"card\"><h2>");
    sb_page_text(b, p->title);
    buf_fmt(b,
            "</h2><p class=\"kind\">Google Cloud SaaS listing%s</p>\n<form method=\"post\" "
            "action=\"/sandbox/gcp/subscribe\"><input type=\"hidden\" name=\"product\" value=\"",
            p->automatic ? " · automatic approval" : "");
    sb_page_text(b, p->name);
    buf_cat(b, "\">\n<fieldset><legend>Choose a plan</legend>\n");
    for (size_t i = 0; i < p->nplans; i++)
        plan_choice(b, &p->plans[i], i == 0);
    buf_cat(b, "</fieldset>\n");
    account_choice(s, b, p);
    buf_cat(b, "<label class=\"check\"><input type=\"checkbox\" name=\"offer\" value=\"1\"> "
               "Private offer, two years</label>\n"
               "<label class=\"check\"><input type=\"checkbox\" name=\"later\" value=\"1\"> "
               "Private offer that starts in a week</label>\n"
               "<button class=\"primary\" type=\"submit\">Subscribe</button></form></article>\n");
}

void sb_gcp_page_cards(const struct sb *s, struct buf *b)
{
    for (size_t i = 0; i < s->gcp->products.n; i++)
        card(s, b, s->gcp->products.p[i]);
}

static void button(struct buf *b, const struct sb_gcp_ent *e, const char *name, const char *label)
{
    buf_fmt(b,
            "<form method=\"post\" action=\"/sandbox/gcp/purchases/%s/%s\"><button "
            "type=\"submit\" aria-label=\"%s: %s\">%s</button></form>\n",
            e->handle, name, label, e->handle, label);
}

static void change_plan(struct buf *b, const struct sb_gcp_ent *e)
{
    buf_fmt(b,
            "<form class=\"change\" method=\"post\" "
            "action=\"/sandbox/gcp/purchases/%s/change-plan\"><label class=\"hide\" "
            "for=\"plan-%s\">New plan of %s</label><select id=\"plan-%s\" name=\"plan\">",
            e->handle, e->handle, e->handle, e->handle);
    for (size_t i = 0; i < e->product->nplans; i++) {
        const struct sb_gcp_plan *p = &e->product->plans[i];
        if (!strcmp(p->plan, e->plan))
            continue;
        buf_cat(b, "<option value=\"");
        sb_page_text(b, p->plan);
        buf_cat(b, "\">");
        sb_page_text(b, p->title);
        buf_cat(b, "</option>");
    }
    buf_fmt(b, "</select><button type=\"submit\">Change plan</button><label class=\"check\">"
               "<input type=\"checkbox\" name=\"when\" value=\"cycle-end\"> at the end of the "
               "cycle</label></form>\n");
}

/* Which buttons a state shows. */
static const struct {
    int state;
    const char *name, *label;
} buttons[] = {
    {SB_GCP_REQUESTED, "abandon", "Cancel the order"},
    {SB_GCP_ACTIVE, "renew", "Renew"},
    {SB_GCP_ACTIVE, "cancel", "Cancel"},
    {SB_GCP_ACTIVE, "cancel-now", "Cancel at once"},
    {SB_GCP_ACTIVE, "suspend", "Suspend"},
    {SB_GCP_PLAN_APPROVAL, "cancel-plan-change", "Withdraw the change"},
    {SB_GCP_PLAN_PENDING, "cancel-plan-change", "Withdraw the change"},
    {SB_GCP_ENDING, "revert-cancel", "Keep the subscription"},
    {SB_GCP_SUSPENDED, "resume", "Resume"},
    {SB_GCP_CANCELLED, "delete", "Delete the record"},
};

static void actions(struct buf *b, const struct sb_gcp_ent *e)
{
    buf_cat(b, "<td role=\"cell\" data-label=\"What next\"><div class=\"actions\">");
    if (e->deleted) {
        buf_cat(b, "<span class=\"quiet\">deleted</span></div></td>");
        return;
    }
    if (e->state != SB_GCP_CANCELLED) {
        button(b, e, "setup", "Register with the seller");
        if (e->product->login[0])
            button(b, e, "manage", "Manage on provider");
    }
    if (e->state == SB_GCP_ACTIVE && e->product->nplans > 1)
        change_plan(b, e);
    for (size_t i = 0; i < sizeof(buttons) / sizeof(buttons[0]); i++) {
        if (buttons[i].state == e->state)
            button(b, e, buttons[i].name, buttons[i].label);
    }
    if (e->offer[0] && e->state == SB_GCP_ACTIVE)
        button(b, e, "offer-ended", "End the offer");
    if (e->next != SB_GCP_NEXT_NONE && e->state != SB_GCP_CANCELLED)
        button(b, e, "settle", "Now, not later");
    buf_cat(b, "</div></td>");
}

static void when(struct buf *b, const char *label, int64_t ms)
{
    char iso[CLOCK_ISO];

    if (ms == 0)
        return;
    clock_iso(ms, iso);
    buf_fmt(b, "<small>%s <time datetime=\"%s\">%.10s %.5s</time></small>", label, iso, iso,
            iso + 11);
}

static const char *badge(const struct sb_gcp_ent *e)
{
    return e->state == SB_GCP_CANCELLED ? "over" : e->state == SB_GCP_ACTIVE ? "good" : "warn";
}

static void row(struct buf *b, const struct sb_gcp_ent *e)
{
    const struct sb_gcp_plan *plan = sb_gcp_plan(e->product, str_of(e->plan));

    buf_fmt(b,
            "<tr id=\"%s\" role=\"row\"><th scope=\"row\" role=\"rowheader\" "
            "data-label=\"Order\">",
            e->handle);
    sb_page_text(b, e->product->title);
    buf_cat(b, "<small>");
    sb_page_text(b, plan ? plan->title : e->plan);
    if (e->pending_plan[0]) {
        buf_cat(b, " → ");
        sb_page_text(b, e->pending_plan);
    }
    buf_fmt(b,
            "%s</small></th><td role=\"cell\" data-label=\"State\"><span class=\"badge %s\">%s"
            "</span>",
            e->offer[0] ? " · private offer" : "", badge(e),
            sb_gcp_state_name(e->state) + sizeof("ENTITLEMENT_") - 1);
    if (e->account->approval != SB_GCP_APPROVED)
        buf_fmt(b, "<span class=\"badge warn\">SIGN-UP %s</span>",
                sb_gcp_approval_name(e->account->approval));
    if (e->message[0]) {
        buf_cat(b, "<small>");
        sb_page_text(b, e->message);
        buf_cat(b, "</small>");
    }
    buf_fmt(b,
            "</td><td role=\"cell\" data-label=\"Ids\"><code>%s</code><small>account "
            "%s</small></td><td role=\"cell\" data-label=\"Time\">",
            e->id, e->account->id);
    when(b, "ordered", e->created);
    when(b, "offer starts", e->activated ? 0 : e->start);
    when(b, "cycle ends", e->state == SB_GCP_CANCELLED ? 0 : e->cycle_end);
    buf_cat(b, "</td>");
    actions(b, e);
    buf_cat(b, "</tr>\n");
}

void sb_gcp_page_orders(const struct sb *s, struct buf *b)
{
    const struct sb_vec *all = &s->gcp->ents;

    if (s->gcp->products.n == 0)
        return;
    buf_cat(b, "<section aria-labelledby=\"gcp\"><h2 id=\"gcp\">Your Google Cloud orders</h2>\n");
    if (all->n == 0) {
        buf_cat(b, "<p class=\"quiet\">Nothing yet.</p>\n</section>\n");
        return;
    }
    buf_cat(b, "<table role=\"table\"><thead><tr><th scope=\"col\">Order</th><th scope=\"col\">"
               "State</th><th scope=\"col\">Ids</th><th scope=\"col\">Time</th>"
               "<th scope=\"col\">What next</th></tr></thead><tbody>\n");
    for (size_t i = all->n; i-- > 0 && all->n - i <= SHOWN;)
        row(b, all->p[i]);
    buf_cat(b, "</tbody></table>\n</section>\n");
}

void sb_gcp_page_handover(struct buf *b, const struct sb_gcp_ent *e, const char *url,
                          const char *token)
{
    sb_page_begin(b, "Register with the seller");
    buf_cat(b, "<h1>Thank you for your order</h1>\n<p>You have ordered <strong>");
    sb_page_text(b, e->product->title);
    buf_cat(b, "</strong>. The seller now asks you to sign up.</p>\n");
    if (token) {
        buf_cat(b, "<form id=\"handover\" method=\"post\" action=\"");
        sb_page_text(b, url);
        buf_cat(b, "\">\n<input type=\"hidden\" name=\"" SB_GCP_FIELD "\" value=\"");
        sb_page_text(b, token);
        buf_cat(b, "\">\n<button class=\"primary\" type=\"submit\">Continue to the "
                   "seller</button></form>\n<script src=\"/sandbox/store.js\"></script>\n");
    } else {
        buf_cat(b, "<p><a id=\"manage\" rel=\"noreferrer\" href=\"");
        sb_page_text(b, url);
        buf_cat(b, "\">Manage on provider</a></p>\n");
    }
    sb_page_end(b);
}
