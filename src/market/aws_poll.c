/* SQS long polling. A message is deleted only by ack(), after the worker has made it durable. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "market/aws.h"

enum { BODY_MAX = 16 * 1024, BATCH = 10, WAIT_S = 20, VISIBILITY_S = 120, PEM_MAX = 64 * 1024 };
enum { CERT_MS = 5000, CERTS_PER_BATCH = 4 };

static void understand(struct aws_job *j);

static void poll_end(struct aws_job *j, enum market_class cls, const char *code,
                     uint64_t retry_after_ms)
{
    struct market_batch b = {.cls = cls, .code = code, .retry_after_ms = retry_after_ms};

    if (cls == MARKET_OK) {
        b.messages = j->msgs;
        b.n = j->nmsgs;
    }
    j->cb.batch(j->arg, &b);
}

static void on_cert(void *arg, const struct http_reply *r)
{
    struct aws_job *j = arg;

    j->http = NULL;
    /* What could not be fetched is left for the next delivery. */
    if (r->rc == 0 && r->status == 200 && sns_trust_add(j->m->trust, j->page, r->body) == 0)
        understand(j);
    else if (r->rc == -ECANCELED)
        aws_job_end(j, MARKET_RETRY, "Canceled", 0);
    else {
        j->at++;
        understand(j);
    }
}

static const char *cert_url(struct aws_job *j, struct str raw)
{
    const char *url = NULL;
    cJSON *json;

    if (json_parse(raw, AWS_JSON_MAX, &json) == 0)
        url = aws_keep(j->a, json_str(json, "SigningCertURL"));
    cJSON_Delete(json);
    return url ? url : "";
}

static bool fetch_cert(struct aws_job *j)
{
    struct http_request rq = {
        .method = "GET", .timeout_ms = CERT_MS, .reply_max = PEM_MAX, .allow = HTTP_PRIVATE};

    if (j->m->closing || ++j->pages > CERTS_PER_BATCH)
        return false;
    j->page = cert_url(j, j->msgs[j->at].raw);
    rq.url = j->page;
    j->http = http_start(j->m->http, &rq, on_cert, j);
    return j->http != NULL;
}

static void parse(struct aws_job *j, struct market_message *m)
{
    const char *id = m->event.dedupe;
    int64_t sent = m->event.time_ms;

    m->rc = aws_event_parse(j->m->cfg, j->m->trust, m->raw, j->a, &m->event, &m->why);
    if (m->rc == -EAGAIN)
        m->why = "the signing certificate cannot be had now";
    /* A bare notification has neither id nor time of its own, nor has one that was not understood:
     * the queue's serve. */
    if (m->rc || !*m->event.dedupe)
        m->event.dedupe = id;
    if (m->rc || m->event.time_ms == 0)
        m->event.time_ms = sent;
}

static void understand(struct aws_job *j)
{
    for (; j->at < j->nmsgs; j->at++) {
        parse(j, &j->msgs[j->at]);
        if (j->msgs[j->at].rc == -EAGAIN && fetch_cert(j))
            return;
    }
    aws_job_end(j, MARKET_OK, "", 0);
}

static void take(struct aws_job *j, const cJSON *e)
{
    const cJSON *attrs = json_obj(e, "Attributes");
    struct market_message *m = &j->msgs[j->nmsgs];
    uint64_t n;

    m->receipt = aws_keep(j->a, json_str(e, "ReceiptHandle"));
    m->raw = arena_str(j->a, json_str(e, "Body"));
    if (!*m->receipt || m->raw.n == 0)
        return;
    m->why = "";
    m->deliveries =
        str_u64(json_str(attrs, "ApproximateReceiveCount"), UINT32_MAX, &n) ? 1U : (unsigned)n;
    /* Kept where parse() looks for them. */
    m->event.dedupe = aws_keep(j->a, json_str(e, "MessageId"));
    m->event.time_ms =
        str_u64(json_str(attrs, "SentTimestamp"), INT64_MAX, &n) ? clock_wall_ms() : (int64_t)n;
    j->nmsgs++;
}

static void on_messages(struct aws_job *j, const struct aws_answer *a)
{
    const cJSON *e;

    if (a->cls != MARKET_OK) {
        aws_job_end(j, a->cls, a->code, a->retry_after_ms);
        return;
    }
    j->msgs = arena_alloc(j->a, BATCH * sizeof(*j->msgs));
    if (!j->msgs) {
        aws_job_end(j, MARKET_RETRY, "NoMemory", 0);
        return;
    }
    cJSON_ArrayForEach(e, json_arr(a->json, "Messages"))
    {
        if (j->nmsgs < BATCH)
            take(j, e);
    }
    understand(j);
}

static void poll_begin(struct aws_job *j)
{
    struct buf body;
    struct jsonw w;

    if (!*j->m->cfg->queue_url) {
        aws_job_end(j, MARKET_CONFIG, "NoQueue", 0);
        return;
    }
    buf_init(&body, BODY_MAX);
    jsonw_init(&w, &body);
    jsonw_obj(&w);
    jsonw_kvs(&w, "QueueUrl", str_of(j->m->cfg->queue_url));
    jsonw_kvi(&w, "MaxNumberOfMessages", BATCH);
    jsonw_kvi(&w, "WaitTimeSeconds", WAIT_S);
    jsonw_kvi(&w, "VisibilityTimeout", VISIBILITY_S);
    jsonw_key(&w, "MessageSystemAttributeNames");
    jsonw_arr(&w);
    jsonw_str(&w, STR("ApproximateReceiveCount"));
    jsonw_str(&w, STR("SentTimestamp"));
    jsonw_arr_end(&w);
    jsonw_obj_end(&w);
    aws_call(j, &aws_receive, &body, on_messages);
    buf_free(&body);
}

void aws_poll(struct market *m, market_batch_cb *cb, void *arg)
{
    struct aws_job *j = aws_job_new(aws_of(m), 2 * AWS_JSON_MAX, poll_begin, poll_end, arg);

    if (j)
        j->cb.batch = cb;
    else
        cb(arg, &(struct market_batch){.cls = MARKET_RETRY, .code = "NoMemory"});
}

static void ack_end(struct aws_job *j, enum market_class cls, const char *code,
                    uint64_t retry_after_ms)
{
    (void)code;
    (void)retry_after_ms;
    j->cb.ack(j->arg, cls);
}

static void on_deleted(struct aws_job *j, const struct aws_answer *a)
{
    aws_job_end(j, a->cls, a->code, a->retry_after_ms);
}

static void ack_begin(struct aws_job *j)
{
    struct buf body;
    struct jsonw w;

    if (!*j->m->cfg->queue_url) {
        aws_job_end(j, MARKET_CONFIG, "NoQueue", 0);
        return;
    }
    buf_init(&body, BODY_MAX);
    jsonw_init(&w, &body);
    jsonw_obj(&w);
    jsonw_kvs(&w, "QueueUrl", str_of(j->m->cfg->queue_url));
    jsonw_kvs(&w, "ReceiptHandle", j->token);
    jsonw_obj_end(&w);
    aws_call(j, &aws_delete, &body, on_deleted);
    buf_free(&body);
}

void aws_ack(struct market *m, const char *receipt, market_ack_cb *cb, void *arg)
{
    struct aws_job *j = aws_job_new(aws_of(m), BODY_MAX, ack_begin, ack_end, arg);

    if (!j) {
        cb(arg, MARKET_RETRY);
        return;
    }
    j->cb.ack = cb;
    j->token = arena_str(j->a, str_of(receipt));
}
