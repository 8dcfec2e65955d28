// SPDX-License-Identifier: Apache-2.0
/* The search language on any bytes: the first byte chooses scope, database and
 * filter or order. Whatever compiles must hold no byte of the input, only the
 * scope's own text and placeholders. */
#include <stdlib.h>
#include <string.h>

#include "ledger/search/search.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_own(const char *sql)
{
    if (sql && (strpbrk(sql, ";\"\\\1\2\3") || strstr(sql, "--"))) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const ag_search_scope *const scopes[] = {&ag_search_runs, &ag_search_experiments, &ag_search_models,
                                                    &ag_search_versions, &ag_search_logged_models};
    if (size == 0) return 0;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return 0;
    ag_err err = {0};
    ag_search_sql sql;
    ag_str text = {(const char *)data + 1, size - 1};
    bool is_order = data[0] & 0x80;
    ag_search_request request = {.filter = is_order ? AG_STR("") : text,
                                 .order_by = &text,
                                 .order_count = is_order ? 1 : 0,
                                 .dialect = data[0] & 0x40 ? AG_DIALECT_POSTGRES : AG_DIALECT_SQLITE,
                                 .first_placeholder = 1};
    int rc = ag_search_compile(scopes[data[0] % 5], &request, arena, &sql, &err);
    if (rc >= 0) {
        const char *const pieces[] = {sql.where,       sql.walk,       sql.joins,      sql.order,      sql.lead.from,
                                      sql.lead.is_key, sql.lead.first, sql.lead.value, sql.lead.exists};
        for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) expect_own(pieces[i]);
        for (size_t i = 0; i < sql.drive_count; i++) {
            expect_own(sql.drives[i].set);
            expect_own(sql.drives[i].probe);
        }
    }
    if (rc < 0 && !err.text[0]) abort();
    if (rc < 0) {
        ag_buf caret;
        ag_buf_init(&caret, 1 << 20);
        ag_search_caret(text, &err, &caret);
        ag_buf_deinit(&caret);
    }
    ag_arena_free(arena);
    return 0;
}
