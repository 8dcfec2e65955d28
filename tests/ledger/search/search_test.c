// SPDX-License-Identifier: Apache-2.0
#include "frame/test.h"

#include <stdio.h>
#include <string.h>

#include "ledger/search/search.h"

static ag_search_sql compile(ag_arena *arena, const ag_search_scope *scope, ag_dialect dialect, const char *filter)
{
    ag_err err = {0};
    ag_search_sql sql;
    ag_search_request request = {.filter = ag_str_of(filter), .dialect = dialect, .first_placeholder = 1};
    AG_EXPECT_OK(ag_search_compile(scope, &request, arena, &sql, &err));
    return sql;
}

static void expect_where(const char *filter, const char *where)
{
    ag_arena *arena = ag_arena_new(0);
    assert_string_equal(compile(arena, &ag_search_runs, AG_DIALECT_SQLITE, filter).where, where);
    ag_arena_free(arena);
}

AG_TEST(test_search__an_empty_filter_is_true)
{
    expect_where("", "1 = 1");
    expect_where("  \t\n", "1 = 1");
}

AG_TEST(test_search__attributes_go_by_all_their_names)
{
    expect_where("run_name = 'a'", "(r.name = ?1)");
    expect_where("attributes.run_name = 'a'", "(r.name = ?1)");
    expect_where("attr.`Run name` != \"a\"", "(r.name != ?1)");
    expect_where("run.\"run name\" == 'a'", "(r.name = ?1)");
    expect_where("start_time >= 12", "((r.started_at / 1000) >= ?1)");
    expect_where("Created<12", "((r.started_at / 1000) < ?1)");
}

AG_TEST(test_search__an_equal_value_is_found_by_its_beginning)
{
    expect_where("params.x = 'a'", "(r.id IN (SELECT x.run_id FROM params x WHERE x.key = ?2 AND "
                                   "substr(x.value, 1, 64) = substr(?1, 1, 64) AND x.value = ?1))");
    expect_where("tags.x != 'a'",
                 "(EXISTS (SELECT 1 FROM run_tags x WHERE x.run_id = r.id AND x.key = ?2 AND x.value != ?1))");
}

AG_TEST(test_search__maps_bind_their_key)
{
    ag_arena *arena = ag_arena_new(0);
    ag_search_sql sql = compile(arena, &ag_search_runs, AG_DIALECT_SQLITE, "metrics.`val loss` < -1.5e-3");
    assert_string_equal(sql.where, "(r.id IN (SELECT x.run_id FROM metric_series x WHERE x.key = ?2 AND "
                                   "x.last_value < ?1))");
    assert_int_equal(sql.value_count, 2);
    assert_true(sql.values[0].type == AG_SEARCH_NUMBER && sql.values[0].number == -1.5e-3);
    assert_true(ag_str_is(sql.values[1].text, "val loss"));
    sql = compile(arena, &ag_search_runs, AG_DIALECT_SQLITE, "params.a/b.c-d:e = 'it''s'");
    assert_true(ag_str_is(sql.values[0].text, "it's"));
    assert_true(ag_str_is(sql.values[1].text, "a/b.c-d:e"));
    ag_arena_free(arena);
}

AG_TEST(test_search__what_must_hold_can_drive_and_be_walked)
{
    ag_arena *arena = ag_arena_new(0);
    ag_search_sql sql = compile(arena, &ag_search_runs, AG_DIALECT_SQLITE, "metrics.a >= 2 AND status = 'x'");
    assert_string_equal(sql.walk, "(EXISTS (SELECT 1 FROM metric_series x WHERE x.run_id = r.id AND x.key = ?2 AND "
                                  "x.last_value >= ?1) AND r.status = ?3)");
    assert_int_equal(sql.drive_count, 1);
    assert_string_equal(sql.drives[0].set, "x.run_id FROM metric_series x WHERE x.key = ?2 AND x.last_value >= ?1");
    assert_string_equal(sql.drives[0].probe, "x.run_id FROM metric_series x WHERE x.key = ?3 AND x.last_value >= ?2");
    assert_true(sql.drives[0].value.number == 2 && ag_str_is(sql.drives[0].key.text, "a"));
    static const char *const none[] = {"metrics.a >= 2 OR status = 'x'", "(metrics.a >= 2)", "NOT params.a = 'x'",
                                       "metrics.a != 2", "params.a LIKE 'x'"};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        sql = compile(arena, &ag_search_runs, AG_DIALECT_SQLITE, none[i]);
        assert_int_equal(sql.drive_count, 0);
        assert_string_equal(sql.walk, sql.where);
    }
    ag_arena_free(arena);
}

AG_TEST(test_search__the_first_order_can_lead)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_str orders[] = {AG_STR("params.p DESC"), AG_STR("metrics.m")};
    ag_search_request request = {.order_by = orders, .order_count = 2, .first_placeholder = 3};
    ag_search_sql sql;
    AG_EXPECT_OK(ag_search_compile(&ag_search_runs, &request, arena, &sql, &err));
    assert_string_equal(sql.lead.from, "params o0");
    assert_string_equal(sql.lead.is_key, "o0.key = ?3");
    assert_string_equal(sql.lead.first, "o0.value DESC");
    assert_string_equal(sql.lead.joins, " LEFT JOIN metric_series o1 ON o1.run_id = r.id AND o1.key = ?4");
    assert_string_equal(sql.lead.order,
                        "(o1.last_value IS NULL), (o1.key IS NULL), o1.last_value, r.started_at DESC, r.id");
    request.dialect = AG_DIALECT_POSTGRES; /* whose index holds only the beginning of a value */
    AG_EXPECT_OK(ag_search_compile(&ag_search_runs, &request, arena, &sql, &err));
    assert_string_equal(sql.lead.first, "substr(o0.value, 1, 64) DESC, o0.value DESC");
    orders[0] = AG_STR("start_time DESC");
    AG_EXPECT_OK(ag_search_compile(&ag_search_runs, &request, arena, &sql, &err));
    assert_null(sql.lead.from);
    ag_arena_free(arena);
}

AG_TEST(test_search__or_binds_weaker_than_and_and_parentheses_win)
{
    expect_where("status = 'a' OR status = 'b' AND status = 'c'", "(r.status = ?1 OR r.status = ?2 AND r.status = ?3)");
    expect_where("(status = 'a' or status = 'b') and status = 'c'",
                 "(((r.status = ?1 OR r.status = ?2)) AND r.status = ?3)");
    expect_where("NOT status = 'a'", "(NOT COALESCE((r.status = ?1), 1 = 0))");
}

AG_TEST(test_search__null_and_lists)
{
    expect_where("end_time IS NULL", "(NOT (r.ended_at / 1000) IS NOT NULL)");
    expect_where("end_time is not null", "((r.ended_at / 1000) IS NOT NULL)");
    expect_where("params.x IS NULL", "(NOT EXISTS (SELECT 1 FROM params x WHERE "
                                     "x.run_id = r.id AND x.key = ?1))");
    expect_where("run_id IN ('a', 'b')", "(r.id IN (?1, ?2))");
    expect_where("run_id NOT IN ('a')", "(r.id NOT IN (?1))");
}

AG_TEST(test_search__like_is_case_sensitive_on_both_databases)
{
    ag_arena *arena = ag_arena_new(0);
    ag_search_sql sql = compile(arena, &ag_search_runs, AG_DIALECT_SQLITE, "run_name LIKE 'a%_*[?'");
    assert_string_equal(sql.where, "(r.name GLOB ?1)");
    assert_true(ag_str_is(sql.values[0].text, "a*?[*][[][?]"));
    sql = compile(arena, &ag_search_runs, AG_DIALECT_SQLITE, "run_name ILIKE 'A%'");
    assert_string_equal(sql.where, "(r.name LIKE ?1)");
    sql = compile(arena, &ag_search_runs, AG_DIALECT_POSTGRES, "run_name LIKE 'a\\%' AND run_name NOT ILIKE 'b'");
    assert_string_equal(sql.where, "(r.name LIKE ?1 ESCAPE '' AND r.name NOT ILIKE ?2 ESCAPE '')");
    assert_true(ag_str_is(sql.values[0].text, "a\\%"));
    ag_arena_free(arena);
}

AG_TEST(test_search__orders_put_what_is_missing_last)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_str orders[] = {AG_STR("metrics.loss DESC"), AG_STR("run_name"), AG_STR("end_time asc")};
    ag_search_request request = {
        .filter = AG_STR("status = 'x'"), .order_by = orders, .order_count = 3, .first_placeholder = 4};
    ag_search_sql sql;
    AG_EXPECT_OK(ag_search_compile(&ag_search_runs, &request, arena, &sql, &err));
    assert_string_equal(sql.where, "(r.status = ?4)");
    assert_string_equal(sql.joins, " LEFT JOIN metric_series o0 ON o0.run_id = r.id AND o0.key = ?5");
    assert_string_equal(sql.order, "(o0.last_value IS NULL), (o0.key IS NULL), o0.last_value DESC, r.name, "
                                   "((r.ended_at / 1000) IS NULL), (r.ended_at / 1000), r.started_at DESC, "
                                   "r.id");
    request.order_count = 0;
    AG_EXPECT_OK(ag_search_compile(&ag_search_runs, &request, arena, &sql, &err));
    assert_string_equal(sql.order, ag_search_runs.default_order);
    ag_arena_free(arena);
}

AG_TEST(test_search__mistakes_are_refused_with_their_place)
{
    static const struct {
        const char *filter;
        uint32_t column;
        const char *text;
    } rows[] = {
        {"nonsense = 'a'", 1, "Invalid attribute key 'nonsense'"},
        {"metric.x = 'a'", 12, "compared with a number"},
        {"params.x = 5", 12, "Expected a quoted string value"},
        {"params.x > '5'", 10, "not with '>'"},
        {"wrong.x = '5'", 1, "Invalid entity type 'wrong'"},
        {"status = 'a' AND", 17, "ends where a key"},
        {"status = 'a' status = 'b'", 14, "AND, OR or the end"},
        {"(status = 'a'", 14, "closing parenthesis"},
        {"status = 'a", 10, "never closed"},
        {"status", 7, "an operator"},
        {"status NOT = 'a'", 12, "LIKE, ILIKE or IN"},
        {"run_id IN 'a'", 11, "a list in parentheses"},
        {"run_id IN ('a' 'b')", 16, "a comma"},
        {"run_id IN ()", 12, "a text in quotes"},
        {"end_time IS 5", 13, "NULL"},
        {"start_time LIKE 'a'", 12, "LIKE compares texts"},
        {"metrics. = 1", 9, "a key is missing"},
        {"metrics.x = 1.2.3", 13, "is not a number"},
        {"metrics.x = 5abc", 13, "is not a number"},
        {"metrics.x = 5\xef\xbb\xbf", 13, "'5\xef\xbb\xbf' is not a number"}, /* not a piece of a character */
        {"status = 'a' ; DROP TABLE runs", 14, "';' cannot stand here"},
        {"status = \x01", 10, "control character"},
    };
    ag_arena *arena = ag_arena_new(0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ag_err err = {0};
        ag_search_sql sql;
        ag_search_request request = {.filter = ag_str_of(rows[i].filter), .first_placeholder = 1};
        AG_EXPECT_ERROR(ag_search_compile(&ag_search_runs, &request, arena, &sql, &err), AG_EINVAL, rows[i].text);
        if (err.column != rows[i].column) fail_msg("%s: column %u", rows[i].filter, err.column);
    }
    ag_arena_free(arena);
}

AG_TEST(test_search__the_caret_stands_under_the_mistake)
{
    ag_err err = {.column = 9};
    ag_buf out;
    ag_buf_init(&out, 1000);
    ag_search_caret(AG_STR("r\xc3\xa9sum\xc3\xa9 x\n"), &err, &out);
    assert_string_equal(out.data, "r\xc3\xa9sum\xc3\xa9 x \n      ^\n");
    ag_buf_deinit(&out);
}

AG_TEST(test_search__limits_hold)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_search_sql sql;
    ag_buf filter;
    ag_buf_init(&filter, 1 << 20);
    ag_search_request request = {.first_placeholder = 1};
    ag_buf_add_fill(&filter, '(', 70);
    request.filter = ag_buf_str(&filter);
    AG_EXPECT_ERROR(ag_search_compile(&ag_search_runs, &request, arena, &sql, &err), AG_EINVAL, "64 levels");
    ag_buf_clear(&filter);
    for (int i = 0; i < 201; i++) ag_buf_addf(&filter, "%sstatus='a'", i ? " AND " : "");
    request.filter = ag_buf_str(&filter);
    AG_EXPECT_ERROR(ag_search_compile(&ag_search_runs, &request, arena, &sql, &err), AG_EINVAL, "200 comparisons");
    ag_buf_add_fill(&filter, ' ', 9000);
    request.filter = ag_buf_str(&filter);
    AG_EXPECT_ERROR(ag_search_compile(&ag_search_runs, &request, arena, &sql, &err), AG_EINVAL, "the most is 8192");
    request.filter = AG_STR("status = '\xff'");
    AG_EXPECT_ERROR(ag_search_compile(&ag_search_runs, &request, arena, &sql, &err), AG_EINVAL, "not valid UTF-8");
    ag_buf_deinit(&filter);
    ag_arena_free(arena);
}

AG_TEST(test_search__what_cannot_be_sorted_by_is_refused)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_search_sql sql;
    ag_str orders[] = {AG_STR("datasets.name")};
    ag_search_request request = {.order_by = orders, .order_count = 1, .first_placeholder = 1};
    AG_EXPECT_ERROR(ag_search_compile(&ag_search_runs, &request, arena, &sql, &err), AG_EINVAL, "Invalid order_by");
    orders[0] = AG_STR("start_time DOWN");
    AG_EXPECT_ERROR(ag_search_compile(&ag_search_runs, &request, arena, &sql, &err), AG_EINVAL, "ASC, DESC");
    ag_arena_free(arena);
}

static int compile_something(void *context, ag_err *err)
{
    (void)context;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    ag_str orders[] = {AG_STR("metrics.loss DESC")};
    ag_search_request request = {.filter = AG_STR("params.a LIKE 'b%' AND run_id IN ('c', 'd')"),
                                 .order_by = orders,
                                 .order_count = 1,
                                 .first_placeholder = 1};
    ag_search_sql sql;
    int rc = ag_search_compile(&ag_search_runs, &request, arena, &sql, err);
    ag_arena_free(arena);
    return rc;
}

AG_TEST(test_search__every_failed_allocation_is_clean)
{
    ag_test_fail_at_n(AG_FAULT_ALLOC, compile_something, NULL, NULL);
}
