// SPDX-License-Identifier: Apache-2.0
/* logged_models.c: what one can ask of logged models: table logged_models g. */
#include "ledger/search/search.h"

static const ag_search_key attributes[] = {
    {.names = "name", .type = AG_SEARCH_TEXT, .where = "g.name @", .exists = "1 = 1", .order = "g.name"},
    {.names = "model_id", .type = AG_SEARCH_TEXT, .where = "g.id @", .exists = "1 = 1", .order = "g.id"},
    {.names = "model_type",
     .type = AG_SEARCH_TEXT,
     .where = "g.model_type @",
     .exists = "g.model_type IS NOT NULL",
     .order = "g.model_type"},
    {.names = "status", .type = AG_SEARCH_TEXT, .where = "g.status @", .exists = "1 = 1", .order = "g.status"},
    {.names = "source_run_id",
     .type = AG_SEARCH_TEXT,
     .where = "g.run_id @",
     .exists = "g.run_id IS NOT NULL",
     .order = "g.run_id"},
    {.names = "creation_timestamp|creation_time",
     .type = AG_SEARCH_NUMBER,
     .where = "(g.created_at / 1000) @",
     .exists = "1 = 1",
     .order = "(g.created_at / 1000)"},
    {.names = "last_updated_timestamp|last_updated_time",
     .type = AG_SEARCH_NUMBER,
     .where = "(g.updated_at / 1000) @",
     .exists = "1 = 1",
     .order = "(g.updated_at / 1000)"},
};

/* A metric has a row per data set. The marks are for logged_model_search.c: a search that is narrowed to data sets
 * compares only those, and an order takes one row of each model. */
static const ag_search_key metrics[] = {
    {.names = "*",
     .type = AG_SEARCH_NUMBER,
     .where = "EXISTS (SELECT 1 FROM logged_model_metrics x WHERE x.logged_model_id = g.id AND x.key = # AND x.value @"
              "/*on*/)",
     .exists = "EXISTS (SELECT 1 FROM logged_model_metrics x WHERE x.logged_model_id = g.id AND x.key = #/*on*/)",
     .order = "&.value",
     .join =
         "LEFT JOIN logged_model_metrics & ON &.logged_model_id = g.id AND &.key = # AND "
         "(&.dataset_name, &.dataset_digest) = (SELECT y.dataset_name, y.dataset_digest FROM logged_model_metrics y "
         "WHERE y.logged_model_id = g.id AND y.key = &.key/*order-on*/ "
         "ORDER BY y.at DESC, y.step DESC, y.dataset_name, y.dataset_digest LIMIT 1)"},
};

static const ag_search_key params[] = {
    {.names = "*",
     .type = AG_SEARCH_TEXT,
     .where = "EXISTS (SELECT 1 FROM logged_model_params x WHERE "
              "x.logged_model_id = g.id AND x.key = # AND x.value @)",
     .exists = "EXISTS (SELECT 1 FROM logged_model_params x WHERE "
               "x.logged_model_id = g.id AND x.key = #)",
     .order = "&.value",
     .join = "LEFT JOIN logged_model_params & ON &.logged_model_id = g.id AND "
             "&.key = #"},
};

static const ag_search_key tags[] = {
    {.names = "*",
     .type = AG_SEARCH_TEXT,
     .where = "EXISTS (SELECT 1 FROM logged_model_tags x WHERE "
              "x.logged_model_id = g.id AND x.key = # AND x.value @)",
     .exists = "EXISTS (SELECT 1 FROM logged_model_tags x WHERE "
               "x.logged_model_id = g.id AND x.key = #)",
     .order = "&.value",
     .join = "LEFT JOIN logged_model_tags & ON &.logged_model_id = g.id AND "
             "&.key = #"},
};

static const ag_search_group groups[] = {
    {"attributes|attribute|attr", attributes, sizeof(attributes) / sizeof(attributes[0])},
    {"metrics|metric", metrics, sizeof(metrics) / sizeof(metrics[0])},
    {"params|param|parameters|parameter", params, sizeof(params) / sizeof(params[0])},
    {"tags|tag", tags, sizeof(tags) / sizeof(tags[0])},
};

const ag_search_scope ag_search_logged_models = {
    .what = "logged models",
    .groups = groups,
    .count = sizeof(groups) / sizeof(groups[0]),
    .default_order = "g.created_at DESC, g.id",
    .tie_break = "g.created_at DESC, g.id",
};
