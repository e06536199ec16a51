/* What is wrong with the files that hold secrets, from outside or for those who read them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "config/cfg_check.h"

struct judge {
    struct cfg_errs *e;
    unsigned readers; /* 0: from outside */
    bool strict;      /* this process is what reads them */
};

/* 0 and *st, or an errno. Readers try the real thing: an ACL or a namespace shows in no mode. */
static int look(const struct judge *j, const char *path, struct stat *st)
{
    int fd, rc = 0;

    if (!j->readers)
        return stat(path, st) ? errno : 0;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return errno;
    if (fstat(fd, st))
        rc = errno;
    close(fd);
    return rc;
}

/* A credential is there for the processes of its unit, and of those not for each (ExecReload=). */
static bool out_of_sight(const struct cfg_secret *s)
{
    const char *dir = file_credentials();

    return s->credential[0] && (!dir || access(dir, X_OK));
}

static void refuse(const struct judge *j, const struct cfg_secret *s, const char *why,
                   const char *mend)
{
    unsigned readers = j->readers ? s->readers & j->readers : s->readers;
    struct buf who;

    buf_init(&who, 128);
    config_readers(readers, &who);
    cfg_errs_add(j->e, (struct cfg_pos){s->line, s->column}, "%s: '%s' %s; needed by: %s%s", s->key,
                 s->credential[0] ? s->credential : s->path, why, buf_cstr(&who), mend);
    buf_free(&who);
}

static void refuse_other(const struct judge *j, const struct cfg_secret *s, int rc)
{
    char why[96], text[64];

    snprintf(why, sizeof(why), "cannot be read: %s", strerror_r(rc, text, sizeof(text)));
    refuse(j, s, why, "");
}

static void refuse_credential(const struct judge *j, const struct cfg_secret *s, int rc)
{
    if (!file_credentials())
        refuse(j, s, "is a credential, and $CREDENTIALS_DIRECTORY is not set",
               ". Start it by a unit with LoadCredential=, or write an absolute path");
    else if (rc == ENOENT || rc == ENOTDIR)
        refuse(j, s, "is none of the unit's credentials", ". LoadCredential= in the unit adds it");
    else
        refuse_other(j, s, rc);
}

static void refuse_file(const struct judge *j, const struct cfg_secret *s, int rc)
{
    char why[64];

    if (rc == ENOENT || rc == ENOTDIR) {
        refuse(j, s, "is not there", "");
    } else if (rc == EACCES && j->readers) {
        snprintf(why, sizeof(why), "cannot be read by uid %u", (unsigned)geteuid());
        refuse(j, s, why,
               ". Give it to that user (chown, mode 0600), or hand it over with LoadCredential=");
    } else if (rc == EACCES) {
        refuse(j, s, "is out of reach", "");
    } else {
        refuse_other(j, s, rc);
    }
}

static void judge(void *arg, const struct cfg_secret *s)
{
    const struct judge *j = arg;
    struct stat st = {0};
    int rc;

    if ((j->readers && !(s->readers & j->readers)) || (!j->strict && out_of_sight(s)))
        return;
    rc = look(j, s->path, &st);
    if (rc && s->credential[0])
        refuse_credential(j, s, rc);
    else if (rc)
        refuse_file(j, s, rc);
    else if (!S_ISREG(st.st_mode))
        refuse(j, s, "is not a file", "");
    else if (!s->is_public && !file_is_private(s->path, st.st_mode))
        refuse(j, s, "is a secret that others may read", ". chmod 600 it");
}

void cfg_check_secrets(const struct config *c, unsigned readers, struct cfg_errs *errs)
{
    struct judge j = {.e = errs, .readers = readers};

    config_secrets(c, judge, &j);
}

int config_check_secrets(const struct config *c, unsigned readers, struct buf *errors)
{
    struct arena *a = arena_new(64u * 1024u, 1024u * 1024u);
    struct cfg_errs *e = a ? arena_alloc(a, sizeof(*e)) : NULL;
    struct judge j = {.e = e, .readers = readers, .strict = true};
    int rc = e ? 0 : -ENOMEM;

    if (e) {
        cfg_errs_init(e, a, c->file);
        config_secrets(c, judge, &j);
        cfg_errs_print(e, errors);
        rc = e->total ? -EINVAL : 0;
    }
    arena_free(&a);
    return rc;
}
