#include "harden.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/log.h"
#include "config/config.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

enum { REDIS_PORT = 6379 }; /* as the store takes it */

/* A service manager may have done it, and then forbidden the call. */
static int no_core(void)
{
    struct rlimit r = {0, 0};

    if (setrlimit(RLIMIT_CORE, &r) == 0)
        return 0;
    return getrlimit(RLIMIT_CORE, &r) == 0 && r.rlim_max == 0 ? 0 : -EPERM;
}

static int basics(void)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return -errno;
    return no_core();
}

bool harden_has_sandbox(void)
{
#ifdef SANITIZED
    return false;
#else
    return true;
#endif
}

int harden_process(const struct config *cfg, enum harden_kind kind)
{
    struct harden_rules rules = {.threads = kind == HARDEN_THREADS};
    int rc = basics(), landlock = 0, seccomp = 0;

    if (rc < 0)
        return rc;
    if (!cfg->redis.socket[0])
        rules.tcp_port = cfg->redis.port ? cfg->redis.port : REDIS_PORT;
    if (cfg->front.sandbox && harden_has_sandbox()) {
        landlock = harden_landlock(&rules);
        if (landlock < 0)
            return landlock;
        seccomp = harden_seccomp(&rules);
        if (seccomp < 0)
            return seccomp;
    }
    if (kind == HARDEN_CGI)
        return 0; /* one line per request would be no news */
    LOG(LOG_INFO, "front.hardened", F("privileges", "no_new_privs,no_core,not_dumpable"),
        FI("landlock_abi", landlock), F("files", landlock ? "none" : "not restricted by landlock"),
        F("seccomp", seccomp ? "allow-list, kill" : "off"),
        F("inet", !rules.tcp_port ? "none"
                  : landlock >= 4 ? "tcp connect to the redis port only"
                                  : "tcp, any port (this kernel's landlock has no net rules)"),
        FI("redis_port", rules.tcp_port));
    return 0;
}
