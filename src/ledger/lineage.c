// SPDX-License-Identifier: Apache-2.0
/* lineage.c: the graph around one thing, breadth first: a query per node that is looked at, from a table of kind x way.
 * A node is known by "kind id" in a map; an edge is added when its later looked-at end is, once (edges that were found
 * from the other end are known by their ends and word). All in one reading, so at one moment. */
#include "ledger/lineage.h"

#include "core/base/map.h"
#include "ledger/ledger_private.h"
#include "ledger/statement.h"
#include "ledger_sql.h"

enum { DEFAULT_LIMIT = 1000, LARGEST_LIMIT = 100000 };
#define KINDS (AG_LINEAGE_DEPLOYMENT + 1)

static const struct {
    const ag_sql *self, *up, *down; /* NULL: nothing there */
    bool two_parts;                 /* the id is a name and a digest or number */
} kinds[KINDS] = {
    [AG_LINEAGE_DATASET] = {&AG_SQL_LINEAGE_DATASET, &AG_SQL_LINEAGE_DATASET_UP, &AG_SQL_LINEAGE_DATASET_DOWN, true},
    [AG_LINEAGE_RUN] = {&AG_SQL_LINEAGE_RUN, &AG_SQL_LINEAGE_RUN_UP, &AG_SQL_LINEAGE_RUN_DOWN, false},
    [AG_LINEAGE_LOGGED_MODEL] = {&AG_SQL_LINEAGE_LOGGED_MODEL, &AG_SQL_LINEAGE_LOGGED_MODEL_UP,
                                 &AG_SQL_LINEAGE_LOGGED_MODEL_DOWN, false},
    [AG_LINEAGE_VERSION] = {&AG_SQL_LINEAGE_VERSION, &AG_SQL_LINEAGE_VERSION_UP, &AG_SQL_LINEAGE_VERSION_DOWN, true},
    [AG_LINEAGE_DEPLOYMENT] = {&AG_SQL_LINEAGE_DEPLOYMENT, &AG_SQL_LINEAGE_DEPLOYMENT_UP, NULL, false},
};

typedef struct job {
    ag_lineage_kind kind;
    ag_str id;
    ag_lineage_way way;
    size_t limit;
    ag_arena *arena;
    ag_map *known; /* "kind id" -> index + 1; "from>to>what" -> anything */
    ag_vec nodes, edges;
    bool cut;
} job;

/* Name and second part of an id of two parts: "name@digest" at the last '@', "model/3" at the last '/'. */
static bool split_id(ag_lineage_kind kind, ag_str id, ag_str *name, ag_cell *second)
{
    char separator = kind == AG_LINEAGE_DATASET ? '@' : '/';
    size_t at = id.size;
    while (at > 0 && id.data[at - 1] != separator) at--;
    if (at == 0) return false;
    int64_t number;
    ag_str rest = ag_str_slice(id, at, id.size);
    *name = ag_str_slice(id, 0, at - 1);
    if (kind == AG_LINEAGE_DATASET) {
        *second = ag_cell_str(rest);
        return true;
    }
    if (!ag_str_to_int(rest, &number)) return false;
    *second = ag_cell_int(number);
    return true;
}

/* What to bind for a node's statements: its id in one or two cells, and the limit. */
static size_t bind_id(ag_lineage_kind kind, ag_str id, ag_cell binds[3])
{
    if (!kinds[kind].two_parts) {
        binds[0] = ag_cell_str(id);
        return 1;
    }
    ag_str name;
    if (!split_id(kind, id, &name, &binds[1])) return 0;
    binds[0] = ag_cell_str(name);
    return 2;
}

static const char *join_id(ag_arena *arena, ag_lineage_kind kind, ag_str name, ag_str rest)
{
    char separator = kind == AG_LINEAGE_DATASET ? '@' : '/';
    if (!kinds[kind].two_parts) return ag_arena_strndup(arena, name.data, name.size);
    return ag_arena_printf(arena, "%.*s%c%.*s", AG_STR_ARG(name), separator, AG_STR_ARG(rest));
}

/* The node of the current row, new or known. *index is SIZE_MAX when there is no room for a new one. */
static int add_node(job *j, ag_rows *rows, size_t *index, ag_err *err)
{
    ag_lineage_node node = {.kind = (ag_lineage_kind)ag_rows_int(rows, 0)};
    if (node.kind >= KINDS) return ag_fail(err, AG_EINTERNAL, "lineage: a kind that does not exist");
    node.id = join_id(j->arena, node.kind, ag_rows_text(rows, 1), ag_rows_text(rows, 2));
    const char *key = node.id ? ag_arena_printf(j->arena, "%d %s", (int)node.kind, node.id) : NULL;
    if (!key) return ag_fail_memory(err, 64);
    uintptr_t known = (uintptr_t)ag_map_get(j->known, ag_str_of(key));
    *index = known - 1;
    if (known) return AG_OK;
    *index = SIZE_MAX;
    if (j->nodes.count >= j->limit) {
        j->cut = true;
        return AG_OK;
    }
    int rc = ag_take_text(rows, 3, j->arena, &node.label, err);
    if (rc >= 0) rc = ag_vec_push(&j->nodes, &node, err);
    if (rc < 0) return rc;
    *index = j->nodes.count - 1;
    return ag_map_put(j->known, ag_str_of(key), (void *)(uintptr_t)j->nodes.count, NULL, err);
}

static int add_edge(job *j, size_t from, size_t to, ag_str what, ag_err *err)
{
    const char *key = ag_arena_printf(j->arena, "%zu>%zu>%.*s", from, to, AG_STR_ARG(what));
    if (!key) return ag_fail_memory(err, 64);
    if (ag_map_has(j->known, ag_str_of(key))) return AG_OK;
    ag_lineage_edge edge = {from, to, ag_arena_strndup(j->arena, what.data, what.size)};
    if (!edge.what) return ag_fail_memory(err, what.size);
    int rc = ag_vec_push(&j->edges, &edge, err);
    return rc < 0 ? rc : ag_map_put(j->known, ag_str_of(key), j, NULL, err);
}

static int look(ag_tx *tx, job *j, size_t at, const ag_sql *sql, bool up, ag_err *err)
{
    const ag_lineage_node *node = ag_vec_at(&j->nodes, at);
    ag_rows *rows = NULL;
    ag_cell binds[3];
    size_t count = bind_id(node->kind, ag_str_of(node->id), binds);
    if (!sql || count == 0) return AG_OK;
    binds[count++] = ag_cell_int((int64_t)j->limit + 1);
    int rc = ag_tx_query(tx, sql, binds, count, &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        size_t other;
        rc = add_node(j, rows, &other, err);
        if (rc < 0 || other == SIZE_MAX) continue;
        rc = up ? add_edge(j, other, at, ag_rows_text(rows, 4), err)
                : add_edge(j, at, other, ag_rows_text(rows, 4), err);
    }
    ag_rows_free(rows);
    return rc;
}

static int find_start(ag_tx *tx, job *j, ag_err *err)
{
    ag_rows *rows = NULL;
    ag_cell binds[3];
    size_t index, count = bind_id(j->kind, j->id, binds);
    int rc = 0;
    if (count) rc = ag_tx_query(tx, kinds[j->kind].self, binds, count, &rows, err);
    if (rc >= 0 && count) rc = ag_rows_next(rows, err);
    if (rc > 0)
        rc = add_node(j, rows, &index, err);
    else if (rc == 0)
        rc = ag_fail(err, AG_ENOTFOUND, "the ledger holds nothing called '%.*s'", AG_STR_ARG(j->id));
    ag_rows_free(rows);
    return rc;
}

static int run_lineage(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    ag_map_free(j->known);
    j->known = ag_map_new();
    if (!j->known) return ag_fail_memory(err, 64);
    j->cut = false;
    ag_vec_clear(&j->nodes);
    ag_vec_clear(&j->edges);
    int rc = find_start(tx, j, err);
    for (size_t at = 0; at < j->nodes.count && rc >= 0; at++) {
        ag_lineage_kind kind = ((const ag_lineage_node *)ag_vec_at(&j->nodes, at))->kind;
        if (j->way & AG_LINEAGE_UP) rc = look(tx, j, at, kinds[kind].up, true, err);
        if (rc >= 0 && (j->way & AG_LINEAGE_DOWN)) rc = look(tx, j, at, kinds[kind].down, false, err);
    }
    return rc;
}

int ag_lineage_of(ag_ledger *ledger, ag_lineage_kind kind, ag_str id, ag_lineage_way way, size_t limit, ag_arena *arena,
                  ag_lineage *out, ag_err *err)
{
    void *nodes = NULL, *edges = NULL;
    if (kind >= KINDS || !(way & AG_LINEAGE_BOTH)) return ag_fail(err, AG_EINVAL, "lineage of what, and which way?");
    if (limit > LARGEST_LIMIT) return ag_fail(err, AG_EINVAL, "lineage shows at most %d things", LARGEST_LIMIT);
    job j = {.kind = kind, .id = id, .way = way, .limit = limit ? limit : DEFAULT_LIMIT, .arena = arena};
    ag_vec_init(&j.nodes, sizeof(ag_lineage_node));
    ag_vec_init(&j.edges, sizeof(ag_lineage_edge));
    int rc = ag_db_read(ledger->db, NULL, run_lineage, &j, err);
    if (rc >= 0) rc = ag_take_items(&j.nodes, arena, &nodes, err);
    if (rc >= 0) rc = ag_take_items(&j.edges, arena, &edges, err);
    if (rc >= 0) *out = (ag_lineage){nodes, j.nodes.count, edges, j.edges.count, j.cut};
    ag_map_free(j.known);
    ag_vec_deinit(&j.nodes);
    ag_vec_deinit(&j.edges);
    return rc;
}
