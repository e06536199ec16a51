/* Source 3: the shared files, with profiles that lead to other profiles and roles. */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/file.h"
#include "market/aws_creds_int.h"

struct files {
    struct buf credentials, config;
};

static void load(struct aws_creds *c, const char *configured, enum creds_env var,
                 const char *in_home, struct buf *out)
{
    const char *path = *configured ? configured : c->env[var];

    buf_init(out, CREDS_FILE_MAX);
    if (!*path && *c->env[ENV_HOME])
        path = arena_fmt(c->fetch, "%s/.aws/%s", c->env[ENV_HOME], in_home);
    if (path && *path && file_read(path, out))
        buf_reset(out);
}

static void unload(struct buf *b)
{
    if (b->p)
        sodium_memzero(b->p, b->cap);
    buf_free(b);
}

static bool has(const struct files *f, struct str profile)
{
    return ini_has(buf_view(&f->credentials), "", profile) ||
           ini_has(buf_view(&f->config), "profile", profile);
}

/* The credentials file goes before the config file. */
static struct str get(const struct files *f, struct str profile, const char *key)
{
    struct str v = ini_value(buf_view(&f->credentials), "", profile, key);

    return v.n ? v : ini_value(buf_view(&f->config), "profile", profile, key);
}

static const char *keep(struct aws_creds *c, struct str s)
{
    const char *p = arena_dup(c->fetch, s);

    return p ? p : "";
}

static bool found_static(struct aws_creds *c, const struct files *f, struct str profile)
{
    struct str id = get(f, profile, "aws_access_key_id");
    struct str secret = get(f, profile, "aws_secret_access_key");

    if (id.n == 0 || secret.n == 0)
        return false;
    creds_found(c, id, secret, get(f, profile, "aws_session_token"), 0);
    return true;
}

static void from_source(struct aws_creds *c, struct str name)
{
    static const struct {
        const char *name;
        creds_source *source;
    } known[] = {{"Environment", creds_from_env},
                 {"EcsContainer", creds_from_ecs},
                 {"Ec2InstanceMetadata", creds_from_imds}};

    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        if (!str_is(name, known[i].name))
            continue;
        if (!known[i].source(c))
            creds_failed(c, -EACCES, "the profile's credential_source has no credentials");
        return;
    }
    creds_failed(c, -EACCES, "the profile's credential_source is unknown");
}

static bool unsupported(const struct files *f, struct str p)
{
    return get(f, p, "credential_process").n || get(f, p, "sso_session").n ||
           get(f, p, "sso_start_url").n;
}

/* Collects roles on the way; *profile becomes the one that they start from. false: ended. */
static bool follow_roles(struct aws_creds *c, const struct files *f, struct str *profile)
{
    struct str arn, source, web;

    while ((arn = get(f, *profile, "role_arn")).n) {
        struct creds_role role = {keep(c, arn), keep(c, get(f, *profile, "external_id")),
                                  keep(c, get(f, *profile, "role_session_name"))};

        source = get(f, *profile, "source_profile");
        web = get(f, *profile, "web_identity_token_file");
        if (web.n) {
            creds_assume_web(c, keep(c, web), &role);
            return false;
        }
        if (c->nroles == CREDS_ROLES) {
            creds_failed(c, -EACCES, "the profiles' source_profile chain is too long or a loop");
            return false;
        }
        c->roles[c->nroles++] = role;
        if (source.n == 0) {
            from_source(c, get(f, *profile, "credential_source"));
            return false;
        }
        /* A profile may name itself: then its own keys are the source. */
        if (str_eq(source, *profile))
            return true;
        if (!has(f, source)) {
            creds_failed(c, -EACCES, "a source_profile does not exist");
            return false;
        }
        *profile = source;
    }
    return true;
}

static bool use(struct aws_creds *c, const struct files *f)
{
    bool named = *c->cfg.profile || *c->env[ENV_PROFILE];
    struct str profile = str_of(*c->cfg.profile        ? c->cfg.profile
                                : *c->env[ENV_PROFILE] ? c->env[ENV_PROFILE]
                                                       : "default");

    if (!has(f, profile)) {
        if (!named && !*c->cfg.credentials_file)
            return false;
        creds_failed(c, -EACCES, "the profile is not in the credentials or config file");
        return true;
    }
    if (!follow_roles(c, f, &profile) || found_static(c, f, profile))
        return true;
    if (unsupported(f, profile))
        creds_failed(c, -EACCES, "credential_process and sso profiles are not supported");
    else if (named || *c->cfg.credentials_file || c->nroles > (*c->cfg.role_arn ? 1 : 0))
        creds_failed(c, -EACCES, "the profile holds no credentials");
    else
        return false;
    return true;
}

bool creds_from_files(struct aws_creds *c)
{
    bool r;
    struct files f;

    load(c, c->cfg.credentials_file, ENV_CREDENTIALS_FILE, "credentials", &f.credentials);
    load(c, "", ENV_CONFIG_FILE, "config", &f.config);
    r = use(c, &f);
    unload(&f.credentials);
    unload(&f.config);
    return r;
}
