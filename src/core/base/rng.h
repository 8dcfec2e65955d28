// SPDX-License-Identifier: Apache-2.0
#pragma once
/* rng.h: Philox4x32-10, a counter-based generator. A value is a pure function of (seed, stream, index): any thread can
 * compute any part, and a resumed run continues exactly where it stopped by storing one number. */
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

typedef struct ag_rng {
    uint64_t seed;   /* the key */
    uint64_t stream; /* which sequence; see ag_rng_stream() */
    uint64_t index;  /* the next 32-bit word of it; saving the three restores the generator */
} ag_rng;

/* A named stream of a seed: "dropout", "fold 3 shuffle" ... Different names are independent. Stable for ever. */
ag_rng ag_rng_stream(uint64_t seed, const char *name);
/* Stream of a stream (a fold, a sample); does not advance `rng`. */
ag_rng ag_rng_child(const ag_rng *rng, uint64_t number);

/* The raw block function: 4 words for counter block `block` of (seed, stream). */
void ag_philox4x32(uint64_t seed, uint64_t stream, uint64_t block, uint32_t out[4]);

uint32_t ag_rng_u32(ag_rng *rng);
void ag_rng_words(ag_rng *rng, uint32_t *out, size_t count); /* what so many calls of ag_rng_u32() would give */
uint64_t ag_rng_u64(ag_rng *rng);                            /* two words */
uint64_t ag_rng_below(ag_rng *rng, uint64_t bound);          /* unbiased in [0, bound); bound > 0 */
double ag_rng_double(ag_rng *rng);                           /* [0, 1), 53 bits, two words */
float ag_rng_float(ag_rng *rng);                             /* [0, 1), 24 bits, one word */
double ag_rng_normal(ag_rng *rng);                           /* mean 0, variance 1; always four words */
void ag_rng_shuffle(ag_rng *rng, void *items, size_t count, size_t item_size);

/* Unpredictable bytes of the operating system, for tokens and ids; never reproducible. */
int ag_random_bytes(void *out, size_t size, ag_err *err);
