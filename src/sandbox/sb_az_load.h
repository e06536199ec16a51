/*
 * sb_az_load: the publisher's credentials and the azure listings, from JSON files
 * (docs/sandbox.md shows both). Read once at the start.
 */
#ifndef LM_SB_AZ_LOAD_H
#define LM_SB_AZ_LOAD_H

#include "sandbox/sb_az.h"

/* Makes s->az from the file --azure-seller, which only its owner may read, and the listings of
 * products_path with channel azure. 0, or -errno with a sentence in why. */
int sb_az_load(struct sb *s, const char *seller_path, const char *products_path, char why[256]);

#endif
