// SPDX-License-Identifier: Apache-2.0
#pragma once
/* train_data.h: what --data-dir names: a path, or a version of a data set ("drilling@v3"), whose files are written
 * below the home first: HOME/checkouts/DIGEST, once for all trainings. */
#include "app/cli/data.h"
#include "learn/data_name.h"

#define AG_OPTION_OF_TRAIN_DATA                                                                                        \
    {.name = "data-dir",                                                                                               \
     .letter = 'd',                                                                                                    \
     .type = AG_OPTION_PATH,                                                                                           \
     .doc = "Where the data lie: a directory, one file, or a version of a data set (NAME@v3)"}

typedef struct ag_train_data {
    const char *path;          /* where the files are */
    ag_data_name called;       /* "drilling@v3"; no name: no version */
    const ag_run_input *input; /* for the run; NULL: likewise */
} ag_train_data;

int ag_train_data_find(ag_invocation *invocation, ag_train_data *out, ag_err *err);
/* The same for words from elsewhere. */
int ag_train_data_named(ag_invocation *invocation, const char *said, ag_train_data *out, ag_err *err);
