// SPDX-License-Identifier: Apache-2.0
/* to_local.c: delivery by calls of the ledger. A run's id is the client's, so asking twice finds it; a version carries
 * its operation as a tag, by which it is found when the process died between making it and noting so. */
#include <string.h>

#include "core/base/mem.h"
#include "core/blob/tree.h"
#include "core/io/stream.h"
#include "core/sys/clock.h"
#include "ledger/artifact.h"
#include "ledger/client/target.h"
#include "ledger/experiment.h"
#include "ledger/model.h"

enum { LOCAL_BATCH = 8192 };

typedef struct local {
    ag_ledger *ledger;
    ag_arena *arena; /* of one operation */
} local;

static void close_local(void *state)
{
    local *self = state;
    if (!self) return;
    ag_ledger_close(self->ledger);
    ag_arena_free(self->arena);
    ag_free(self);
}

int ag_client_target_local_open(const char *home, void **state, ag_err *err)
{
    local *self = ag_calloc(1, sizeof(*self));
    if (!self) return ag_fail_memory(err, sizeof(*self));
    ag_ledger_options options = {
        .home = home, .artifact_root = "mlflow-artifacts:/", .db = {.connections = 2, .wait = 2 * AG_SECOND}};
    int rc = (self->arena = ag_arena_new(0)) ? AG_OK : ag_fail_memory(err, 1);
    if (rc >= 0) rc = ag_ledger_open(&options, &self->ledger, err);
    if (rc < 0)
        close_local(self);
    else
        *state = self;
    return rc;
}

static int start(void *state, const ag_entry *record, bool again, ag_err *err)
{
    (void)again; /* the id tells */
    local *self = state;
    const char *experiment;
    ag_run run;
    ag_arena_reset(self->arena);
    int rc = ag_experiment_ensure(self->ledger, NULL, record->start.experiment, self->arena, &experiment, err);
    if (rc < 0) return rc;
    ag_run_new wanted = {.id = record->run,
                         .experiment_id = ag_str_of(experiment),
                         .name = record->start.name,
                         .started_at = record->start.at,
                         .tags = record->start.tags};
    ag_pair *tags = ag_arena_array(self->arena, wanted.tags.count + 1, sizeof(*tags));
    if (!tags) return ag_fail_memory(err, (wanted.tags.count + 1) * sizeof(*tags));
    for (size_t i = 0; i < wanted.tags.count; i++) {
        tags[i] = wanted.tags.items[i];
        if (ag_str_is(tags[i].key, "mlflow.user")) wanted.user_id = tags[i].value;
    }
    if (record->start.parent.size) tags[wanted.tags.count++] = (ag_pair){AG_STR(AG_PARENT_TAG), record->start.parent};
    wanted.tags.items = tags;
    rc = ag_run_create(self->ledger, &wanted, self->arena, &run, err);
    return rc == AG_EEXISTS ? AG_OK : rc;
}

static int log_batch(void *state, ag_str run, const ag_run_batch *batch, ag_err *err)
{
    local *self = state;
    return ag_run_log(self->ledger, run, batch, err);
}

static int check(void *state, ag_str run, ag_err *err)
{
    local *self = state;
    ag_run found;
    ag_arena_reset(self->arena);
    int rc = ag_run_get(self->ledger, run, self->arena, &found, err);
    if (rc >= 0 && found.deleted) rc = ag_fail(err, AG_ECONFLICT, "the run %s is deleted", found.id);
    return rc;
}

static int finish(void *state, const ag_entry *record, ag_err *err)
{
    local *self = state;
    ag_run run;
    ag_run_change change = {.status = &record->finish.status, .ended_at = &record->finish.at}; /* 0 while it runs */
    ag_arena_reset(self->arena);
    return ag_run_update(self->ledger, record->run, &change, self->arena, &run, err);
}

static int put_artifact(void *state, const ag_entry *record, const char *file, ag_err *err)
{
    local *self = state;
    ag_run run;
    ag_artifact_place place;
    ag_reader *reader = NULL;
    ag_arena_reset(self->arena);
    int rc = ag_run_get(self->ledger, record->run, self->arena, &run, err);
    if (rc >= 0)
        rc = ag_artifact_resolve(self->ledger, run.artifact_uri, record->artifact.path, self->arena, &place, err);
    if (rc >= 0) rc = ag_reader_of_file(file, &reader, err);
    if (rc >= 0) rc = ag_tree_put(place.tree, place.path, reader, NULL, err);
    ag_reader_close(reader);
    return rc;
}

static int put_input(void *state, const ag_entry *record, ag_err *err)
{
    local *self = state;
    return ag_run_log_inputs(self->ledger, record->run, &record->input, 1, NULL, 0, err);
}

/* 1 with *number when the operation has been done. */
static int find_version(local *self, const ag_entry *record, int64_t *number, ag_err *err)
{
    ag_versions found;
    const char *filter = ag_arena_printf(self->arena, "tags.`" AG_CLIENT_OPERATION_TAG "` = '%.*s'",
                                         AG_STR_ARG(record->version.operation));
    if (!filter) return ag_fail_memory(err, 100);
    ag_page_request page = {.filter = ag_str_of(filter)};
    int rc = ag_version_search(self->ledger, &page, self->arena, &found, err);
    if (rc < 0 || !found.count) return rc < 0 ? rc : 0;
    *number = found.items[0].number;
    return 1;
}

static int make_version(local *self, const ag_entry *record, int64_t *number, ag_err *err)
{
    ag_run run;
    ag_registered_model model;
    ag_version made;
    int rc = ag_run_get(self->ledger, record->run, self->arena, &run, err);
    if (rc < 0) return rc;
    const char *source = ag_arena_printf(self->arena, "%s/%.*s", run.artifact_uri, AG_STR_ARG(record->version.path));
    if (!source) return ag_fail_memory(err, strlen(run.artifact_uri) + record->version.path.size);
    rc =
        ag_model_create(self->ledger, NULL, record->version.model, AG_STR(""), (ag_pairs){0}, self->arena, &model, err);
    if (rc < 0 && rc != AG_EEXISTS) return rc;
    ag_pairs tags = record->version.tags;
    ag_pair *all = ag_arena_array(self->arena, tags.count + 1, sizeof(*all));
    if (!all) return ag_fail_memory(err, (tags.count + 1) * sizeof(*all));
    all[0] = (ag_pair){AG_STR(AG_CLIENT_OPERATION_TAG), record->version.operation};
    for (size_t i = 0; i < tags.count; i++) all[i + 1] = tags.items[i];
    ag_version_new wanted = {.model = record->version.model,
                             .source = ag_str_of(source),
                             .run_id = record->run,
                             .description = record->version.description,
                             .tags = {all, tags.count + 1}};
    rc = ag_version_create(self->ledger, NULL, &wanted, self->arena, &made, err);
    if (rc >= 0) *number = made.number;
    return rc;
}

/* Both may come a second time and change nothing then. */
static int dress_version(local *self, const ag_entry *record, int64_t number, ag_err *err)
{
    ag_stage stage;
    ag_version changed;
    ag_str model = record->version.model;
    int rc = AG_OK;
    if (ag_stage_parse(record->version.stage, &stage) && stage != AG_STAGE_NONE)
        rc = ag_version_stage(self->ledger, NULL, model, number, stage, false, self->arena, &changed, err);
    if (rc >= 0 && record->version.alias.size)
        rc = ag_alias_set(self->ledger, NULL, model, record->version.alias, number, err);
    return rc;
}

/* It is looked for in any case: a caller that was killed asks again with the same operation. */
static int version(void *state, const ag_entry *record, int64_t *number, ag_err *err)
{
    local *self = state;
    ag_arena_reset(self->arena);
    int rc = find_version(self, record, number, err);
    if (rc == 0) rc = make_version(self, record, number, err);
    return rc < 0 ? rc : dress_version(self, record, *number, err);
}

const ag_client_target ag_client_target_local = {
    .batch_max = LOCAL_BATCH,
    .start = start,
    .log = log_batch,
    .check = check,
    .finish = finish,
    .artifact = put_artifact,
    .input = put_input,
    .version = version,
    .close = close_local,
};
