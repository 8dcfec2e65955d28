// SPDX-License-Identifier: Apache-2.0
#pragma once
/* labels.h: what the commands of `auger label` share. */
#include "app/cli/named_data.h"
#include "data/label/exchange.h"
#include "data/label/labelled.h"

#define AG_OPTION_OF_PREPARED                                                                                          \
    {.name = "data-dir",                                                                                               \
     .letter = 'd',                                                                                                    \
     .type = AG_OPTION_PATH,                                                                                           \
     .fallback = ".",                                                                                                  \
     .doc = "The prepared dataset: what auger prepare has written"}
#define AG_OPTIONS_OF_PREPARED_TO_READ                                                                                 \
    {.name = "data-dir",                                                                                               \
     .letter = 'd',                                                                                                    \
     .type = AG_OPTION_PATH,                                                                                           \
     .fallback = ".",                                                                                                  \
     .doc = "The prepared dataset: what auger prepare has written, or a version of it (NAME@v3)"},                     \
        AG_OPTIONS_OF_NAMED_DATA
#define AG_OPTION_OF_AUTHOR                                                                                            \
    {.name = "author",                                                                                                 \
     .letter = 'a',                                                                                                    \
     .type = AG_OPTION_TEXT,                                                                                           \
     .environment = "AUGER_AUTHOR",                                                                                    \
     .doc = "Who says so; the user's name when not given"}

/* By --data-dir. What is read may be a version of a data set, with `data` for texts that mention it; what is written
 * into, not. */
int ag_cli_labelled(ag_invocation *invocation, ag_named_data *data, ag_labelled_set *out, ag_err *err);
int ag_cli_labelled_to_change(ag_invocation *invocation, ag_labelled_set *out, ag_err *err);
/* --author, else the name of the user. */
int ag_cli_author(ag_invocation *invocation, const char **out, ag_err *err);

/* "4.812"; "-" where there is none. */
const char *ag_cli_depth(ag_arena *arena, double depth);
/* "found: entry 4.812, transition 9.750, exit 12.820" */
const char *ag_cli_label_words(ag_arena *arena, const ag_label_event *event);
/* Depths and outcome as members of the object that is open. */
void ag_cli_label_json(ag_json *json, const ag_label_event *event);

/* --annotator THEIRS=AUTHOR. */
#define AG_OPTION_OF_ANNOTATORS                                                                                        \
    {.name = "annotator",                                                                                              \
     .type = AG_OPTION_PAIR,                                                                                           \
     .repeated = true,                                                                                                 \
     .value_name = "THEIRS=AUTHOR",                                                                                    \
     .doc = "Whom the other program's number or e-mail address is, as in 7=anna"}
int ag_cli_annotators(ag_invocation *invocation, ag_exchange_options *out, ag_err *err);
