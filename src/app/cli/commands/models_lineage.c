// SPDX-License-Identifier: Apache-2.0
/* models_lineage.c: from data set to deployment, around one version of a model. */
#include "app/cli/ledger.h"
#include "ledger/lineage.h"

static const char *const ways[] = {"both", "up", "down", NULL};
static const ag_option options[] = {
    {.name = "way",
     .type = AG_OPTION_CHOICE,
     .choices = ways,
     .fallback = "both",
     .doc = "up: what it came from; down: what came from it"},
    AG_OPTION_OF_CSV,
    AG_OPTION_OF_DATABASE,
};
static const ag_option positionals[] = {
    {.name = "VERSION", .type = AG_OPTION_TEXT, .required = true, .doc = "NAME/3, NAME@ALIAS, or NAME for its newest"},
};
static const ag_example examples[] = {
    {"models lineage depth@champion", "The data and the run behind it, and where it serves"},
    {NULL, NULL},
};

static const char *const kinds[] = {"data set", "run", "logged model", "version", "deployment"};

static void write_lineage(ag_json *json, const void *thing)
{
    const ag_lineage *found = thing;
    ag_json_begin_object(json);
    ag_json_name(json, "nodes");
    ag_json_begin_array(json);
    for (size_t i = 0; i < found->node_count; i++) {
        ag_json_begin_object(json);
        ag_json_put_text(json, "kind", kinds[found->nodes[i].kind]);
        ag_json_put_text(json, "id", found->nodes[i].id);
        ag_json_put_text(json, "label", found->nodes[i].label);
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
    ag_json_name(json, "edges");
    ag_json_begin_array(json);
    for (size_t i = 0; i < found->edge_count; i++) {
        ag_json_begin_object(json);
        ag_json_put_int(json, "from", (int64_t)found->edges[i].from);
        ag_json_put_int(json, "to", (int64_t)found->edges[i].to);
        ag_json_put_text(json, "what", found->edges[i].what);
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
    ag_json_end_object(json);
}

static int print_table(ag_invocation *invocation, const ag_lineage *found, ag_err *err)
{
    static const ag_column columns[] = {
        {"kind", AG_ALIGN_LEFT, 1, 0}, {"from", AG_ALIGN_LEFT, 0, 16}, {"what", AG_ALIGN_LEFT, 0, 0},
        {"kind", AG_ALIGN_LEFT, 1, 0}, {"to", AG_ALIGN_LEFT, 0, 16},
    };
    enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };
    const char **cells = ag_arena_array(invocation->arena, found->edge_count + 1, COLUMNS * sizeof(*cells));
    if (!cells) return ag_fail_memory(err, found->edge_count);
    for (size_t i = 0; i < found->edge_count; i++) {
        const ag_lineage_node *from = &found->nodes[found->edges[i].from], *to = &found->nodes[found->edges[i].to];
        const char *row[] = {kinds[from->kind], from->id, found->edges[i].what, kinds[to->kind], to->id};
        memcpy(cells + i * COLUMNS, row, sizeof(row));
    }
    ag_cli_list list = {columns, COLUMNS, cells, found->edge_count};
    return ag_cli_print_list(invocation, &list, ag_option_flag(invocation, "csv"), err);
}

static int run(ag_invocation *invocation, ag_err *err)
{
    static const ag_lineage_way way_of[] = {AG_LINEAGE_BOTH, AG_LINEAGE_UP, AG_LINEAGE_DOWN};
    ag_ledger *ledger = NULL;
    ag_version version;
    ag_lineage found;
    ag_lineage_way way = way_of[ag_option_choice(invocation, "way")];
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) rc = ag_cli_version(invocation, ledger, ag_option_text(invocation, "VERSION"), &version, err);
    if (rc >= 0) {
        const char *id = ag_arena_printf(invocation->arena, "%s/%lld", version.model, (long long)version.number);
        rc = id ? ag_lineage_of(ledger, AG_LINEAGE_VERSION, ag_str_of(id), way, 0, invocation->arena, &found, err)
                : ag_fail_memory(err, 1);
    }
    if (rc >= 0) {
        rc = ag_wants_json(invocation) ? ag_cli_print_thing(invocation, "lineage", write_lineage, &found, err)
                                       : print_table(invocation, &found, err);
    }
    if (rc >= 0 && found.cut) ag_note(invocation, "there is more than is shown");
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_models_lineage = {
    .path = "models lineage",
    .summary = "Show what a version of a model came from and where it went",
    .doc = "Shows the graph around a version: the data sets that its run read, the run, the logged model, the version, "
           "and the deployments that served it, one row per edge.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
