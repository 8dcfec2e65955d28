// SPDX-License-Identifier: Apache-2.0
#pragma once
/* named_data.h: data that a command reads, as people name them: a path, a version of a data set ("drilling@v3"), or a
 * file in one ("drilling@v3/holes.csv"). The files of a version are written below the home first,
 * HOME/checkouts/DIGEST, once for all commands. What exists under the words is a path, whatever it looks like. */
#include "app/cli/data.h"
#include "learn/data_name.h"

/* Rows for the options of a command that takes such a name. */
#define AG_OPTIONS_OF_NAMED_DATA AG_OPTION_OF_DATABASE, AG_OPTION_OF_BLOBS

typedef struct ag_named_data {
    const char *path;          /* where the files are; NULL: an option that was not given */
    ag_data_name called;       /* "drilling@v3"; no name: no version */
    const ag_run_input *input; /* for the run; NULL: likewise */
} ag_named_data;

/* What an option of the command says. */
int ag_named_data_option(ag_invocation *invocation, const char *option, ag_named_data *out, ag_err *err);
/* The same for words from elsewhere. */
int ag_named_data_find(ag_invocation *invocation, const char *said, ag_named_data *out, ag_err *err);
/* For a command that reads one file: of a version of one file, that file. */
int ag_named_data_file(ag_invocation *invocation, const char *said, ag_named_data *out, ag_err *err);
/* AG_EINVAL for a version: the command writes into the data, and a version never changes. */
int ag_named_data_refuse(const char *said, ag_err *err);
/* *text (may be NULL), which may mention the path, becomes what people are told, in the arena. */
int ag_named_data_tell(const ag_named_data *data, ag_arena *arena, const char **text, ag_err *err);
