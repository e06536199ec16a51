/* scripted: a loop, an HTTP client and tests/peer/scripted.py for one test program. */
#ifndef LM_TEST_SCRIPTED_H
#define LM_TEST_SCRIPTED_H

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/json.h"
#include "net/http.h"
#include "peer.h"

struct scripted {
    uv_loop_t loop;
    struct http *http;
    struct peer peer;
    char origin[64];
    char body[1 << 18]; /* the last answer to a side question */
    unsigned calls;
};

static struct scripted sc;

static inline int scripted_start(void **state)
{
    (void)state;
    uv_loop_init(&sc.loop);
    if (!peer_start(&sc.peer, "tests/peer/scripted.py", NULL, NULL)) {
        fprintf(stderr, "skipped: no /usr/bin/python3 or tests/peer/scripted.py\n");
        sc.peer.port = 0;
        return 0;
    }
    snprintf(sc.origin, sizeof(sc.origin), "http://127.0.0.1:%u", sc.peer.port);
    return 0;
}

static inline int scripted_stop(void **state)
{
    (void)state;
    if (sc.peer.port)
        peer_stop(&sc.peer);
    return uv_loop_close(&sc.loop);
}

static inline void scripted_spin(const unsigned *calls, unsigned wanted)
{
    while (*calls < wanted)
        uv_run(&sc.loop, UV_RUN_ONCE);
}

static inline void scripted_on(void *arg, const struct http_reply *r)
{
    (void)arg;
    sc.calls++;
    (void)str_copy(r->body, sc.body, sizeof(sc.body));
}

static inline const char *scripted_ask(const char *method, const char *path, const char *body)
{
    char url[128];
    struct http_request rq = {
        .method = method, .url = url, .allow = HTTP_LOOPBACK, .reply_max = sizeof(sc.body)};

    snprintf(url, sizeof(url), "%s%s", sc.origin, path);
    rq.body = str_of(body);
    sc.calls = 0;
    http_start(sc.http, &rq, scripted_on, NULL);
    scripted_spin(&sc.calls, 1);
    return sc.body;
}

static inline void scripted_rules(const char *json)
{
    scripted_ask("PUT", "/_rules", json);
}

/* The log as JSON; for the caller to cJSON_Delete(). */
static inline cJSON *scripted_log(void)
{
    return cJSON_Parse(scripted_ask("GET", "/_log", ""));
}

static inline int scripted_count(void)
{
    cJSON *log = scripted_log();
    int n = cJSON_GetArraySize(log);

    cJSON_Delete(log);
    return n;
}

#endif
