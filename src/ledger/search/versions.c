// SPDX-License-Identifier: Apache-2.0
/* versions.c: what one can ask of model versions: table model_versions v joined
 * with models m. */
#include "ledger/search/search.h"

static const ag_search_key attributes[] = {
    {.names = "name", .type = AG_SEARCH_TEXT, .where = "m.name @", .exists = "1 = 1", .order = "m.name"},
    {.names = "version_number",
     .type = AG_SEARCH_NUMBER,
     .where = "v.number @",
     .exists = "1 = 1",
     .order = "v.number"},
    {.names = "run_id",
     .type = AG_SEARCH_TEXT,
     .where = "v.run_id @",
     .exists = "v.run_id IS NOT NULL",
     .order = "v.run_id"},
    {.names = "source_path", .type = AG_SEARCH_TEXT, .where = "v.source @", .exists = "1 = 1", .order = "v.source"},
    {.names = "creation_timestamp",
     .type = AG_SEARCH_NUMBER,
     .where = "(v.created_at / 1000) @",
     .exists = "1 = 1",
     .order = "(v.created_at / 1000)"},
    {.names = "last_updated_timestamp",
     .type = AG_SEARCH_NUMBER,
     .where = "(v.updated_at / 1000) @",
     .exists = "1 = 1",
     .order = "(v.updated_at / 1000)"},
};

static const ag_search_key tags[] = {
    /* What has no such tag is no prompt: = 'false' and != 'true' find it. */
    {.names = "mlflow.prompt.is_prompt",
     .type = AG_SEARCH_TEXT,
     .where = "COALESCE((SELECT x.value FROM version_tags x WHERE x.version_id = v.id AND x.key = "
              "'mlflow.prompt.is_prompt'), 'false') @",
     .exists = "EXISTS (SELECT 1 FROM version_tags x WHERE x.version_id = v.id AND x.key = 'mlflow.prompt.is_prompt')"},
    {.names = "*",
     .type = AG_SEARCH_TEXT,
     .where = "EXISTS (SELECT 1 FROM version_tags x WHERE x.version_id = v.id "
              "AND x.key = # AND x.value @)",
     .exists = "EXISTS (SELECT 1 FROM version_tags x WHERE x.version_id = v.id "
               "AND x.key = #)",
     .order = NULL,
     .join = NULL},
};

static const ag_search_group groups[] = {
    {"attributes|attribute|attr", attributes, sizeof(attributes) / sizeof(attributes[0])},
    {"tags|tag", tags, sizeof(tags) / sizeof(tags[0])},
};

const ag_search_scope ag_search_versions = {
    .what = "model versions",
    .groups = groups,
    .count = sizeof(groups) / sizeof(groups[0]),
    .default_order = "v.updated_at DESC, m.name, v.number DESC",
    .tie_break = "v.updated_at DESC, m.name, v.number DESC",
};
