/*
 * Access tokens of Google's APIs, by what the configured file is (the google-auth libraries'
 * formats): a service account key (RFC 7523 assertion), workload identity (RFC 8693 exchange, then
 * impersonation), or without a file the metadata server. The file is read anew for every token, so
 * that a rotated key needs no reload.
 */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/file.h"
#include "market/gcp_creds.h"

#define TOKEN_URI    "https://oauth2.googleapis.com/token"
#define META_DEFAULT "http://metadata.google.internal"

struct gcp_creds {
    const struct cfg_gcp *cfg;
    char metadata[300];
    unsigned steps;
};

void gcp_creds_wipe(struct buf *b)
{
    if (b->p)
        sodium_memzero(b->p, b->cap);
    buf_free(b);
}

void gcp_creds_form(struct buf *b, const char *key, struct str value)
{
    buf_fmt(b, "%s%s=", b->len ? "&" : "", key);
    enc_pct(b, value);
}

struct str gcp_base(const char *url)
{
    return str_rtrim(str_of(url), '/');
}

static int read_json(const char *path, cJSON **out, const char **why)
{
    struct buf text;
    int rc;

    *out = NULL;
    buf_init(&text, GCP_FILE_MAX);
    rc = file_read(path, &text);
    *why = "CredentialsFileUnreadable";
    if (rc == 0) {
        *why = "CredentialsFileNotJson";
        rc = json_parse(buf_view(&text), GCP_FILE_MAX, out) || !cJSON_IsObject(*out) ? -EINVAL : 0;
    }
    gcp_creds_wipe(&text);
    return rc;
}

/* The tree holds a private key. */
static void drop_json(cJSON *j)
{
    cJSON *key = cJSON_GetObjectItemCaseSensitive(j, "private_key");

    if (cJSON_IsString(key))
        sodium_memzero(key->valuestring, strlen(key->valuestring));
    cJSON_Delete(j);
}

/* --- service account --------------------------------------------------------------------- */

static int assertion(const cJSON *file, struct str audience, struct buf *out, const char **why)
{
    int64_t now = clock_wall_ms() / 1000;
    struct buf head, body;
    struct jwt_key *key = NULL;
    struct jsonw w;
    int rc = jwt_key_load(json_str(file, "private_key"), &key);

    *why = "PrivateKeyUnreadable";
    buf_init(&head, 1024);
    buf_init(&body, 4096);
    if (rc)
        goto out;
    jsonw_init(&w, &head);
    jsonw_obj(&w);
    jsonw_kvs(&w, "alg", STR("RS256"));
    jsonw_kvs(&w, "typ", STR("JWT"));
    jsonw_kvs_opt(&w, "kid", json_str(file, "private_key_id"));
    jsonw_obj_end(&w);
    jsonw_init(&w, &body);
    jsonw_obj(&w);
    jsonw_kvs(&w, "iss", json_str(file, "client_email"));
    jsonw_kvs(&w, "scope", STR(GCP_SCOPE));
    jsonw_kvs(&w, "aud", audience);
    jsonw_kvi(&w, "iat", now);
    jsonw_kvi(&w, "exp", now + GCP_LIFE_S);
    jsonw_obj_end(&w);
    rc = buf_err(&head) || buf_err(&body) ? -EINVAL
                                          : jwt_sign(key, buf_view(&head), buf_view(&body), out);
out:
    jwt_key_free(&key);
    buf_free(&head);
    buf_free(&body);
    return rc;
}

static int service_account(const struct cfg_gcp *cfg, const cJSON *file, struct oauth_request *rq,
                           const char **why)
{
    struct str uri = json_str(file, "token_uri");
    struct buf jwt;
    int rc;

    if (*cfg->token_uri)
        uri = str_of(cfg->token_uri);
    else if (uri.n == 0)
        uri = STR(TOKEN_URI);
    buf_init(&jwt, JWT_MAX);
    rc = assertion(file, uri, &jwt, why);
    if (rc == 0) {
        buf_str(&rq->url, uri);
        gcp_creds_form(&rq->body, "grant_type", STR("urn:ietf:params:oauth:grant-type:jwt-bearer"));
        gcp_creds_form(&rq->body, "assertion", buf_view(&jwt));
    }
    gcp_creds_wipe(&jwt);
    return rc;
}

/* --- the source -------------------------------------------------------------------------- */

static bool is_external(const cJSON *file)
{
    return str_is(json_str(file, "type"), "external_account");
}

static unsigned steps_of(const cJSON *file)
{
    return is_external(file) && json_str(file, "service_account_impersonation_url").n ? 2 : 1;
}

static int from_metadata(const struct gcp_creds *c, struct oauth_request *rq)
{
    buf_fmt(&rq->url, "%s/computeMetadata/v1/instance/service-accounts/default/token", c->metadata);
    buf_cat(&rq->header, "Metadata-Flavor: Google");
    rq->method = "GET";
    rq->metadata = true;
    return 0;
}

static int make(void *arg, unsigned step, struct str previous, struct oauth_request *rq,
                const char **why)
{
    const struct gcp_creds *c = arg;
    cJSON *file;
    int rc;

    if (!*c->cfg->credentials_file)
        return from_metadata(c, rq);
    rc = read_json(c->cfg->credentials_file, &file, why);
    if (rc == 0) {
        *why = "CredentialsFileOfAnotherKind";
        rc = -EINVAL;
        if (steps_of(file) != c->steps)
            *why = "CredentialsFileChangedItsKind"; /* a reload opens anew */
        else if (str_is(json_str(file, "type"), "service_account"))
            rc = service_account(c->cfg, file, rq, why);
        else if (is_external(file))
            rc = step == 0 ? gcp_creds_exchange(c->cfg, file, rq, why)
                           : gcp_creds_impersonate(c->cfg, file, previous, rq, why);
    }
    drop_json(file);
    return rc;
}

/* GCE_METADATA_HOST is "host[:port]", as Google's libraries read it; the configuration wins. */
static int metadata_of(struct gcp_creds *c)
{
    const char *host = getenv("GCE_METADATA_HOST");
    struct str base = gcp_base(c->cfg->metadata_endpoint);
    struct buf b;
    int rc;

    buf_init(&b, sizeof(c->metadata) - 1);
    if (host && *host && (base.n == 0 || str_is(base, META_DEFAULT)))
        buf_fmt(&b, "http://%s", host);
    else
        buf_str(&b, base.n ? base : STR(META_DEFAULT));
    rc = buf_err(&b) ? -EINVAL : str_copy(buf_view(&b), c->metadata, sizeof(c->metadata));
    buf_free(&b);
    return rc;
}

int gcp_creds_open(const struct cfg_gcp *cfg, struct gcp_creds **out, struct oauth_source *source)
{
    struct gcp_creds *c = calloc(1, sizeof(*c));
    const char *why;
    cJSON *file = NULL;
    int rc;

    *out = NULL;
    if (!c)
        return -ENOMEM;
    c->cfg = cfg;
    c->steps = 1;
    /* A file that is not there yet is told of when a token is asked for. */
    if (*cfg->credentials_file && read_json(cfg->credentials_file, &file, &why) == 0)
        c->steps = steps_of(file);
    drop_json(file);
    rc = metadata_of(c);
    if (rc) {
        free(c);
        return rc;
    }
    *source = (struct oauth_source){.make = make, .steps = c->steps, .arg = c};
    *out = c;
    return 0;
}

void gcp_creds_close(struct gcp_creds **c)
{
    free(*c);
    *c = NULL;
}
