// SPDX-License-Identifier: Apache-2.0
/* gc.c: what was deleted long enough ago goes for ever. */
#include "ledger/gc.h"
#include "app/cli/ledger.h"

static const ag_option options[] = {
    {.name = "older-than",
     .type = AG_OPTION_DURATION,
     .fallback = "30d",
     .min = 0,
     .max = 3153600000.0,
     .doc = "only what was deleted longer ago than this; 0 for everything that is deleted"},
    {.name = "run", .letter = 'r', .type = AG_OPTION_TEXT, .repeated = true, .doc = "only this deleted run"},
    {.name = "experiment",
     .letter = 'e',
     .type = AG_OPTION_TEXT,
     .repeated = true,
     .doc = "only this deleted experiment, with its runs and models"},
    {.name = "keep-artifacts", .type = AG_OPTION_FLAG, .doc = "leave the files where they are"},
    {.name = "dry-run", .letter = 'd', .type = AG_OPTION_FLAG, .doc = "only say what would go"},
    AG_OPTION_OF_CSV,
    AG_OPTION_OF_DATABASE,
};
static const ag_example examples[] = {
    {"gc --dry-run", "What would go"},
    {"gc --older-than 7d", "Remove what was deleted more than a week ago"},
    {NULL, NULL},
};

static const char *const kinds[] = {"run", "logged model", "experiment"};

typedef struct found {
    ag_arena *arena;
    ag_vec items; /* of ag_gc_item */
    bool failed;
} found;

static void keep(void *context, const ag_gc_item *item)
{
    found *f = context;
    ag_gc_item *slot = ag_vec_add(&f->items);
    if (!slot) {
        f->failed = true;
        return;
    }
    *slot = (ag_gc_item){item->kind, ag_arena_strdup(f->arena, item->id),
                         ag_arena_strdup(f->arena, item->artifact_uri ? item->artifact_uri : ""),
                         item->kept ? ag_arena_strdup(f->arena, item->kept) : NULL};
}

static void write_item(ag_json *json, const void *thing)
{
    const ag_gc_item *item = thing;
    ag_json_begin_object(json);
    ag_json_put_text(json, "kind", kinds[item->kind]);
    ag_json_put_text(json, "id", item->id);
    ag_json_put_text(json, "artifact_uri", item->artifact_uri);
    ag_json_put_text(json, "kept", item->kept);
    ag_json_end_object(json);
}

static int print_table(ag_invocation *invocation, const ag_vec *items, ag_err *err)
{
    static const ag_column columns[] = {{"kind", AG_ALIGN_LEFT, 0, 0},
                                        {"id", AG_ALIGN_LEFT, 0, 8},
                                        {"files", AG_ALIGN_LEFT, 1, 16},
                                        {"kept because", AG_ALIGN_LEFT, 0, 8}};
    enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };
    const char **cells = ag_arena_array(invocation->arena, items->count + 1, COLUMNS * sizeof(*cells));
    if (!cells) return ag_fail_memory(err, items->count);
    for (size_t i = 0; i < items->count; i++) {
        const ag_gc_item *item = ag_vec_at(items, i);
        const char *row[] = {kinds[item->kind], item->id, item->artifact_uri, item->kept};
        memcpy(cells + i * COLUMNS, row, sizeof(row));
    }
    ag_cli_list list = {columns, COLUMNS, cells, items->count};
    return ag_cli_print_list(invocation, &list, ag_option_flag(invocation, "csv"), err);
}

static int choose(ag_invocation *invocation, ag_ledger *ledger, ag_gc_options *out, ag_err *err)
{
    ag_str *experiments = NULL;
    int rc = AG_OK;
    const ag_option_value *values = ag_option_values(invocation, "run", &out->run_count);
    ag_str *runs = ag_arena_array(invocation->arena, out->run_count + 1, sizeof(*runs));
    if (!runs) return ag_fail_memory(err, out->run_count);
    for (size_t i = 0; i < out->run_count && rc >= 0; i++) {
        rc = ag_cli_run(invocation, ledger, values[i].text, &runs[i], err);
    }
    out->run_ids = runs;
    if (rc >= 0 && ag_option_given(invocation, "experiment")) {
        rc = ag_cli_experiments(invocation, ledger, "experiment", &experiments, &out->experiment_count, err);
    }
    out->experiment_ids = experiments;
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_actor actor = ag_cli_actor();
    ag_gc_result result = {0};
    found f = {.arena = invocation->arena};
    ag_gc_options wanted = {.older_than = ag_option_duration(invocation, "older-than"),
                            .dry_run = ag_option_flag(invocation, "dry-run"),
                            .keep_artifacts = ag_option_flag(invocation, "keep-artifacts"),
                            .each = keep,
                            .context = &f,
                            .cancel = invocation->cancel};
    ag_vec_init(&f.items, sizeof(ag_gc_item));
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) rc = choose(invocation, ledger, &wanted, err);
    if (rc >= 0) rc = ag_ledger_gc(ledger, &actor, &wanted, &result, err);
    if (rc >= 0 && f.failed) rc = ag_fail_memory(err, sizeof(ag_gc_item));
    if (rc >= 0) {
        rc = ag_wants_json(invocation) ? ag_cli_print_things(invocation, "removed", write_item, f.items.items,
                                                             sizeof(ag_gc_item), f.items.count, err)
                                       : print_table(invocation, &f.items, err);
    }
    if (rc >= 0) {
        ag_note(invocation, "%s: %llu runs, %llu logged models, %llu experiments",
                wanted.dry_run ? "would go" : "removed", (unsigned long long)result.runs,
                (unsigned long long)result.logged_models, (unsigned long long)result.experiments);
    }
    ag_vec_deinit(&f.items);
    ag_ledger_close(ledger);
    return rc < 0 ? rc : result.failed > 0;
}

const ag_command ag_command_gc = {
    .path = "gc",
    .summary = "Remove for ever what was deleted long enough ago",
    .doc =
        "Removes deleted runs, logged models and experiments with their files. A server may run meanwhile. Each "
        "removal "
        "stands in the audit log. What has files that cannot be removed stays, with the reason; the exit status is 1 "
        "then.",
    .options = AG_OPTIONS(options),
    .examples = examples,
    .run = run,
};
