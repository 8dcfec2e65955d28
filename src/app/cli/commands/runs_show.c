// SPDX-License-Identifier: Apache-2.0
/* runs_show.c: all about one run, its metrics with a small picture of their course, the most telling first. */
#include "app/cli/ledger.h"
#include "app/cli/notable.h"
#include "app/server/mlflow/write.h"

enum { PICTURE = 32 };

static const ag_option options[] = {AG_OPTION_OF_DATABASE};
static const ag_option positionals[] = {
    AG_POSITIONAL_OF_RUN,
};
static const ag_example examples[] = {
    {"runs show 4f2a91", "A run by the first digits of its id"},
    {NULL, NULL},
};

typedef struct sheet { /* what is being printed */
    ag_invocation *invocation;
    ag_ledger *ledger;
    const ag_run *run;
} sheet;

static int print_facts(const sheet *s)
{
    const ag_run *run = s->run;
    ag_arena *arena = s->invocation->arena;
    const char *started = ag_cli_time(arena, run->started_at);
    const char *took = ag_cli_duration(arena, run->started_at, run->ended_at);
    ag_print(s->invocation, "%s  %s\n", run->id, run->name ? run->name : "");
    ag_print(s->invocation, "experiment %s, %s%s%s%s%s%s\n", run->experiment_id, ag_run_status_name(run->status),
             run->deleted ? ", deleted" : "", started ? ", started " : "", started ? started : "",
             took ? ", took " : "", took ? took : "");
    if (run->user_id && *run->user_id) ag_print(s->invocation, "by %s\n", run->user_id);
    ag_print(s->invocation, "artifacts %s\n", run->artifact_uri);
    return AG_OK;
}

static int print_metrics(const sheet *s, ag_err *err)
{
    static const ag_column columns[] = {{"metric", AG_ALIGN_LEFT, 0, 8},
                                        {"last", AG_ALIGN_RIGHT, 0, 0},
                                        {"step", AG_ALIGN_RIGHT, 1, 0},
                                        {"course", AG_ALIGN_LEFT, 2, 0}};
    const ag_run *run = s->run;
    ag_arena *arena = s->invocation->arena;
    const ag_notable *metrics;
    size_t count;
    if (!run->metric_count) return AG_OK;
    int rc = ag_notable_metrics(run, 1, arena, &metrics, &count, err);
    if (rc < 0) return rc;
    const char **cells = ag_arena_array(arena, count + 1, 4 * sizeof(*cells));
    if (!cells) return ag_fail_memory(err, count);
    for (size_t i = 0; i < count && rc >= 0; i++) {
        const ag_metric *metric = metrics[i].metric;
        const char *row[] = {metric->key, ag_cli_number(arena, metric->value),
                             ag_arena_printf(arena, "%lld", (long long)metric->step), NULL};
        if (!row[1] || !row[2]) return ag_fail_memory(err, 1);
        rc = ag_cli_curve(s->ledger, arena, run->id, metric->key, PICTURE, &row[3], err);
        memcpy(cells + i * 4, row, sizeof(row));
    }
    if (rc < 0) return rc;
    ag_print(s->invocation, "\n");
    ag_cli_list list = {columns, 4, cells, count};
    return ag_cli_print_list(s->invocation, &list, false, err);
}

static int print_inputs(const sheet *s, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, 1 << 20);
    ag_run_inputs_write(s->run, AG_MAX_DATASET_DIGEST, false, "\nread ", &text);
    if (text.size) ag_print(s->invocation, "\nread %.*s\n", (int)text.size, text.data);
    int rc = ag_buf_check(&text, "the data sets of the run", err);
    ag_buf_deinit(&text);
    if (rc < 0) return rc;
    for (size_t i = 0; i < s->run->model_output_count; i++) {
        ag_print(s->invocation, "made %s\n", s->run->model_outputs[i].model_id);
    }
    return AG_OK;
}

static int print_sheet(const sheet *s, ag_err *err)
{
    int rc = print_facts(s);
    if (rc >= 0) rc = print_metrics(s, err);
    if (rc >= 0) rc = ag_cli_print_pairs(s->invocation, "parameter", s->run->params, err);
    if (rc >= 0) rc = ag_cli_print_pairs(s->invocation, "tag", s->run->tags, err);
    return rc < 0 ? rc : print_inputs(s, err);
}

static int print_json(ag_invocation *invocation, const ag_run *run, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, (size_t)256 << 20);
    ag_json json = ag_json_writer(&text, 0, AG_JSON_NONFINITE_TEXT);
    ag_json_begin_object(&json);
    ag_json_name(&json, "run");
    ag_write_run(&json, run);
    ag_json_end_object(&json);
    int rc = ag_print_json(invocation, &json, &text, err);
    ag_buf_deinit(&text);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_str id;
    ag_run found;
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) rc = ag_cli_run(invocation, ledger, ag_option_text(invocation, "RUN"), &id, err);
    if (rc >= 0) rc = ag_run_get(ledger, id, invocation->arena, &found, err);
    sheet s = {invocation, ledger, &found};
    if (rc >= 0) rc = ag_wants_json(invocation) ? print_json(invocation, &found, err) : print_sheet(&s, err);
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_runs_show = {
    .path = "runs show",
    .summary = "Show a run: metrics with their course, parameters, tags, inputs",
    .doc = "Shows all about a run. Beside each metric stands its last value and a small picture of its course, which "
           "keeps the extremes. With --json the run is printed whole, as MLflow's protocol has it.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
