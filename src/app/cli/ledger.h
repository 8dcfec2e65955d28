// SPDX-License-Identifier: Apache-2.0
#pragma once
/* ledger.h: what the commands on the ledger share: opening it, naming experiments and runs as people do, and lists that
 * are a table on a terminal or CSV. */
#include "app/cli/invocation.h"
#include "core/blob/tree_copy.h"
#include "core/show/table.h"
#include "ledger/experiment.h"
#include "ledger/model.h"
#include "ledger/run.h"

/* Rows for a command's options. */
#define AG_OPTION_OF_DATABASE                                                                                          \
    {.name = "db",                                                                                                     \
     .type = AG_OPTION_TEXT,                                                                                           \
     .value_name = "URL",                                                                                              \
     .doc = "database: a file or postgresql://...; without it, auger.db in the home"}
#define AG_OPTION_OF_CSV {.name = "csv", .type = AG_OPTION_FLAG, .doc = "print comma-separated values"}
#define AG_OPTION_OF_FILTER                                                                                            \
    {.name = "filter",                                                                                                 \
     .letter = 'f',                                                                                                    \
     .type = AG_OPTION_TEXT,                                                                                           \
     .value_name = "WORDS",                                                                                            \
     .doc = "only what this says, in the search language"}
#define AG_OPTION_OF_ORDER                                                                                             \
    {.name = "order-by",                                                                                               \
     .type = AG_OPTION_TEXT,                                                                                           \
     .repeated = true,                                                                                                 \
     .value_name = "KEY",                                                                                              \
     .doc = "what to sort by, with DESC behind it for the largest first"}
#define AG_OPTION_OF_LIMIT                                                                                             \
    {.name = "limit",                                                                                                  \
     .letter = 'n',                                                                                                    \
     .type = AG_OPTION_INT,                                                                                            \
     .fallback = "20",                                                                                                 \
     .min = 1,                                                                                                         \
     .max = 10000,                                                                                                     \
     .doc = "the most to show"}
#define AG_OPTION_OF_VIEW                                                                                              \
    {.name = "view",                                                                                                   \
     .type = AG_OPTION_CHOICE,                                                                                         \
     .choices = (const char *const[]){"active", "deleted", "all", NULL},                                               \
     .fallback = "active",                                                                                             \
     .doc = "which: those in use, deleted ones, or both"}

/* And for its positionals: what ag_cli_run() takes. */
#define AG_WORDS_FOR_RUN "id, the beginning of it, its name, or the directory that a training has written"
#define AG_POSITIONAL_OF_RUN {.name = "RUN", .type = AG_OPTION_TEXT, .required = true, .doc = "Its " AG_WORDS_FOR_RUN}
#define AG_POSITIONAL_OF_RUNS                                                                                          \
    {.name = "RUN", .type = AG_OPTION_TEXT, .required = true, .repeated = true, .doc = "Of each its " AG_WORDS_FOR_RUN}

/* By --db and --home. Unless `make`, a ledger that is not there is AG_ENOTFOUND. */
int ag_cli_open_ledger(ag_invocation *invocation, bool make, ag_ledger **out, ag_err *err);
/* Who the audit log names. */
ag_actor ag_cli_actor(void);

typedef int (*ag_cli_named_fn)(ag_invocation *invocation, ag_ledger *ledger, const char *text, ag_err *err);
/* Opens the ledger and does it to each value of `option`, up to the first that fails. */
int ag_cli_each(ag_invocation *invocation, const char *option, ag_cli_named_fn act, ag_err *err);

/* An experiment by its id or its name, deleted or not. */
int ag_cli_experiment(ag_invocation *invocation, ag_ledger *ledger, const char *text, ag_experiment *out, ag_err *err);
/* The ids of those that were named, else of all active ones. */
int ag_cli_experiments(ag_invocation *invocation, ag_ledger *ledger, const char *option, ag_str **ids, size_t *count,
                       ag_err *err);
/* The whole id of a run from its beginning (at least 4 digits), its name, or the output directory of the training that
 * recorded it; the first two must fit one run only. AG_ENOTFOUND with a hint. */
int ag_cli_run(ag_invocation *invocation, ag_ledger *ledger, const char *text, ag_str *id, ag_err *err);

/* A version of a model: "NAME/3", "NAME@alias", or "NAME" for its newest. */
int ag_cli_version(ag_invocation *invocation, ag_ledger *ledger, const char *text, ag_version *out, ag_err *err);
/* The pairs that an option was given, as tags. */
int ag_cli_pairs(ag_invocation *invocation, const char *option, ag_pairs *out, ag_err *err);
/* The files below a URI of the ledger (and, inside it, `relative`) into a directory, with progress. Prints what came.
 */
int ag_cli_download(ag_invocation *invocation, ag_ledger *ledger, const char *uri, ag_str relative,
                    const char *directory, ag_err *err);

/* A page request from --filter, --order-by and --limit. */
int ag_cli_page(ag_invocation *invocation, ag_page_request *out, ag_err *err);
/* When the filter was refused: shows it with a caret under the place. Returns `rc`. */
int ag_cli_explain(ag_invocation *invocation, int rc, const ag_err *err);

/* ---- lists ---- */

typedef struct ag_cli_list {
    const ag_column *columns;
    size_t column_count;
    const char **cells; /* row by row; NULL: empty */
    size_t row_count;
} ag_cli_list;

/* CSV with --csv (if the command has it), else a table. */
int ag_cli_print_list(ag_invocation *invocation, const ag_cli_list *list, bool csv, ag_err *err);

/* Writes one JSON value. */
typedef void (*ag_cli_write_fn)(ag_json *json, const void *thing);
/* {"NAME": thing}. */
int ag_cli_print_thing(ag_invocation *invocation, const char *name, ag_cli_write_fn write, const void *thing,
                       ag_err *err);
/* {"NAME": [things]} of `count` items of `size` bytes. */
int ag_cli_print_things(ag_invocation *invocation, const char *name, ag_cli_write_fn write, const void *items,
                        size_t size, size_t count, ag_err *err);
/* A key and its value per row; nothing when there are none. */
int ag_cli_print_pairs(ag_invocation *invocation, const char *title, ag_pairs pairs, ag_err *err);

/* Texts of cells, from the arena; NULL when out of memory or when there is nothing to say. */
const char *ag_cli_time(ag_arena *arena, int64_t at);                   /* "2026-11-21 09:30" */
const char *ag_cli_duration(ag_arena *arena, int64_t from, int64_t to); /* "3 s" */
const char *ag_cli_number(ag_arena *arena, double value);               /* "0.1234" */
const char *ag_cli_str(ag_arena *arena, ag_str text);
/* The history of a metric as a line of `cells` characters; empty for less than two points. */
int ag_cli_curve(ag_ledger *ledger, ag_arena *arena, const char *run, const char *key, unsigned cells, const char **out,
                 ag_err *err);
