// SPDX-License-Identifier: Apache-2.0
#pragma once
/* stats_parts.h: gathering counts and spreads, for the statistics of holes and of tables. */
#include "core/base/map.h"
#include "core/base/rng.h"
#include "core/base/vec.h"
#include "data/dataset/stats.h"

/* A column under way: both views of it, until its end shows which one it is. */
typedef struct gathered {
    const char *name, *table; /* table: the first file that has it; NULL: a column of holes */
    ag_map *values;           /* text -> uint64_t * */
    uint64_t others, texts;
    uint64_t count, missing;
    double sum, least, most;
    double *sample;
    size_t kept, capacity;
    ag_rng rng;
    bool text_only, number_only;
} gathered;

typedef struct gathering {
    ag_arena *arena;
    ag_vec columns; /* gathered * */
    ag_map *tables; /* line of names -> its first column's index + 1 */
    size_t table_kinds;
} gathering;

int gathering_init(gathering *g, ag_arena *arena, ag_err *err);
void gathering_deinit(gathering *g);
int gathering_column(gathering *g, const char *table, ag_str name, gathered **out, ag_err *err);
int gather_text(gathering *g, gathered *column, ag_str text, ag_err *err);
int gather_number(gathered *column, double value, ag_err *err); /* NaN: missing */
/* Every row of a table. */
int gather_table(gathering *g, const char *path, ag_reader *source, ag_cancel *cancel, ag_err *err);
int gathering_finish(gathering *g, ag_dataset_stats *out, ag_err *err);
