#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_fd(int fd, struct buf *out)
{
    char chunk[4096];

    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return 0;
        buf_add(out, chunk, (size_t)n);
        if (buf_err(out))
            return -EFBIG;
    }
}

int file_read(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

    if (fd < 0)
        return -errno;
    rc = read_fd(fd, out);
    close(fd);
    return rc;
}

const char *file_credentials(void)
{
    const char *dir = secure_getenv("CREDENTIALS_DIRECTORY");

    return dir && dir[0] == '/' ? dir : NULL;
}

bool file_is_private(const char *path, mode_t mode)
{
    const char *dir = file_credentials();
    mode_t others = mode & (S_IRWXG | S_IRWXO);
    size_t n = dir ? strlen(dir) : 0;

    return others == 0 ||
           (others == S_IRGRP && n > 1 && strncmp(path, dir, n) == 0 && path[n] == '/');
}

int file_read_secret(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
    struct stat st;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st))
        rc = -errno;
    else if (!file_is_private(path, st.st_mode))
        rc = -EPERM;
    else
        rc = read_fd(fd, out);
    close(fd);
    while (rc == 0 && out->len && (out->p[out->len - 1] == '\n' || out->p[out->len - 1] == '\r'))
        out->p[--out->len] = '\0';
    return rc;
}

static int write_all(int fd, struct str data)
{
    while (data.n) {
        ssize_t n = write(fd, data.p, data.n);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        data = str_from(data, (size_t)n);
    }
    return fsync(fd) ? -errno : 0;
}

int file_write_atomic(const char *path, struct str data, mode_t mode)
{
    char tmp[PATH_MAX];
    int fd, rc;

    if (snprintf(tmp, sizeof(tmp), "%s.%d.tmp", path, (int)getpid()) >= (int)sizeof(tmp))
        return -ENAMETOOLONG;
    fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return -errno;
    rc = fchmod(fd, mode) ? -errno : write_all(fd, data);
    if (close(fd) && rc == 0)
        rc = -errno;
    if (rc == 0 && rename(tmp, path))
        rc = -errno;
    if (rc)
        unlink(tmp);
    return rc;
}

int file_mkdirs(const char *path, mode_t mode)
{
    char part[PATH_MAX];
    size_t n = strlen(path);

    if (n == 0 || n >= sizeof(part))
        return -ENAMETOOLONG;
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, mode) && errno != EEXIST)
            return -errno;
    }
    return 0;
}
