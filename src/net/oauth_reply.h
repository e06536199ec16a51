/* oauth_reply: what a token endpoint answered. Used by oauth and by market's sign-in. Pure. */
#ifndef LM_OAUTH_REPLY_H
#define LM_OAUTH_REPLY_H

#include <cjson/cJSON.h>

#include "net/http.h"
#include "net/oauth.h"

enum { OAUTH_CODE = 96, OAUTH_TOKEN_MAX = 32 * 1024, OAUTH_REPLY_MAX = 256 * 1024 };

/* Class of an answer that brought no token, and its code (copied, NUL-terminated):
 * "AADSTS7000222" (Entra error codes reference), else the error of RFC 6749 5.2, else Google's
 * error.status, else "Http<status>", or the name of a transport error. A 2xx is OAUTH_OK. */
enum oauth_class oauth_reply_class(const struct http_reply *r, char code[OAUTH_CODE]);
/* Token and life in ms of a 2xx body: "access_token" or "accessToken"; "expires_in" as number or
 * text, or "expireTime" (RFC 3339); neither: 5 minutes. 0, -EBADMSG. token is appended to. */
int oauth_reply_token(struct str body, int64_t now_ms, struct buf *token, int64_t *life_ms);
/* One parsed answer's texts are secrets: wiped and freed. */
void oauth_json_wipe(cJSON **j);

#endif
