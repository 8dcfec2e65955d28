// SPDX-License-Identifier: Apache-2.0
/* data_lineage.c: the command: where a version came from, and what was made with it. */
#include "app/cli/data.h"
#include "ledger/lineage.h"

static const ag_option options[] = {AG_OPTION_OF_DATABASE, AG_OPTION_OF_BLOBS};
static const ag_option positionals[] = {
    {.name = "VERSION", .type = AG_OPTION_TEXT, .required = true, .doc = "NAME@v3, NAME@TAG, or NAME for the newest"},
};
static const ag_example examples[] = {
    {"data lineage drilling@v3", "The versions before it, the runs that read it, the models that they made"},
    {NULL, NULL},
};

typedef struct graph {
    ag_invocation *invocation;
    ag_lineage up, down;
    ag_dataset_versions versions; /* of the name */
} graph;

static const char *const kinds[] = {"data", "run", "logged model", "model version", "deployment"};

/* "drilling@v3" for "drilling@9f2a...". */
static const char *node_name(const graph *g, const ag_lineage_node *node)
{
    ag_arena *arena = g->invocation->arena;
    if (node->kind == AG_LINEAGE_DATASET) {
        for (size_t i = 0; i < g->versions.count; i++) {
            const ag_dataset_version *v = &g->versions.items[i];
            size_t size = strlen(v->name);
            if (strncmp(node->id, v->name, size) == 0 && node->id[size] == '@' &&
                strncmp(node->id + size + 1, v->digest, AG_DATASET_SHORT) == 0)
                return ag_cli_data_name(arena, v);
        }
        return node->id;
    }
    if (!node->label || strcmp(node->label, node->id) == 0 || node->kind == AG_LINEAGE_VERSION) return node->id;
    return ag_arena_printf(arena, "%s (%s)", node->id, node->label);
}

static void print_edges(const graph *g, const ag_lineage *lineage)
{
    for (size_t i = 0; i < lineage->edge_count; i++) {
        const ag_lineage_node *from = &lineage->nodes[lineage->edges[i].from],
                              *to = &lineage->nodes[lineage->edges[i].to];
        ag_print(g->invocation, "%s %s --%s--> %s %s\n", kinds[from->kind], node_name(g, from), lineage->edges[i].what,
                 kinds[to->kind], node_name(g, to));
    }
}

static void write_graph(const graph *g, ag_json *json, const ag_lineage *lineage)
{
    for (size_t i = 0; i < lineage->edge_count; i++) {
        const ag_lineage_edge *edge = &lineage->edges[i];
        const ag_lineage_node *ends[] = {&lineage->nodes[edge->from], &lineage->nodes[edge->to]};
        ag_json_begin_object(json);
        for (size_t k = 0; k < 2; k++) {
            ag_json_name(json, k ? "to" : "from");
            ag_json_begin_object(json);
            ag_json_put_text(json, "kind", kinds[ends[k]->kind]);
            ag_json_put_text(json, "id", ends[k]->id);
            ag_json_put_text(json, "name", node_name(g, ends[k]));
            ag_json_end_object(json);
        }
        ag_json_put_text(json, "what", edge->what);
        ag_json_end_object(json);
    }
}

static int print_json(const graph *g, const ag_dataset_version *version, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, (size_t)256 << 20);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_name(&json, "version");
    ag_cli_data_write(&json, version);
    ag_json_name(&json, "edges");
    ag_json_begin_array(&json);
    write_graph(g, &json, &g->up);
    write_graph(g, &json, &g->down);
    ag_json_end_array(&json);
    ag_json_put_bool(&json, "cut", g->up.cut || g->down.cut);
    ag_json_end_object(&json);
    int rc = ag_print_json(g->invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_cli_data data;
    ag_dataset_version version;
    ag_arena *arena = invocation->arena;
    graph g = {.invocation = invocation};
    const char *id = NULL;
    int rc = ag_cli_data_open(invocation, false, &data, err);
    if (rc >= 0) rc = ag_cli_data_version(invocation, &data, "VERSION", &version, err);
    if (rc >= 0) rc = ag_dataset_list(data.ledger, ag_str_of(version.name), arena, &g.versions, err);
    if (rc >= 0 && !(id = ag_arena_printf(arena, "%s@%.*s", version.name, AG_DATASET_SHORT, version.digest)))
        rc = ag_fail_memory(err, 64);
    if (rc >= 0)
        rc = ag_lineage_of(data.ledger, AG_LINEAGE_DATASET, ag_str_of(id), AG_LINEAGE_UP, 0, arena, &g.up, err);
    if (rc >= 0)
        rc = ag_lineage_of(data.ledger, AG_LINEAGE_DATASET, ag_str_of(id), AG_LINEAGE_DOWN, 0, arena, &g.down, err);
    if (rc >= 0 && ag_wants_json(invocation)) {
        rc = print_json(&g, &version, err);
    } else if (rc >= 0) {
        ag_print(invocation, "source %s --added--> data %s\n", version.source, ag_cli_data_name(arena, &version));
        print_edges(&g, &g.up);
        print_edges(&g, &g.down);
        if (g.up.cut || g.down.cut) ag_note(invocation, "there is more");
    }
    ag_cli_data_close(&data);
    return rc < 0 ? rc : AG_OK;
}

const ag_command ag_command_data_lineage = {
    .path = "data lineage",
    .summary = "Show where a version came from and what was made with it",
    .doc =
        "From the files that were added, over the versions before, to the runs that have read this version or a later "
        "one, the models that they made, the registered versions of these, and where they serve.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
