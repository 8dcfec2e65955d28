// SPDX-License-Identifier: Apache-2.0
/* statement.c: see statement.h. A page token is the base64 of {"offset":N}, as MLflow's is; clients treat it as opaque.
 */
#include "ledger/statement.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/doc/json.h"
#include "core/hash/encode.h"

int ag_statement_fill(ag_arena *arena, const ag_sql *sql, ag_dialect dialect, const ag_mark *marks, size_t count,
                      ag_sql *out, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, 16 << 20);
    for (const char *at = sql->text[dialect]; *at;) {
        size_t i = 0;
        while (i < count && strncmp(at, marks[i].mark, strlen(marks[i].mark)) != 0) i++;
        if (i < count) {
            ag_buf_add_text(&text, marks[i].sql);
            at += strlen(marks[i].mark);
        } else {
            ag_buf_add_char(&text, *at++);
        }
    }
    int rc = ag_buf_check(&text, sql->name, err);
    char *copy = rc < 0 ? NULL : ag_arena_strndup(arena, text.data, text.size);
    if (rc >= 0 && !copy) rc = ag_fail_memory(err, text.size + 1);
    if (rc >= 0) *out = ag_sql_text(sql->name, copy);
    ag_buf_deinit(&text);
    return rc;
}

char *ag_statement_placeholders(ag_arena *arena, unsigned first, size_t count)
{
    ag_buf text;
    ag_buf_init(&text, 1 << 20);
    if (count == 0) ag_buf_add_text(&text, "NULL"); /* an empty list is not SQL; nothing equals NULL */
    for (size_t i = 0; i < count; i++) ag_buf_addf(&text, "%s?%u", i ? ", " : "", first + (unsigned)i);
    char *copy = text.failed ? NULL : ag_arena_strndup(arena, text.data, text.size);
    ag_buf_deinit(&text);
    return copy;
}

ag_cell *ag_statement_binds(ag_arena *arena, const ag_cell *fixed, size_t fixed_count, const ag_search_sql *search,
                            size_t *count)
{
    *count = fixed_count + search->value_count;
    ag_cell *binds = ag_arena_array(arena, *count + 1, sizeof(*binds));
    if (!binds) return NULL;
    if (fixed_count) memcpy(binds, fixed, fixed_count * sizeof(*binds));
    for (size_t i = 0; i < search->value_count; i++) {
        const ag_search_value *value = &search->values[i];
        binds[fixed_count + i] =
            value->type == AG_SEARCH_NUMBER ? ag_cell_real(value->number) : ag_cell_str(value->text);
    }
    return binds;
}

int ag_page_offset(ag_str token, uint64_t *offset, ag_err *err)
{
    *offset = 0;
    if (token.size == 0) return AG_OK;
    int rc = ag_fail(err, AG_EINVAL, "Invalid page token, could not base64-decode");
    ag_arena *arena = ag_arena_new(0);
    ag_buf text;
    ag_buf_init(&text, 4096);
    const ag_value *value = NULL;
    int64_t number = -1;
    if (arena && token.size < 4096 && ag_unbase64(token, &text, NULL) >= 0 &&
        ag_json_parse(arena, ag_buf_str(&text), NULL, &value, NULL) >= 0 &&
        ag_value_int(ag_value_get(value, "offset"), &number) && number >= 0) {
        *offset = (uint64_t)number;
        rc = AG_OK;
    }
    ag_buf_deinit(&text);
    ag_arena_free(arena);
    return rc;
}

const char *ag_page_token(ag_arena *arena, uint64_t offset)
{
    char text[48];
    ag_format(text, sizeof(text), "{\"offset\": %llu}", (unsigned long long)offset);
    ag_buf token;
    ag_buf_init(&token, 256);
    ag_base64(&token, ag_str_of(text));
    char *copy = token.failed ? NULL : ag_arena_strndup(arena, token.data, token.size);
    ag_buf_deinit(&token);
    return copy;
}

int ag_page_size(uint32_t wanted, uint32_t fallback, uint32_t cap, uint32_t *out, ag_err *err)
{
    if (wanted > cap) {
        return ag_fail(err, AG_EINVAL,
                       "Invalid value for request parameter max_results. It must be at most %u, but got value %u", cap,
                       wanted);
    }
    *out = wanted ? wanted : fallback;
    return AG_OK;
}

int ag_take_str(ag_rows *rows, size_t column, ag_arena *arena, ag_str *out, ag_err *err)
{
    ag_str text = ag_rows_text(rows, column);
    *out = (ag_str){0};
    if (!text.data) return AG_OK;
    char *copy = ag_arena_strndup(arena, text.data, text.size);
    if (!copy) return ag_fail_memory(err, text.size + 1);
    *out = (ag_str){copy, text.size};
    return AG_OK;
}

int ag_take_text(ag_rows *rows, size_t column, ag_arena *arena, const char **out, ag_err *err)
{
    ag_str text;
    int rc = ag_take_str(rows, column, arena, &text, err);
    if (rc >= 0) *out = text.data;
    return rc;
}

int ag_take_items(ag_vec *vec, ag_arena *arena, void **out, ag_err *err)
{
    void *items = ag_arena_array(arena, vec->count ? vec->count : 1, vec->item_size);
    if (!items) return ag_fail_memory(err, vec->count * vec->item_size);
    if (vec->count) memcpy(items, vec->items, vec->count * vec->item_size);
    *out = items;
    return AG_OK;
}

bool ag_experiment_number(ag_str id, int64_t *out)
{
    return ag_str_to_int(id, out) && *out >= 0;
}
