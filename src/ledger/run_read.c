// SPDX-License-Identifier: Apache-2.0
/* run_read.c: rows of the database into runs. Everything that hangs on runs is read for a whole page at once. */
#include <math.h>

#include "ledger/collect.h"
#include "ledger/run_private.h"
#include "ledger/statement.h"
#include "ledger_sql.h"

int ag_run_take(ag_rows *rows, ag_arena *arena, ag_run *out, ag_err *err)
{
    int rc;
    *out = (ag_run){
        .deleted = ag_rows_int(rows, 6) != 0, .started_at = ag_rows_int(rows, 7), .ended_at = ag_rows_int(rows, 8)};
    if ((rc = ag_take_text(rows, 0, arena, &out->id, err)) < 0) return rc;
    out->experiment_id = ag_arena_printf(arena, "%lld", (long long)ag_rows_int(rows, 1));
    if (!out->experiment_id) return ag_fail_memory(err, 20);
    if ((rc = ag_take_text(rows, 2, arena, &out->name, err)) < 0) return rc;
    if ((rc = ag_take_text(rows, 3, arena, &out->user_id, err)) < 0) return rc;
    if ((rc = ag_take_text(rows, 5, arena, &out->artifact_uri, err)) < 0) return rc;
    if (!ag_run_status_parse(ag_rows_text(rows, 4), &out->status)) {
        return ag_fail(err, AG_ECORRUPT, "run %s has a status that there is not", out->id);
    }
    return AG_OK;
}

/* ---- what belongs to a page of runs ---- */

static int take_metric(ag_rows *rows, ag_arena *arena, void *item, ag_err *err)
{
    ag_metric *metric = item;
    metric->value = ag_rows_is_null(rows, 2) ? (double)NAN : ag_rows_real(rows, 2);
    metric->at = ag_rows_int(rows, 3);
    metric->step = ag_rows_int(rows, 4);
    return ag_take_text(rows, 1, arena, &metric->key, err);
}

static void give_metrics(void *context, size_t owner, const void *items, size_t count)
{
    ag_run *run = (ag_run *)context + owner;
    run->metrics = items;
    run->metric_count = count;
}

static void give_params(void *context, size_t owner, const void *items, size_t count)
{
    ((ag_run *)context)[owner].params = (ag_pairs){items, count};
}

static void give_tags(void *context, size_t owner, const void *items, size_t count)
{
    ((ag_run *)context)[owner].tags = (ag_pairs){items, count};
}

typedef struct input_row { /* an input with its key, until its tags have been joined */
    int64_t id;
    ag_run_input input;
} input_row;

static int take_input(ag_rows *rows, ag_arena *arena, void *item, ag_err *err)
{
    input_row *row = item;
    ag_run_input *input = &row->input;
    const char **columns[] = {&input->name,   &input->digest, &input->source_type,
                              &input->source, &input->schema, &input->profile};
    row->id = ag_rows_int(rows, 1);
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        int rc = ag_take_text(rows, 2 + i, arena, columns[i], err);
        if (rc < 0) return rc;
    }
    return AG_OK;
}

typedef struct input_tag {
    int64_t input;
    ag_pair pair;
} input_tag;

static int take_input_tag(ag_rows *rows, ag_arena *arena, void *item, ag_err *err)
{
    input_tag *tag = item;
    tag->input = ag_rows_int(rows, 1);
    int rc = ag_take_str(rows, 2, arena, &tag->pair.key, err);
    return rc < 0 ? rc : ag_take_str(rows, 3, arena, &tag->pair.value, err);
}

typedef struct slice {
    const void *items;
    size_t count;
} slice;

static void give_slice(void *context, size_t owner, const void *items, size_t count)
{
    ((slice *)context)[owner] = (slice){items, count};
}

/* Both are in order of the input's id, so the tags of an input lie together. */
static int join_inputs(ag_arena *arena, ag_run *run, slice rows, slice tags, ag_err *err)
{
    const input_row *row = rows.items;
    const input_tag *tag = tags.items;
    ag_run_input *inputs = ag_arena_array(arena, rows.count + 1, sizeof(*inputs));
    ag_pair *pairs = ag_arena_array(arena, tags.count + 1, sizeof(*pairs));
    if (!inputs || !pairs) return ag_fail_memory(err, rows.count * sizeof(*inputs));
    size_t at = 0;
    for (size_t i = 0; i < rows.count; i++) {
        inputs[i] = row[i].input;
        size_t from = at;
        for (; at < tags.count && tag[at].input == row[i].id; at++) pairs[at] = tag[at].pair;
        inputs[i].tags = (ag_pairs){pairs + from, at - from};
    }
    run->inputs = inputs;
    run->input_count = rows.count;
    return AG_OK;
}

static int fill_inputs(ag_tx *tx, ag_arena *arena, ag_run *runs, const ag_cell *ids, size_t count, ag_err *err)
{
    slice *rows = ag_arena_array(arena, count + 1, sizeof(*rows));
    slice *tags = ag_arena_array(arena, count + 1, sizeof(*tags));
    if (!rows || !tags) return ag_fail_memory(err, count * sizeof(*rows));
    ag_collect inputs = {&AG_SQL_RUN_INPUTS, sizeof(input_row), take_input, give_slice, rows};
    ag_collect input_tags = {&AG_SQL_RUN_INPUTS_TAGS, sizeof(input_tag), take_input_tag, give_slice, tags};
    int rc = ag_collect_run(&inputs, tx, arena, ids, count, err);
    if (rc >= 0) rc = ag_collect_run(&input_tags, tx, arena, ids, count, err);
    for (size_t i = 0; i < count && rc >= 0; i++) {
        if (rows[i].count) rc = join_inputs(arena, &runs[i], rows[i], tags[i], err);
    }
    return rc;
}

typedef struct model_row {
    bool is_output;
    ag_run_model model;
} model_row;

static int take_model(ag_rows *rows, ag_arena *arena, void *item, ag_err *err)
{
    model_row *row = item;
    row->is_output = ag_rows_int(rows, 1) != 0;
    row->model.step = ag_rows_int(rows, 3);
    return ag_take_text(rows, 2, arena, &row->model.model_id, err);
}

static int fill_models(ag_tx *tx, ag_arena *arena, ag_run *runs, const ag_cell *ids, size_t count, ag_err *err)
{
    slice *rows = ag_arena_array(arena, count + 1, sizeof(*rows));
    if (!rows) return ag_fail_memory(err, count * sizeof(*rows));
    ag_collect collect = {&AG_SQL_RUN_MODELS, sizeof(model_row), take_model, give_slice, rows};
    int rc = ag_collect_run(&collect, tx, arena, ids, count, err);
    for (size_t i = 0; i < count && rc >= 0; i++) {
        if (!rows[i].count) continue;
        const model_row *row = rows[i].items;
        ag_run_model *models = ag_arena_array(arena, rows[i].count, sizeof(*models));
        if (!models) return ag_fail_memory(err, rows[i].count * sizeof(*models));
        size_t inputs = 0; /* inputs come first: is_output is in the order */
        for (size_t m = 0; m < rows[i].count; m++) {
            models[m] = row[m].model;
            inputs += !row[m].is_output;
        }
        runs[i].model_inputs = models;
        runs[i].model_input_count = inputs;
        runs[i].model_outputs = models + inputs;
        runs[i].model_output_count = rows[i].count - inputs;
    }
    return rc;
}

int ag_run_fill(ag_tx *tx, ag_arena *arena, ag_run *runs, size_t count, ag_err *err)
{
    ag_cell *ids = ag_arena_array(arena, count + 1, sizeof(*ids));
    if (!ids) return ag_fail_memory(err, count * sizeof(*ids));
    for (size_t i = 0; i < count; i++) ids[i] = ag_cell_text(runs[i].id);
    const ag_collect plain[] = {
        {&AG_SQL_RUN_METRICS, sizeof(ag_metric), take_metric, give_metrics, runs},
        {&AG_SQL_RUN_PARAMS, sizeof(ag_pair), ag_collect_pair, give_params, runs},
        {&AG_SQL_RUN_TAGS, sizeof(ag_pair), ag_collect_pair, give_tags, runs},
    };
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        int rc = ag_collect_run(&plain[i], tx, arena, ids, count, err);
        if (rc < 0) return rc;
    }
    int rc = fill_inputs(tx, arena, runs, ids, count, err);
    return rc < 0 ? rc : fill_models(tx, arena, runs, ids, count, err);
}

int ag_run_find(ag_tx *tx, ag_str id, ag_arena *arena, ag_run *out, ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_tx_query(tx, &AG_SQL_RUN_BY_ID, AG_BINDS(ag_cell_str(id)), &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    if (rc > 0)
        rc = ag_run_take(rows, arena, out, err);
    else if (rc == 0)
        rc = ag_fail(err, AG_ENOTFOUND, "Run with id=%.*s not found", AG_STR_ARG(id));
    ag_rows_free(rows);
    return rc;
}
