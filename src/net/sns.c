#include "net/sns.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"

enum { SIGNATURE_MAX = 1024 };

bool sns_is_envelope(const cJSON *j)
{
    return cJSON_IsObject(j) && json_str(j, "Type").n && json_str(j, "TopicArn").n &&
           json_get(j, "Message");
}

static int take(const cJSON *j, const char *key, bool must, struct arena *a, const char **out)
{
    struct str s = json_str(j, key);
    const char *p;

    if (!s.p && must)
        return -EBADMSG;
    p = arena_dup(a, s);
    if (!p)
        return -EBADMSG;
    *out = p;
    return 0;
}

static int take_signature(const cJSON *j, struct arena *a, struct sns_message *m)
{
    struct str b64 = json_str(j, "Signature"), version = json_str(j, "SignatureVersion");
    unsigned char *raw = arena_alloc(a, SIGNATURE_MAX);
    ssize_t n = raw ? enc_b64_dec(b64, raw, SIGNATURE_MAX) : -ENOMEM;

    if (n <= 0 || (!str_is(version, "1") && !str_is(version, "2")))
        return -EBADMSG;
    m->version = str_is(version, "1") ? 1 : 2;
    m->signature = str_make((const char *)raw, (size_t)n);
    return 0;
}

static bool is_notification(const struct sns_message *m)
{
    return strcmp(m->type, "Notification") == 0;
}

static bool known_type(const struct sns_message *m)
{
    return is_notification(m) || strcmp(m->type, "SubscriptionConfirmation") == 0 ||
           strcmp(m->type, "UnsubscribeConfirmation") == 0;
}

int sns_parse(const cJSON *j, struct arena *a, struct sns_message *out)
{
    bool note;

    *out = (struct sns_message){.token = "", .subscribe_url = ""};
    if (!sns_is_envelope(j) || take(j, "Type", true, a, &out->type) || !known_type(out))
        return -EBADMSG;
    note = is_notification(out);
    if (take(j, "MessageId", true, a, &out->message_id) ||
        take(j, "TopicArn", true, a, &out->topic) || take(j, "Message", true, a, &out->message) ||
        take(j, "Timestamp", true, a, &out->timestamp) ||
        take(j, "SigningCertURL", true, a, &out->cert_url) ||
        take(j, "Token", !note, a, &out->token) ||
        take(j, "SubscribeURL", !note, a, &out->subscribe_url))
        return -EBADMSG;
    if (json_get(j, "Subject") && !cJSON_IsNull(json_get(j, "Subject")) &&
        take(j, "Subject", true, a, &out->subject))
        return -EBADMSG;
    if (clock_parse_iso(str_of(out->timestamp), &out->time_ms))
        return -EBADMSG;
    return take_signature(j, a, out);
}

int sns_string_to_sign(const struct sns_message *m, struct buf *out)
{
    bool note = is_notification(m);
    const struct {
        const char *key, *value;
        bool use;
    } rows[] = {
        {"Message", m->message, true},
        {"MessageId", m->message_id, true},
        {"Subject", m->subject, note && m->subject},
        {"SubscribeURL", m->subscribe_url, !note},
        {"Timestamp", m->timestamp, true},
        {"Token", m->token, !note},
        {"TopicArn", m->topic, true},
        {"Type", m->type, true},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (!rows[i].use)
            continue;
        buf_cat(out, rows[i].key);
        buf_ch(out, '\n');
        buf_cat(out, rows[i].value);
        buf_ch(out, '\n');
    }
    return buf_err(out);
}

bool sns_topic_ok(const struct sns_message *m, const char *const *list)
{
    for (; list && *list; list++)
        if (strcmp(*list, m->topic) == 0)
            return true;
    return false;
}

static bool region_ok(struct str r)
{
    for (size_t i = 0; i < r.n; i++)
        if (!((r.p[i] >= 'a' && r.p[i] <= 'z') || (r.p[i] >= '0' && r.p[i] <= '9') ||
              r.p[i] == '-'))
            return false;
    return r.n >= 3 && r.n <= 30;
}

/* What follows "https://sns.<region of the topic>.amazonaws.com[.cn]" in the URL; or empty. */
static struct str after_host(const char *url, const char *topic)
{
    struct str u = str_of(url), rest = str_of(topic), arn, part, region;
    const struct str none = {NULL, 0};
    struct buf host;

    arn = str_cut(rest, ':', &rest);
    part = str_cut(rest, ':', &rest);
    if (!str_is(arn, "arn") || !str_is(str_cut(rest, ':', &rest), "sns"))
        return none;
    region = str_cut(rest, ':', &rest);
    if (!region_ok(region))
        return none;
    buf_init(&host, 200);
    buf_fmt(&host, "https://sns.%.*s.amazonaws.com%s/", STR_FMT(region),
            str_is(part, "aws-cn") ? ".cn" : "");
    u = str_starts(u, buf_view(&host)) ? str_from(u, host.len) : none;
    buf_free(&host);
    return u;
}

/* SimpleNotificationService-<letters and digits>.pem */
bool sns_cert_url_ok(const char *url, const char *topic)
{
    const struct str start = STR("SimpleNotificationService"), end = STR(".pem");
    struct str p = after_host(url, topic);

    if (p.n > 200 || !str_starts(p, start) || !str_ends(p, end))
        return false;
    p = str_sub(p, start.n, p.n - start.n - end.n);
    if (p.n == 0)
        return true;
    if (p.p[0] != '-' || p.n == 1)
        return false;
    for (size_t i = 1; i < p.n; i++)
        if (!((p.p[i] >= 'a' && p.p[i] <= 'z') || (p.p[i] >= 'A' && p.p[i] <= 'Z') ||
              (p.p[i] >= '0' && p.p[i] <= '9')))
            return false;
    return true;
}

bool sns_subscribe_url_ok(const char *url, const char *topic)
{
    struct str p = after_host(url, topic);

    return str_starts(p, STR("?Action=ConfirmSubscription&")) && str_text(p) && p.n < 2048;
}
