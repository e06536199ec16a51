#include "sandbox/sb_cbor.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX  32
#define TEXT_MAX   (1u << 20)
#define INDEFINITE 31
#define BREAK      0xff

enum major { UINT, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE };

struct in {
    const uint8_t *p, *end;
    unsigned depth;
};

struct head {
    enum major major;
    unsigned info;
    uint64_t arg;
};

static int big_endian(struct in *in, size_t n, uint64_t *v)
{
    if ((size_t)(in->end - in->p) < n)
        return -EINVAL;
    for (*v = 0; n > 0; n--)
        *v = *v << 8 | *in->p++;
    return 0;
}

static int read_head(struct in *in, struct head *h)
{
    uint64_t first;

    if (big_endian(in, 1, &first))
        return -EINVAL;
    h->major = (enum major)(first >> 5);
    h->info = (unsigned)(first & 31);
    h->arg = h->info;
    if (h->info < 24)
        return 0;
    if (h->info < 28)
        return big_endian(in, (size_t)1 << (h->info - 24), &h->arg);
    return h->info == INDEFINITE && h->major >= BYTES && h->major != TAG ? 0 : -EINVAL;
}

static bool at_break(struct in *in)
{
    if (in->p == in->end || *in->p != BREAK)
        return false;
    in->p++;
    return true;
}

/* One definite piece. */
static int piece(struct in *in, const struct head *h, struct buf *out)
{
    if (h->major != TEXT || h->info == INDEFINITE || h->arg > (size_t)(in->end - in->p))
        return -EINVAL;
    buf_add(out, in->p, (size_t)h->arg);
    in->p += h->arg;
    return buf_err(out);
}

static int read_text(struct in *in, const struct head *h, struct buf *out)
{
    struct head part;
    int rc = 0;

    if (h->info != INDEFINITE)
        rc = piece(in, h, out);
    while (rc == 0 && h->info == INDEFINITE && !at_break(in)) {
        rc = read_head(in, &part);
        if (rc == 0)
            rc = piece(in, &part, out);
    }
    if (rc == 0 && (!str_utf8(buf_view(out)) || memchr(buf_cstr(out), 0, out->len)))
        rc = -EINVAL;
    return rc;
}

static int read_item(struct in *in, cJSON **out);

static int read_array(struct in *in, const struct head *h, cJSON *list)
{
    int rc = 0;

    for (uint64_t i = 0; rc == 0 && (h->info == INDEFINITE || i < h->arg); i++) {
        cJSON *item = NULL;
        if (h->info == INDEFINITE && at_break(in))
            break;
        rc = read_item(in, &item);
        if (rc == 0 && !cJSON_AddItemToArray(list, item))
            rc = -ENOMEM;
    }
    return rc;
}

static int read_pair(struct in *in, cJSON *map)
{
    cJSON *item = NULL;
    struct head h;
    struct buf key;
    int rc = read_head(in, &h);

    buf_init(&key, 1024);
    if (rc == 0)
        rc = h.major == TEXT ? read_text(in, &h, &key) : -EINVAL;
    if (rc == 0)
        rc = read_item(in, &item);
    if (rc == 0 && !cJSON_AddItemToObject(map, buf_cstr(&key), item)) {
        cJSON_Delete(item);
        rc = -ENOMEM;
    }
    buf_free(&key);
    return rc;
}

static int read_map(struct in *in, const struct head *h, cJSON *map)
{
    int rc = 0;

    for (uint64_t i = 0; rc == 0 && (h->info == INDEFINITE || i < h->arg); i++) {
        if (h->info == INDEFINITE && at_break(in))
            break;
        rc = read_pair(in, map);
    }
    return rc;
}

static double half(uint64_t v)
{
    int exponent = (int)(v >> 10 & 31), mantissa = (int)(v & 1023);
    double d = exponent == 0    ? ldexp(mantissa, -24)
               : exponent == 31 ? (mantissa ? NAN : INFINITY)
                                : ldexp(mantissa + 1024, exponent - 25);

    return v & 0x8000 ? -d : d;
}

static int read_simple(const struct head *h, cJSON **out)
{
    uint32_t bits = (uint32_t)h->arg;
    double d = 0;
    float f;

    if (h->info == 20 || h->info == 21) {
        *out = cJSON_CreateBool(h->info == 21);
        return 0;
    }
    if (h->info == 22 || h->info == 23) {
        *out = cJSON_CreateNull();
        return 0;
    }
    if (h->info == 25) {
        d = half(h->arg);
    } else if (h->info == 26) {
        memcpy(&f, &bits, sizeof(f));
        d = (double)f;
    } else if (h->info == 27) {
        memcpy(&d, &h->arg, sizeof(d));
    } else {
        return -EINVAL;
    }
    if (!isfinite(d))
        return -EINVAL;
    *out = cJSON_CreateNumber(d);
    return 0;
}

static int read_string(struct in *in, const struct head *h, cJSON **out)
{
    struct buf b;

    buf_init(&b, TEXT_MAX);
    int rc = read_text(in, h, &b);
    if (rc == 0)
        *out = cJSON_CreateString(buf_cstr(&b));
    buf_free(&b);
    return rc;
}

static int read_value(struct in *in, const struct head *h, cJSON **out)
{
    int rc = 0;

    switch (h->major) {
    case UINT:
        *out = cJSON_CreateNumber((double)h->arg);
        break;
    case NEGATIVE:
        *out = cJSON_CreateNumber(-1.0 - (double)h->arg);
        break;
    case TEXT:
        rc = read_string(in, h, out);
        break;
    case ARRAY:
        *out = cJSON_CreateArray();
        rc = *out ? read_array(in, h, *out) : 0;
        break;
    case MAP:
        *out = cJSON_CreateObject();
        rc = *out ? read_map(in, h, *out) : 0;
        break;
    case TAG:
        return read_item(in, out);
    case SIMPLE:
        rc = read_simple(h, out);
        break;
    case BYTES:
        rc = -EINVAL;
    }
    return rc ? rc : *out ? 0 : -ENOMEM;
}

static int read_item(struct in *in, cJSON **out)
{
    struct head h;
    int rc;

    *out = NULL;
    if (++in->depth > DEPTH_MAX)
        return -EINVAL;
    rc = read_head(in, &h);
    if (rc == 0)
        rc = read_value(in, &h, out);
    in->depth--;
    if (rc) {
        cJSON_Delete(*out);
        *out = NULL;
    }
    return rc;
}

int sb_cbor_decode(struct str in, cJSON **out)
{
    struct in reader = {(const uint8_t *)in.p, (const uint8_t *)in.p + in.n, 0};

    if (in.n == 0) {
        *out = cJSON_CreateObject();
        return *out ? 0 : -ENOMEM;
    }
    int rc = read_item(&reader, out);
    if (rc == 0 && reader.p != reader.end) {
        cJSON_Delete(*out);
        *out = NULL;
        rc = -EINVAL;
    }
    return rc;
}

static void write_head(struct buf *b, enum major major, uint64_t v)
{
    unsigned size = v < 24 ? 0 : v <= UINT8_MAX ? 1 : v <= UINT16_MAX ? 2 : v <= UINT32_MAX ? 4 : 8;
    unsigned info = size == 0 ? (unsigned)v : size == 1 ? 24 : size == 2 ? 25 : size == 4 ? 26 : 27;

    buf_ch(b, (char)((unsigned)major << 5 | info));
    for (unsigned i = size; i > 0; i--)
        buf_ch(b, (char)(v >> (8 * (i - 1)) & 0xff));
}

static void write_number(struct buf *b, double d)
{
    uint64_t bits;

    if (d >= 0 && d <= 9007199254740991.0 && d == floor(d)) {
        write_head(b, UINT, (uint64_t)d);
        return;
    }
    memcpy(&bits, &d, sizeof(bits));
    buf_ch(b, (char)(SIMPLE << 5 | 27));
    for (int i = 7; i >= 0; i--)
        buf_ch(b, (char)(bits >> (8 * i) & 0xff));
}

static void write_text(struct buf *b, const char *text)
{
    struct str s = str_of(text);

    write_head(b, TEXT, s.n);
    buf_str(b, s);
}

void sb_cbor_encode(struct buf *out, const cJSON *value, const char *stamp)
{
    const cJSON *item;

    if (cJSON_IsBool(value) || cJSON_IsNull(value)) {
        write_head(out, SIMPLE, cJSON_IsNull(value) ? 22 : cJSON_IsTrue(value) ? 21 : 20);
    } else if (cJSON_IsNumber(value)) {
        if (value->string && !strcmp(value->string, stamp))
            write_head(out, TAG, 1);
        write_number(out, value->valuedouble);
    } else if (cJSON_IsString(value)) {
        write_text(out, value->valuestring);
    } else {
        write_head(out, cJSON_IsArray(value) ? ARRAY : MAP, (uint64_t)cJSON_GetArraySize(value));
        cJSON_ArrayForEach(item, value)
        {
            if (!cJSON_IsArray(value))
                write_text(out, item->string);
            sb_cbor_encode(out, item, stamp);
        }
    }
}
