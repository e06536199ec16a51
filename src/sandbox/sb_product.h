/*
 * sb_product: the listings, from a JSON file (docs/sandbox.md shows one):
 *   [{"name","title","channel":"aws","mode":"concurrent"|"legacy",
 *     "pricing":"contract"|"usage"|"contract-with-consumption","product_code","product_id",
 *     "landing_url","plans":[{"dimension","title","price","unit","quantity"}],
 *     "usage_dimensions":["..."],"trial_days":14,"renewal":"automatic"|"none"}]
 * Entries of other channels are skipped. Read once at start; constant afterwards.
 */
#ifndef LM_SB_PRODUCT_H
#define LM_SB_PRODUCT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "sandbox/sb_core.h"

#define SB_PLANS_MAX 16
#define SB_DIMS_MAX  24 /* usage dimensions of one product (AWS seller guide) */
#define SB_DIM       256

enum sb_mode { SB_MODE_CONCURRENT, SB_MODE_LEGACY };
enum sb_pricing { SB_PRICING_CONTRACT, SB_PRICING_USAGE, SB_PRICING_CONSUMPTION };

struct sb_plan {
    char dimension[SB_DIM];
    char title[128];
    char price[64];
    char unit[64];
    int64_t quantity; /* entitled units; default 1 */
};

struct sb_product {
    char name[64];
    char title[128];
    char code[256];
    char id[64];
    char landing[1024];
    enum sb_mode mode;
    enum sb_pricing pricing;
    int64_t trial_days; /* 0 = no free trial */
    bool auto_renew;
    struct sb_plan plans[SB_PLANS_MAX];
    size_t nplans; /* at least 1 */
    char dims[SB_DIMS_MAX][SB_DIM];
    size_t ndims;
};

/* 0, or -errno with a sentence in why. */
int sb_product_load(struct sb *s, const char *path, char why[256]);
int sb_product_parse(struct sb *s, struct str json, char why[256]);
const struct sb_product *sb_product_by_name(const struct sb *s, struct str name);
const struct sb_product *sb_product_by_code(const struct sb *s, struct str code);
/* By dimension, else by title; NULL when unknown. Empty: the first plan. */
const struct sb_plan *sb_product_plan(const struct sb_product *p, struct str plan);
bool sb_product_has_dim(const struct sb_product *p, struct str dimension);
bool sb_product_entitles(const struct sb_product *p); /* GetEntitlements has something to say */
bool sb_product_meters(const struct sb_product *p);
const char *sb_product_pricing(const struct sb_product *p);

#endif
