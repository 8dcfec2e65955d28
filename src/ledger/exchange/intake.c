// SPDX-License-Identifier: Apache-2.0
/* intake.c: experiments and runs of another program, with parameters, tags and data sets.
 * Nothing remembers how far an import came: each row is added only if it is not there, in units of a few hundred runs,
 * so an import that was killed is simply done again. Experiments are matched by name, everything else by id. A unit may
 * be run twice by the database, so counts are made when it has landed. */
#include "ledger/exchange/intake.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/sys/clock.h"
#include "ledger/ledger_private.h"
#include "ledger/statement.h"
#include "ledger_sql.h"

enum { LARGEST_KEPT_ID = 1000000000 }; /* above, ids are not handed on: the next ones would follow them */

int ag_intake_open(ag_ledger *ledger, const ag_actor *actor, const ag_intake_options *options, ag_intake *out,
                   ag_err *err)
{
    *out = (ag_intake){.ledger = ledger, .actor = actor, .options = *options};
    out->arena = ag_arena_new(0);
    out->experiments = ag_map_new();
    out->places = ag_map_new();
    out->gone = ag_map_new();
    if (out->arena && out->experiments && out->places && out->gone) return AG_OK;
    ag_intake_close(out);
    return ag_fail_memory(err, 1);
}

void ag_intake_close(ag_intake *intake)
{
    ag_map_free(intake->experiments);
    ag_map_free(intake->places);
    ag_map_free(intake->gone);
    ag_arena_free(intake->arena);
    intake->experiments = intake->places = intake->gone = NULL;
    intake->arena = NULL;
}

void ag_intake_skip(ag_intake *intake, const char *what, const char *format, ...)
{
    char why[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof(why), format, arguments);
    va_end(arguments);
    intake->result.skipped++;
    if (intake->options.skipped) intake->options.skipped(intake->options.context, what, why);
}

/* ---- experiments ---- */

typedef struct experiment_job {
    ag_intake *intake;
    const ag_experiment *experiment;
    const char *location;
    int64_t id;
    bool added;
} experiment_job;

static int add_experiment(ag_tx *tx, experiment_job *j, ag_err *err)
{
    const ag_experiment *e = j->experiment;
    int64_t wanted, added = 0;
    ag_cell gone = e->deleted ? ag_cell_int(e->updated_at) : ag_cell_null();
    int rc = AG_OK;
    if (ag_str_to_int(ag_str_of(e->id), &wanted) && wanted > 0 && wanted < LARGEST_KEPT_ID) {
        rc = ag_tx_run(tx, &AG_SQL_INTAKE_EXPERIMENT,
                       AG_BINDS(ag_cell_int(wanted), ag_cell_text(e->name), ag_cell_text(""), ag_cell_int(e->deleted),
                                ag_cell_int(e->created_at), ag_cell_int(e->updated_at), gone),
                       &added, err);
        j->id = wanted;
    }
    if (rc >= 0 && !added) {
        rc = ag_tx_get_int(tx, &AG_SQL_INTAKE_EXPERIMENT_ANEW,
                           AG_BINDS(ag_cell_text(e->name), ag_cell_text(""), ag_cell_int(e->deleted),
                                    ag_cell_int(e->created_at), ag_cell_int(e->updated_at), gone),
                           &j->id, err);
    }
    int64_t ignored;
    if (rc >= 0) rc = ag_tx_get_int(tx, &AG_SQL_INTAKE_EXPERIMENT_IDS, AG_NO_BINDS, &ignored, err);
    if (rc < 0) return rc;
    char number[24];
    ag_format(number, sizeof(number), "%lld", (long long)j->id);
    const char *place =
        j->location ? j->location : ag_ledger_location(j->intake->arena, j->intake->ledger->artifact_root, number);
    if (!place) return ag_fail_memory(err, 1);
    return ag_tx_run(tx, &AG_SQL_EXPERIMENT_PLACE, AG_BINDS(ag_cell_int(j->id), ag_cell_text(place)), NULL, err);
}

static int put_experiment(ag_tx *tx, void *context, ag_err *err)
{
    experiment_job *j = context;
    ag_rows *rows = NULL;
    int rc = ag_tx_query(tx, &AG_SQL_EXPERIMENT_BY_NAME, AG_BINDS(ag_cell_text(j->experiment->name)), &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    j->added = rc == 0;
    if (rc > 0) j->id = ag_rows_int(rows, 0);
    ag_rows_free(rows);
    if (rc == 0) rc = add_experiment(tx, j, err);
    for (size_t i = 0; rc >= 0 && i < j->experiment->tags.count; i++) {
        const ag_pair *tag = &j->experiment->tags.items[i];
        rc = ag_tx_run(tx, &AG_SQL_INTAKE_EXPERIMENT_TAG,
                       AG_BINDS(ag_cell_int(j->id), ag_cell_str(tag->key), ag_cell_value(tag->value)), NULL, err);
    }
    return rc < 0 ? rc : AG_OK;
}

static int find_experiment(ag_tx *tx, void *context, ag_err *err)
{
    experiment_job *j = context;
    ag_rows *rows = NULL;
    int rc = ag_tx_query(tx, &AG_SQL_EXPERIMENT_BY_NAME, AG_BINDS(ag_cell_text(j->experiment->name)), &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    j->added = rc == 0;
    j->id = rc > 0 ? ag_rows_int(rows, 0) : 0;
    ag_rows_free(rows);
    return rc < 0 ? rc : AG_OK;
}

int ag_intake_experiment(ag_intake *intake, const ag_experiment *experiment, ag_err *err)
{
    experiment_job j = {.intake = intake, .experiment = experiment};
    int rc = ag_cancel_check(intake->options.cancel, err);
    if (rc < 0) return rc;
    if (intake->options.keep_artifacts && experiment->artifact_location && *experiment->artifact_location) {
        j.location = experiment->artifact_location;
    }
    rc = intake->options.dry_run ? ag_db_read(intake->ledger->db, NULL, find_experiment, &j, err)
                                 : ag_ledger_write(intake->ledger, put_experiment, &j, err);
    if (rc < 0) return rc;
    char *id = ag_arena_printf(intake->arena, "%lld", (long long)j.id);
    if (!id) return ag_fail_memory(err, 24);
    *(j.added ? &intake->result.experiments.added : &intake->result.experiments.there) += 1;
    intake->result.tags += experiment->tags.count;
    if (experiment->deleted && (rc = ag_map_put(intake->gone, ag_str_of(experiment->id), id, NULL, err)) < 0) return rc;
    return ag_map_put(intake->experiments, ag_str_of(experiment->id), id, NULL, err);
}

/* ---- runs ---- */

typedef struct runs_job {
    ag_intake *intake;
    const ag_intake_run *runs;
    size_t count;
    const char **places; /* per run: its artifact URI here */
    uint64_t added;
} runs_job;

static int put_pairs(ag_tx *tx, const ag_sql *sql, const char *id, ag_pairs pairs, ag_err *err)
{
    int rc = AG_OK;
    for (size_t i = 0; i < pairs.count && rc >= 0; i++) {
        rc = ag_tx_run(tx, sql,
                       AG_BINDS(ag_cell_text(id), ag_cell_str(pairs.items[i].key), ag_cell_value(pairs.items[i].value)),
                       NULL, err);
    }
    return rc;
}

static int put_inputs(ag_tx *tx, int64_t experiment, const ag_run *run, ag_err *err)
{
    int rc = AG_OK;
    for (size_t i = 0; i < run->input_count && rc >= 0; i++) {
        const ag_run_input *input = &run->inputs[i];
        int64_t dataset, added, link;
        rc = ag_tx_get_int(tx, &AG_SQL_DATASET_UPSERT,
                           AG_BINDS(ag_cell_int(experiment), ag_cell_text(input->name), ag_cell_text(input->digest),
                                    ag_cell_text(input->source_type), ag_cell_text(input->source),
                                    ag_cell_text(input->schema), ag_cell_text(input->profile)),
                           &dataset, err);
        if (rc >= 0) {
            rc = ag_tx_run(tx, &AG_SQL_RUN_INPUT_INSERT, AG_BINDS(ag_cell_text(run->id), ag_cell_int(dataset)), &added,
                           err);
        }
        if (rc < 0 || !added) continue;
        rc = ag_tx_get_int(tx, &AG_SQL_RUN_INPUT_ID, AG_BINDS(ag_cell_text(run->id), ag_cell_int(dataset)), &link, err);
        for (size_t t = 0; t < input->tags.count && rc >= 0; t++) {
            const ag_pair *tag = &input->tags.items[t];
            rc = ag_tx_run(tx, &AG_SQL_RUN_INPUT_TAG,
                           AG_BINDS(ag_cell_int(link), ag_cell_str(tag->key), ag_cell_value(tag->value)), NULL, err);
        }
    }
    return rc;
}

static ag_cell time_or_null(int64_t at)
{
    return at ? ag_cell_int(at) : ag_cell_null();
}

static int put_run(ag_tx *tx, runs_job *j, const ag_intake_run *one, const char *uri, ag_err *err)
{
    const ag_run *run = &one->run;
    int64_t experiment = 0, added = 0;
    const char *here = ag_map_get(j->intake->experiments, ag_str_of(run->experiment_id));
    if (!here || !ag_str_to_int(ag_str_of(here), &experiment))
        return ag_fail(err, AG_EINTERNAL, "a run without a home");
    bool with_home = ag_map_has(j->intake->gone, ag_str_of(run->experiment_id));
    int64_t deleted = with_home ? 2 : run->deleted, deleted_at = one->deleted_at ? one->deleted_at : ag_now();
    ag_cell gone = deleted ? ag_cell_int(deleted_at) : ag_cell_null();
    int rc =
        ag_tx_run(tx, &AG_SQL_INTAKE_RUN,
                  AG_BINDS(ag_cell_text(run->id), ag_cell_int(experiment), ag_cell_text(run->name),
                           ag_cell_text(run->user_id), ag_cell_text(ag_run_status_name(run->status)), ag_cell_text(uri),
                           ag_cell_int(deleted), time_or_null(run->started_at), time_or_null(run->ended_at), gone),
                  &added, err);
    j->added += added > 0;
    if (rc >= 0 && !added) {
        rc = ag_tx_run(
            tx, &AG_SQL_INTAKE_RUN_END,
            AG_BINDS(ag_cell_text(run->id), ag_cell_text(ag_run_status_name(run->status)), time_or_null(run->ended_at)),
            NULL, err);
    }
    if (rc >= 0) rc = put_pairs(tx, &AG_SQL_PARAM_INSERT, run->id, run->params, err);
    if (rc >= 0) rc = put_pairs(tx, &AG_SQL_INTAKE_RUN_TAG, run->id, run->tags, err);
    return rc < 0 ? rc : put_inputs(tx, experiment, run, err);
}

static int put_runs(ag_tx *tx, void *context, ag_err *err)
{
    runs_job *j = context;
    int rc = AG_OK;
    j->added = 0;
    for (size_t i = 0; i < j->count && rc >= 0; i++) {
        if (j->places[i]) rc = put_run(tx, j, &j->runs[i], j->places[i], err);
    }
    return rc;
}

/* Where the run's files will be. NULL: the run is not taken. */
static int choose_place(ag_intake *intake, const ag_intake_run *one, const char **out, ag_err *err)
{
    const ag_run *run = &one->run;
    const char *experiment = ag_map_get(intake->experiments, ag_str_of(run->experiment_id));
    *out = NULL;
    if (!experiment) {
        ag_intake_skip(intake, run->id, "its experiment %s is not taken", run->experiment_id);
        return AG_OK;
    }
    return ag_intake_put_place(intake, run->id, experiment, false, run->artifact_uri, one->files, out, err);
}

static void count_runs(const runs_job *j)
{
    ag_intake_result *result = &j->intake->result;
    uint64_t taken = 0;
    for (size_t i = 0; i < j->count; i++) {
        if (!j->places[i]) continue;
        taken++;
        result->params += j->runs[i].run.params.count;
        result->tags += j->runs[i].run.tags.count;
        result->inputs += j->runs[i].run.input_count;
    }
    result->runs.added += j->added;
    result->runs.there += taken - j->added;
    ag_progress_add(j->intake->options.progress, j->count, 0);
}

static int count_there(ag_tx *tx, void *context, ag_err *err)
{
    runs_job *j = context;
    int rc = AG_OK;
    j->added = 0;
    for (size_t i = 0; i < j->count && rc >= 0; i++) {
        int64_t home;
        if (!j->places[i]) continue;
        rc = ag_tx_get_int(tx, &AG_SQL_INTAKE_RUN_STATE, AG_BINDS(ag_cell_text(j->runs[i].run.id)), &home, err);
        j->added += rc == 0;
    }
    return rc < 0 ? rc : AG_OK;
}

int ag_intake_runs(ag_intake *intake, const ag_intake_run *runs, size_t count, ag_err *err)
{
    runs_job j = {.intake = intake, .runs = runs, .count = count};
    ag_arena *arena = ag_arena_new(0);
    int rc = ag_cancel_check(intake->options.cancel, err);
    j.places = arena ? ag_arena_array(arena, count + 1, sizeof(*j.places)) : NULL;
    if (rc >= 0 && !j.places) rc = ag_fail_memory(err, count);
    for (size_t i = 0; i < count && rc >= 0; i++) rc = choose_place(intake, &runs[i], &j.places[i], err);
    if (rc >= 0) {
        rc = intake->options.dry_run ? ag_db_read(intake->ledger->db, NULL, count_there, &j, err)
                                     : ag_ledger_write(intake->ledger, put_runs, &j, err);
    }
    if (rc >= 0) count_runs(&j);
    ag_arena_free(arena);
    return rc;
}
