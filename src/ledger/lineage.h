// SPDX-License-Identifier: Apache-2.0
#pragma once
/* lineage.h: what came from what: data set -> run -> logged model -> model version -> deployment. */
#include "ledger/ledger.h"

typedef enum ag_lineage_kind {
    AG_LINEAGE_DATASET,
    AG_LINEAGE_RUN,
    AG_LINEAGE_LOGGED_MODEL,
    AG_LINEAGE_VERSION,
    AG_LINEAGE_DEPLOYMENT,
} ag_lineage_kind;

typedef struct ag_lineage_node {
    ag_lineage_kind kind;
    const char *id;    /* "name@digest", run id, model id, "model/3", a target */
    const char *label; /* for people */
} ag_lineage_node;

typedef struct ag_lineage_edge {
    size_t from, to;  /* indices of nodes; from the earlier to the later */
    const char *what; /* "read", "made", "registered", "parent", "served" */
} ag_lineage_edge;

typedef struct ag_lineage {
    const ag_lineage_node *nodes;
    size_t node_count;
    const ag_lineage_edge *edges;
    size_t edge_count;
    bool cut; /* a limit was met */
} ag_lineage;

typedef enum ag_lineage_way { AG_LINEAGE_UP = 1, AG_LINEAGE_DOWN = 2, AG_LINEAGE_BOTH = 3 } ag_lineage_way;
/* Breadth first from one node, at most `limit` nodes (0: 1,000). */
int ag_lineage_of(ag_ledger *ledger, ag_lineage_kind kind, ag_str id, ag_lineage_way way, size_t limit, ag_arena *arena,
                  ag_lineage *out, ag_err *err);
