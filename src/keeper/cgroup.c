#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

static int join(char out[CGROUP_PATH], const char *a, const char *b)
{
    int n = snprintf(out, CGROUP_PATH, "%s/%s", a, b);

    return n < 0 || n >= CGROUP_PATH ? -ENAMETOOLONG : 0;
}

/* True when the comma or space separated list holds the word. */
static bool has_word(struct str list, const char *word)
{
    struct str one;

    while (list.n) {
        size_t n = 0;

        while (n < list.n && list.p[n] != ',' && list.p[n] != ' ' && list.p[n] != '\n')
            n++;
        one = str_sub(list, 0, n);
        if (str_is(one, word))
            return true;
        list = str_from(list, n + 1);
    }
    return false;
}

static bool v2_has(const char *dir, const char *controller)
{
    char path[CGROUP_PATH];
    struct buf b;
    bool found;

    buf_init(&b, 4096);
    found = join(path, dir, "cgroup.controllers") == 0 && file_read(path, &b) == 0 &&
            has_word(buf_view(&b), controller);
    buf_free(&b);
    return found;
}

/* One line of /proc/self/mounts: device, directory, type, options. */
static bool mount_has(struct str line, const char *controller, char dir[CGROUP_PATH], bool *v2)
{
    struct str where, type, options, rest;

    str_cut(line, ' ', &rest);
    where = str_cut(rest, ' ', &rest);
    type = str_cut(rest, ' ', &rest);
    options = str_cut(rest, ' ', &rest);
    *v2 = str_is(type, "cgroup2");
    if (str_copy(where, dir, CGROUP_PATH))
        return false;
    if (*v2)
        return v2_has(dir, controller);
    return str_is(type, "cgroup") && has_word(options, controller);
}

static int find_mounted(const char *controller, char dir[CGROUP_PATH], bool *v2)
{
    struct buf b;
    struct str text;
    int rc;

    buf_init(&b, 1u << 20);
    rc = file_read("/proc/self/mounts", &b);
    text = buf_view(&b);
    if (rc == 0)
        rc = -ENOENT;
    while (rc == -ENOENT && text.n) {
        struct str line = str_cut(text, '\n', &text);

        if (mount_has(line, controller, dir, v2))
            rc = 0;
    }
    buf_free(&b);
    return rc;
}

int cgroup_find(const char *root, const char *controller, char dir[CGROUP_PATH], bool *v2)
{
    char path[CGROUP_PATH];

    if (strcmp(root, "none") == 0)
        return -ENOENT;
    if (root[0] == '\0')
        return find_mounted(controller, dir, v2);
    if (join(path, root, "cgroup.controllers"))
        return -ENAMETOOLONG;
    *v2 = access(path, F_OK) == 0;
    if (*v2)
        return v2_has(root, controller) ? str_copy(str_of(root), dir, CGROUP_PATH) : -ENOENT;
    if (join(dir, root, controller))
        return -ENAMETOOLONG;
    return access(dir, F_OK) ? -errno : 0;
}

int cgroup_write(const char *leaf, const char *file, const char *value)
{
    char path[CGROUP_PATH];
    int fd, rc = 0;

    if (join(path, leaf, file))
        return -ENAMETOOLONG;
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (write(fd, value, strlen(value)) < 0)
        rc = -errno;
    if (close(fd) && rc == 0)
        rc = -errno;
    return rc;
}

int cgroup_procs(const char *leaf)
{
    char path[CGROUP_PATH];
    int fd;

    if (join(path, leaf, "cgroup.procs"))
        return -ENAMETOOLONG;
    fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

void cgroup_leaf_path(const char *dir, const char *tenant, uint64_t seq, char leaf[CGROUP_PATH])
{
    int n =
        snprintf(leaf, CGROUP_PATH, "%s/lastmile/%s/i%llu", dir, tenant, (unsigned long long)seq);

    if (n < 0 || n >= CGROUP_PATH)
        leaf[0] = '\0';
}

static int make_level(const char *dir, bool v2, const char *controller)
{
    char word[32];
    int rc;

    if (mkdir(dir, 0755) && errno != EEXIST)
        return -errno;
    if (!v2)
        return 0;
    snprintf(word, sizeof(word), "+%s", controller);
    rc = cgroup_write(dir, "cgroup.subtree_control", word);
    return rc;
}

int cgroup_leaf(const char *dir, bool v2, const char *controller, const char *tenant, uint64_t seq,
                char leaf[CGROUP_PATH])
{
    char level[CGROUP_PATH];
    int rc;

    cgroup_leaf_path(dir, tenant, seq, leaf);
    if (leaf[0] == '\0' || join(level, dir, "lastmile"))
        return -ENAMETOOLONG;
    rc = v2 ? make_level(dir, v2, controller) : 0;
    if (rc == 0)
        rc = make_level(level, v2, controller);
    if (rc)
        return rc;
    if (snprintf(level, sizeof(level), "%s/lastmile/%s", dir, tenant) >= CGROUP_PATH)
        return -ENAMETOOLONG;
    rc = make_level(level, v2, controller);
    if (rc == 0 && mkdir(leaf, 0755) && errno != EEXIST)
        rc = -errno;
    return rc;
}

static void kill_all(const char *leaf)
{
    char path[CGROUP_PATH];
    struct buf b;
    struct str text;
    uint64_t pid;

    buf_init(&b, 1u << 16);
    if (join(path, leaf, "cgroup.procs") == 0 && file_read(path, &b) == 0) {
        text = buf_view(&b);
        while (text.n)
            if (str_u64(str_cut(text, '\n', &text), INT32_MAX, &pid) == 0 && pid > 1)
                kill((pid_t)pid, SIGKILL);
    }
    buf_free(&b);
}

int cgroup_remove(const char *leaf)
{
    if (leaf[0] == '\0' || rmdir(leaf) == 0 || errno == ENOENT)
        return 0;
    if (cgroup_write(leaf, "cgroup.kill", "1"))
        kill_all(leaf);
    return rmdir(leaf) && errno != ENOENT ? -errno : 0;
}
