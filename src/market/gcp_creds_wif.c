/* Workload identity federation: a token of somewhere else, from a file, is exchanged at Google's
 * STS (RFC 8693), and what it gives impersonates the service account. */
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "market/gcp_creds.h"

#define STS_DEFAULT "https://sts.googleapis.com"
#define IAM_DEFAULT "https://iamcredentials.googleapis.com"

/* A configured address wins over the file's; the path stays the file's. */
static void endpoint(struct buf *out, const char *configured, const char *dflt, struct str url)
{
    struct str base = gcp_base(configured);
    const char *path = url.n ? memmem(url.p, url.n, "/v1/", 4) : NULL;

    if (base.n == 0 || str_is(base, dflt)) {
        buf_str(out, url);
        return;
    }
    buf_str(out, base);
    if (path)
        buf_str(out, str_make(path, (size_t)(url.p + url.n - path)));
}

static int subject_token(const cJSON *file, struct buf *out, const char **why)
{
    const cJSON *source = json_obj(file, "credential_source");
    const cJSON *format = json_obj(source, "format");
    struct str path = json_str(source, "file"), field;
    struct buf name;
    cJSON *json = NULL;
    int rc;

    *why = "CredentialSourceNotAFile";
    if (path.n == 0)
        return -ENOTSUP;
    *why = "SubjectTokenUnreadable";
    buf_init(&name, 4096);
    buf_str(&name, path);
    rc = buf_err(&name) ? -EINVAL : file_read(buf_cstr(&name), out);
    buf_free(&name);
    if (rc || !str_is(json_str(format, "type"), "json"))
        return rc;
    field = json_str(format, "subject_token_field_name");
    rc = json_parse(buf_view(out), GCP_FILE_MAX, &json) ? -EINVAL : 0;
    buf_reset(out);
    if (rc == 0 && field.n)
        buf_str(out, json_str(json, field.p));
    cJSON_Delete(json);
    return rc == 0 && out->len == 0 ? -EINVAL : rc;
}

int gcp_creds_exchange(const struct cfg_gcp *cfg, const cJSON *file, struct oauth_request *rq,
                       const char **why)
{
    struct str url = json_str(file, "token_url");
    struct buf subject;
    int rc;

    buf_init(&subject, GCP_FILE_MAX);
    rc = subject_token(file, &subject, why);
    if (rc == 0) {
        endpoint(&rq->url, cfg->sts_endpoint, STS_DEFAULT,
                 url.n ? url : STR(STS_DEFAULT "/v1/token"));
        gcp_creds_form(&rq->body, "grant_type",
                       STR("urn:ietf:params:oauth:grant-type:token-exchange"));
        gcp_creds_form(&rq->body, "audience", json_str(file, "audience"));
        gcp_creds_form(&rq->body, "scope", STR(GCP_SCOPE));
        gcp_creds_form(&rq->body, "requested_token_type",
                       STR("urn:ietf:params:oauth:token-type:access_token"));
        gcp_creds_form(&rq->body, "subject_token", str_trim(buf_view(&subject)));
        gcp_creds_form(&rq->body, "subject_token_type", json_str(file, "subject_token_type"));
    }
    gcp_creds_wipe(&subject);
    return rc;
}

int gcp_creds_impersonate(const struct cfg_gcp *cfg, const cJSON *file, struct str previous,
                          struct oauth_request *rq, const char **why)
{
    cJSON *json = NULL;
    struct str token;
    int rc = -EINVAL;

    *why = "NoTokenInAnswer";
    if (json_parse(previous, GCP_FILE_MAX, &json) == 0) {
        token = json_str(json, "access_token");
        if (token.n && str_text(token)) {
            endpoint(&rq->url, cfg->iam_endpoint, IAM_DEFAULT,
                     json_str(file, "service_account_impersonation_url"));
            buf_fmt(&rq->header, "Authorization: Bearer %.*s", STR_FMT(token));
            buf_fmt(&rq->body, "{\"scope\":[\"%s\"],\"lifetime\":\"%ds\"}", GCP_SCOPE, GCP_LIFE_S);
            rq->content_type = "application/json";
            rc = 0;
        }
    }
    cJSON_Delete(json);
    return rc;
}
