// SPDX-License-Identifier: Apache-2.0
/* models_show.c: a registered model with its versions, or one version. */
#include "app/cli/ledger.h"
#include "app/server/mlflow/write.h"

enum { MOST_VERSIONS = 1000 };

static const ag_option options[] = {AG_OPTION_OF_CSV, AG_OPTION_OF_DATABASE};
static const ag_option positionals[] = {
    {.name = "MODEL",
     .type = AG_OPTION_TEXT,
     .required = true,
     .doc = "Its name; NAME/3 or NAME@ALIAS for one version alone"},
};
static const ag_example examples[] = {
    {"models show depth", "A model and its versions"},
    {"models show depth@champion", "The version that an alias names"},
    {NULL, NULL},
};

static const char *aliases_of(ag_arena *arena, const ag_version *version)
{
    const char *text = "";
    for (size_t i = 0; i < version->alias_count && text; i++) {
        text = ag_arena_printf(arena, "%s%s%s", text, *text ? ", " : "", version->aliases[i]);
    }
    return text;
}

static int print_versions(ag_invocation *invocation, const ag_versions *found, ag_err *err)
{
    static const ag_column columns[] = {
        {"version", AG_ALIGN_RIGHT, 0, 0}, {"stage", AG_ALIGN_LEFT, 0, 0}, {"aliases", AG_ALIGN_LEFT, 0, 8},
        {"created", AG_ALIGN_LEFT, 1, 0},  {"run", AG_ALIGN_LEFT, 2, 8},   {"source", AG_ALIGN_LEFT, 3, 16},
    };
    enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };
    ag_arena *arena = invocation->arena;
    const char **cells = ag_arena_array(arena, found->count + 1, COLUMNS * sizeof(*cells));
    if (!cells) return ag_fail_memory(err, found->count);
    for (size_t i = 0; i < found->count; i++) {
        const ag_version *one = &found->items[i];
        const char *row[] = {ag_arena_printf(arena, "%lld", (long long)one->number),
                             ag_stage_name(one->stage),
                             aliases_of(arena, one),
                             ag_cli_time(arena, one->created_at),
                             one->run_id,
                             one->source};
        memcpy(cells + i * COLUMNS, row, sizeof(row));
    }
    ag_cli_list list = {columns, COLUMNS, cells, found->count};
    return ag_cli_print_list(invocation, &list, ag_option_flag(invocation, "csv"), err);
}

static int versions_of(ag_invocation *invocation, ag_ledger *ledger, const char *name, ag_versions *out, ag_err *err)
{
    ag_str order = AG_STR("version_number DESC");
    const char *quoted = strchr(name, '\'') ? NULL : name;
    const char *filter = ag_arena_printf(invocation->arena, quoted ? "name = '%s'" : "name = \"%s\"", name);
    ag_page_request page = {
        .filter = ag_str_of(filter), .order_by = &order, .order_count = 1, .max_results = MOST_VERSIONS};
    return filter ? ag_version_search(ledger, &page, invocation->arena, out, err) : ag_fail_memory(err, 1);
}

static void write_version(ag_json *json, const void *version)
{
    ag_write_version(json, version);
}

typedef struct sheet {
    const ag_registered_model *model;
    const ag_versions *versions;
} sheet;

static void write_sheet(ag_json *json, const void *thing)
{
    const sheet *s = thing;
    ag_json_begin_object(json);
    ag_json_name(json, "registered_model");
    ag_write_model(json, s->model);
    ag_json_name(json, "versions");
    ag_json_begin_array(json);
    for (size_t i = 0; i < s->versions->count; i++) ag_write_version(json, &s->versions->items[i]);
    ag_json_end_array(json);
    ag_json_end_object(json);
}

static int show_model(ag_invocation *invocation, ag_ledger *ledger, const char *name, ag_err *err)
{
    ag_registered_model model;
    ag_versions versions;
    sheet s = {&model, &versions};
    int rc = ag_model_get(ledger, ag_str_of(name), invocation->arena, &model, err);
    if (rc >= 0) rc = versions_of(invocation, ledger, name, &versions, err);
    if (rc < 0) return rc;
    if (ag_wants_json(invocation)) return ag_cli_print_thing(invocation, "model", write_sheet, &s, err);
    if (ag_option_flag(invocation, "csv")) return print_versions(invocation, &versions, err);
    ag_print(invocation, "%s\n", model.name);
    if (model.description && *model.description) ag_print(invocation, "%s\n", model.description);
    rc = print_versions(invocation, &versions, err);
    if (rc >= 0) rc = ag_cli_print_pairs(invocation, "tag", model.tags, err);
    if (rc >= 0 && versions.next) ag_note(invocation, "only the newest %d versions are shown", MOST_VERSIONS);
    return rc;
}

static int show_version(ag_invocation *invocation, ag_ledger *ledger, const char *text, ag_err *err)
{
    ag_version version;
    ag_arena *arena = invocation->arena;
    int rc = ag_cli_version(invocation, ledger, text, &version, err);
    if (rc < 0) return rc;
    if (ag_wants_json(invocation)) return ag_cli_print_thing(invocation, "version", write_version, &version, err);
    const char *made = ag_cli_time(arena, version.created_at), *aliases = aliases_of(arena, &version);
    ag_print(invocation, "%s/%lld\n", version.model, (long long)version.number);
    ag_print(invocation, "stage %s%s%s%s%s\n", ag_stage_name(version.stage), made ? ", made " : "", made ? made : "",
             aliases && *aliases ? ", aliases " : "", aliases ? aliases : "");
    if (version.description && *version.description) ag_print(invocation, "%s\n", version.description);
    ag_print(invocation, "source %s\n", version.source);
    ag_print(invocation, "files %s\n", version.storage);
    if (version.run_id) ag_print(invocation, "run %s\n", version.run_id);
    if (version.model_id) ag_print(invocation, "logged model %s\n", version.model_id);
    return ag_cli_print_pairs(invocation, "tag", version.tags, err);
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    const char *text = ag_option_text(invocation, "MODEL");
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) {
        rc = strpbrk(text, "@/") ? show_version(invocation, ledger, text, err)
                                 : show_model(invocation, ledger, text, err);
    }
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_models_show = {
    .path = "models show",
    .summary = "Show a registered model and its versions",
    .doc = "Shows a model with its versions, the newest first, or one version: where its files are, from which run it "
           "came, its stage, aliases and tags.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
