#include "count.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"

static const char count_file[] = "counter";

int count_read(uint64_t *out)
{
    struct buf b;
    int rc;

    *out = 0;
    buf_init(&b, 64);
    rc = file_read(count_file, &b);
    if (rc == 0)
        rc = str_u64(str_trim(buf_view(&b)), UINT64_MAX - 1, out);
    buf_free(&b);
    return rc == -ENOENT ? 0 : rc;
}

int count_add(uint64_t *out)
{
    char text[32];
    int fd = open("counter.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600), rc;

    if (fd < 0)
        return -errno;
    rc = flock(fd, LOCK_EX) ? -errno : count_read(out);
    if (rc == 0) {
        (*out)++;
        snprintf(text, sizeof(text), "%llu\n", (unsigned long long)*out);
        rc = file_write_atomic(count_file, str_of(text), 0600);
    }
    close(fd);
    return rc;
}
