#include <errno.h>
#include <seccomp.h>
#include <sys/prctl.h>

#include "config/config.h"
#include "harden.h"

int harden_no_ring(const struct config *cfg)
{
    scmp_filter_ctx c;
    int rc;

    if (!cfg->front.sandbox || !harden_has_sandbox())
        return 0;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    c = seccomp_init(SCMP_ACT_ALLOW);
    if (!c)
        return -ENOMEM;
    rc = seccomp_rule_add(c, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(io_uring_setup), 0);
    if (rc == 0)
        rc = seccomp_load(c);
    seccomp_release(c);
    return rc;
}
