#include <stdio.h>

#include "base/clock.h"
#include "sandbox/sb_ops.h"
#include "sandbox/sb_purchase.h"
#include "sandbox/sb_sqsio.h"

#define RECEIVE_MAX 10
#define WAIT_MAX    20

/* System attributes that were asked for, by either name of the parameter. */
static bool asked(const struct sb_call *c, const char *name)
{
    const char *const keys[] = {"MessageSystemAttributeNames", "AttributeNames"};
    const cJSON *item;

    if (c->proto == SB_PROTO_QUERY) {
        cJSON_ArrayForEach(item, c->in)
        {
            if (str_starts(str_of(item->string), STR("AttributeName")) ||
                str_starts(str_of(item->string), STR("MessageSystemAttributeName")))
                if (str_is(str_of(item->valuestring), name) ||
                    str_is(str_of(item->valuestring), "All"))
                    return true;
        }
        return false;
    }
    for (size_t i = 0; i < 2; i++) {
        cJSON_ArrayForEach(item, json_arr(c->in, keys[i]))
        {
            struct str v = str_of(cJSON_GetStringValue(item));
            if (str_is(v, name) || str_is(v, "All"))
                return true;
        }
    }
    return false;
}

static void write_message(struct sb_call *c, const struct sb_queue_msg *m)
{
    bool xml = c->proto == SB_PROTO_QUERY;
    const struct {
        const char *name;
        int64_t value;
    } attrs[] = {{"ApproximateReceiveCount", m->receives},
                 {"SentTimestamp", m->sent_ms},
                 {"ApproximateFirstReceiveTimestamp", m->first_received_ms}};
    bool opened = false;

    if (xml)
        buf_cat(&c->out, "<Message>");
    else
        jsonw_obj(&c->w);
    sb_sqsio_kv(c, "MessageId", m->id);
    sb_sqsio_kv(c, "ReceiptHandle", m->receipt);
    sb_sqsio_kv(c, "MD5OfBody", m->md5);
    sb_sqsio_kv(c, "Body", m->body.p);
    for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++) {
        if (!asked(c, attrs[i].name))
            continue;
        if (!opened && !xml) {
            jsonw_key(&c->w, "Attributes");
            jsonw_obj(&c->w);
        }
        opened = true;
        sb_sqsio_number(c, attrs[i].name, attrs[i].value);
    }
    if (opened && !xml)
        jsonw_obj_end(&c->w);
    if (xml)
        buf_cat(&c->out, "</Message>");
    else
        jsonw_obj_end(&c->w);
}

struct receive {
    int64_t max, wait, hide;
};

static int read_receive(struct sb_call *c, struct receive *r)
{
    if (sb_call_int(c, "MaxNumberOfMessages", 1, &r->max) || r->max < 1 || r->max > RECEIVE_MAX)
        return sb_call_fail(c, "InvalidParameterValue", "MaxNumberOfMessages is 1 to 10");
    if (sb_call_int(c, "WaitTimeSeconds", 0, &r->wait) || r->wait < 0 || r->wait > WAIT_MAX)
        return sb_call_fail(c, "InvalidParameterValue", "WaitTimeSeconds is 0 to 20");
    if (sb_call_int(c, "VisibilityTimeout", SB_SQSIO_HIDE, &r->hide) || r->hide < 0 ||
        r->hide > SB_SQSIO_HIDE_MAX)
        return sb_call_fail(c, "InvalidParameterValue", "VisibilityTimeout is 0 to 43200");
    return 0;
}

/* Long poll: until something can be received or the time is over. */
static struct sb_queue_msg *first_message(struct sb *s, const struct receive *r)
{
    uint64_t end = clock_mono_ms() + (uint64_t)r->wait * 1000;

    for (;;) {
        uint64_t mono = clock_mono_ms();
        struct sb_queue_msg *m = sb_queue_take(&s->queue, sb_core_now(s), mono, (uint32_t)r->hide);
        if (m || mono >= end || s->stopping)
            return m;
        int64_t next = sb_queue_next_ms(&s->queue, sb_core_now(s), mono);
        uint64_t until = next >= 0 && mono + (uint64_t)next < end ? mono + (uint64_t)next : end;
        sb_core_wait(s, until > mono ? until : mono + 1);
        sb_purchase_tick(s);
    }
}

int sb_sqs_receive(struct sb_call *c)
{
    struct receive r;
    int64_t n = 0;

    if (sb_sqsio_queue(c) || read_receive(c, &r))
        return -1;
    struct sb_queue_msg *m = first_message(c->s, &r);
    if (m)
        sb_sqsio_open(c, "Messages");
    else if (c->proto != SB_PROTO_QUERY)
        jsonw_obj(&c->w);
    if (m && c->proto != SB_PROTO_QUERY)
        jsonw_arr(&c->w);
    for (; m; n++) {
        write_message(c, m);
        sb_call_about(c, m->purchase);
        snprintf(c->detail, sizeof(c->detail), "%s", m->label);
        m = n + 1 < r.max
                ? sb_queue_take(&c->s->queue, sb_core_now(c->s), clock_mono_ms(), (uint32_t)r.hide)
                : NULL;
    }
    if (n > 0 && c->proto != SB_PROTO_QUERY)
        jsonw_arr_end(&c->w);
    if (c->proto != SB_PROTO_QUERY)
        jsonw_obj_end(&c->w);
    return 0;
}
