// SPDX-License-Identifier: Apache-2.0
/* models_tag.c: tags of a model or of a version. */
#include "app/cli/ledger.h"

static const ag_option options[] = {
    {.name = "remove", .type = AG_OPTION_TEXT, .repeated = true, .value_name = "KEY", .doc = "a tag to take away"},
    AG_OPTION_OF_DATABASE,
};
static const ag_option positionals[] = {
    {.name = "MODEL", .type = AG_OPTION_TEXT, .required = true, .doc = "NAME, or NAME/3 or NAME@ALIAS for a version"},
    {.name = "TAG", .type = AG_OPTION_PAIR, .repeated = true, .doc = "Tags to set"},
};
static const ag_example examples[] = {
    {"models tag depth/3 checked=yes material=CFRP", "Set two tags of a version"},
    {"models tag depth --remove owner", "Take one away from the model"},
    {NULL, NULL},
};

typedef struct target {
    ag_str model;
    int64_t number; /* 0: the model itself */
} target;

static int find(ag_invocation *invocation, ag_ledger *ledger, target *out, ag_err *err)
{
    const char *text = ag_option_text(invocation, "MODEL");
    ag_version version;
    *out = (target){ag_str_of(text), 0};
    if (!strpbrk(text, "@/")) return AG_OK;
    int rc = ag_cli_version(invocation, ledger, text, &version, err);
    if (rc >= 0) *out = (target){ag_str_of(version.model), version.number};
    return rc;
}

static int change(ag_invocation *invocation, ag_ledger *ledger, const target *at, ag_err *err)
{
    ag_actor actor = ag_cli_actor();
    ag_pairs tags;
    size_t count;
    const ag_option_value *gone = ag_option_values(invocation, "remove", &count);
    int rc = ag_cli_pairs(invocation, "TAG", &tags, err);
    for (size_t i = 0; i < tags.count && rc >= 0; i++) {
        rc = at->number ? ag_version_set_tag(ledger, &actor, at->model, at->number, tags.items[i], err)
                        : ag_model_set_tag(ledger, &actor, at->model, tags.items[i], err);
    }
    for (size_t i = 0; i < count && rc >= 0; i++) {
        ag_str key = ag_str_of(gone[i].text);
        rc = at->number ? ag_version_delete_tag(ledger, &actor, at->model, at->number, key, err)
                        : ag_model_delete_tag(ledger, &actor, at->model, key, err);
    }
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    target at;
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) rc = find(invocation, ledger, &at, err);
    if (rc >= 0) rc = change(invocation, ledger, &at, err);
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_models_tag = {
    .path = "models tag",
    .summary = "Set or remove tags of a model or of a version",
    .doc = "Sets tags, written KEY=VALUE, and removes those named by --remove. The last value of a key counts.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
