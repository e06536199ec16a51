/*
 * sns: Amazon SNS message envelopes and their signatures. No I/O: who needs a certificate fetches
 * it and hands it in. Source: SNS Developer Guide, "Verifying the signatures of Amazon SNS
 * messages"; checked on genuine messages of AWS.
 *
 * Who is believed, in this order: the topic must be on the caller's list (else strangers make us
 * fetch); the certificate comes from the SNS host of the topic's own region, over verified TLS
 * (never from S3, where anybody has a bucket), or is the pinned one; it is made out to SNS and was
 * valid at the message's Timestamp; its chain holds where the file carries one. AWS publishes the
 * leaf alone, and its own SDKs take the TLS origin for the chain: so do we, and only then.
 */
#ifndef LM_SNS_H
#define LM_SNS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"

struct sns_message { /* strings never NULL; subject may be */
    const char *type, *message_id, *topic, *message, *timestamp, *cert_url;
    const char *subject;               /* NULL: absent, and then not signed */
    const char *token, *subscribe_url; /* confirmations only */
    int64_t time_ms;
    unsigned version; /* 1: SHA-1, 2: SHA-256 */
    struct str signature;
};

/* Does this JSON look like an envelope at all? */
bool sns_is_envelope(const cJSON *j);
/* 0 or -EBADMSG. Strings live in the arena. */
int sns_parse(const cJSON *j, struct arena *a, struct sns_message *out);
/* "Key\nValue\n" for each signed member, the last line feed included. */
int sns_string_to_sign(const struct sns_message *m, struct buf *out);
/* list: NULL-terminated. */
bool sns_topic_ok(const struct sns_message *m, const char *const *list);
/* https, host of SNS in the topic's region, a certificate's path. */
bool sns_cert_url_ok(const char *url, const char *topic);
/* For SubscribeURL: https and the same host rule. */
bool sns_subscribe_url_ok(const char *url, const char *topic);

struct sns_trust; /* a few certificates */
/* pinned_file: "" or the one certificate that is believed instead of any other.
 * 0 or -errno (unreadable), -EINVAL (no certificate in it), -ENOMEM. */
int sns_trust_open(const char *pinned_file, struct sns_trust **out);
void sns_trust_close(struct sns_trust **t);
/* A file fetched from url, which passed sns_cert_url_ok(). 0 or -EINVAL, -ENOMEM. */
int sns_trust_add(struct sns_trust *t, const char *url, struct str pem);
/* 0; -EAGAIN: fetch m->cert_url, add, ask again; -EKEYREJECTED with *why (static). */
int sns_verify(struct sns_trust *t, const struct sns_message *m, const char **why);

#endif
