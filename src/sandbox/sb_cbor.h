/*
 * sb_cbor: as much CBOR (RFC 8949) as Smithy's rpc-v2-cbor protocol needs, to and from cJSON
 * trees. Newer AWS SDKs speak it to the entitlement service.
 */
#ifndef LM_SB_CBOR_H
#define LM_SB_CBOR_H

#include <cjson/cJSON.h>

#include "base/buf.h"

/* Empty input is an empty map. Tags are dropped, byte strings refused. Free *out with
 * cJSON_Delete(). 0, -EINVAL or -ENOMEM. */
int sb_cbor_decode(struct str in, cJSON **out);
/* Numbers under the key `stamp` get tag 1 (epoch time). Errors stick to the buffer. */
void sb_cbor_encode(struct buf *out, const cJSON *value, const char *stamp);

#endif
