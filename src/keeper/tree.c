#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rand.h"

#define DEPTH 32

struct tree {
    int top;
    dev_t dev;
    bool moved; /* something was moved up: the top has to be read again */
};

static int empty(struct tree *t, int fd, int depth);

static int move_up(struct tree *t, int fd, const char *name)
{
    char to[48] = ".deep.", hex[33];

    rand_hex(hex, 16);
    memcpy(to + 6, hex, sizeof(hex));
    t->moved = true;
    return renameat(fd, name, t->top, to) ? -errno : 0;
}

static int open_dir(const struct tree *t, int fd, const char *name)
{
    struct stat st;
    int sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    /* The tenant may have locked itself out; without root that locks us out too. */
    if (sub < 0 && errno == EACCES && fchmodat(fd, name, 0700, 0) == 0)
        sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (sub < 0)
        return -errno;
    if (fstat(sub, &st) || st.st_dev != t->dev) {
        close(sub);
        return -EXDEV;
    }
    if ((st.st_mode & 0700) != 0700)
        (void)fchmod(sub, 0700);
    return sub;
}

static int remove_entry(struct tree *t, int fd, const char *name, int depth)
{
    int sub, rc;

    if (unlinkat(fd, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return -errno;
    if (depth >= DEPTH)
        return unlinkat(fd, name, AT_REMOVEDIR) == 0 ? 0 : move_up(t, fd, name);
    sub = open_dir(t, fd, name);
    if (sub < 0)
        return sub;
    rc = empty(t, sub, depth + 1);
    close(sub);
    if (rc == 0 && unlinkat(fd, name, AT_REMOVEDIR))
        rc = -errno;
    return rc;
}

static int empty(struct tree *t, int fd, int depth)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3), rc = 0;
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    struct dirent *e;

    if (d == NULL) {
        rc = -errno;
        if (copy >= 0)
            close(copy);
        return rc;
    }
    rewinddir(d);
    for (errno = 0; rc == 0 && (e = readdir(d)) != NULL;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            rc = remove_entry(t, fd, e->d_name, depth);
    closedir(d);
    return rc;
}

int tree_remove(const char *path)
{
    struct tree t = {.top = -1};
    struct stat st;
    int rc = 0;

    if (lstat(path, &st))
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISDIR(st.st_mode))
        return unlink(path) ? -errno : 0;
    t.dev = st.st_dev;
    t.top = open_dir(&t, AT_FDCWD, path);
    if (t.top < 0)
        return t.top;
    do {
        t.moved = false;
        rc = empty(&t, t.top, 0);
    } while (rc == 0 && t.moved);
    close(t.top);
    if (rc == 0 && rmdir(path))
        rc = -errno;
    return rc;
}
