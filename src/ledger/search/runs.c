// SPDX-License-Identifier: Apache-2.0
/* runs.c: what one can ask of runs: table runs r. */
#include "ledger/search/search.h"

static const ag_search_key attributes[] = {
    {.names = "run_id", .type = AG_SEARCH_TEXT, .where = "r.id @", .exists = "1 = 1", .order = "r.id"},
    {.names = "run_name|run name|Run name|Run Name",
     .type = AG_SEARCH_TEXT,
     .where = "r.name @",
     .exists = "1 = 1",
     .order = "r.name"},
    {.names = "user_id",
     .type = AG_SEARCH_TEXT,
     .where = "r.user_id @",
     .exists = "r.user_id IS NOT NULL",
     .order = "r.user_id"},
    {.names = "status", .type = AG_SEARCH_TEXT, .where = "r.status @", .exists = "1 = 1", .order = "r.status"},
    {.names = "artifact_uri",
     .type = AG_SEARCH_TEXT,
     .where = "r.artifact_uri @",
     .exists = "1 = 1",
     .order = "r.artifact_uri"},
    {.names = "start_time|created|Created",
     .type = AG_SEARCH_NUMBER,
     .where = "(r.started_at / 1000) @",
     .exists = "(r.started_at / 1000) IS NOT NULL",
     .order = "(r.started_at / 1000)",
     .down = "r.started_at"},
    {.names = "end_time",
     .type = AG_SEARCH_NUMBER,
     .where = "(r.ended_at / 1000) @",
     .exists = "(r.ended_at / 1000) IS NOT NULL",
     .order = "(r.ended_at / 1000)"},
};

/* What few runs fit is found by an index (`set`), what many fit by looking at runs in the order that was asked for
 * until the page is full (`where`); run_page.c decides. NaN is kept as NULL in last_value: it matches no comparison and
 * is sorted behind every number. */
static const ag_search_key metrics[] = {
    {.names = "*",
     .type = AG_SEARCH_NUMBER,
     .where = "EXISTS (SELECT 1 FROM metric_series x WHERE x.run_id = r.id AND x.key = # AND x.last_value @)",
     .set = "x.run_id FROM metric_series x WHERE x.key = # AND x.last_value ~ @",
     .exists = "EXISTS (SELECT 1 FROM metric_series x WHERE x.run_id = r.id AND x.key = #)",
     .order = "&.last_value",
     .join = "LEFT JOIN metric_series & ON &.run_id = r.id AND &.key = #",
     .table = "metric_series",
     .nullable = true},
};

static const ag_search_key params[] = {
    {.names = "*",
     .type = AG_SEARCH_TEXT,
     .where = "EXISTS (SELECT 1 FROM params x WHERE x.run_id = r.id AND x.key = # AND x.value @)",
     .set = "x.run_id FROM params x WHERE x.key = # AND substr(x.value, 1, 64) = substr(@, 1, 64) "
            "AND x.value = @",
     .exists = "EXISTS (SELECT 1 FROM params x WHERE x.run_id = r.id AND x.key = #)",
     .order = "&.value",
     .join = "LEFT JOIN params & ON &.run_id = r.id AND &.key = #",
     .table = "params",
     .prefix = "substr(&.value, 1, 64)"},
};

static const ag_search_key tags[] = {
    {.names = "*",
     .type = AG_SEARCH_TEXT,
     .where = "EXISTS (SELECT 1 FROM run_tags x WHERE x.run_id = r.id AND x.key = # AND x.value @)",
     .set = "x.run_id FROM run_tags x WHERE x.key = # AND substr(x.value, 1, 64) = substr(@, 1, 64) "
            "AND x.value = @",
     .exists = "EXISTS (SELECT 1 FROM run_tags x WHERE x.run_id = r.id AND x.key = #)",
     .order = "&.value",
     .join = "LEFT JOIN run_tags & ON &.run_id = r.id AND &.key = #",
     .table = "run_tags",
     .prefix = "substr(&.value, 1, 64)"},
};

static const ag_search_key datasets[] = {
    {.names = "name",
     .type = AG_SEARCH_TEXT,
     .where = "EXISTS (SELECT 1 FROM run_inputs i JOIN datasets d ON d.id = "
              "i.dataset_id WHERE i.run_id = r.id AND "
              "d.name @)",
     .exists = "EXISTS (SELECT 1 FROM run_inputs i WHERE i.run_id = r.id)"},
    {.names = "digest",
     .type = AG_SEARCH_TEXT,
     .where = "EXISTS (SELECT 1 FROM run_inputs i JOIN datasets d ON d.id = "
              "i.dataset_id WHERE i.run_id = r.id AND "
              "d.digest @)",
     .exists = "EXISTS (SELECT 1 FROM run_inputs i WHERE i.run_id = r.id)"},
    {.names = "context",
     .type = AG_SEARCH_TEXT,
     .where = "EXISTS (SELECT 1 FROM run_inputs i JOIN run_input_tags t ON "
              "t.input_id = i.id WHERE i.run_id = r.id AND "
              "t.key = 'mlflow.data.context' AND t.value @)",
     .exists = "EXISTS (SELECT 1 FROM run_inputs i JOIN run_input_tags t ON "
               "t.input_id = i.id WHERE i.run_id = r.id AND "
               "t.key = 'mlflow.data.context')"},
};

static const ag_search_group groups[] = {
    {"attributes|attribute|attr|run", attributes, sizeof(attributes) / sizeof(attributes[0])},
    {"metrics|metric", metrics, sizeof(metrics) / sizeof(metrics[0])},
    {"params|param|parameters|parameter", params, sizeof(params) / sizeof(params[0])},
    {"tags|tag", tags, sizeof(tags) / sizeof(tags[0])},
    {"datasets|dataset", datasets, sizeof(datasets) / sizeof(datasets[0])},
};

const ag_search_scope ag_search_runs = {
    .what = "runs",
    .groups = groups,
    .count = sizeof(groups) / sizeof(groups[0]),
    .default_order = "r.started_at DESC, r.id",
    .tie_break = "r.started_at DESC, r.id",
};
