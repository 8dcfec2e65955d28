// SPDX-License-Identifier: Apache-2.0
/* record_here.c: runs in a ledger that is open in this process: every call is done when it returns. */
#include "core/blob/tree.h"
#include "core/hash/encode.h"
#include "core/io/stream.h"
#include "learn/record_place.h"
#include "learn/registration.h"
#include "ledger/artifact.h"
#include "ledger/experiment.h"

/* The run that was interrupted is running again. */
static int take_up(ag_record_place *place, const ag_record_options *options, ag_run *run, ag_err *err)
{
    ag_err absent = {0};
    const char *id = options->run_id;
    ag_run_status running = AG_RUN_RUNNING;
    int64_t never = 0;
    ag_run_change change = {.status = &running, .ended_at = &never};
    ag_ledger *ledger = place->tracker.ledger;
    int rc = ag_run_get(ledger, ag_str_of(id), place->arena, run, &absent);
    if (rc == AG_ENOTFOUND || (rc >= 0 && run->deleted)) return 0;
    if (rc < 0) {
        if (err) *err = absent;
        return rc;
    }
    rc = ag_record_named(options, id, run->experiment_id, err);
    if (rc >= 0) rc = ag_run_update(ledger, ag_str_of(id), &change, place->arena, run, err);
    return rc < 0 ? rc : 1;
}

static int begin(ag_record_place *place, const ag_record_options *options, ag_pairs tags, ag_run *run, ag_err *err)
{
    const ag_actor actor = {.name = "auger train"};
    const char *experiment = NULL;
    char id[33];
    ag_ledger *ledger = place->tracker.ledger;
    int rc = ag_experiment_ensure(ledger, &actor, ag_str_of(options->experiment), place->arena, &experiment, err);
    if (rc >= 0) rc = ag_id_new(id, err);
    if (rc >= 0) rc = ag_record_named(options, id, experiment, err);
    if (rc < 0) return rc;
    ag_run_new fresh = {.id = ag_str_of(id),
                        .experiment_id = ag_str_of(experiment),
                        .name = ag_str_of(options->run_name),
                        .tags = tags};
    return ag_run_create(ledger, &fresh, place->arena, run, err);
}

static int open_here(ag_record_place *place, const ag_record_options *options, ag_pairs tags, ag_err *err)
{
    ag_run run;
    int rc = options->run_id ? take_up(place, options, &run, err) : 0;
    if (rc == 0) rc = begin(place, options, tags, &run, err);
    if (rc < 0) return rc;
    place->run_id = run.id;
    place->experiment_id = run.experiment_id;
    place->artifact_uri = run.artifact_uri;
    return 0;
}

static int log_here(ag_record_place *place, const ag_run_batch *batch, ag_err *err)
{
    return ag_run_log(place->tracker.ledger, ag_str_of(place->run_id), batch, err);
}

static int put_input(ag_record_place *place, const ag_run_input *input, ag_err *err)
{
    return ag_run_log_inputs(place->tracker.ledger, ag_str_of(place->run_id), input, 1, NULL, 0, err);
}

static int put_file(ag_record_place *place, const char *path, const char *name, ag_err *err)
{
    ag_artifact_place at;
    ag_reader *reader = NULL;
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? ag_artifact_resolve(place->tracker.ledger, place->artifact_uri, ag_str_of(name), arena, &at, err)
                   : ag_fail_memory(err, 64);
    if (rc >= 0) rc = ag_reader_of_file(path, &reader, err);
    if (rc >= 0) rc = ag_tree_put(at.tree, at.path, reader, NULL, err);
    ag_reader_close(reader);
    ag_arena_free(arena);
    return rc;
}

static int end(ag_record_place *place, ag_run_status status, int64_t at, ag_err *err)
{
    ag_run run;
    ag_run_change change = {.status = &status, .ended_at = &at};
    return ag_run_update(place->tracker.ledger, ag_str_of(place->run_id), &change, place->arena, &run, err);
}

static int make_version(ag_record_place *place, const ag_settings *settings, ag_arena *arena, const char **name,
                        ag_err *err)
{
    return ag_registration_make(place->tracker.ledger, settings, place->run_id, arena, name, err);
}

static void close_here(ag_record_place *place)
{
    (void)place;
}

const ag_record_target ag_record_here = {
    .open = open_here,
    .log = log_here,
    .input = put_input,
    .file = put_file,
    .end = end,
    .version = make_version,
    .close = close_here,
    .waits = true,
};
