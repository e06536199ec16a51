/*
 * hooks: inbound events of the channels, POST {base}/hooks/{channel}/{product}.
 *
 * The order of an answer: size; exactly one bearer token; its signature and claims, with the keys
 * that the worker publishes (hook_keys.h, hook_trust.h); only then the body is looked at: what it
 * is called (hook_event.h); stored with its task; 200. 401: not genuine. 503 with Retry-After: we
 * cannot know (no keys yet, a key we have not seen, Redis in trouble), the sender tries again.
 * What the event means and whether it is true is the worker's business: it asks the channel.
 *
 * Azure: Entra tokens (reference: azure.md 6). gcp: Pub/Sub push with OIDC (gcp.md 3), where
 * push_audience is configured. Other channels and products: 404.
 *
 * One struct hooks per front; the loop's thread only. Cost: one script per event; no command for
 * a repetition that this process remembers; key sets are read again once a minute.
 */
#ifndef LM_HOOKS_H
#define LM_HOOKS_H

#include "front.h"
#include "req.h"

enum { HOOK_BODY = 256 * 1024 };

struct hooks;

/* f->hooks. Does nothing (and leaves NULL) when no product has inbound events. Before the sandbox
 * closes: makes the crypto library load what it will need. hooks_close(): after store_close(), so
 * that no callback comes after it. */
int hooks_open(struct front *f);
void hooks_close(struct front *f);
/* Handler. */
void hook_post(struct req *r, const struct str *bound);

#endif
