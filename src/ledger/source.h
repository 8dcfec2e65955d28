// SPDX-License-Identifier: Apache-2.0
#pragma once
/* source.h: where the files of a model version may come from. Private to the floor.
 *
 * A source is refused when it, decoded any number of times, leads out of itself (".." , backslash, NUL, an encoded
 * slash), when it is an absolute path inside an http, https, ftp or mlflow-artifacts address, when it names another
 * host's files, or when it is a local path that does not lie, links resolved, in the artifacts of the run or logged
 * model that it is said to come from. */
#include "ledger/ledger_private.h"

typedef struct ag_source_request {
    ag_str source, run_id, model_id; /* the last two may be empty */
    bool prompt;                     /* of a prompt, which has no files: its source may be a word that leads nowhere */
} ag_source_request;

/* *storage, in the arena: `source` with runs:/ID/path, models:/NAME/3, models:/NAME@alias and models:/m-ID resolved to
 * where the files lie; others as they are. */
int ag_source_resolve(ag_tx *tx, const ag_ledger *ledger, const ag_source_request *request, ag_arena *arena,
                      const char **storage, ag_err *err);
