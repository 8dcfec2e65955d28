// SPDX-License-Identifier: Apache-2.0
#pragma once
/* parser.h: the state of one compilation, for compile.c (which fills it) and finish.c. */
#include "core/base/vec.h"
#include "ledger/search/lexer.h"
#include "ledger/search/search.h"

/* In `where` while it is built: SET the condition by an index, WALK the same row by row, END. Nothing that a user wrote
 * gets there, so these bytes are free. */
enum { AG_SEARCH_SET = 1, AG_SEARCH_WALK = 2, AG_SEARCH_END = 3 };

typedef struct ag_search_parser {
    const ag_search_scope *scope;
    ag_dialect dialect;
    unsigned first_placeholder;
    ag_lexer lexer;
    ag_token token; /* the one to look at */
    ag_buf where;
    ag_buf joins;
    ag_buf order;
    ag_vec values; /* of ag_search_value */
    ag_vec drives; /* of ag_search_drive */
    bool has_or;   /* outside of all parentheses */
    unsigned depth;
    unsigned comparisons;
    ag_search_lead lead;
    size_t led_joins, led_order; /* where what comes after the first order begins */
} ag_search_parser;

int ag_search_finish(ag_search_parser *p, ag_search_sql *out, ag_err *err);
