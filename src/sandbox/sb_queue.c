#include "sandbox/sb_queue.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECEIPT_PREFIX "AQEBsandbox"

void sb_queue_init(struct sb_queue *q)
{
    *q = (struct sb_queue){.next_order = 1};
    sb_vec_init(&q->msgs, 50000);
}

void sb_queue_free(struct sb_queue *q)
{
    sb_vec_free(&q->msgs);
}

static void md5_hex(struct str s, char out[33])
{
    unsigned char d[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    if (EVP_Digest(s.p, s.n, d, &n, EVP_md5(), NULL) != 1 || n != 16)
        memset(d, 0, 16);
    for (unsigned i = 0; i < 16; i++)
        snprintf(out + 2 * (size_t)i, 3, "%02x", d[i]);
}

struct sb_queue_msg *sb_queue_put(struct sb_queue *q, const struct sb_queue_put *m)
{
    if (m->body.n > SB_QUEUE_BODY)
        return NULL;
    struct sb_queue_msg *e = calloc(1, sizeof(*e) + m->body.n + 1);
    if (!e)
        return NULL;
    char *text = (char *)(e + 1);
    memcpy(text, m->body.p, m->body.n);
    e->body = str_make(text, m->body.n);
    sb_id_uuid(e->id);
    md5_hex(e->body, e->md5);
    snprintf(e->purchase, sizeof(e->purchase), "%s", m->purchase);
    snprintf(e->label, sizeof(e->label), "%s", m->label);
    e->sent_ms = m->now_ms;
    e->due_ms = m->due_ms;
    e->order = q->next_order++;
    if (sb_vec_add(&q->msgs, e)) {
        free(e);
        return NULL;
    }
    return e;
}

void sb_queue_last(struct sb_queue *q, struct sb_queue_msg *m)
{
    m->order = q->next_order++;
}

static bool receivable(const struct sb_queue_msg *m, int64_t now_ms, uint64_t mono_ms)
{
    return m->due_ms <= now_ms && m->hidden_until_ms <= mono_ms;
}

struct sb_queue_msg *sb_queue_take(struct sb_queue *q, int64_t now_ms, uint64_t mono_ms,
                                   uint32_t visibility_s)
{
    struct sb_queue_msg *best = NULL;

    for (size_t i = 0; i < q->msgs.n; i++) {
        struct sb_queue_msg *m = q->msgs.p[i];
        if (receivable(m, now_ms, mono_ms) && (!best || m->order < best->order))
            best = m;
    }
    if (!best)
        return NULL;
    best->receives++;
    best->hidden_until_ms = mono_ms + (uint64_t)visibility_s * 1000;
    if (best->first_received_ms == 0)
        best->first_received_ms = now_ms;
    sb_id_hex(RECEIPT_PREFIX, 48, best->receipt, sizeof(best->receipt));
    sb_queue_last(q, best);
    return best;
}

int64_t sb_queue_next_ms(const struct sb_queue *q, int64_t now_ms, uint64_t mono_ms)
{
    int64_t next = -1;

    for (size_t i = 0; i < q->msgs.n; i++) {
        const struct sb_queue_msg *m = q->msgs.p[i];
        int64_t due = m->due_ms > now_ms ? m->due_ms - now_ms : 0;
        int64_t hid = m->hidden_until_ms > mono_ms ? (int64_t)(m->hidden_until_ms - mono_ms) : 0;
        int64_t wait = due > hid ? due : hid;
        if (next < 0 || wait < next)
            next = wait;
    }
    return next;
}

static ptrdiff_t find(const struct sb_queue *q, struct str receipt)
{
    for (size_t i = 0; i < q->msgs.n; i++) {
        const struct sb_queue_msg *m = q->msgs.p[i];
        if (m->receipt[0] && str_is(receipt, m->receipt))
            return (ptrdiff_t)i;
    }
    return -1;
}

static bool is_receipt(struct str receipt)
{
    return str_starts(receipt, STR(RECEIPT_PREFIX)) && receipt.n == sizeof(RECEIPT_PREFIX) - 1 + 48;
}

int sb_queue_delete(struct sb_queue *q, struct str receipt, char purchase[16])
{
    purchase[0] = '\0';
    if (!is_receipt(receipt))
        return -EINVAL;
    ptrdiff_t at = find(q, receipt);
    if (at < 0)
        return 0;
    const struct sb_queue_msg *m = q->msgs.p[at];
    snprintf(purchase, 16, "%s", m->purchase);
    sb_vec_del(&q->msgs, (size_t)at);
    return 0;
}

int sb_queue_visibility(struct sb_queue *q, struct str receipt, uint64_t mono_ms, uint32_t s)
{
    if (!is_receipt(receipt))
        return -EINVAL;
    ptrdiff_t at = find(q, receipt);
    if (at < 0)
        return -ENOENT;
    struct sb_queue_msg *m = q->msgs.p[at];
    if (m->hidden_until_ms <= mono_ms)
        return -ENOENT;
    m->hidden_until_ms = mono_ms + (uint64_t)s * 1000;
    return 0;
}

size_t sb_queue_show(struct sb_queue *q, uint64_t mono_ms)
{
    size_t shown = 0;

    for (size_t i = 0; i < q->msgs.n; i++) {
        struct sb_queue_msg *m = q->msgs.p[i];

        if (m->hidden_until_ms <= mono_ms)
            continue;
        m->hidden_until_ms = mono_ms;
        shown++;
    }
    return shown;
}

void sb_queue_count(const struct sb_queue *q, int64_t now_ms, uint64_t mono_ms, size_t *visible,
                    size_t *in_flight, size_t *delayed)
{
    *visible = *in_flight = *delayed = 0;
    for (size_t i = 0; i < q->msgs.n; i++) {
        const struct sb_queue_msg *m = q->msgs.p[i];
        if (m->due_ms > now_ms)
            (*delayed)++;
        else if (m->hidden_until_ms > mono_ms)
            (*in_flight)++;
        else
            (*visible)++;
    }
}
