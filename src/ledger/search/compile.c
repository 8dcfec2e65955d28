// SPDX-License-Identifier: Apache-2.0
/* compile.c: from filter text to SQL in one pass, by recursive descent.
 *   filter     := [ or ]                     or := and { OR and }          and
 * := factor { AND factor } factor     := '(' or ')' | NOT factor | comparison
 *   comparison := key operator value | key [NOT] LIKE|ILIKE text | key [NOT] IN
 * '(' value {, value} ')' | key IS [NOT] NULL key        := [ group '.' ] name
 * Invariant: `where` and `joins` are built only from the constant texts of a
 * scope and from numbered placeholders; whatever a user wrote is a bound value.
 * A row that lacks a key matches no comparison of it, "!=" included, which is
 * what EXISTS gives. */
#include <stdio.h>

#include "ledger/search/parser.h"

enum { MAX_FILTER = 8192, MAX_SQL = 1 << 20, MAX_DEPTH = 64, MAX_COMPARISONS = 200, MAX_LIST = 1000, MAX_ORDERS = 16 };

/* `exists` of a key that every row has: nothing to sort to the end, so that an
 * index can give the order. */
static const char ALWAYS[] = "1 = 1";

typedef ag_search_parser parser;

typedef struct operand { /* a key as it was written */
    const ag_search_key *key;
    bool is_map;
    ag_str name;  /* of a map's entry */
    ag_str shown; /* for messages */
    uint32_t column;
} operand;

static int advance(parser *p, ag_err *err)
{
    return ag_lexer_next(&p->lexer, &p->token, err);
}

static int refuse(const parser *p, ag_err *err, const char *wanted)
{
    if (p->token.kind == AG_TOKEN_END) {
        return ag_fail_at(err, AG_EINVAL, NULL, 1, p->token.column, "the filter ends where %s should stand", wanted);
    }
    return ag_fail_at(err, AG_EINVAL, NULL, 1, p->token.column, "%s should stand where '%.*s' is", wanted,
                      AG_STR_ARG(p->token.text));
}

static bool is_keyword(const ag_token *token, const char *word)
{
    return token->kind == AG_TOKEN_WORD && ag_str_equal_nocase(token->text, ag_str_of(word));
}

static bool is_named(const char *names, ag_str name)
{
    ag_str rest = ag_str_of(names), one;
    while (ag_str_next(&rest, '|', &one)) {
        if (ag_str_equal(one, name)) return true;
    }
    return false;
}

static const ag_search_group *find_group(const parser *p, ag_str name)
{
    for (size_t i = 0; i < p->scope->count; i++) {
        if (is_named(p->scope->groups[i].names, name)) return &p->scope->groups[i];
    }
    return NULL;
}

/* The proper names of a group's keys, or of all groups, for messages: "name,
 * status and start_time". */
static void list_names(const parser *p, const ag_search_group *group, char *out, size_t size)
{
    size_t count = group ? group->count : p->scope->count, used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < count && used < size; i++) {
        const char *names = group ? group->keys[i].names : p->scope->groups[i].names;
        int wrote = snprintf(out + used, size - used, "%s%.*s", i ? ", " : "", (int)strcspn(names, "|"), names);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
}

static int find_key(const parser *p, const ag_search_group *group, ag_str name, operand *out, ag_err *err)
{
    for (size_t i = 0; i < group->count; i++) {
        const ag_search_key *key = &group->keys[i];
        out->is_map = ag_str_is(ag_str_of(key->names), "*");
        if (!out->is_map && !is_named(key->names, name)) continue;
        out->key = key;
        out->name = name;
        return AG_OK;
    }
    char known[256];
    list_names(p, group, known, sizeof(known));
    ag_fail_at(err, AG_EINVAL, NULL, 1, out->column, "Invalid attribute key '%.*s' specified for %s", AG_STR_ARG(name),
               p->scope->what);
    return ag_err_hint(err, "valid keys are %s", known);
}

/* "group.key" or "key"; the token is the first word. Leaves the token behind
 * the key. */
static int read_operand(parser *p, operand *out, ag_err *err)
{
    *out = (operand){.column = p->token.column};
    size_t from = p->token.column - 1;
    bool word = p->token.kind == AG_TOKEN_WORD || p->token.kind == AG_TOKEN_QUOTED_KEY ||
                (p->token.kind == AG_TOKEN_STRING && p->token.quote == '"');
    if (!word) return refuse(p, err, "a key");
    ag_token first = p->token, key = p->token;
    const ag_search_group *group = &p->scope->groups[0];
    int rc = advance(p, err);
    if (rc < 0) return rc;
    if (p->token.kind == AG_TOKEN_DOT) {
        group = find_group(p, first.text);
        if (!group) {
            char known[256];
            list_names(p, NULL, known, sizeof(known));
            ag_fail_at(err, AG_EINVAL, NULL, 1, first.column, "Invalid entity type '%.*s' for %s",
                       AG_STR_ARG(first.text), p->scope->what);
            return ag_err_hint(err, "valid entity types are %s", known);
        }
        if ((rc = ag_lexer_key(&p->lexer, &key, err)) < 0) return rc;
        out->shown = ag_str_slice(p->lexer.text, from, p->lexer.at - from);
        if ((rc = advance(p, err)) < 0) return rc;
    } else {
        out->shown = first.text;
    }
    out->column = key.column;
    return find_key(p, group, key.text, out, err);
}

static int bind(parser *p, ag_search_type type, ag_str text, double number, unsigned *placeholder, ag_err *err)
{
    ag_search_value value = {type, text, number};
    int rc = ag_vec_push(&p->values, &value, err);
    *placeholder = p->first_placeholder + (unsigned)p->values.count - 1;
    return rc;
}

/* Adds a template with '@', '#' and '&' filled in. */
static void add_template(ag_buf *into, const char *text, const char *comparison, unsigned name_at, const char *alias)
{
    for (const char *c = text; *c; c++) {
        if (*c == '@')
            ag_buf_add_text(into, comparison);
        else if (*c == '#')
            ag_buf_addf(into, "?%u", name_at);
        else if (*c == '&')
            ag_buf_add_text(into, alias);
        else
            ag_buf_add_char(into, *c);
    }
}

static int add_condition(parser *p, const operand *left, const char *text, const char *comparison, ag_err *err)
{
    unsigned name_at = 0;
    if (left->is_map) {
        int rc = bind(p, AG_SEARCH_TEXT, left->name, 0, &name_at, err);
        if (rc < 0) return rc;
    }
    add_template(&p->where, text, comparison, name_at, "");
    return AG_OK;
}

/* The query for the ids, with the value and the key at these placeholders. */
static void add_set(ag_buf *into, const ag_search_key *key, ag_str sign, unsigned value_at, unsigned name_at)
{
    for (const char *c = key->set; *c; c++) {
        if (*c == '@')
            ag_buf_addf(into, "?%u", value_at);
        else if (*c == '#')
            ag_buf_addf(into, "?%u", name_at);
        else if (*c == '~')
            ag_buf_add_str(into, sign);
        else
            ag_buf_add_char(into, *c);
    }
}

static int add_drive(parser *p, const ag_search_key *key, ag_str sign, unsigned value_at, ag_err *err)
{
    ag_buf text;
    ag_arena *arena = p->lexer.arena;
    size_t at = value_at - p->first_placeholder;
    if (p->drives.count == AG_SEARCH_DRIVES) return AG_OK;
    ag_search_drive drive = {.value = *(ag_search_value *)ag_vec_at(&p->values, at),
                             .key = *(ag_search_value *)ag_vec_at(&p->values, at + 1)};
    ag_buf_init(&text, 4096);
    add_set(&text, key, sign, value_at, value_at + 1);
    drive.set = text.failed ? NULL : ag_arena_strndup(arena, text.data, text.size);
    ag_buf_clear(&text);
    add_set(&text, key, sign, 2, 3);
    drive.probe = text.failed ? NULL : ag_arena_strndup(arena, text.data, text.size);
    ag_buf_deinit(&text);
    if (!drive.set || !drive.probe) return ag_fail_memory(err, 1);
    return ag_vec_push(&p->drives, &drive, err);
}

/* A condition that an index can answer, where it stands alone in both forms. The value was bound last. */
static int add_set_condition(parser *p, const operand *left, ag_str sign, unsigned value_at, const char *comparison,
                             ag_err *err)
{
    unsigned name_at;
    int rc = bind(p, AG_SEARCH_TEXT, left->name, 0, &name_at, err);
    if (rc < 0) return rc;
    bool both = p->depth == 0;
    if (both) ag_buf_add_char(&p->where, AG_SEARCH_SET);
    ag_buf_add_text(&p->where, "r.id IN (SELECT ");
    add_set(&p->where, left->key, sign, value_at, name_at);
    ag_buf_add_char(&p->where, ')');
    if (!both) return AG_OK;
    ag_buf_add_char(&p->where, AG_SEARCH_WALK);
    add_template(&p->where, left->key->where, comparison, name_at, "");
    ag_buf_add_char(&p->where, AG_SEARCH_END);
    return add_drive(p, left->key, sign, value_at, err);
}

static int read_value(parser *p, const operand *left, unsigned *placeholder, ag_err *err)
{
    ag_token token = p->token;
    bool number = token.kind == AG_TOKEN_NUMBER;
    bool text = token.kind == AG_TOKEN_STRING;
    if (!number && !text) return refuse(p, err, left->key->type == AG_SEARCH_NUMBER ? "a number" : "a text in quotes");
    if (left->key->type == AG_SEARCH_NUMBER && !number) {
        return ag_fail_at(err, AG_EINVAL, NULL, 1, token.column, "%.*s is compared with a number, not with a text",
                          AG_STR_ARG(left->shown));
    }
    if (left->key->type == AG_SEARCH_TEXT && !text) {
        return ag_fail_at(err, AG_EINVAL, NULL, 1, token.column,
                          "Expected a quoted string value for %.*s: write '%.*s'", AG_STR_ARG(left->shown),
                          AG_STR_ARG(token.text));
    }
    int rc = bind(p, left->key->type, token.text, token.number, placeholder, err);
    return rc < 0 ? rc : advance(p, err);
}

/* LIKE is case-sensitive, '%' and '_' are its only marks. SQLite's LIKE is not
 * case-sensitive, so there it is GLOB on a translated pattern. */
static int like_pattern(parser *p, ag_str pattern, ag_str *out, ag_err *err)
{
    char *glob = ag_arena_alloc(p->lexer.arena, pattern.size * 3 + 1);
    if (!glob) return ag_fail_memory(err, pattern.size * 3 + 1);
    size_t size = 0;
    for (size_t i = 0; i < pattern.size; i++) {
        char c = pattern.data[i];
        if (c == '*' || c == '?' || c == '[') {
            glob[size++] = '[';
            glob[size++] = c;
            glob[size++] = ']';
        } else {
            glob[size++] = (char)(c == '%' ? '*' : c == '_' ? '?' : c);
        }
    }
    *out = (ag_str){glob, size};
    return AG_OK;
}

static int read_like(parser *p, const operand *left, bool ignore_case, bool negated, ag_err *err)
{
    uint32_t column = p->token.column;
    int rc = advance(p, err);
    if (rc < 0) return rc;
    if (left->key->type != AG_SEARCH_TEXT) {
        return ag_fail_at(err, AG_EINVAL, NULL, 1, column, "LIKE compares texts; %.*s is a number",
                          AG_STR_ARG(left->shown));
    }
    unsigned at;
    if ((rc = read_value(p, left, &at, err)) < 0) return rc;
    char comparison[64];
    const char *not_ = negated ? "NOT " : "";
    if (p->dialect == AG_DIALECT_POSTGRES) {
        snprintf(comparison, sizeof(comparison), "%s%s ?%u ESCAPE ''", not_, ignore_case ? "ILIKE" : "LIKE", at);
    } else if (ignore_case) {
        snprintf(comparison, sizeof(comparison), "%sLIKE ?%u", not_, at);
    } else {
        ag_search_value *value = ag_vec_at(&p->values, p->values.count - 1);
        if ((rc = like_pattern(p, value->text, &value->text, err)) < 0) return rc;
        snprintf(comparison, sizeof(comparison), "%sGLOB ?%u", not_, at);
    }
    return add_condition(p, left, left->key->where, comparison, err);
}

static int read_list(parser *p, const operand *left, bool negated, ag_err *err)
{
    int rc = advance(p, err);
    if (rc < 0) return rc;
    if (p->token.kind != AG_TOKEN_OPEN) return refuse(p, err, "a list in parentheses");
    ag_buf comparison;
    ag_buf_init(&comparison, 16 * MAX_LIST);
    ag_buf_add_text(&comparison, negated ? "NOT IN (" : "IN (");
    size_t count = 0;
    do {
        unsigned at;
        if ((rc = advance(p, err)) < 0 || (rc = read_value(p, left, &at, err)) < 0) goto out;
        if (++count > MAX_LIST) {
            rc = ag_fail_at(err, AG_EINVAL, NULL, 1, p->token.column, "a list holds at most %d values", MAX_LIST);
            goto out;
        }
        ag_buf_addf(&comparison, "%s?%u", count > 1 ? ", " : "", at);
    } while (p->token.kind == AG_TOKEN_COMMA);
    if (p->token.kind != AG_TOKEN_CLOSE) {
        rc = refuse(p, err, "a comma or a closing parenthesis");
        goto out;
    }
    ag_buf_add_char(&comparison, ')');
    if ((rc = ag_buf_check(&comparison, "the list", err)) < 0) goto out;
    if ((rc = add_condition(p, left, left->key->where, comparison.data, err)) < 0) goto out;
    rc = advance(p, err);
out:
    ag_buf_deinit(&comparison);
    return rc;
}

static int read_is_null(parser *p, const operand *left, ag_err *err)
{
    int rc = advance(p, err);
    if (rc < 0) return rc;
    bool negated = is_keyword(&p->token, "NOT");
    if (negated && (rc = advance(p, err)) < 0) return rc;
    if (!is_keyword(&p->token, "NULL")) return refuse(p, err, negated ? "NULL" : "NULL or NOT NULL");
    if (!negated) ag_buf_add_text(&p->where, "NOT ");
    if ((rc = add_condition(p, left, left->key->exists, "", err)) < 0) return rc;
    return advance(p, err);
}

static int read_relation(parser *p, const operand *left, ag_err *err)
{
    ag_str mark = p->token.text;
    bool equality = ag_str_is(mark, "=") || ag_str_is(mark, "==") || ag_str_is(mark, "!=") || ag_str_is(mark, "<>");
    if (left->key->type == AG_SEARCH_TEXT && !equality) {
        return ag_fail_at(err, AG_EINVAL, NULL, 1, p->token.column,
                          "texts are compared with =, !=, LIKE, ILIKE, IN or IS "
                          "NULL, not with '%.*s'",
                          AG_STR_ARG(mark));
    }
    int rc = advance(p, err);
    unsigned at;
    if (rc < 0 || (rc = read_value(p, left, &at, err)) < 0) return rc;
    char comparison[32];
    bool doubled = ag_str_is(mark, "==");
    ag_str sign = doubled ? AG_STR("=") : mark;
    snprintf(comparison, sizeof(comparison), "%.*s ?%u", AG_STR_ARG(sign), at);
    bool excludes = ag_str_is(mark, "!=") || ag_str_is(mark, "<>");
    if (left->key->set && !excludes) return add_set_condition(p, left, sign, at, comparison, err);
    return add_condition(p, left, left->key->where, comparison, err);
}

static int read_comparison(parser *p, ag_err *err)
{
    if (++p->comparisons > MAX_COMPARISONS) {
        return ag_fail_at(err, AG_EINVAL, NULL, 1, p->token.column, "a filter holds at most %d comparisons",
                          MAX_COMPARISONS);
    }
    operand left;
    int rc = read_operand(p, &left, err);
    if (rc < 0) return rc;
    if (p->token.kind == AG_TOKEN_OPERATOR) return read_relation(p, &left, err);
    if (is_keyword(&p->token, "IS")) return read_is_null(p, &left, err);
    bool negated = is_keyword(&p->token, "NOT");
    if (negated && (rc = advance(p, err)) < 0) return rc;
    if (is_keyword(&p->token, "IN")) return read_list(p, &left, negated, err);
    if (is_keyword(&p->token, "LIKE")) return read_like(p, &left, false, negated, err);
    if (is_keyword(&p->token, "ILIKE")) return read_like(p, &left, true, negated, err);
    return refuse(p, err, negated ? "LIKE, ILIKE or IN" : "an operator");
}

static int read_or(parser *p, ag_err *err);

static int read_factor(parser *p, ag_err *err)
{
    if (p->token.kind != AG_TOKEN_OPEN && !is_keyword(&p->token, "NOT")) return read_comparison(p, err);
    if (++p->depth > MAX_DEPTH) {
        return ag_fail_at(err, AG_EINVAL, NULL, 1, p->token.column, "parentheses go at most %d levels deep", MAX_DEPTH);
    }
    int rc;
    if (p->token.kind == AG_TOKEN_OPEN) {
        ag_buf_add_char(&p->where, '(');
        if ((rc = advance(p, err)) < 0 || (rc = read_or(p, err)) < 0) return rc;
        if (p->token.kind != AG_TOKEN_CLOSE) return refuse(p, err, "AND, OR or a closing parenthesis");
        ag_buf_add_char(&p->where, ')');
        rc = advance(p, err);
    } else {
        /* COALESCE: an attribute without a value is not "unknown" but "does not
         * match", so NOT of it matches. */
        ag_buf_add_text(&p->where, "NOT COALESCE((");
        if ((rc = advance(p, err)) < 0 || (rc = read_factor(p, err)) < 0) return rc;
        ag_buf_add_text(&p->where, "), 1 = 0)");
    }
    p->depth--;
    return rc;
}

static int read_and(parser *p, ag_err *err)
{
    int rc = read_factor(p, err);
    while (rc >= 0 && is_keyword(&p->token, "AND")) {
        ag_buf_add_text(&p->where, " AND ");
        if ((rc = advance(p, err)) >= 0) rc = read_factor(p, err);
    }
    return rc;
}

static int read_or(parser *p, ag_err *err)
{
    ag_buf_add_char(&p->where, '(');
    int rc = read_and(p, err);
    while (rc >= 0 && is_keyword(&p->token, "OR")) {
        p->has_or |= p->depth == 0;
        ag_buf_add_text(&p->where, " OR ");
        if ((rc = advance(p, err)) >= 0) rc = read_and(p, err);
    }
    ag_buf_add_char(&p->where, ')');
    return rc;
}

static int compile_filter(parser *p, ag_str filter, ag_err *err)
{
    if (filter.size > MAX_FILTER) {
        return ag_fail(err, AG_EINVAL, "the filter is %zu bytes long; the most is %d", filter.size, MAX_FILTER);
    }
    if (!ag_utf8_valid(filter)) return ag_fail(err, AG_EINVAL, "the filter is not valid UTF-8");
    p->lexer = (ag_lexer){.text = filter, .arena = p->lexer.arena};
    int rc = advance(p, err);
    if (rc < 0) return rc;
    if (p->token.kind == AG_TOKEN_END) {
        ag_buf_add_text(&p->where, "1 = 1");
        return AG_OK;
    }
    if ((rc = read_or(p, err)) < 0) return rc;
    return p->token.kind == AG_TOKEN_END ? AG_OK : refuse(p, err, "AND, OR or the end");
}

static const char *fill_template(parser *p, const char *text, unsigned name_at)
{
    ag_buf out;
    ag_buf_init(&out, 4096);
    add_template(&out, text, "", name_at, "o0");
    const char *copy = out.failed ? NULL : ag_arena_strndup(p->lexer.arena, out.data, out.size);
    ag_buf_deinit(&out);
    return copy;
}

static int set_lead(parser *p, const ag_search_key *key, unsigned name_at, bool descending, ag_err *err)
{
    ag_arena *arena = p->lexer.arena;
    ag_search_lead *lead = &p->lead;
    const char *down = descending ? " DESC" : "";
    const char *prefix = p->dialect == AG_DIALECT_POSTGRES && key->prefix ? fill_template(p, key->prefix, 0) : "";
    lead->nullable = key->nullable;
    lead->from = ag_arena_printf(arena, "%s o0", key->table);
    lead->is_key = ag_arena_printf(arena, "o0.key = ?%u", name_at);
    lead->value = fill_template(p, key->order, 0);
    lead->exists = fill_template(p, key->exists, name_at);
    if (!prefix || !lead->from || !lead->is_key || !lead->value || !lead->exists) return ag_fail_memory(err, 1);
    lead->first = *prefix ? ag_arena_printf(arena, "%s%s, %s%s", prefix, down, lead->value, down)
                          : ag_arena_printf(arena, "%s%s", lead->value, down);
    return lead->first ? AG_OK : ag_fail_memory(err, 1);
}

/* One "key [ASC|DESC]". What is missing (a NaN is kept as NULL) goes last in
 * both directions. */
static int compile_order(parser *p, ag_str text, unsigned number, ag_err *err)
{
    p->lexer = (ag_lexer){.text = text, .arena = p->lexer.arena};
    operand by;
    int rc = advance(p, err);
    if (rc < 0 || (rc = read_operand(p, &by, err)) < 0) return rc;
    if (!by.key->order) {
        return ag_fail_at(err, AG_EINVAL, NULL, 1, by.column, "Invalid order_by: %s cannot be sorted by %.*s",
                          p->scope->what, AG_STR_ARG(by.shown));
    }
    bool descending = is_keyword(&p->token, "DESC");
    if ((descending || is_keyword(&p->token, "ASC")) && (rc = advance(p, err)) < 0) return rc;
    if (p->token.kind != AG_TOKEN_END) return refuse(p, err, "ASC, DESC or the end of an order_by entry");
    char alias[16];
    snprintf(alias, sizeof(alias), "o%u", number);
    unsigned name_at = 0;
    if (by.is_map && (rc = bind(p, AG_SEARCH_TEXT, by.name, 0, &name_at, err)) < 0) return rc;
    if (by.key->join) {
        ag_buf_add_char(&p->joins, ' ');
        add_template(&p->joins, by.key->join, "", name_at, alias);
    }
    if (descending && by.key->down && p->dialect == AG_DIALECT_SQLITE) {
        ag_buf_addf(&p->order, "%s DESC, ", by.key->down);
        return AG_OK;
    }
    if (strcmp(by.key->exists, ALWAYS) != 0) {
        ag_buf_add_char(&p->order, '(');
        add_template(&p->order, by.key->order, "", name_at, alias);
        ag_buf_add_text(&p->order, " IS NULL), ");
    }
    if (by.key->join) ag_buf_addf(&p->order, "(%s.key IS NULL), ", alias); /* NaN before what is not there at all */
    add_template(&p->order, by.key->order, "", name_at, alias);
    ag_buf_add_text(&p->order, descending ? " DESC, " : ", ");
    return number == 0 && by.key->table ? set_lead(p, by.key, name_at, descending, err) : AG_OK;
}

static int compile_orders(parser *p, const ag_search_request *request, ag_err *err)
{
    if (request->order_count > MAX_ORDERS) {
        return ag_fail(err, AG_EINVAL, "order_by holds at most %d entries", MAX_ORDERS);
    }
    for (size_t i = 0; i < request->order_count; i++) {
        if (request->order_by[i].size > MAX_FILTER) return ag_fail(err, AG_EINVAL, "an order_by entry is too long");
        int rc = compile_order(p, request->order_by[i], (unsigned)i, err);
        if (rc < 0) return rc;
        if (i == 0) {
            p->led_joins = p->joins.size;
            p->led_order = p->order.size;
        }
    }
    ag_buf_add_text(&p->order, request->order_count ? p->scope->tie_break : p->scope->default_order);
    return AG_OK;
}

int ag_search_compile(const ag_search_scope *scope, const ag_search_request *request, ag_arena *arena,
                      ag_search_sql *out, ag_err *err)
{
    parser p = {.scope = scope,
                .dialect = request->dialect,
                .first_placeholder = request->first_placeholder,
                .lexer = {.arena = arena}};
    ag_buf_init(&p.where, MAX_SQL);
    ag_buf_init(&p.joins, MAX_SQL);
    ag_buf_init(&p.order, MAX_SQL);
    ag_vec_init(&p.values, sizeof(ag_search_value));
    ag_vec_init(&p.drives, sizeof(ag_search_drive));
    int rc = compile_filter(&p, request->filter, err);
    if (rc >= 0) rc = compile_orders(&p, request, err);
    if (rc >= 0) rc = ag_search_finish(&p, out, err);
    ag_vec_deinit(&p.drives);
    ag_vec_deinit(&p.values);
    ag_buf_deinit(&p.order);
    ag_buf_deinit(&p.joins);
    ag_buf_deinit(&p.where);
    return rc;
}

int ag_search_caret(ag_str filter, const ag_err *err, ag_buf *out)
{
    size_t before = err->column ? err->column - 1 : 0;
    for (size_t i = 0; i < filter.size; i++) { /* one line, whatever the filter holds */
        unsigned char c = (unsigned char)filter.data[i];
        ag_buf_add_char(out, (char)(c < 0x20 || c == 0x7f ? ' ' : c));
    }
    ag_buf_add_char(out, '\n');
    ag_buf_add_fill(out, ' ', ag_utf8_width(ag_str_slice(filter, 0, before)));
    return ag_buf_add_text(out, "^\n");
}
