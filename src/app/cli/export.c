// SPDX-License-Identifier: Apache-2.0
/* export.c: one export, whatever the format. */
#include "app/cli/export.h"

static void note(void *context, const char *what, const char *why)
{
    ag_note(context, "skipped %s: %s", what, why);
}

static void write_result(ag_json *json, const void *thing)
{
    const ag_export_result *r = thing;
    ag_json_begin_object(json);
    ag_json_put_int(json, "experiments", (int64_t)r->experiments);
    ag_json_put_int(json, "runs", (int64_t)r->runs);
    ag_json_put_int(json, "points", (int64_t)r->points);
    ag_json_put_int(json, "files", (int64_t)r->files);
    ag_json_put_int(json, "bytes", (int64_t)r->bytes);
    ag_json_put_int(json, "models", (int64_t)r->models);
    ag_json_put_int(json, "versions", (int64_t)r->versions);
    ag_json_put_int(json, "skipped", (int64_t)r->skipped);
    ag_json_end_object(json);
}

static int choose(ag_invocation *invocation, ag_ledger *ledger, ag_export_options *out, ag_err *err)
{
    ag_str *ids = NULL;
    size_t count = 0;
    out->filter = ag_str_of(ag_option_text(invocation, "filter"));
    if (!ag_option_given(invocation, "experiment")) return AG_OK;
    int rc = ag_cli_experiments(invocation, ledger, "experiment", &ids, &count, err);
    out->experiments = ids;
    out->experiment_count = count;
    return rc;
}

int ag_cli_export(ag_invocation *invocation, ag_cli_export_fn run, const char *project, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_export_result result = {0};
    const char *directory = ag_option_text(invocation, "DIR");
    ag_export_options wanted = {.no_artifacts = ag_option_flag(invocation, "no-artifacts"),
                                .project = project,
                                .skipped = note,
                                .context = invocation,
                                .cancel = invocation->cancel};
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) rc = choose(invocation, ledger, &wanted, err);
    if (rc >= 0) {
        wanted.progress = ag_begin_progress(invocation, "runs", 0);
        rc = ag_cli_explain(invocation, run(ledger, directory, &wanted, &result, err), err);
        ag_progress_free(wanted.progress);
    }
    ag_ledger_close(ledger);
    if (rc < 0) return rc;
    if (ag_wants_json(invocation)) return ag_cli_print_thing(invocation, "export", write_result, &result, err);
    ag_print(invocation, "%s\n", directory);
    ag_note(invocation, "%llu runs with %llu points and %llu files", (unsigned long long)result.runs,
            (unsigned long long)result.points, (unsigned long long)result.files);
    return AG_OK;
}
