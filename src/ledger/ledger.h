// SPDX-License-Identifier: Apache-2.0
#pragma once
/* ledger.h: the one record of everything that happens in a model's life. It stands on a database (core/db) and on
 * artifact trees (core/blob). Every function of this floor takes the ledger first; results live in the caller's arena;
 * times are microseconds UTC; ids of runs are 32 hex digits, of experiments decimal numbers written as text.
 * Thread-safe.
 *
 * Codes and texts are those that MLflow's clients know: AG_ENOTFOUND "Run with id=X not found", AG_EEXISTS, AG_EINVAL,
 * AG_ECONFLICT where MLflow says INVALID_STATE. What is acknowledged is durable. */
#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/db/db.h"

typedef struct ag_ledger ag_ledger;

/* What one may do with an experiment, a model or a project: each role may do what those before it may. */
typedef enum ag_role { AG_ROLE_NONE, AG_ROLE_READER, AG_ROLE_EDITOR, AG_ROLE_MANAGER, AG_ROLE_ADMIN } ag_role;

typedef struct ag_ledger_options {
    const char *database; /* URL for ag_db_open(); NULL: sqlite at HOME/auger.db */
    const char *home;     /* the home directory; made when absent; NULL only if database and artifact_root are given */
    const char *artifact_root; /* where experiments put artifacts unless they say otherwise: a directory, file: or s3:
                                  URI, or "mlflow-artifacts:/"; NULL: HOME/artifacts */
    const char
        *artifact_store; /* the directory or s3: URI that "mlflow-artifacts:/" stands for; NULL: HOME/artifacts */
    const char *const *artifact_more; /* further directories, file: or s3: URIs that artifacts may be read from and
                                         written to ("s3://": every bucket); ended by NULL; may be NULL */
    const char
        *source_pattern;  /* an extended regular expression that sources of model versions must match; NULL: any */
    ag_role default_role; /* of users on what nobody gave them a role for; 0 (AG_ROLE_NONE): nothing */
    ag_db_options db;
} ag_ledger_options;

/* Migrates what is older; refuses what is newer. Makes experiment 0 "Default" in a fresh ledger. */
int ag_ledger_open(const ag_ledger_options *options, ag_ledger **out, ag_err *err);
void ag_ledger_close(ag_ledger *ledger); /* NULL is fine */

ag_db *ag_ledger_db(const ag_ledger *ledger);
const char *ag_ledger_artifact_root(const ag_ledger *ledger);

/* Who does what is done from here on by this thread: the name in the audit log and in user_id. NULL: nobody in
 * particular. The text must outlive its use. */
typedef struct ag_actor {
    const char *name;    /* "ada" */
    const char *request; /* id of the request, may be NULL */
} ag_actor;

/* A page of something. `token` is opaque: NULL or empty for the first page; *next is NULL when there is no more. */
typedef struct ag_page_request {
    ag_str filter;
    const ag_str *order_by;
    size_t order_count;
    const struct ag_pair *order_datasets; /* of logged models: for each order the data set (name, digest) whose metric
                                             counts, an empty name: the newest; may be NULL */
    uint32_t max_results;                 /* 0: the default of what is asked */
    ag_str token;
    const char *reader; /* name of the user who asks: what is hidden from them is left out before paging; NULL: all */
} ag_page_request;

typedef enum ag_view { AG_VIEW_ACTIVE, AG_VIEW_DELETED, AG_VIEW_ALL } ag_view;

typedef struct ag_pair { /* a parameter or tag */
    ag_str key;
    ag_str value;
} ag_pair;

typedef struct ag_pairs {
    const ag_pair *items;
    size_t count;
} ag_pairs;

/* Limits of names and values, as MLflow has them; one table, also printed in the documentation. */
enum {
    AG_MAX_KEY = 250,
    AG_MAX_PARAM_VALUE = 6000,
    AG_MAX_TAG_VALUE = 8000,
    AG_MAX_EXPERIMENT_NAME = 500,
    AG_MAX_EXPERIMENT_TAG_VALUE = 5000,
    AG_MAX_MODEL_TAG_VALUE = 5000,
    AG_MAX_VERSION_TAG_VALUE = 100000,
    AG_MAX_BATCH_METRICS = 1000,
    AG_MAX_BATCH_PARAMS = 100,
    AG_MAX_BATCH_TAGS = 100,
    AG_MAX_BATCH_ENTITIES = 1000,
    AG_MAX_DATASET_NAME = 500,
    AG_MAX_DATASET_DIGEST = 36,
    AG_MAX_DATASET_SOURCE = 65535,
    AG_MAX_DATASET_SCHEMA = 1048575,
    AG_MAX_DATASET_PROFILE = 16777215,
    AG_MAX_INPUT_TAG_KEY = 255,
    AG_MAX_INPUT_TAG_VALUE = 500,
    AG_MAX_ALIAS = 255,
};

/* A key of a metric, parameter or tag: word characters, '/', '_', '.', '-', blank, ':', at most AG_MAX_KEY, and equal
 * to its own normalised path. `what` is "metric", "param", "tag", or the field that holds it ("metrics[3].name"): for
 * the text. */
int ag_key_check(ag_str key, const char *what, ag_err *err);
