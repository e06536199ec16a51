/*
 * engine_fake: an exec engine (docs/engines.md) that does nothing, for measuring what is around it.
 *
 *   engine_fake instant ENDPOINT VERB    done at once
 *   engine_fake pending MS VERB          not yet, ask again in MS, for ever
 *   engine_fake hold - VERB              runs until it or the worker is killed
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { REQUEST_MAX = 1 << 20, SHA_LEN = 64 };

static char request[REQUEST_MAX + 1];

static size_t read_request(void)
{
    size_t n = 0;
    ssize_t got;

    do {
        got = read(STDIN_FILENO, request + n, REQUEST_MAX - n);
        n += got > 0 ? (size_t)got : 0;
    } while (got > 0 && n < REQUEST_MAX);
    return n;
}

static void done(const char *endpoint)
{
    static const char key[] = "\"spec_sha256\":\"";
    const char *at = strstr(request, key);

    at = at ? at + strlen(key) : "";
    printf("{\"type\":\"result\",\"status\":\"done\",\"suspended\":false,"
           "\"observed_sha256\":\"%.*s\",\"outputs\":{\"endpoint\":\"%s\"}}\n",
           (int)strnlen(at, SHA_LEN), at, endpoint);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "", *value = argc > 2 ? argv[2] : "";
    const char *verb = argc > 3 ? argv[3] : "";

    if (read_request() == 0)
        return 75;
    if (strcmp(verb, "validate") == 0)
        printf("{\"type\":\"result\",\"status\":\"done\"}\n");
    else if (strcmp(mode, "instant") == 0)
        done(value);
    else if (strcmp(verb, "observe") == 0)
        printf("{\"type\":\"result\",\"status\":\"absent\"}\n");
    else if (strcmp(mode, "pending") == 0)
        printf("{\"type\":\"result\",\"status\":\"pending\",\"poll_after_ms\":%s}\n", value);
    else if (strcmp(mode, "hold") == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0)
        pause();
    else
        return 64;
    return 0;
}
