/*
 * mail_text: one mail as RFC 5322 text. Pure.
 *
 * Every value that a buyer or a marketplace brought passes a sink: header values are refused when
 * they hold control characters and encoded (RFC 2047) when they are not ASCII, the body travels as
 * base64. Placeholders {name} in the table's texts are replaced by values, never re-read.
 */
#ifndef LM_MAIL_TEXT_H
#define LM_MAIL_TEXT_H

#include "base/buf.h"

struct mail_value {
    const char *name;
    struct str value;
};

struct mail_in {
    const char *kind;       /* registered, ready, ... alert-stuck */
    const char *from;       /* "Name <address>" or address */
    struct str to;          /* bare address */
    const char *message_id; /* without <> */
    int64_t date_ms;
    const struct mail_value *values;
    size_t nvalues;
};

/* 0; -ENOENT unknown kind; -EINVAL an address or header value is not acceptable. */
int mail_text(const struct mail_in *in, struct buf *out);
/* Mails to the seller rather than the buyer. */
bool mail_is_alert(const char *kind);
/* The bare address of "Name <address>". */
struct str mail_address(struct str from);
/* One @, no control characters, spaces or <>, at most 254 bytes. */
bool mail_address_ok(struct str a);

#endif
