// SPDX-License-Identifier: Apache-2.0
#pragma once
/* lexer.h: the words of a filter. Private to the search room. */
#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/str.h"

typedef enum ag_token_kind {
    AG_TOKEN_END,
    AG_TOKEN_WORD,       /* a bare word: letters, digits, '_', and after the first '.',
                            also '/', '-', ':' */
    AG_TOKEN_QUOTED_KEY, /* `...` */
    AG_TOKEN_STRING,     /* '...' or "..." */
    AG_TOKEN_NUMBER,
    AG_TOKEN_OPERATOR, /* = == != <> < <= > >= */
    AG_TOKEN_OPEN,
    AG_TOKEN_CLOSE,
    AG_TOKEN_COMMA,
    AG_TOKEN_DOT,
} ag_token_kind;

typedef struct ag_token {
    ag_token_kind kind;
    ag_str text; /* without quotes, with doubled quotes made single */
    double number;
    char quote;      /* of a string: ' or " */
    uint32_t column; /* from 1, in bytes */
} ag_token;

typedef struct ag_lexer {
    ag_str text;
    size_t at;
    ag_arena *arena;
} ag_lexer;

int ag_lexer_next(ag_lexer *lexer, ag_token *out, ag_err *err);
/* A key behind "group." as it stands up to a blank, operator or parenthesis;
 * used right after a dot. */
int ag_lexer_key(ag_lexer *lexer, ag_token *out, ag_err *err);
