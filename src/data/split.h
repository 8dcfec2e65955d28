// SPDX-License-Identifier: Apache-2.0
#pragma once
/* split.h: rows into parts (folds; or train, validation and test) so that nothing that belongs together is parted, and
 * every part has its share of every stratum, as well as the groups allow. A pure function: it reads and writes nothing,
 * the same rows in any order with the same options give the same parts, on every machine. */
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/str.h"

enum { AG_SPLIT_TWINS = 2, AG_SPLIT_PARTS_MAX = 1000 };

/* Rows that share a group stay together, and so do rows that share a twin of the same place (content, trace), and
 * whoever is tied to them. An empty text ties nothing. */
typedef struct ag_split_row {
    ag_str id; /* unique among the rows */
    ag_str group;
    ag_str twins[AG_SPLIT_TWINS];
    ag_str stratum;
} ag_split_row;

typedef struct ag_split_options {
    uint64_t seed;
    const uint32_t *shares; /* what each part is to get, in any unit: {1, 1, 1} three folds, {70, 15, 15} */
    size_t parts;           /* 2 to AG_SPLIT_PARTS_MAX */
} ag_split_options;

typedef struct ag_split {
    size_t parts;
    uint32_t *part;  /* of each row, in the order they were given */
    uint32_t *group; /* likewise: the number of what stays together, by its smallest id */
    size_t group_count;
    size_t largest_group; /* rows */
    size_t stratum_count;
    const ag_str *strata; /* sorted; borrowed from the rows */
    size_t *rows;         /* of each part */
    size_t *groups;       /* of each part */
    size_t *cells;        /* [part][stratum] rows */
    double size_error;    /* how far the worst part is from its share of the rows, as a fraction of all rows */
    double stratum_error; /* how far the worst stratum's share in a part is from its share in all rows */
} ag_split;

/* Equal shares: no two parts differ by more rows than the largest group has. In any case no part is empty, and none has
 * more than its share and the largest group. AG_EINVAL when there are fewer groups than parts, or an id occurs twice.
 */
int ag_split_make(const ag_split_row *rows, size_t count, const ag_split_options *options, ag_arena *arena,
                  ag_split *out, ag_err *err);
