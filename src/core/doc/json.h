// SPDX-License-Identifier: Apache-2.0
#pragma once
/* json.h: strict RFC 8259 in, canonical JSON out. Refused with line and column: trailing commas, comments, leading
 * zeros, bare control characters, invalid UTF-8, lone surrogates, duplicate names, anything behind the value, more
 * depth or bytes or values than the limits. */
#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/doc/value.h"

typedef enum ag_json_nonfinite {
    AG_JSON_REFUSE_NONFINITE, /* NaN and Infinity are errors */
    AG_JSON_NONFINITE_WORDS,  /* the bare words NaN, Infinity, -Infinity, as Python's json writes them */
    AG_JSON_NONFINITE_TEXT,   /* the strings "NaN", "Infinity", "-Infinity", as protobuf's JSON writes them; when
                                 reading they stay strings */
    AG_JSON_NONFINITE_NULL,   /* written as null; refused when reading */
} ag_json_nonfinite;

#define AG_JSON_MAX_BYTES ((size_t)64 << 20)

typedef struct ag_json_options { /* zeros: the defaults in brackets */
    const char *file;            /* for messages [NULL] */
    size_t max_bytes;            /* [AG_JSON_MAX_BYTES] */
    uint32_t max_depth;          /* [64]; never more than 256 */
    size_t max_values;           /* [10 million] */
    ag_json_nonfinite nonfinite; /* [refuse] */
    bool allow_duplicates;       /* the last one counts [refused] */
} ag_json_options;

/* The tree lives in the arena; `text` need not outlive the call. `options` may be NULL. Integers that fit int64 become
 * AG_INT, other numbers AG_REAL (overflow to infinity is refused). */
int ag_json_parse(ag_arena *arena, ag_str text, const ag_json_options *options, const ag_value **out, ag_err *err);

/* Writing as a stream: commas, quotes, escapes and nesting are the writer's business. A wrong order of calls (a value
 * without a name inside an object, an end without a begin) is AG_EINTERNAL from ag_json_end_document(). Output is
 * valid UTF-8: bytes that are not are replaced by U+FFFD. */
typedef struct ag_json {
    ag_buf *out;
    ag_json_nonfinite nonfinite; /* refuse: writing one is an error */
    uint8_t indent;              /* 0: one line */
    uint8_t state;               /* private from here */
    uint16_t depth;
    uint64_t is_object[4]; /* a bit per level, at most 256 levels */
    ag_code failed;
} ag_json;

ag_json ag_json_writer(ag_buf *out, uint8_t indent, ag_json_nonfinite nonfinite);
void ag_json_begin_object(ag_json *json);
void ag_json_end_object(ag_json *json);
void ag_json_begin_array(ag_json *json);
void ag_json_end_array(ag_json *json);
void ag_json_name(ag_json *json, const char *name);
void ag_json_name_str(ag_json *json, ag_str name);
void ag_json_null(ag_json *json);
void ag_json_bool(ag_json *json, bool value);
void ag_json_int(ag_json *json, int64_t value);
void ag_json_uint(ag_json *json, uint64_t value);
void ag_json_real(ag_json *json, double value);      /* shortest text that reads back the same real: 1 is "1.0" */
void ag_json_text(ag_json *json, const char *value); /* NULL writes null */
void ag_json_str(ag_json *json, ag_str value);
void ag_json_value(ag_json *json, const ag_value *value); /* a whole tree */
void ag_json_raw(ag_json *json, ag_str text);             /* one value that is JSON already */
/* The sticky failure of the writer or of its buffer, or that something was left open. */
int ag_json_end_document(ag_json *json, ag_err *err);

/* Name and value in one call. */
void ag_json_put_text(ag_json *json, const char *name, const char *value);
void ag_json_put_int(ag_json *json, const char *name, int64_t value);
void ag_json_put_real(ag_json *json, const char *name, double value);
/* null where it is not finite, whatever the writer does with such numbers: for what may be unknown. */
void ag_json_put_known(ag_json *json, const char *name, double value);
void ag_json_put_bool(ag_json *json, const char *name, bool value);
