#include "worker/mail_text.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/enc.h"

static const struct {
    const char *kind, *subject, *body;
} texts[] = {
    {"registered", "{product}: your registration is complete",
     "Thank you for your purchase of {bought}.\n\n"
     "We are preparing your environment now. You do not need to keep the page open: we will write "
     "to "
     "you when it is ready. You can follow the progress here:\n\n{link}\n\n{money}{coming}"
     "Anyone with this link can see the status of your purchase.\n\n{contact}"},
    {"ready", "{product}: your environment is ready",
     "Your environment for {bought}, is "
     "ready:\n\n{endpoint}\n\n{next_steps}\n\n{money}{coming}"
     "Status of your purchase: {link}\n\n{contact}"},
    {"delayed", "{product}: preparing your environment takes longer than usual",
     "Preparing your environment for {product} is taking longer than usual. Our team has been told "
     "and is looking at it. There is nothing that you need to do.\n\nFollow the progress here:\n\n"
     "{link}\n\n{money}{contact}"},
    {"failed", "{product}: we could not prepare your environment",
     "Something went wrong while we prepared your environment for {product}. Our team has been "
     "told and "
     "will get in touch with you.\n\n{money}Status: {link}\n\n{contact}"},
    {"failed-later", "{product}: a change to your environment failed",
     "The last change to your environment for {product} could not be applied. It keeps running as "
     "it "
     "was. Our team has been told and will fix it.\n\n{money}Status: {link}\n\n{contact}"},
    {"suspended", "{product}: your environment is suspended",
     "Your environment for {product} has been suspended. Your data is kept.\n\n{money}Status: "
     "{link}\n\n"
     "{contact}"},
    {"closed", "{product}: your environment has been deleted",
     "Your environment for {product} has been deleted.\n\n{money}{contact}"},
    {"closed-never", "{product}: your subscription has ended",
     "Your environment for {product} was not finished by then. There is nothing that you need to "
     "do.\n\n{money}{contact}"},
    {"declined", "{product}: your order was not accepted",
     "We could not provide {bought}, and have given your order back to the "
     "marketplace. "
     "You have not been charged, and what was prepared for you has been removed.\n\n{contact}"},
    {"alert-late", "[lastmile] order {order} is late",
     "Order {order} ({bought}) is not ready yet.\nState: {state}\nLast error: "
     "{detail}\n\n"
     "lastmile describe order {order}\n"},
    {"alert-failed", "[lastmile] order {order} failed",
     "Order {order} ({bought}) failed.\nState: {state}\nError: {detail}\n\n"
     "lastmile describe order {order}\nlastmile retry order {order} --reason ...\n"},
    {"alert-stuck", "[lastmile] order {order} needs a human",
     "Order {order} ({bought}) is stuck.\nState: {state}\nError: {detail}\n\n"
     "lastmile describe order {order}\n"},
    {"alert-waiting", "[lastmile] order {order} waits for you",
     "Order {order} ({bought}) cannot go on: the engine reports a quota or "
     "credentials that "
     "are yours to mend.\nError: {detail}\n\nlastmile describe order {order}\n"},
    {"alert-degraded", "[lastmile] order {order}: the environment does not answer",
     "The environment of order {order} ({bought}) does not answer through the "
     "proxy.\n"
     "{endpoint}\n\nlastmile describe order {order}\n"},
    {"alert-manual", "[lastmile] order {order} waits for you",
     "Order {order} ({bought}) is fulfilled by hand. The buyer has registered.\n\n"
     "lastmile describe order {order}\n"},
    {"alert-approval", "[lastmile] order {order} waits for your approval",
     "Order {order} ({bought}) was placed and nothing has been charged yet.\n\n"
     "lastmile describe order {order}\nlastmile approve order {order} --reason ...\n"
     "lastmile reject order {order} --reason ...\n"},
    {"alert-commit", "[lastmile] order {order}: the charge still waits",
     "Order {order} ({bought}) was placed long ago and its charge has not begun, "
     "because the environment is not ready. The marketplace gives up on purchases that are not "
     "activated in time.\nState: {state}\nError: {detail}\n\nlastmile describe order {order}\n"},
    {"alert-charged", "[lastmile] order {order}: the charge began, although it is stopped",
     "Order {order} ({bought}) was suspended or cancelled by an operator when the marketplace had "
     "already been asked to begin the charge. That could not be taken back: the buyer pays from "
     "now "
     "on.\nState: {state}\n\nlastmile describe order {order}\n"
     "lastmile resume order {order} --reason ...\n"
     "lastmile delete order {order} --confirm TENANT --reason ...\n"},
    {"alert-rejected", "[lastmile] order {order} was rejected",
     "Order {order} ({bought}) was rejected at the marketplace. Nothing was "
     "charged.\n\nlastmile events {order}\n"},
    {"alert-paid", "[lastmile] order {order}: deleted, and still paid for",
     "The environment of order {order} ({bought}) was deleted, but the subscription "
     "runs on, and only the buyer or the marketplace can end it. Settle it with the "
     "buyer.\n\nlastmile events {order}\n"},
    {"alert-change", "[lastmile] order {order}: a change of plan that you refuse",
     "The buyer of order {order} ({product}) changed to a plan that your configuration refuses, "
     "and "
     "the marketplace did not ask. The environment stays as it is until you have settled it with "
     "the buyer.\n\nlastmile describe order {order}\n"},
    {"alert-plan", "[lastmile] order {order}: a plan that the configuration does not know",
     "The marketplace names a plan for order {order} ({product}) that no plan of the configuration "
     "has as its dimension. Nothing was changed. Add the plan, then:\n\n"
     "lastmile describe order {order}\n"},
    {"alert-plan-listing", "[lastmile] {product}: a plan on sale that you have not configured",
     "The marketplace offers a plan of {order} ({product}) that no plan of the configuration has "
     "as its dimension: {detail}.\n"
     "Whoever buys it will wait. Add the plan and reload the worker, or stop selling it.\n"},
    {"alert-refused", "[lastmile] order {order}: the marketplace refuses what we ask",
     "The marketplace refuses what lastmile asks for order {order} ({bought}): to "
     "approve the account, to begin or to refuse the charge, to end the subscription.\nState: "
     "{state}\n\n"
     "lastmile describe order {order}\nlastmile retry order {order} --reason ...\n"},
    {"alert-credentials", "[lastmile] {product}: the marketplace refuses our credentials",
     "Calls for {order} ({product}) are refused: {detail}\n\n"
     "Purchases, their events and usage wait until this is mended; nothing is lost. "
     "On AWS this is a key or role of another account than the publisher's, or a permission that "
     "is "
     "missing. AADSTS7000222 means that the client secret has expired; PERMISSION_DENIED that the "
     "service account is not linked in Producer Portal.\n"},
    {"alert-reconcile", "[lastmile] {product}: orders were repaired",
     "The marketplace's own list differed from the orders of {order} ({product}): {detail}.\n"
     "Events may have been lost.\n\nlastmile get orders\n"},
    {"alert-unlinked", "[lastmile] {product}: which order goes on?",
     "A buyer of {order} ({product}) has several orders, and the marketplace does not say which of "
     "them was renewed or replaced by what: {detail}.\n"
     "Nothing was guessed: each keeps its environment, and what is new has an order of its own. "
     "Ask the buyer; then delete the order that nobody needs.\n\n"
     "lastmile get orders\nlastmile delete order ... --reason ...\n"},
    {"alert-advisory", "[lastmile] order {order}: the marketplace issued an advisory",
     "The marketplace issued an advisory about the buyer of order {order} ({product}).\n\n"
     "lastmile events {order}\n"},
};

bool mail_is_alert(const char *kind)
{
    return strncmp(kind, "alert-", 6) == 0;
}

struct str mail_address(struct str from)
{
    ptrdiff_t open = str_rchr(from, '<');

    if (open < 0 || from.p[from.n - 1] != '>')
        return str_trim(from);
    return str_sub(from, (size_t)open + 1, from.n - (size_t)open - 2);
}

bool mail_address_ok(struct str a)
{
    ptrdiff_t at = str_chr(a, '@');

    if (a.n < 3 || a.n > 254 || at <= 0 || (size_t)at + 1 >= a.n || str_rchr(a, '@') != at)
        return false;
    for (size_t i = 0; i < a.n; i++) {
        unsigned char c = (unsigned char)a.p[i];

        if (c <= ' ' || c >= 0x7f || strchr("<>()[]\\,;:\"", c))
            return false;
    }
    return true;
}

static struct str value_of(const struct mail_in *in, struct str name)
{
    for (size_t i = 0; i < in->nvalues; i++)
        if (str_is(name, in->values[i].name))
            return in->values[i].value;
    return str_make(NULL, 0);
}

static void expand(const struct mail_in *in, const char *text, struct buf *out)
{
    struct str s = str_of(text);

    while (s.n) {
        ptrdiff_t open = str_chr(s, '{'), close = str_chr(s, '}');

        if (open < 0 || close < open) {
            buf_str(out, s);
            return;
        }
        buf_str(out, str_sub(s, 0, (size_t)open));
        buf_str(out, value_of(in, str_sub(s, (size_t)open + 1, (size_t)(close - open) - 1)));
        s = str_from(s, (size_t)close + 1);
    }
}

/* RFC 2047 base64 words of at most 45 source bytes, cut between characters. */
static void encoded_words(struct buf *out, struct str s)
{
    while (s.n) {
        size_t n = s.n < 45 ? s.n : 45;

        while (n < s.n && n > 1 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
            n--;
        buf_cat(out, "=?UTF-8?B?");
        enc_b64(out, s.p, n);
        buf_cat(out, "?=");
        s = str_from(s, n);
        if (s.n)
            buf_cat(out, "\r\n ");
    }
}

static int header(struct buf *out, const char *name, struct str value)
{
    bool ascii = true;

    if (!str_text(value) || value.n > 900)
        return -EINVAL;
    for (size_t i = 0; i < value.n; i++)
        ascii = ascii && (unsigned char)value.p[i] < 0x7f;
    buf_fmt(out, "%s: ", name);
    if (ascii)
        buf_str(out, value);
    else
        encoded_words(out, value);
    buf_cat(out, "\r\n");
    return 0;
}

static void date(struct buf *out, int64_t ms)
{
    time_t sec = (time_t)(ms / 1000);
    char text[40];
    struct tm tm;

    if (gmtime_r(&sec, &tm) && strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S +0000", &tm))
        buf_fmt(out, "Date: %s\r\n", text);
}

static void body(struct buf *out, struct str text)
{
    buf_cat(out, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n"
                 "Content-Transfer-Encoding: base64\r\n\r\n");
    for (; text.n; text = str_from(text, 57)) {
        struct str line = str_sub(text, 0, 57);

        enc_b64(out, line.p, line.n);
        buf_cat(out, "\r\n");
    }
}

int mail_text(const struct mail_in *in, struct buf *out)
{
    const char *subject = NULL, *text = NULL;
    struct buf b;
    int rc;

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (strcmp(texts[i].kind, in->kind) == 0) {
            subject = texts[i].subject;
            text = texts[i].body;
        }
    if (!text)
        return -ENOENT;
    if (!mail_address_ok(in->to) || !mail_address_ok(mail_address(str_of(in->from))))
        return -EINVAL;
    buf_init(&b, 65536);
    expand(in, subject, &b);
    rc = header(out, "From", str_of(in->from));
    if (rc == 0)
        rc = header(out, "To", in->to);
    if (rc == 0)
        rc = header(out, "Subject", buf_view(&b));
    buf_fmt(out, "Message-ID: <%s>\r\nAuto-Submitted: auto-generated\r\n", in->message_id);
    date(out, in->date_ms);
    buf_reset(&b);
    expand(in, text, &b);
    body(out, buf_view(&b));
    if (rc == 0 && (buf_err(&b) || buf_err(out)))
        rc = -ENOBUFS;
    buf_free(&b);
    return rc;
}
