// SPDX-License-Identifier: Apache-2.0
#pragma once
/* prepared.h: a prepared dataset read back: the rows of holes.csv and the samples of a hole. */
#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "data/hole.h"
#include "data/prepare.h"

typedef struct ag_prepared_set {
    const char *dir;
    ag_prepared *holes;
    size_t count;
} ag_prepared_set;

/* All of it lives in the arena. Columns that this program does not know are passed over; ones that are missing stay
 * empty. */
int ag_prepared_load(const char *dir, ag_arena *arena, ag_prepared_set *out, ag_err *err);

/* The samples as a hole without header: channels and runs of steps. AG_ENOTFOUND when the file gave none. */
int ag_prepared_samples(const ag_prepared_set *set, const ag_prepared *record, ag_arena *arena, ag_hole **out,
                        ag_err *err);

/* The hole whose path is, or ends in, these words, or whose SHA-256 begins with them (8 digits at least). What fits
 * several is refused with their names; of copies the first is taken. */
int ag_prepared_find(const ag_prepared_set *set, const char *words, const ag_prepared **out, ag_err *err);
