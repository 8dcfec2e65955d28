// SPDX-License-Identifier: Apache-2.0
#pragma once
/* sample.h: a table of commands with every type of option, for the tests of the frame. Each command keeps a pointer to
 * nothing: what it was given is printed by its run as one line per value. */
#include <inttypes.h>
#include <math.h>

#include "app/cli/command.h"
#include "app/cli/invocation.h"
#include "app/cli/parse.h"

static const char *const sample_devices[] = {"auto", "cpu", "cuda", NULL};

static const ag_option sample_train_options[] = {
    {.name = "jobs", .letter = 'j', .type = AG_OPTION_INT, .fallback = "0", .min = 1, .max = 64, .doc = "Threads"},
    {.name = "rate", .type = AG_OPTION_REAL, .min = 0, .max = INFINITY, .doc = "Learning rate"},
    {.name = "name", .letter = 'n', .type = AG_OPTION_TEXT, .doc = "A name"},
    {.name = "config", .letter = 'c', .type = AG_OPTION_PATH, .required = true, .doc = "The configuration"},
    {.name = "device", .type = AG_OPTION_CHOICE, .fallback = "auto", .choices = sample_devices, .doc = "Where"},
    {.name = "cache", .type = AG_OPTION_BYTES, .fallback = "64MB", .min = 1024, .max = 1099511627776.0, .doc = "Cache"},
    {.name = "timeout",
     .type = AG_OPTION_DURATION,
     .environment = "SAMPLE_TIMEOUT",
     .min = 1,
     .max = 3600,
     .doc = "Limit"},
    {.name = "set", .type = AG_OPTION_PAIR, .repeated = true, .doc = "Overrides"},
    {.name = "fold", .type = AG_OPTION_INT, .repeated = true, .doc = "Which folds"},
    {.name = "resume", .letter = 'r', .type = AG_OPTION_FLAG, .doc = "Go on"},
    {.name = "validate", .letter = 'v', .type = AG_OPTION_FLAG, .fallback = "true", .doc = "Validate at the end"},
    {.name = "dry",
     .letter = 'd',
     .type = AG_OPTION_FLAG,
     .environment = "SAMPLE_DRY",
     .doc = "Only say what would be done"},
};

static const ag_option sample_train_positionals[] = {
    {.name = "DATA", .type = AG_OPTION_PATH, .required = true, .doc = "The data"},
    {.name = "MORE", .type = AG_OPTION_PATH, .repeated = true, .doc = "More data"},
};

static const ag_option sample_add_positionals[] = {
    {.name = "COUNT", .type = AG_OPTION_INT, .min = 1, .max = 9, .doc = "How many"},
};

static const ag_example sample_examples[] = {
    {"train --config a.yaml data", "Train on a folder"},
    {NULL, NULL},
};

static int sample_quiet_run(ag_invocation *invocation, ag_err *err)
{
    (void)err;
    ag_print(invocation, "did %s\n", invocation->command->path);
    return AG_OK;
}

static int sample_fail_run(ag_invocation *invocation, ag_err *err)
{
    (void)invocation;
    ag_fail_at(err, AG_EPARSE, "a.yaml", 3, 7, "unknown key 'epocs' \033[31m");
    return ag_err_hint(err, "did you mean 'epochs'?");
}

static int sample_misread_run(ag_invocation *invocation, ag_err *err)
{
    (void)err;
    return ag_option_int(invocation, "jobz") == 0 ? AG_OK : 1;
}

static int sample_status_run(ag_invocation *invocation, ag_err *err)
{
    (void)err;
    ag_note(invocation, "a remark");
    return 1;
}

static const ag_command sample_add = {.path = "data add",
                                      .summary = "Add data",
                                      .doc = "Adds data.",
                                      .positionals = AG_OPTIONS(sample_add_positionals),
                                      .examples = sample_examples,
                                      .run = sample_quiet_run};
static const ag_command sample_list = {.path = "data list",
                                       .summary = "List data",
                                       .doc = "Lists data.",
                                       .examples = sample_examples,
                                       .run = sample_quiet_run};
static const ag_command sample_fail = {
    .path = "fail", .summary = "Fail", .doc = "Fails.", .examples = sample_examples, .run = sample_fail_run};
static const ag_command sample_misread = {.path = "misread",
                                          .summary = "Read what is not declared",
                                          .doc = "Has a bug.",
                                          .examples = sample_examples,
                                          .run = sample_misread_run};
static const ag_command sample_runs = {
    .path = "runs", .summary = "List runs", .doc = "Lists runs.", .examples = sample_examples, .run = sample_quiet_run};
static const ag_command sample_runs_show = {.path = "runs show",
                                            .summary = "Show a run",
                                            .doc = "Shows a run.",
                                            .examples = sample_examples,
                                            .run = sample_quiet_run};
static const ag_command sample_status = {.path = "status",
                                         .summary = "End with a status of its own",
                                         .doc = "Ends with 1 and no error.",
                                         .examples = sample_examples,
                                         .run = sample_status_run};
static const ag_command sample_train = {.path = "train",
                                        .summary = "Train a model",
                                        .doc = "Trains a model on data.\n\nIt's long; see \\fB and -.",
                                        .options = AG_OPTIONS(sample_train_options),
                                        .positionals = AG_OPTIONS(sample_train_positionals),
                                        .examples = sample_examples,
                                        .run = sample_quiet_run};

static const ag_command *const sample_table[] = {&sample_add,  &sample_list,      &sample_fail,   &sample_misread,
                                                 &sample_runs, &sample_runs_show, &sample_status, &sample_train};

static inline ag_command_table sample_commands(void)
{
    return (ag_command_table){sample_table, sizeof(sample_table) / sizeof(sample_table[0])};
}

static inline const char *sample_no_environment(const char *name)
{
    (void)name;
    return NULL;
}

/* Words ended by NULL, as an array and its count. */
#define SAMPLE_WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
static inline int sample_count(const char *const *words)
{
    int count = 0;
    while (words[count]) count++;
    return count;
}
