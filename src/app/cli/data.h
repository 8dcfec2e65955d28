// SPDX-License-Identifier: Apache-2.0
#pragma once
/* data.h: what the commands on data sets share: opening ledger and blob store, naming a version, counting. */
#include "app/cli/ledger.h"
#include "data/dataset/dataset.h"

#define AG_OPTION_OF_BLOBS                                                                                             \
    {.name = "blobs",                                                                                                  \
     .type = AG_OPTION_TEXT,                                                                                           \
     .value_name = "ADDRESS",                                                                                          \
     .environment = "AUGER_BLOBS",                                                                                     \
     .doc = "where the bytes lie: a directory or s3://...; without it, blobs in the home"}

typedef struct ag_cli_data {
    ag_dataset_place place;
    ag_ledger *ledger;
    ag_blob *blobs;
    ag_actor actor;
} ag_cli_data;

/* Where the bytes of data sets lie, by --blobs and --home, from the invocation's arena; NULL when memory is out. */
const char *ag_cli_data_address(ag_invocation *invocation);
/* By --home, --db and --blobs. Unless `make`, a ledger that is not there is AG_ENOTFOUND. Close it in any case. */
int ag_cli_data_open(ag_invocation *invocation, bool make, ag_cli_data *out, ag_err *err);
void ag_cli_data_close(ag_cli_data *data);

/* The version that a positional names ("NAME@v3"). */
int ag_cli_data_version(ag_invocation *invocation, const ag_cli_data *data, const char *positional,
                        ag_dataset_version *out, ag_err *err);

/* "drilling@v3" and the beginning of the digest, from the arena. */
const char *ag_cli_data_name(ag_arena *arena, const ag_dataset_version *version);
const char *ag_cli_data_short(ag_arena *arena, const ag_dataset_version *version);
const char *ag_cli_data_tags(ag_arena *arena, const ag_dataset_version *version); /* "a, b" */
const char *ag_cli_data_bytes(ag_arena *arena, double bytes);                     /* "19.5 MB" */

/* A version as an object. */
void ag_cli_data_write(ag_json *json, const ag_dataset_version *version);
