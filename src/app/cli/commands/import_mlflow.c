// SPDX-License-Identifier: Apache-2.0
/* import_mlflow.c: what an MLflow server or directory holds, into the ledger. */
#include "app/cli/ledger.h"
#include "ledger/exchange/mlflow.h"

static const ag_option options[] = {
    {.name = "from",
     .type = AG_OPTION_TEXT,
     .required = true,
     .value_name = "STORE",
     .doc = "sqlite:///mlflow.db, postgresql://user@host/database, or a directory like mlruns"},
    {.name = "artifacts-from",
     .type = AG_OPTION_TEXT,
     .value_name = "PLACE",
     .doc = "the directory or s3: address where the MLflow server kept what it calls mlflow-artifacts:/ "
            "(its --artifacts-destination, by default mlartifacts)"},
    {.name = "keep-artifacts", .type = AG_OPTION_FLAG, .doc = "leave the files where they are, and only refer to them"},
    {.name = "dry-run", .letter = 'd', .type = AG_OPTION_FLAG, .doc = "only say what there is to take"},
    AG_OPTION_OF_DATABASE,
};
static const ag_example examples[] = {
    {"import mlflow --from sqlite:///mlflow.db --artifacts-from mlartifacts", "All of an MLflow server"},
    {"import mlflow --from mlruns", "A directory, also one that was copied from another machine"},
    {"import mlflow --from postgresql://mlflow@db/mlflow --dry-run", "What would come over"},
    {NULL, NULL},
};

enum { MOST_REMARKS = 50 };

typedef struct remarks {
    ag_invocation *invocation;
    uint64_t said;
    ag_vec kept; /* of const char *: "what: why" */
} remarks;

static void note(void *context, const char *what, const char *why)
{
    remarks *r = context;
    const char **slot;
    if (++r->said > MOST_REMARKS || !(slot = ag_vec_add(&r->kept))) return;
    *slot = ag_arena_printf(r->invocation->arena, "%s: %s", what, why);
}

typedef struct outcome {
    const ag_mlflow_source *source;
    const ag_intake_result *result;
    const remarks *skipped;
} outcome;

static void write_count(ag_json *json, const char *name, ag_intake_count count)
{
    ag_json_name(json, name);
    ag_json_begin_object(json);
    ag_json_put_int(json, "added", (int64_t)count.added);
    ag_json_put_int(json, "there", (int64_t)count.there);
    ag_json_end_object(json);
}

static void write_outcome(ag_json *json, const void *thing)
{
    const outcome *o = thing;
    const ag_intake_result *r = o->result;
    ag_json_begin_object(json);
    ag_json_put_text(json, "store", o->source->kind);
    ag_json_put_text(json, "schema", o->source->schema);
    write_count(json, "experiments", r->experiments);
    write_count(json, "runs", r->runs);
    write_count(json, "points", r->points);
    write_count(json, "logged_models", r->logged_models);
    write_count(json, "models", r->models);
    write_count(json, "versions", r->versions);
    write_count(json, "files", (ag_intake_count){r->files, r->files_there});
    ag_json_put_int(json, "bytes", (int64_t)r->bytes);
    ag_json_put_int(json, "skipped", (int64_t)r->skipped);
    ag_json_name(json, "remarks");
    ag_json_begin_array(json);
    for (size_t i = 0; i < o->skipped->kept.count; i++) {
        ag_json_text(json, *(const char **)ag_vec_at(&o->skipped->kept, i));
    }
    ag_json_end_array(json);
    ag_json_end_object(json);
}

static int print_table(ag_invocation *invocation, const ag_intake_result *r, ag_err *err)
{
    static const ag_column columns[] = {
        {"what", AG_ALIGN_LEFT, 0, 0}, {"new", AG_ALIGN_RIGHT, 0, 0}, {"there already", AG_ALIGN_RIGHT, 0, 0}};
    const struct {
        const char *name;
        ag_intake_count count;
    } rows[] = {{"experiments", r->experiments},      {"runs", r->runs},
                {"metric points", r->points},         {"logged models", r->logged_models},
                {"registered models", r->models},     {"model versions", r->versions},
                {"files", {r->files, r->files_there}}};
    enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
    const char *cells[ROWS * 3];
    for (size_t i = 0; i < ROWS; i++) {
        cells[3 * i] = rows[i].name;
        cells[3 * i + 1] = ag_arena_printf(invocation->arena, "%llu", (unsigned long long)rows[i].count.added);
        cells[3 * i + 2] = ag_arena_printf(invocation->arena, "%llu", (unsigned long long)rows[i].count.there);
    }
    ag_cli_list list = {columns, 3, cells, ROWS};
    return ag_cli_print_list(invocation, &list, false, err);
}

static int report(ag_invocation *invocation, const outcome *o, ag_err *err)
{
    if (ag_wants_json(invocation)) return ag_cli_print_thing(invocation, "import", write_outcome, o, err);
    int rc = print_table(invocation, o->result, err);
    for (size_t i = 0; i < o->skipped->kept.count; i++) {
        ag_note(invocation, "skipped %s", *(const char **)ag_vec_at(&o->skipped->kept, i));
    }
    if (o->skipped->said > o->skipped->kept.count) {
        ag_note(invocation, "and %llu more", (unsigned long long)(o->skipped->said - o->skipped->kept.count));
    }
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_actor actor = ag_cli_actor();
    ag_mlflow_source source = {0};
    ag_intake_result result = {0};
    remarks skipped = {.invocation = invocation};
    ag_vec_init(&skipped.kept, sizeof(const char *));
    ag_intake_options wanted = {.dry_run = ag_option_flag(invocation, "dry-run"),
                                .keep_artifacts = ag_option_flag(invocation, "keep-artifacts"),
                                .artifacts_from = ag_option_text(invocation, "artifacts-from"),
                                .skipped = note,
                                .context = &skipped,
                                .cancel = invocation->cancel};
    int rc = ag_cli_open_ledger(invocation, true, &ledger, err);
    if (rc >= 0) {
        wanted.progress = ag_begin_progress(invocation, "rows", 0);
        rc = ag_mlflow_import(ledger, &actor, ag_option_text(invocation, "from"), &wanted, invocation->arena, &source,
                              &result, err);
        ag_progress_free(wanted.progress);
    }
    if (rc >= 0) rc = report(invocation, &(outcome){&source, &result, &skipped}, err);
    if (rc == AG_ECANCELLED) ag_err_hint(err, "what has come over stays; the same command goes on with the rest");
    ag_vec_deinit(&skipped.kept);
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_import_mlflow = {
    .path = "import mlflow",
    .summary = "Take over everything from an MLflow server or directory",
    .doc =
        "Takes experiments, runs with whole histories, parameters, tags, data sets, artifacts, logged models and the "
        "registry with stages and aliases from MLflow 2.x or 3.x into the ledger. Runs keep their ids, experiments "
        "are matched by name. The source is only read; at best its server stands still.\n"
        "\n"
        "Doing it again adds what is new and doubles nothing, so an import that was stopped is taken up by the same "
        "command. What cannot be taken is told with the reason: docs/moving-from-mlflow.md has the list.",
    .options = AG_OPTIONS(options),
    .examples = examples,
    .run = run,
};
