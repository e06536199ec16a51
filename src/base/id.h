/*
 * id: identifiers. Everything durable is named so that its shard can be read off the name.
 *
 *   secret id   "<shard>.<43 base64url>"  256 random bits: registration ids and capabilities.
 *               Only sha256(random part) is stored, so the same random part can be looked up in
 *               any shard and a dump of Redis opens nothing.
 *   order id    "o<shard>-<26 base32>"    derived from channel + purchase id: the same purchase
 *               always names the same order.
 *   tenant id   "t<shard>-<20 base32>"    derived from the order id; a DNS label.
 */
#ifndef LM_ID_H
#define LM_ID_H

#include "base/hash.h"
#include "base/str.h"

#define ID_SHARDS_MAX 256
#define ID_SECRET     52 /* with NUL */
#define ID_ORDER      36
#define ID_TENANT     30

void id_secret_new(unsigned shard, char out[ID_SECRET]);
/* The capability that belongs to a registration id: same registration, same status address.
 * shard: where the capability is to be found. rand_part: random part of the registration id. */
void id_capability(unsigned shard, struct str rand_part, char out[ID_SECRET]);
/* 0 or -EINVAL; *rand_part points into s. */
int id_secret_parse(struct str s, unsigned shards, unsigned *shard, struct str *rand_part);
/* Hex of sha256 over the random part: the stored form. */
void id_secret_hash(struct str rand_part, char out[HASH_HEX]);
/* Replaces the shard of a secret id. */
void id_secret_move(struct str rand_part, unsigned shard, char out[ID_SECRET]);
unsigned id_shard_of(struct str channel, struct str purchase, unsigned shards);
void id_order(struct str channel, struct str purchase, unsigned shard, char out[ID_ORDER]);
void id_tenant(struct str order_id, char out[ID_TENANT]);
/* Shard named by an order or tenant id; 0 or -EINVAL. */
int id_shard(struct str id, unsigned shards, unsigned *shard);

#endif
