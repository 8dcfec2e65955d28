// SPDX-License-Identifier: Apache-2.0
#pragma once
/* search.h: the search language. MLflow's filter grammar as a subset, plus OR,
 * parentheses, IS NULL and IN everywhere:
 *
 *     metrics.loss < 0.1 AND (params.model = 'mixer' OR tags.`team name` LIKE
 * 'drill%') AND end_time IS NOT NULL
 *
 * A filter is parsed once against a scope (what one can ask of runs, of
 * experiments, ...) and compiled to SQL whose every value is a bound parameter:
 * no text of a user ever becomes SQL. A mistake is refused with the column
 * where it stands; ag_search_caret() draws it. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/db/sql.h"

typedef enum ag_search_type { AG_SEARCH_TEXT, AG_SEARCH_NUMBER } ag_search_type;

/* Something one can ask for. In `where`, '@' stands for the comparison ("= ?3")
 * and '#' for the bound key of a map. */
typedef struct ag_search_key {
    const char *names; /* the accepted spellings, separated by '|', the first is
                          the proper one; "*": any key (a map) */
    ag_search_type type;
    const char *where;  /* "r.name @", or "EXISTS (SELECT 1 FROM params x WHERE x.run_id =
                           r.id AND x.key = # AND x.value @)"; with '@' left out of a
                           map's text it asks whether the key is there */
    const char *set;    /* optional, of a map, for comparisons that an index answers: behind SELECT, the ids of all that
                           fit; '@' is the bound value itself, '~' the operator */
    const char *exists; /* for IS [NOT] NULL: true when there is a value */
    const char *order;  /* the column to sort by; NULL: cannot be sorted by. For a
                           map: a column of `join` */
    const char *join;   /* a map's "LEFT JOIN params & ON &.run_id = r.id AND &.key
                           = #"; '&' is the join's alias */
    const char *table;  /* optional, of a map with `join`: the joined table, when an index has its rows by key and then
                           in the order of `order` (PostgreSQL: of `prefix` first) */
    const char *prefix; /* optional: "substr(&.value, 1, 64)": what PostgreSQL's index holds of the order */
    bool nullable;      /* of a map: `order` may be NULL where the key is there */
    const char *down;   /* optional: says the same as `order` when it goes down on SQLite, and an index gives it */
} ag_search_key;

typedef struct ag_search_group {
    const char *names; /* "metrics|metric"; the group of a bare key has names
                          "attributes|attribute|attr|run" */
    const ag_search_key *keys;
    size_t count;
} ag_search_group;

typedef struct ag_search_scope {
    const char *what;              /* "runs": for messages */
    const ag_search_group *groups; /* the first one serves bare keys */
    size_t count;
    const char *default_order; /* SQL, when no order was asked for: "r.started_at
                                  DESC, r.id" */
    const char *tie_break;     /* SQL, after what was asked for */
} ag_search_scope;

extern const ag_search_scope ag_search_runs;
extern const ag_search_scope ag_search_experiments;
extern const ag_search_scope ag_search_models;
extern const ag_search_scope ag_search_versions;
extern const ag_search_scope ag_search_logged_models;

typedef struct ag_search_value {
    ag_search_type type;
    ag_str text;
    double number;
} ag_search_value;

enum { AG_SEARCH_DRIVES = 8 };

/* A comparison that every result must fit and for which an index gives the ids. */
typedef struct ag_search_drive {
    const char *set;   /* behind SELECT: the ids; numbered as `where` is */
    const char *probe; /* the same with ?2, the value, and ?3, the key */
    ag_search_value value, key;
} ag_search_drive;

/* When the first thing to sort by is a map's entry whose table has an index in that order: results come in three parts,
 * those with a value, those whose value is NULL, those without the entry; each is walked in order. */
typedef struct ag_search_lead {
    const char *from;          /* "metric_series o0"; NULL: nothing leads */
    const char *is_key;        /* "o0.key = ?5" */
    const char *value;         /* "o0.last_value" */
    const char *first;         /* the order of the part with values: "o0.last_value DESC" */
    bool nullable;             /* there can be a second part */
    const char *exists;        /* what the third part lacks: "EXISTS (SELECT ...)" */
    const char *joins, *order; /* of what comes after it */
} ag_search_lead;

/* Pieces of a statement: "SELECT ... FROM runs r <joins> WHERE ... AND <where>
 * ORDER BY <order>". `where` is "1 = 1" for an empty filter. Placeholders are
 * ?N in the order of `values`, starting at `first_placeholder`. */
typedef struct ag_search_sql {
    const char *joins;
    const char *where;
    const char *walk; /* `where` for going through rows in order until enough fit: nothing is gathered beforehand */
    const char *order;
    const ag_search_value *values;
    size_t value_count;
    const ag_search_drive *drives;
    size_t drive_count;
    ag_search_lead lead;
} ag_search_sql;

typedef struct ag_search_request {
    ag_str filter;          /* may be empty */
    const ag_str *order_by; /* "metrics.loss ASC", each; may be NULL */
    size_t order_count;
    ag_dialect dialect;
    unsigned first_placeholder; /* what the caller binds itself comes before */
} ag_search_request;

/* Text in *out lives in the arena. AG_EINVAL with err->column set for a
 * mistake; at most 8 KiB of filter, 64 levels of parentheses, 200 comparisons,
 * 1000 values in a list. */
int ag_search_compile(const ag_search_scope *scope, const ag_search_request *request, ag_arena *arena,
                      ag_search_sql *out, ag_err *err);

/* The filter and, under the place of the error, a caret. */
int ag_search_caret(ag_str filter, const ag_err *err, ag_buf *out);
