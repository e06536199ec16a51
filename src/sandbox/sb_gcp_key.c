#include "sandbox/sb_gcp_key.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/rand.h"

struct sb_gcp_keys *sb_gcp_keys(struct sb *s)
{
    struct sb_gcp_keys *k = s->gcp->keys;

    if (k)
        return k;
    k = calloc(1, sizeof(*k));
    if (!k)
        return NULL;
    k->partner = sb_jws_new("cloud-commerce-partner.system.gserviceaccount.com", SB_JWS_KID_GOOGLE);
    k->oidc = sb_jws_new("federated-signon.system.gserviceaccount.com", SB_JWS_KID_GOOGLE);
    rand_hex(k->kid, 20);
    rand_hex(k->subject, 32);
    if (!k->partner || !k->oidc)
        sb_gcp_keys_free(&k);
    s->gcp->keys = k;
    return k;
}

void sb_gcp_keys_free(struct sb_gcp_keys **k)
{
    if (!*k)
        return;
    sb_jws_free(&(*k)->partner);
    sb_jws_free(&(*k)->oidc);
    free((*k)->pem);
    free(*k);
    *k = NULL;
}

static int make_pem(char **out)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    BIO *bio = BIO_new(BIO_s_mem());
    char *p = NULL;
    int rc = -EIO;

    if (key && bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
        long n = BIO_get_mem_data(bio, &p);
        *out = n > 0 ? strndup(p, (size_t)n) : NULL;
        rc = *out ? 0 : -ENOMEM;
    }
    BIO_free(bio);
    EVP_PKEY_free(key);
    return rc;
}

int sb_gcp_key_need(struct sb *s)
{
    struct sb_gcp_keys *k = sb_gcp_keys(s);

    if (!k)
        return -ENOMEM;
    if (k->pem)
        return 0;
    s->dirty = true;
    return make_pem(&k->pem);
}

int sb_gcp_key_adopt(struct sb *s, struct str pem, struct str kid)
{
    struct sb_gcp_keys *k = sb_gcp_keys(s);
    char *copy;

    if (!k)
        return -ENOMEM;
    if (!str_starts(pem, STR("-----BEGIN PRIVATE KEY-----")) || kid.n == 0 ||
        kid.n >= sizeof(k->kid))
        return -EINVAL;
    copy = strndup(pem.p, pem.n);
    if (!copy)
        return -ENOMEM;
    free(k->pem);
    k->pem = copy;
    return str_copy(kid, k->kid, sizeof(k->kid));
}

static void kv_url(const struct sb *s, struct jsonw *w, const char *key, const char *path)
{
    char url[400];

    snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", s->port, path);
    jsonw_kvs(w, key, str_of(url));
}

int sb_gcp_key_file(struct sb *s, struct buf *out)
{
    struct jsonw w;
    int rc = sb_gcp_key_need(s);

    if (rc)
        return rc;
    jsonw_init(&w, out);
    jsonw_obj(&w);
    jsonw_kvs(&w, "type", STR("service_account"));
    jsonw_kvs(&w, "project_id", STR("acme-public"));
    jsonw_kvs(&w, "private_key_id", str_of(s->gcp->keys->kid));
    jsonw_kvs(&w, "private_key", str_of(s->gcp->keys->pem));
    jsonw_kvs(&w, "client_email", STR(SB_GCP_EMAIL));
    jsonw_kvs(&w, "client_id", STR("100000000000000000001"));
    kv_url(s, &w, "token_uri", "/gcp/token");
    jsonw_kvs(&w, "universe_domain", STR("googleapis.com"));
    jsonw_obj_end(&w);
    return buf_err(out);
}

int sb_gcp_key_external(struct sb *s, struct str subject, struct buf *out)
{
    struct jsonw w;

    jsonw_init(&w, out);
    jsonw_obj(&w);
    jsonw_kvs(&w, "type", STR("external_account"));
    jsonw_kvs(&w, "audience", STR(SB_GCP_POOL));
    jsonw_kvs(&w, "subject_token_type", STR("urn:ietf:params:oauth:token-type:jwt"));
    kv_url(s, &w, "token_url", "/gcp/sts/v1/token");
    jsonw_key(&w, "credential_source");
    jsonw_obj(&w);
    jsonw_kvs(&w, "file", subject);
    jsonw_key(&w, "format");
    jsonw_obj(&w);
    jsonw_kvs(&w, "type", STR("text"));
    jsonw_obj_end(&w);
    jsonw_obj_end(&w);
    kv_url(s, &w, "service_account_impersonation_url",
           "/gcp/iam/v1/projects/-/serviceAccounts/" SB_GCP_EMAIL ":generateAccessToken");
    jsonw_obj_end(&w);
    return buf_err(out);
}

static int adopt_file(struct sb *s, const char *path)
{
    cJSON *doc = NULL;
    struct buf b;
    int rc;

    buf_init(&b, 65536);
    rc = file_read(path, &b);
    if (rc == 0)
        rc = json_parse(buf_view(&b), 65536, &doc);
    if (rc == 0)
        rc = sb_gcp_key_adopt(s, json_str(doc, "private_key"), json_str(doc, "private_key_id"));
    cJSON_Delete(doc);
    buf_free(&b);
    return rc == -ENOENT ? 0 : rc;
}

int sb_gcp_key_keep(struct sb *s, const char *path)
{
    struct buf b;
    int rc = adopt_file(s, path);

    buf_init(&b, 65536);
    if (rc == 0)
        rc = sb_gcp_key_file(s, &b);
    if (rc == 0)
        rc = file_write_atomic(path, buf_view(&b), 0600);
    buf_free(&b);
    return rc;
}
