// SPDX-License-Identifier: Apache-2.0
/* models.c: what one can ask of registered models: table models m. */
#include "ledger/search/search.h"

static const ag_search_key attributes[] = {
    {.names = "name", .type = AG_SEARCH_TEXT, .where = "m.name @", .exists = "1 = 1", .order = "m.name"},
    {.names = "creation_timestamp",
     .type = AG_SEARCH_NUMBER,
     .where = "(m.created_at / 1000) @",
     .exists = "1 = 1",
     .order = "(m.created_at / 1000)"},
    {.names = "last_updated_timestamp|timestamp",
     .type = AG_SEARCH_NUMBER,
     .where = "(m.updated_at / 1000) @",
     .exists = "1 = 1",
     .order = "(m.updated_at / 1000)"},
};

static const ag_search_key tags[] = {
    /* What has no such tag is no prompt: = 'false' and != 'true' find it. */
    {.names = "mlflow.prompt.is_prompt",
     .type = AG_SEARCH_TEXT,
     .where = "COALESCE((SELECT x.value FROM model_tags x WHERE x.model_id = m.id AND x.key = "
              "'mlflow.prompt.is_prompt'), 'false') @",
     .exists = "EXISTS (SELECT 1 FROM model_tags x WHERE x.model_id = m.id AND x.key = 'mlflow.prompt.is_prompt')"},
    {.names = "*",
     .type = AG_SEARCH_TEXT,
     .where = "EXISTS (SELECT 1 FROM model_tags x WHERE x.model_id = m.id AND "
              "x.key = # AND x.value @)",
     .exists = "EXISTS (SELECT 1 FROM model_tags x WHERE x.model_id = m.id AND "
               "x.key = #)",
     .order = NULL,
     .join = NULL},
};

static const ag_search_group groups[] = {
    {"attributes|attribute|attr", attributes, sizeof(attributes) / sizeof(attributes[0])},
    {"tags|tag", tags, sizeof(tags) / sizeof(tags[0])},
};

const ag_search_scope ag_search_models = {
    .what = "registered models",
    .groups = groups,
    .count = sizeof(groups) / sizeof(groups[0]),
    .default_order = "m.name",
    .tie_break = "m.name",
};
