/* FastCGI records from us to the web server (specification 3.3, 5.3, 5.5). */
#include <assert.h>
#include <string.h>

#include "records.h"

void rec_put_head(unsigned char out[FCGI_HEADER_LEN], int type, uint16_t id, size_t length)
{
    assert(length <= FCGI_MAX_LENGTH);
    out[0] = FCGI_VERSION_1;
    out[1] = (unsigned char)type;
    out[2] = (unsigned char)(id >> 8);
    out[3] = (unsigned char)id;
    out[4] = (unsigned char)(length >> 8);
    out[5] = (unsigned char)length;
    out[6] = 0;
    out[7] = 0;
}

void rec_put_stream(struct buf *out, int type, uint16_t id, struct str data)
{
    unsigned char head[FCGI_HEADER_LEN];

    while (data.n > 0) {
        size_t n = data.n < FCGI_MAX_LENGTH ? data.n : FCGI_MAX_LENGTH;

        rec_put_head(head, type, id, n);
        buf_add(out, head, sizeof(head));
        buf_add(out, data.p, n);
        data = str_from(data, n);
    }
}

void rec_put_end(struct buf *out, uint16_t id, int protocol_status)
{
    unsigned char r[sizeof(FCGI_EndRequestRecord)] = {0};

    rec_put_head(r, FCGI_END_REQUEST, id, sizeof(FCGI_EndRequestBody));
    r[FCGI_HEADER_LEN + 4] = (unsigned char)protocol_status;
    buf_add(out, r, sizeof(r));
}

/* Makes room for the header of each further record, last one first. */
static void split(struct buf *out, size_t start, size_t len, uint16_t id)
{
    size_t more = (len - 1) / FCGI_MAX_LENGTH, i;
    char zero[FCGI_HEADER_LEN] = {0};

    for (i = 0; i < more; i++)
        buf_add(out, zero, sizeof(zero));
    if (buf_err(out) < 0)
        return;
    for (i = more; i > 0; i--) {
        size_t from = start + i * FCGI_MAX_LENGTH;
        size_t n = i == more ? len - i * FCGI_MAX_LENGTH : FCGI_MAX_LENGTH;
        char *to = out->p + from + i * FCGI_HEADER_LEN;

        memmove(to, out->p + from, n);
        rec_put_head((unsigned char *)to - FCGI_HEADER_LEN, FCGI_STDOUT, id, n);
    }
}

void rec_seal(struct buf *out, size_t from, uint16_t id)
{
    size_t start = from + FCGI_HEADER_LEN, len;
    unsigned char end[FCGI_HEADER_LEN];

    if (buf_err(out) < 0)
        return;
    assert(out->len > start);
    len = out->len - start;
    if (len > FCGI_MAX_LENGTH)
        split(out, start, len, id);
    if (buf_err(out) < 0)
        return;
    rec_put_head((unsigned char *)out->p + from, FCGI_STDOUT, id,
                 len < FCGI_MAX_LENGTH ? len : FCGI_MAX_LENGTH);
    rec_put_head(end, FCGI_STDOUT, id, 0);
    buf_add(out, end, sizeof(end));
    rec_put_end(out, id, FCGI_REQUEST_COMPLETE);
}
