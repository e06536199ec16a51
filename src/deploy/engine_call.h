/* engine_call: what every engine does with a call: copy it, check the tenant's name. */
#ifndef LM_ENGINE_CALL_H
#define LM_ENGINE_CALL_H

#include "deploy/engine.h"

/* Deep copy on the arena; template is not copied (it lives as long as the configuration). NULL
 * strings become "". NULL: no memory. */
struct engine_call *engine_call_copy(struct arena *a, const struct engine_call *call);
/* Lower case letters, digits and inner hyphens, at most 40: safe as a file name, a DNS label and
 * in the web server's patterns. "exec" is the exec engine's directory. */
bool engine_tenant_ok(const char *tenant);
const char *engine_or_empty(const char *s);
/* text with {tenant} replaced. NULL: no memory. */
const char *engine_render(struct arena *a, const char *text, const char *tenant);

#endif
