// SPDX-License-Identifier: Apache-2.0
/* finish.c: what the parser has built, as pieces of SQL in the arena. */
#include <string.h>

#include "ledger/search/parser.h"

/* The conditions, each in one of its forms. */
static char *choose(const ag_search_parser *p, char form)
{
    char *out = ag_arena_alloc(p->lexer.arena, p->where.size + 1), now = 0;
    size_t size = 0;
    for (size_t i = 0; out && i < p->where.size; i++) {
        char c = p->where.data[i];
        if (c >= AG_SEARCH_SET && c <= AG_SEARCH_END)
            now = (char)(c == AG_SEARCH_END ? 0 : c);
        else if (!now || now == form)
            out[size++] = c;
    }
    if (out) out[size] = '\0';
    return out;
}

static int finish_values(const ag_search_parser *p, ag_search_sql *out, ag_err *err)
{
    ag_arena *arena = p->lexer.arena;
    ag_search_value *values = ag_arena_array(arena, p->values.count ? p->values.count : 1, sizeof(*values));
    if (!values) return ag_fail_memory(err, p->values.count * sizeof(*values));
    if (p->values.count) memcpy(values, p->values.items, p->values.count * sizeof(*values));
    for (size_t i = 0; i < p->values.count; i++) { /* texts may still lie in the caller's filter */
        const char *copy = ag_arena_strndup(arena, values[i].text.data, values[i].text.size);
        if (!copy) return ag_fail_memory(err, values[i].text.size + 1);
        values[i].text.data = copy;
    }
    out->values = values;
    out->value_count = p->values.count;
    return AG_OK;
}

static int finish_drives(const ag_search_parser *p, ag_search_sql *out, ag_err *err)
{
    if (p->has_or || p->drives.count == 0) return AG_OK;
    ag_search_drive *drives = ag_arena_array(p->lexer.arena, p->drives.count, sizeof(*drives));
    if (!drives) return ag_fail_memory(err, p->drives.count * sizeof(*drives));
    memcpy(drives, p->drives.items, p->drives.count * sizeof(*drives));
    out->drives = drives;
    out->drive_count = p->drives.count;
    return AG_OK;
}

/* Copies what was built into the arena. */
int ag_search_finish(ag_search_parser *p, ag_search_sql *out, ag_err *err)
{
    int rc;
    if ((rc = ag_buf_check(&p->where, "the compiled filter", err)) < 0) return rc;
    if ((rc = ag_buf_check(&p->joins, "the compiled order", err)) < 0) return rc;
    if ((rc = ag_buf_check(&p->order, "the compiled order", err)) < 0) return rc;
    ag_arena *arena = p->lexer.arena;
    ag_search_sql sql = {
        .joins = ag_arena_strndup(arena, p->joins.data, p->joins.size),
        .where = choose(p, AG_SEARCH_SET),
        .walk = choose(p, p->has_or ? AG_SEARCH_SET : AG_SEARCH_WALK),
        .order = ag_arena_strndup(arena, p->order.data, p->order.size),
        .lead = p->lead,
    };
    if (!sql.joins || !sql.where || !sql.walk || !sql.order) return ag_fail_memory(err, p->where.size);
    sql.lead.joins = sql.joins + p->led_joins;
    sql.lead.order = sql.order + p->led_order;
    if ((rc = finish_values(p, &sql, err)) < 0 || (rc = finish_drives(p, &sql, err)) < 0) return rc;
    *out = sql;
    return AG_OK;
}
