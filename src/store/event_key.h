/*
 * event_key: under which key one inbound fact is stored, made alike by everybody who takes facts
 * in (worker polls, front's hooks), so that a fact that comes both ways is one event.
 *
 * The text says what makes a fact unique at its channel: for aws see market_event.dedupe.
 *   azure  "<operation id>\n<action>"   (one operation id is used by several actions)
 *   gcp    "<eventType>\n<eventId>"     (three types of one purchase share an eventId; the type is
 *                                        empty where Google sends none)
 * Pure; any thread.
 */
#ifndef LM_EVENT_KEY_H
#define LM_EVENT_KEY_H

#include <cjson/cJSON.h>

#include "base/hash.h"
#include "base/str.h"

enum { EVENT_ID = 33, EVENT_TEXT = 400 };

struct event_key {
    char dedupe[HASH_HEX];
    char id[EVENT_ID]; /* of the stored event: the first half of dedupe */
    unsigned shard;
};

void event_key(struct str channel, struct str text, unsigned shards, struct event_key *out);
/* body: the webhook; notification: what message.data of Pub/Sub decodes to. 0, or -ENOENT when
 * it has no id of its own. */
int event_text_azure(const cJSON *body, char out[EVENT_TEXT]);
int event_text_gcp(const cJSON *notification, char out[EVENT_TEXT]);

#endif
