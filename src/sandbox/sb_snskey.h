/*
 * sb_snskey: the sandbox's own SNS signing key. The RSA key and its self-signed certificate (CN
 * and SAN sns.amazonaws.com) are made at first use and live as long as the process.
 * String to sign and versions: SNS Developer Guide, "Verifying the signatures of Amazon SNS
 * messages": version 1 = SHA-1, 2 = SHA-256, both RSA PKCS#1 v1.5.
 */
#ifndef LM_SB_SNSKEY_H
#define LM_SB_SNSKEY_H

#include <stdint.h>

#include "base/buf.h"
#include "sandbox/sb_core.h"

#define SB_SNSKEY_PATH "/SimpleNotificationService-sandbox.pem"
#define SB_SNSKEY_URL  "https://sns.us-east-1.amazonaws.com" SB_SNSKEY_PATH

/* Appends the certificate as PEM; 0, -EIO, -ENOMEM or -ENOBUFS. */
int sb_snskey_cert(struct sb *s, struct buf *out);
/* Appends the envelope of message. 0, -EIO, -ENOMEM or -ENOBUFS. */
int sb_snskey_wrap(struct sb *s, struct str topic, struct str message, int64_t now_ms,
                   struct buf *out);
void sb_snskey_free(struct sb_sns **sns);

#endif
