#include "logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

int logfile_open(const char *dir, const char *name)
{
    char path[PATH_MAX];
    int fd;

    if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return fd < 0 ? -errno : fd;
}

void logfile_trim(const char *dir, const char *name, int fd)
{
    char path[PATH_MAX];
    struct stat st;
    off_t from;
    int out;

    if (fstat(fd, &st) || st.st_size <= LOGFILE_MAX ||
        snprintf(path, sizeof(path), "%s/%s.1", dir, name) >= (int)sizeof(path))
        return;
    from = st.st_size - LOGFILE_MAX;
    out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (out >= 0) {
        while (from < st.st_size && sendfile(out, fd, &from, (size_t)(st.st_size - from)) > 0)
            continue;
        close(out);
    }
    (void)!ftruncate(fd, 0);
}
