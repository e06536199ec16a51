#include "base/seal.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/enc.h"
#include "base/file.h"

static int write_hex(const char *path, const uint8_t *k, mode_t mode)
{
    struct buf b;
    int rc;

    buf_init(&b, 2 * SEAL_KEY + 1);
    enc_hex(&b, k, SEAL_KEY);
    buf_ch(&b, '\n');
    rc = buf_err(&b) ? -ENOMEM : file_write_atomic(path, buf_view(&b), mode);
    if (b.p)
        sodium_memzero(b.p, b.cap);
    buf_free(&b);
    return rc;
}

int seal_keygen(const char *secret_path, const char *public_path)
{
    struct seal_key k;
    int rc;

    crypto_box_keypair(k.pk, k.sk);
    rc = write_hex(secret_path, k.sk, 0600);
    if (rc == 0)
        rc = write_hex(public_path, k.pk, 0644);
    seal_wipe(&k);
    return rc;
}

static int read_hex(const char *path, uint8_t *out, bool secret)
{
    struct buf b;
    int rc;

    buf_init(&b, 256);
    rc = secret ? file_read_secret(path, &b) : file_read(path, &b);
    if (rc == 0 && enc_hex_dec(str_trim(buf_view(&b)), out, SEAL_KEY) != SEAL_KEY)
        rc = -EINVAL;
    if (b.p)
        sodium_memzero(b.p, b.cap);
    buf_free(&b);
    return rc;
}

int seal_load_pub(const char *path, struct seal_pub *out)
{
    return read_hex(path, out->k, false);
}

int seal_load_key(const char *path, struct seal_key *out)
{
    int rc = read_hex(path, out->sk, true);

    if (rc == 0 && crypto_scalarmult_base(out->pk, out->sk) != 0)
        rc = -EINVAL;
    return rc;
}

void seal_wipe(struct seal_key *k)
{
    sodium_memzero(k, sizeof(*k));
}

int seal_box(const struct seal_pub *pk, struct str msg, struct buf *out)
{
    size_t n = msg.n + crypto_box_SEALBYTES;
    unsigned char *box;
    int rc = 0;

    if (msg.n > SIZE_MAX - crypto_box_SEALBYTES)
        return -EINVAL;
    box = malloc(n);
    if (!box)
        return -ENOMEM;
    if (crypto_box_seal(box, (const unsigned char *)msg.p, msg.n, pk->k) != 0)
        rc = -EINVAL;
    else
        enc_b64(out, box, n);
    free(box);
    return rc ? rc : buf_err(out);
}

int seal_open(const struct seal_key *k, struct str b64, struct buf *out)
{
    unsigned char *box = malloc(2 * b64.n + 1), *msg;
    ssize_t n;
    int rc = -EINVAL;

    if (!box)
        return -ENOMEM;
    msg = box + b64.n;
    n = enc_b64_dec(b64, box, b64.n);
    if (n >= (ssize_t)crypto_box_SEALBYTES) {
        rc = crypto_box_seal_open(msg, box, (size_t)n, k->pk, k->sk) ? -EKEYREJECTED : 0;
        if (rc == 0)
            buf_add(out, msg, (size_t)n - crypto_box_SEALBYTES);
    }
    sodium_memzero(box, 2 * b64.n + 1);
    free(box);
    return rc ? rc : buf_err(out);
}
