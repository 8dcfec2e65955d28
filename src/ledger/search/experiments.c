// SPDX-License-Identifier: Apache-2.0
/* experiments.c: what one can ask of experiments: table experiments e. */
#include "ledger/search/search.h"

static const ag_search_key attributes[] = {
    {.names = "name", .type = AG_SEARCH_TEXT, .where = "e.name @", .exists = "1 = 1", .order = "e.name"},
    {.names = "experiment_id", .type = AG_SEARCH_NUMBER, .where = "e.id @", .exists = "1 = 1", .order = "e.id"},
    {.names = "creation_time",
     .type = AG_SEARCH_NUMBER,
     .where = "(e.created_at / 1000) @",
     .exists = "1 = 1",
     .order = "(e.created_at / 1000)"},
    {.names = "last_update_time",
     .type = AG_SEARCH_NUMBER,
     .where = "(e.updated_at / 1000) @",
     .exists = "1 = 1",
     .order = "(e.updated_at / 1000)"},
};

static const ag_search_key tags[] = {
    {.names = "*",
     .type = AG_SEARCH_TEXT,
     .where = "EXISTS (SELECT 1 FROM experiment_tags x WHERE x.experiment_id = "
              "e.id AND x.key = # AND x.value @)",
     .exists = "EXISTS (SELECT 1 FROM experiment_tags x WHERE x.experiment_id "
               "= e.id AND x.key = #)",
     .order = "&.value",
     .join = "LEFT JOIN experiment_tags & ON &.experiment_id = e.id AND &.key = #"},
};

static const ag_search_group groups[] = {
    {"attributes|attribute|attr", attributes, sizeof(attributes) / sizeof(attributes[0])},
    {"tags|tag", tags, sizeof(tags) / sizeof(tags[0])},
};

const ag_search_scope ag_search_experiments = {
    .what = "experiments",
    .groups = groups,
    .count = sizeof(groups) / sizeof(groups[0]),
    .default_order = "e.created_at DESC, e.id DESC",
    .tie_break = "e.created_at DESC, e.id DESC",
};
