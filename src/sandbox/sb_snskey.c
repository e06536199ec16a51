#include "sandbox/sb_snskey.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/json.h"

struct sb_sns {
    EVP_PKEY *key;
    X509 *cert;
};

void sb_snskey_free(struct sb_sns **sns)
{
    if (!*sns)
        return;
    X509_free((*sns)->cert);
    EVP_PKEY_free((*sns)->key);
    free(*sns);
    *sns = NULL;
}

static bool add_names(X509 *x)
{
    X509_NAME *name = X509_get_subject_name(x);
    X509_EXTENSION *san =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:sns.amazonaws.com");
    bool ok = san &&
              X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                         (const unsigned char *)"sns.amazonaws.com", -1, -1, 0) &&
              X509_set_issuer_name(x, name) && X509_add_ext(x, san, -1);

    X509_EXTENSION_free(san);
    return ok;
}

/* Valid from far back to far ahead: the sandbox's clock may be moved. */
static X509 *make_cert(EVP_PKEY *key)
{
    X509 *x = X509_new();

    if (x && X509_set_version(x, X509_VERSION_3) && ASN1_INTEGER_set(X509_get_serialNumber(x), 1) &&
        X509_gmtime_adj(X509_getm_notBefore(x), -366L * 86400) &&
        X509_gmtime_adj(X509_getm_notAfter(x), 10L * 366 * 86400) && X509_set_pubkey(x, key) &&
        add_names(x) && X509_sign(x, key, EVP_sha256()))
        return x;
    X509_free(x);
    return NULL;
}

static int ready(struct sb *s)
{
    if (s->sns)
        return 0;
    struct sb_sns *n = calloc(1, sizeof(*n));
    if (!n)
        return -ENOMEM;
    n->key = EVP_RSA_gen(2048);
    n->cert = n->key ? make_cert(n->key) : NULL;
    if (!n->cert) {
        sb_snskey_free(&n);
        return -EIO;
    }
    s->sns = n;
    return 0;
}

int sb_snskey_cert(struct sb *s, struct buf *out)
{
    char *pem = NULL;
    int rc = ready(s);
    BIO *bio = rc ? NULL : BIO_new(BIO_s_mem());

    if (bio && PEM_write_bio_X509(bio, s->sns->cert)) {
        long n = BIO_get_mem_data(bio, &pem);
        buf_add(out, pem, (size_t)n);
        rc = buf_err(out);
    } else if (rc == 0) {
        rc = -EIO;
    }
    BIO_free(bio);
    return rc;
}

static int sign(const struct sb *s, struct str text, struct buf *b64)
{
    const EVP_MD *md = s->conf.sns_version == 2 ? EVP_sha256() : EVP_sha1();
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char sig[512];
    size_t n = sizeof(sig);
    int rc = -EIO;

    if (ctx && EVP_DigestSignInit(ctx, NULL, md, NULL, s->sns->key) == 1 &&
        EVP_DigestSign(ctx, sig, &n, (const unsigned char *)text.p, text.n) == 1) {
        enc_b64(b64, sig, n);
        rc = buf_err(b64);
    }
    EVP_MD_CTX_free(ctx);
    return rc;
}

struct envelope {
    char id[SB_ID_UUID];
    char stamp[32];
    struct str topic, message;
};

/* "Key\nValue\n" for every signed key, in the alphabetical order of the keys. */
static int sign_envelope(const struct sb *s, const struct envelope *e, struct buf *b64)
{
    struct buf text;

    buf_init(&text, SB_QUEUE_BODY);
    buf_cat(&text, "Message\n");
    buf_str(&text, e->message);
    buf_fmt(&text, "\nMessageId\n%s\nTimestamp\n%s\nTopicArn\n%.*s\nType\nNotification\n", e->id,
            e->stamp, STR_FMT(e->topic));
    int rc = buf_err(&text);
    if (rc == 0)
        rc = sign(s, buf_view(&text), b64);
    buf_free(&text);
    return rc;
}

static void write_envelope(const struct sb *s, const struct envelope *e, struct str signature,
                           struct buf *out)
{
    char unsub[700];
    struct jsonw w;

    jsonw_init(&w, out);
    jsonw_obj(&w);
    jsonw_kvs(&w, "Type", STR("Notification"));
    jsonw_kvs(&w, "MessageId", str_of(e->id));
    jsonw_kvs(&w, "TopicArn", e->topic);
    jsonw_kvs(&w, "Message", e->message);
    jsonw_kvs(&w, "Timestamp", str_of(e->stamp));
    jsonw_kvs(&w, "SignatureVersion", str_of(s->conf.sns_version == 2 ? "2" : "1"));
    jsonw_kvs(&w, "Signature", signature);
    jsonw_kvs(&w, "SigningCertURL", str_of(s->conf.sns_cert_url));
    snprintf(unsub, sizeof(unsub),
             "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=%.*s:sandbox",
             STR_FMT(e->topic));
    jsonw_kvs(&w, "UnsubscribeURL", str_of(unsub));
    jsonw_obj_end(&w);
}

int sb_snskey_wrap(struct sb *s, struct str topic, struct str message, int64_t now_ms,
                   struct buf *out)
{
    struct envelope e = {.topic = topic, .message = message};
    char iso[CLOCK_ISO];
    struct buf sig;
    int rc = ready(s);

    buf_init(&sig, 1024);
    sb_id_uuid(e.id);
    clock_iso(now_ms, iso);
    snprintf(e.stamp, sizeof(e.stamp), "%.19s.%03dZ", iso, (int)(now_ms % 1000));
    if (rc == 0)
        rc = sign_envelope(s, &e, &sig);
    if (rc == 0) {
        write_envelope(s, &e, buf_view(&sig), out);
        rc = buf_err(out);
    }
    buf_free(&sig);
    return rc;
}
