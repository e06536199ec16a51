/* Landlock by raw system calls: Debian 12's headers stop at ABI 2, kernels do not. Numbers and bits
 * from the kernel's userspace API (docs.kernel.org/userspace-api/landlock). */
#include <errno.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harden.h"

enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 };
enum { RULESET_VERSION = 1, RULE_NET_PORT = 2 };
enum { ABI_REFER = 2, ABI_TRUNCATE = 3, ABI_NET = 4, ABI_IOCTL = 5, ABI_SCOPE = 6 };

#define FS_ABI1         ((1ull << 13) - 1) /* execute, write, read, list, remove, make */
#define FS_REFER        (1ull << 13)
#define FS_TRUNCATE     (1ull << 14)
#define FS_IOCTL_DEV    (1ull << 15)
#define NET_BIND_TCP    (1ull << 0)
#define NET_CONNECT_TCP (1ull << 1)
#define SCOPE_ALL       (3ull) /* abstract unix sockets, signals */

struct ruleset {
    uint64_t fs, net, scoped;
};
struct net_port {
    uint64_t allowed, port;
};

static struct ruleset ruleset_for(long abi)
{
    struct ruleset r = {.fs = FS_ABI1};

    if (abi >= ABI_REFER)
        r.fs |= FS_REFER;
    if (abi >= ABI_TRUNCATE)
        r.fs |= FS_TRUNCATE;
    if (abi >= ABI_NET)
        r.net = NET_BIND_TCP | NET_CONNECT_TCP;
    if (abi >= ABI_IOCTL)
        r.fs |= FS_IOCTL_DEV;
    if (abi >= ABI_SCOPE)
        r.scoped = SCOPE_ALL;
    return r;
}

/* Bytes of the structure that this ABI knows. */
static size_t ruleset_size(long abi)
{
    return abi >= ABI_SCOPE ? 24 : abi >= ABI_NET ? 16 : 8;
}

int harden_landlock(const struct harden_rules *rules)
{
    long abi = syscall(CREATE_RULESET, NULL, 0, RULESET_VERSION);
    struct net_port redis = {NET_CONNECT_TCP, rules->tcp_port};
    struct ruleset r;
    int fd, rc = 0;

    if (abi < 1)
        return 0; /* ENOSYS: too old; EOPNOTSUPP: not enabled at boot */
    r = ruleset_for(abi);
    fd = (int)syscall(CREATE_RULESET, &r, ruleset_size(abi), 0);
    if (fd < 0)
        return -errno;
    if (rules->tcp_port && abi >= ABI_NET && syscall(ADD_RULE, fd, RULE_NET_PORT, &redis, 0) < 0)
        rc = -errno;
    if (rc == 0 && syscall(RESTRICT_SELF, fd, 0) < 0)
        rc = -errno;
    close(fd);
    return rc < 0 ? rc : (int)abi;
}
