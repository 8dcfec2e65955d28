// SPDX-License-Identifier: Apache-2.0
/* lexer.c: cuts a filter into tokens. Works on a slice, so NUL bytes are
 * characters like others (and refused as such). A key behind a dot has a rule
 * of its own: metric names hold '/', '-' and ':' that mean nothing else there.
 */
#include "ledger/search/lexer.h"

static bool is_word_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_key_char(char c)
{
    return is_word_start(c) || is_digit(c) || c == '.' || c == '/' || c == '-' || c == ':' || c == '@' || c == '$';
}

static char peek(const ag_lexer *lexer, size_t ahead)
{
    size_t at = lexer->at + ahead;
    return at < lexer->text.size ? lexer->text.data[at] : '\0';
}

static void skip_blanks(ag_lexer *lexer)
{
    while (lexer->at < lexer->text.size) {
        char c = lexer->text.data[lexer->at];
        if (c != ' ' && !(c >= '\t' && c <= '\r')) break;
        lexer->at++;
    }
}

/* '...' with the quote doubled inside. */
static int read_quoted(ag_lexer *lexer, ag_token *out, ag_err *err)
{
    char quote = peek(lexer, 0);
    size_t from = ++lexer->at;
    char *copy = NULL;
    size_t size = 0;
    for (;; lexer->at++) {
        if (lexer->at >= lexer->text.size) {
            return ag_fail_at(err, AG_EINVAL, NULL, 1, out->column, "the quote %c that opens here is never closed",
                              quote);
        }
        if (lexer->text.data[lexer->at] != quote) continue;
        if (peek(lexer, 1) != quote || lexer->at + 1 >= lexer->text.size) break;
        lexer->at++;
    }
    ag_str raw = {lexer->text.data + from, lexer->at++ - from};
    if (!(copy = ag_arena_strndup(lexer->arena, raw.data, raw.size))) return ag_fail_memory(err, raw.size + 1);
    for (size_t i = 0; i < raw.size; i++) {
        copy[size++] = raw.data[i];
        if (raw.data[i] == quote) i++;
    }
    out->kind = quote == '`' ? AG_TOKEN_QUOTED_KEY : AG_TOKEN_STRING;
    out->quote = quote;
    out->text = (ag_str){copy, size};
    return AG_OK;
}

static int read_number(ag_lexer *lexer, ag_token *out, ag_err *err)
{
    size_t from = lexer->at;
    if (peek(lexer, 0) == '-' || peek(lexer, 0) == '+') lexer->at++;
    while (is_digit(peek(lexer, 0)) || peek(lexer, 0) == '.') lexer->at++;
    if ((peek(lexer, 0) | 32) == 'e' && lexer->at > from) {
        size_t sign = peek(lexer, 1) == '-' || peek(lexer, 1) == '+';
        if (is_digit(peek(lexer, 1 + sign))) {
            lexer->at += 1 + sign;
            while (is_digit(peek(lexer, 0))) lexer->at++;
        }
    }
    out->kind = AG_TOKEN_NUMBER;
    out->text = ag_str_slice(lexer->text, from, lexer->at - from);
    if (is_word_start(peek(lexer, 0)) || !ag_str_to_double(out->text, &out->number)) {
        ag_str rest = ag_str_slice(lexer->text, from, SIZE_MAX);
        size_t shown =
            out->text.size + ag_utf8_head(ag_str_slice(rest, out->text.size, SIZE_MAX), 1); /* and what follows */
        return ag_fail_at(err, AG_EINVAL, NULL, 1, out->column, "'%.*s' is not a number; text needs quotes",
                          AG_STR_ARG(ag_str_slice(rest, 0, shown)));
    }
    return AG_OK;
}

static int read_operator(ag_lexer *lexer, ag_token *out, ag_err *err)
{
    static const char *const operators[] = {"==", "!=", "<>", "<=", ">=", "=", "<", ">"};
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        ag_str mark = ag_str_of(operators[i]);
        if (!ag_str_starts(ag_str_slice(lexer->text, lexer->at, SIZE_MAX), mark)) continue;
        lexer->at += mark.size;
        out->kind = AG_TOKEN_OPERATOR;
        out->text = mark;
        return AG_OK;
    }
    unsigned char c = (unsigned char)peek(lexer, 0);
    if (c < 0x20 || c == 0x7f) {
        return ag_fail_at(err, AG_EINVAL, NULL, 1, out->column, "a control character (0x%02x) cannot stand here", c);
    }
    return ag_fail_at(err, AG_EINVAL, NULL, 1, out->column, "'%c' cannot stand here", c);
}

int ag_lexer_next(ag_lexer *lexer, ag_token *out, ag_err *err)
{
    skip_blanks(lexer);
    *out = (ag_token){.kind = AG_TOKEN_END, .column = (uint32_t)lexer->at + 1};
    if (lexer->at >= lexer->text.size) return AG_OK;
    char c = peek(lexer, 0);
    static const struct {
        char c;
        ag_token_kind kind;
    } marks[] = {{'(', AG_TOKEN_OPEN}, {')', AG_TOKEN_CLOSE}, {',', AG_TOKEN_COMMA}};
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (c != marks[i].c) continue;
        out->kind = marks[i].kind;
        out->text = ag_str_slice(lexer->text, lexer->at++, 1);
        return AG_OK;
    }
    if (c == '\'' || c == '"' || c == '`') return read_quoted(lexer, out, err);
    if (is_digit(c) || c == '-' || c == '+') return read_number(lexer, out, err);
    if (c == '.') {
        if (is_digit(peek(lexer, 1))) return read_number(lexer, out, err);
        out->kind = AG_TOKEN_DOT;
        out->text = ag_str_slice(lexer->text, lexer->at++, 1);
        return AG_OK;
    }
    if (!is_word_start(c)) return read_operator(lexer, out, err);
    size_t from = lexer->at;
    while (is_word_start(peek(lexer, 0)) || is_digit(peek(lexer, 0))) lexer->at++;
    out->kind = AG_TOKEN_WORD;
    out->text = ag_str_slice(lexer->text, from, lexer->at - from);
    return AG_OK;
}

int ag_lexer_key(ag_lexer *lexer, ag_token *out, ag_err *err)
{
    *out = (ag_token){.kind = AG_TOKEN_WORD, .column = (uint32_t)lexer->at + 1};
    char c = peek(lexer, 0);
    if (c == '`' || c == '"' || c == '\'') return read_quoted(lexer, out, err);
    size_t from = lexer->at;
    while (is_key_char(peek(lexer, 0))) lexer->at++;
    out->text = ag_str_slice(lexer->text, from, lexer->at - from);
    if (out->text.size == 0) return ag_fail_at(err, AG_EINVAL, NULL, 1, out->column, "a key is missing behind the dot");
    return AG_OK;
}
