#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "net/sns.h"

enum { CERTS = 8, CHAIN_MAX = 6, PEM_MAX = 64 * 1024, RSA_BITS_MIN = 2048, SIGNED_MAX = 1 << 21 };

struct entry {
    char *url;
    X509 *leaf;
    STACK_OF(X509) * rest;
    bool chain_ok;
};

struct sns_trust {
    X509 *pinned;
    X509_STORE *roots; /* the system's, loaded at first use */
    struct entry certs[CERTS];
    unsigned next; /* the slot that is reused next */
};

static void entry_free(struct entry *e)
{
    free(e->url);
    X509_free(e->leaf);
    sk_X509_pop_free(e->rest, X509_free);
    *e = (struct entry){0};
}

/* The first certificate is the leaf, others may follow. */
static int read_pem(struct str pem, X509 **leaf, STACK_OF(X509) * *rest)
{
    BIO *bio = pem.n && pem.n <= PEM_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    X509 *x;

    *leaf = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    *rest = sk_X509_new_null();
    while (*leaf && *rest && sk_X509_num(*rest) < CHAIN_MAX &&
           (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
        if (!sk_X509_push(*rest, x))
            X509_free(x);
    BIO_free(bio);
    ERR_clear_error();
    if (*leaf && *rest)
        return 0;
    X509_free(*leaf);
    sk_X509_pop_free(*rest, X509_free);
    *leaf = NULL;
    *rest = NULL;
    return -EINVAL;
}

static int load_pinned(struct sns_trust *t, const char *file)
{
    STACK_OF(X509) *rest = NULL;
    struct buf b;
    int rc;

    buf_init(&b, PEM_MAX);
    rc = file_read(file, &b);
    if (rc == 0)
        rc = read_pem(buf_view(&b), &t->pinned, &rest);
    sk_X509_pop_free(rest, X509_free);
    buf_free(&b);
    return rc;
}

int sns_trust_open(const char *pinned_file, struct sns_trust **out)
{
    struct sns_trust *t = calloc(1, sizeof(*t));
    int rc = 0;

    *out = NULL;
    if (!t)
        return -ENOMEM;
    if (*pinned_file)
        rc = load_pinned(t, pinned_file);
    if (rc) {
        free(t);
        return rc;
    }
    *out = t;
    return 0;
}

void sns_trust_close(struct sns_trust **tp)
{
    struct sns_trust *t = *tp;

    if (!t)
        return;
    *tp = NULL;
    X509_free(t->pinned);
    X509_STORE_free(t->roots);
    for (unsigned i = 0; i < CERTS; i++)
        entry_free(&t->certs[i]);
    free(t);
}

static struct entry *find(struct sns_trust *t, const char *url)
{
    for (unsigned i = 0; i < CERTS; i++)
        if (t->certs[i].url && strcmp(t->certs[i].url, url) == 0)
            return &t->certs[i];
    return NULL;
}

int sns_trust_add(struct sns_trust *t, const char *url, struct str pem)
{
    struct entry *e = find(t, url);
    struct entry new = {.url = strdup(url)};
    int rc = new.url ? read_pem(pem, &new.leaf, &new.rest) : -ENOMEM;

    if (rc) {
        free(new.url);
        return rc;
    }
    if (!e) {
        e = &t->certs[t->next];
        t->next = (t->next + 1) % CERTS;
    }
    entry_free(e);
    *e = new;
    return 0;
}

/* "sns.amazonaws.com" is what AWS uses today; regional names were seen earlier. */
static bool made_out_to_sns(X509 *leaf, const char *url)
{
    struct str rest, host = str_cut(str_from(str_of(url), strlen("https://")), '/', &rest);
    const char *generic = str_ends(host, STR(".cn")) ? "sns.amazonaws.com.cn" : "sns.amazonaws.com";
    const unsigned flags = X509_CHECK_FLAG_NO_WILDCARDS;

    return X509_check_host(leaf, generic, 0, flags, NULL) == 1 ||
           X509_check_host(leaf, host.p, host.n, flags, NULL) == 1;
}

static bool valid_at(const X509 *leaf, int64_t ms)
{
    time_t t = (time_t)(ms / 1000);

    return X509_cmp_time(X509_get0_notBefore(leaf), &t) < 0 &&
           X509_cmp_time(X509_get0_notAfter(leaf), &t) > 0;
}

static X509_STORE *roots(struct sns_trust *t)
{
    if (!t->roots) {
        t->roots = X509_STORE_new();
        if (t->roots)
            X509_STORE_set_default_paths(t->roots);
    }
    return t->roots;
}

/* A file with the leaf alone has no chain to check; its origin was verified when it was fetched. */
static bool chain_holds(struct sns_trust *t, struct entry *e, int64_t ms)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    bool alone = sk_X509_num(e->rest) == 0;
    int err = X509_V_ERR_UNSPECIFIED;

    if (ctx && roots(t) && X509_STORE_CTX_init(ctx, t->roots, e->leaf, e->rest)) {
        X509_STORE_CTX_set_time(ctx, 0, (time_t)(ms / 1000));
        err = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
    }
    X509_STORE_CTX_free(ctx);
    ERR_clear_error();
    return err == X509_V_OK || (alone && (err == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
                                          err == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE));
}

static bool signature_holds(X509 *leaf, const struct sns_message *m)
{
    EVP_PKEY *key = X509_get0_pubkey(leaf);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    struct buf text;
    bool ok = false;

    buf_init(&text, SIGNED_MAX);
    if (ctx && key && EVP_PKEY_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_bits(key) >= RSA_BITS_MIN &&
        sns_string_to_sign(m, &text) == 0 &&
        EVP_DigestVerifyInit(ctx, NULL, m->version == 1 ? EVP_sha1() : EVP_sha256(), NULL, key) ==
            1)
        ok = EVP_DigestVerify(ctx, (const unsigned char *)m->signature.p, m->signature.n,
                              (const unsigned char *)text.p, text.len) == 1;
    EVP_MD_CTX_free(ctx);
    buf_free(&text);
    ERR_clear_error();
    return ok;
}

static const char *refuse(struct sns_trust *t, const struct sns_message *m, X509 *leaf,
                          struct entry *e)
{
    if (e && !made_out_to_sns(leaf, m->cert_url))
        return "the signing certificate is not made out to SNS";
    if (!valid_at(leaf, m->time_ms))
        return "the signing certificate was not valid at the message's time";
    if (e && !e->chain_ok && !(e->chain_ok = chain_holds(t, e, m->time_ms)))
        return "the signing certificate's chain is not trusted";
    if (!signature_holds(leaf, m))
        return "the signature does not fit the message";
    return NULL;
}

int sns_verify(struct sns_trust *t, const struct sns_message *m, const char **why)
{
    struct entry *e = NULL;
    X509 *leaf = t->pinned;

    *why = "";
    if (!leaf) {
        if (!sns_cert_url_ok(m->cert_url, m->topic)) {
            *why = "SigningCertURL is not the SNS host of the topic's region";
            return -EKEYREJECTED;
        }
        e = find(t, m->cert_url);
        if (!e)
            return -EAGAIN;
        leaf = e->leaf;
    }
    *why = refuse(t, m, leaf, e);
    if (*why)
        return -EKEYREJECTED;
    *why = "";
    return 0;
}
