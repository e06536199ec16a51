/* doctor: what can be seen on this host without Redis. */
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/seal.h"
#include "cli/cli_config.h"
#include "cli/cli_doctor.h"

enum { ERRORS_MAX = 256 << 10 };

static void add_lines(struct cli_doctor *d, const char *check, enum cli_health health,
                      const struct buf *b)
{
    struct str rest = str_trim(buf_view(b));

    while (rest.n) {
        struct str line = str_cut(rest, '\n', &rest);

        cli_doctor_add(d, check, health, "%.*s", STR_FMT(line));
    }
}

void cli_doctor_config(struct cli_doctor *d)
{
    const char *path = cli_config_path(d->c);
    struct buf errors;
    char text[64];
    int rc;

    buf_init(&errors, ERRORS_MAX);
    rc = config_load(path, &d->c->cfg, &errors);
    if (rc && errors.len == 0)
        cli_doctor_add(d, "config", CLI_HEALTH_FAIL, "%s: %s", path, log_errno(rc, text));
    else if (rc)
        add_lines(d, "config", CLI_HEALTH_FAIL, &errors);
    else
        cli_doctor_add(d, "config", CLI_HEALTH_OK, "%s", path);
    buf_reset(&errors);
    if (rc == 0 && config_check_files(d->c->cfg, 0, &errors))
        add_lines(d, "config.files", CLI_HEALTH_FAIL, &errors);
    buf_free(&errors);
}

static void secret_key(struct cli_doctor *d, const char *path)
{
    struct seal_key key;
    struct stat st;
    char text[64];
    int rc;

    if (stat(path, &st)) {
        cli_doctor_add(d, "keys.secret", CLI_HEALTH_FAIL, "%s: %s; lastmile keygen makes the pair",
                       path, log_errno(errno, text));
        return;
    }
    if (!file_is_private(path, st.st_mode)) {
        cli_doctor_add(d, "keys.secret", CLI_HEALTH_FAIL,
                       "%s may be read by others (mode %04o); chmod 600 it", path,
                       (unsigned)st.st_mode & 07777);
        return;
    }
    if (access(path, R_OK)) {
        cli_doctor_add(d, "keys.secret", CLI_HEALTH_OK, "%s (mode %04o, not ours to read)", path,
                       (unsigned)st.st_mode & 07777);
        return;
    }
    rc = seal_load_key(path, &key);
    seal_wipe(&key);
    cli_doctor_add(d, "keys.secret", rc ? CLI_HEALTH_FAIL : CLI_HEALTH_OK, "%s%s", path,
                   rc ? " is not a secret key" : "");
}

static void public_key(struct cli_doctor *d, const char *path)
{
    struct seal_pub key;
    char text[64];
    int rc = seal_load_pub(path, &key);

    if (rc)
        cli_doctor_add(d, "keys.public", CLI_HEALTH_FAIL, "%s: %s", path,
                       rc == -EINVAL ? "not a public key" : log_errno(rc, text));
    else
        cli_doctor_add(d, "keys.public", CLI_HEALTH_OK, "%s", path);
}

static void same_pair(struct cli_doctor *d)
{
    struct seal_key key;
    struct seal_pub pub;

    if (seal_load_key(d->c->cfg->seal_secret_file, &key) == 0) {
        if (seal_load_pub(d->c->cfg->seal_public_file, &pub) == 0 &&
            memcmp(pub.k, key.pk, SEAL_KEY) != 0)
            cli_doctor_add(d, "keys.pair", CLI_HEALTH_FAIL,
                           "the public key does not belong to the secret one: no purchase can be "
                           "resolved");
        seal_wipe(&key);
    }
}

static void directory(struct cli_doctor *d, const char *check, const char *path)
{
    struct stat st;
    char text[64];

    if (stat(path, &st))
        cli_doctor_add(d, check, CLI_HEALTH_FAIL, "%s: %s", path, log_errno(errno, text));
    else if (!S_ISDIR(st.st_mode))
        cli_doctor_add(d, check, CLI_HEALTH_FAIL, "%s is not a directory", path);
    else if (st.st_mode & S_IWOTH)
        cli_doctor_add(d, check, CLI_HEALTH_FAIL, "%s may be written by everybody (mode %04o)",
                       path, (unsigned)st.st_mode & 07777);
    else
        cli_doctor_add(d, check, CLI_HEALTH_OK, "%s (mode %04o)", path,
                       (unsigned)st.st_mode & 07777);
}

static bool uses_process_engine(const struct config *cfg)
{
    for (size_t i = 0; i < cfg->ntemplates; i++)
        if (strcmp(cfg->templates[i].engine, "process") == 0)
            return true;
    return false;
}

/* Who has to be able to read what: the owner is the user that a role must run as. */
static void secret(void *arg, const struct cfg_secret *s)
{
    struct cli_doctor *d = arg;
    struct passwd pw, *found = NULL;
    struct stat st;
    struct buf who;
    char room[1024];

    buf_init(&who, 128);
    config_readers(s->readers, &who);
    if (s->credential[0] && !file_credentials()) {
        cli_doctor_add(d, "secrets", CLI_HEALTH_OK, "%s for %s: credential '%s' of the unit",
                       s->key, buf_cstr(&who), s->credential);
    } else if (stat(s->path, &st) == 0 && (s->is_public || file_is_private(s->path, st.st_mode))) {
        (void)getpwuid_r(st.st_uid, &pw, room, sizeof(room), &found);
        cli_doctor_add(d, "secrets", CLI_HEALTH_OK, "%s for %s: %s (mode %04o, of %s, uid %u)",
                       s->key, buf_cstr(&who), s->path, (unsigned)st.st_mode & 07777,
                       found ? found->pw_name : "nobody known", (unsigned)st.st_uid);
    }
    buf_free(&who);
}

void cli_doctor_host(struct cli_doctor *d)
{
    const struct config *cfg = d->c->cfg;
    const struct str nowhere = STR(CFG_NO_CREDENTIALS "/");

    config_secrets(cfg, secret, d);
    if (*cfg->seal_secret_file && !str_starts(str_of(cfg->seal_secret_file), nowhere))
        secret_key(d, cfg->seal_secret_file);
    if (*cfg->seal_public_file)
        public_key(d, cfg->seal_public_file);
    else
        cli_doctor_add(d, "keys.public", CLI_HEALTH_FAIL,
                       "no seal key is configured; the front cannot accept purchases");
    if (*cfg->seal_secret_file && *cfg->seal_public_file)
        same_pair(d);
    if (uses_process_engine(cfg)) {
        directory(d, "dirs.run", cfg->deploy.run_dir);
        directory(d, "dirs.data", cfg->deploy.data_dir);
        directory(d, "dirs.archive", cfg->deploy.archive_dir);
    }
}
