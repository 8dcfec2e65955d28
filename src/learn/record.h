// SPDX-License-Identifier: Apache-2.0
#pragma once
/* record.h: a run of a ledger, here or on a server (tracker.h), as a training writes it: parameters, tags, data,
 * metrics as they come, files at the end. Metrics are gathered and written about once a second. Writing metrics never
 * fails a training: what could not be written is kept in mind as one sentence (ag_record_trouble), and tried no
 * further. Thread-safe. */
#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/doc/value.h"
#include "core/hash/hash.h"
#include "learn/settings.h"
#include "learn/tracker.h"
#include "ledger/run.h"

typedef struct ag_record ag_record;

typedef enum ag_record_end { AG_RECORD_FINISHED, AG_RECORD_FAILED, AG_RECORD_KILLED } ag_record_end;

typedef struct ag_record_options {
    const char *experiment; /* its name; made when absent */
    const char *run_name;   /* NULL: made up */
    const char *run_id;     /* of a run to go on with; NULL, or not in the ledger here any more: a new one */
    const char *parent;     /* run id of the parent; NULL: none */
    const char *directory;  /* where to look for .git; NULL: here */
    const char *entry;      /* "auger train" */
    int argc;               /* the command line, for the tags; 0: not said */
    const char *const *argv;
    /* Told which run it is, before anything of it is made or changed: whoever notes it finds the run again when the
     * process is killed in between. `experiment`: NULL on a server. It may refuse. NULL: nobody. */
    int (*named)(void *context, const char *run, const char *experiment, ag_err *err);
    void *context;
} ag_record_options;

int ag_record_open(const ag_tracker *tracker, const ag_record_options *options, ag_record **out, ag_err *err);
void ag_record_free(ag_record *record); /* what is gathered is written; the run stays as it is */
const char *ag_record_run(const ag_record *record);
const char *ag_record_experiment(const ag_record *record); /* its id; NULL: not known, on a server */
/* What the server calls the run, once it is there: MLflow's chooses ids of its own. Fails never: else it is our id. */
const char *ag_record_known_as(ag_record *record);

/* A tree flattened: "training_config.epochs". Again with the same values is fine; changed ones are left as they were.
 */
int ag_record_parameters(ag_record *record, const ag_value *tree, ag_err *err);
int ag_record_tag(ag_record *record, const char *key, const char *value, ag_err *err);
int ag_record_dataset(ag_record *record, const char *name, const char *source, const char *context,
                      const ag_sha256 *digest, ag_err *err);
int ag_record_input(ag_record *record, const ag_run_input *input, ag_err *err);
void ag_record_metric(ag_record *record, const char *key, double value, int64_t step);
void ag_record_flush(ag_record *record);
/* The same at the end of an epoch; at most twice a second where writing waits for a disk, which takes longer than an
 * epoch of a small model. What is held back is written by the next metric that comes a second after the last writing,
 * or by the next flush. */
void ag_record_flush_epoch(ag_record *record);
/* Every file below `directory`, under `prefix` in the run's artifacts ("" for their root). */
int ag_record_files(ag_record *record, const char *directory, const char *prefix, ag_err *err);
/* One file. */
int ag_record_file(ag_record *record, const char *path, const char *name, ag_err *err);
/* The artifact "model" of the run becomes a version of a registered model (registration.h): *name in the arena, or NULL
 * when a server that is away will be told of it later. */
int ag_record_register(ag_record *record, const ag_settings *settings, ag_arena *arena, const char **name, ag_err *err);
/* A server has refused the run itself: it cannot be gone on with. */
bool ag_record_lost(const ag_record *record);
int ag_record_finish(ag_record *record, ag_record_end end, ag_err *err);
/* NULL while all went well. */
const char *ag_record_trouble(const ag_record *record);
