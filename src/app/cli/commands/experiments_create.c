// SPDX-License-Identifier: Apache-2.0
/* experiments_create.c: a new experiment. */
#include "app/cli/ledger.h"

static const ag_option options[] = {
    {.name = "artifacts",
     .type = AG_OPTION_TEXT,
     .value_name = "URI",
     .doc = "where its runs put artifacts; without it, below the home"},
    {.name = "tag", .letter = 't', .type = AG_OPTION_PAIR, .repeated = true, .doc = "a tag"},
    AG_OPTION_OF_DATABASE,
};
static const ag_option positionals[] = {
    {.name = "NAME", .type = AG_OPTION_TEXT, .required = true, .doc = "Its name; no two have the same"},
};
static const ag_example examples[] = {
    {"experiments create drilling --tag team=lab", "Begin an experiment"},
    {NULL, NULL},
};

static int say(ag_invocation *invocation, const char *id, ag_err *err)
{
    ag_buf text;
    if (!ag_wants_json(invocation)) {
        ag_print(invocation, "%s\n", id);
        return AG_OK;
    }
    ag_buf_init(&text, 4096);
    ag_json json = ag_json_writer(&text, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_text(&json, "experiment_id", id);
    ag_json_end_object(&json);
    int rc = ag_print_json(invocation, &json, &text, err);
    ag_buf_deinit(&text);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_pairs tags;
    ag_actor actor = ag_cli_actor();
    const char *id = NULL, *place = ag_option_text(invocation, "artifacts");
    int rc = ag_cli_pairs(invocation, "tag", &tags, err);
    if (rc >= 0) rc = ag_cli_open_ledger(invocation, true, &ledger, err);
    if (rc >= 0) {
        rc = ag_experiment_create(ledger, &actor, ag_str_of(ag_option_text(invocation, "NAME")),
                                  place ? ag_str_of(place) : AG_STR(""), tags, invocation->arena, &id, err);
    }
    if (rc >= 0) rc = say(invocation, id, err);
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_experiments_create = {
    .path = "experiments create",
    .summary = "Make an experiment and print its id",
    .doc = "Makes an experiment and prints its id. A name that is taken, also by a deleted experiment, is refused. The "
           "ledger is begun when there is none.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
