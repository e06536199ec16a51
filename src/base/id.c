#include "base/id.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/enc.h"
#include "base/rand.h"

enum { RAND_LEN = 43, ORDER_LEN = 26, TENANT_LEN = 20 };

static void encode(void (*enc)(struct buf *, const void *, size_t), const uint8_t raw[HASH_LEN],
                   size_t len, char *out)
{
    struct buf b;

    buf_init(&b, 64);
    enc(&b, raw, HASH_LEN);
    str_copy(str_sub(buf_view(&b), 0, len), out, len + 1);
    buf_free(&b);
}

void id_secret_new(unsigned shard, char out[ID_SECRET])
{
    uint8_t raw[HASH_LEN];
    char text[RAND_LEN + 1];

    rand_bytes(raw, sizeof(raw));
    encode(enc_b64url, raw, RAND_LEN, text);
    snprintf(out, ID_SECRET, "%u.%s", shard, text);
}

void id_capability(unsigned shard, struct str rand_part, char out[ID_SECRET])
{
    uint8_t raw[HASH_LEN];
    char text[RAND_LEN + 1];

    hash_hmac(rand_part, STR("lastmile status capability"), raw);
    encode(enc_b64url, raw, RAND_LEN, text);
    snprintf(out, ID_SECRET, "%u.%s", shard, text);
}

int id_secret_parse(struct str s, unsigned shards, unsigned *shard, struct str *rand_part)
{
    struct str rest, head = str_cut(s, '.', &rest);
    uint8_t raw[HASH_LEN];
    uint64_t n;

    if (head.n > 3 || (head.n > 1 && head.p[0] == '0') || str_u64(head, ID_SHARDS_MAX, &n) ||
        n >= shards || rest.n != RAND_LEN || enc_b64url_dec(rest, raw, sizeof(raw)) != HASH_LEN)
        return -EINVAL;
    *shard = (unsigned)n;
    *rand_part = rest;
    return 0;
}

void id_secret_hash(struct str rand_part, char out[HASH_HEX])
{
    hash_sha256_hex(rand_part, out);
}

void id_secret_move(struct str rand_part, unsigned shard, char out[ID_SECRET])
{
    snprintf(out, ID_SECRET, "%u.%.*s", shard, STR_FMT(rand_part));
}

static void purchase_hash(struct str channel, struct str purchase, uint8_t out[HASH_LEN])
{
    struct buf b;

    buf_init(&b, 4096);
    buf_str(&b, channel);
    buf_ch(&b, '\n');
    buf_str(&b, purchase);
    hash_sha256(buf_view(&b), out);
    buf_free(&b);
}

unsigned id_shard_of(struct str channel, struct str purchase, unsigned shards)
{
    uint8_t h[HASH_LEN];

    purchase_hash(channel, purchase, h);
    return (((unsigned)h[30] << 8) | h[31]) % shards;
}

void id_order(struct str channel, struct str purchase, unsigned shard, char out[ID_ORDER])
{
    uint8_t h[HASH_LEN];
    char text[ORDER_LEN + 1];

    purchase_hash(channel, purchase, h);
    encode(enc_b32, h, ORDER_LEN, text);
    snprintf(out, ID_ORDER, "o%u-%s", shard, text);
}

void id_tenant(struct str order_id, char out[ID_TENANT])
{
    struct str rest, head = str_cut(order_id, '-', &rest);
    uint8_t h[HASH_LEN];
    char text[TENANT_LEN + 1];

    hash_hmac(rest, STR("lastmile tenant"), h);
    encode(enc_b32, h, TENANT_LEN, text);
    snprintf(out, ID_TENANT, "t%.*s-%s", STR_FMT(str_sub(head, 1, 3)), text);
}

int id_shard(struct str id, unsigned shards, unsigned *shard)
{
    struct str rest, head = str_cut(id, '-', &rest);
    uint64_t n;

    if (head.n < 2 || (head.p[0] != 'o' && head.p[0] != 't') ||
        str_u64(str_from(head, 1), ID_SHARDS_MAX, &n) || n >= shards)
        return -EINVAL;
    if (rest.n != (head.p[0] == 'o' ? (size_t)ORDER_LEN : (size_t)TENANT_LEN))
        return -EINVAL;
    for (size_t i = 0; i < rest.n; i++)
        if (!((rest.p[i] >= 'a' && rest.p[i] <= 'z') || (rest.p[i] >= '2' && rest.p[i] <= '7')))
            return -EINVAL;
    *shard = (unsigned)n;
    return 0;
}
