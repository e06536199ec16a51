/* reload: reading the configuration, at start and on HUP. */
#ifndef LM_RELOAD_H
#define LM_RELOAD_H

#include <stdbool.h>

struct config;

/* NULL when it cannot be used; every complaint is on stderr, one per line. */
struct config *reload_first(const char *path);
/* Whether the front's own secrets can be read, before there are children; complaints as above. */
bool reload_may_serve(const struct config *cfg);
/* The same for a running program: complaints go to the log; settings that only a restart can
 * change are named there. */
struct config *reload_read(const char *path, const struct config *running);

#endif
