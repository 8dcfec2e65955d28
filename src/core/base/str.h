// SPDX-License-Identifier: Apache-2.0
#pragma once
/* str.h: a borrowed slice of bytes, and what one does with text. A slice may hold NUL bytes and need not end in one. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/base/err.h"

typedef struct ag_str {
    const char *data;
    size_t size;
} ag_str;

#define AG_STR(literal) ((ag_str){"" literal "", sizeof(literal) - 1})
/* For printf("%.*s", AG_STR_ARG(s)). */
#define AG_STR_ARG(s) (int)((s).size > 0x7fffffff ? 0x7fffffff : (s).size), (s).data ? (s).data : ""

static inline ag_str ag_str_of(const char *text) /* NULL gives an empty slice */
{
    return (ag_str){text, text ? strlen(text) : 0};
}

bool ag_str_equal(ag_str a, ag_str b);
bool ag_str_equal_nocase(ag_str a, ag_str b); /* ASCII only */
bool ag_str_is(ag_str a, const char *text);
int ag_str_compare(ag_str a, ag_str b); /* bytes, as memcmp, a prefix comes first */
bool ag_str_starts(ag_str text, ag_str prefix);
bool ag_str_ends(ag_str text, ag_str suffix);
ag_str ag_str_trim(ag_str text);                            /* ASCII white space at both ends */
ag_str ag_str_slice(ag_str text, size_t from, size_t size); /* clamped to the text */
size_t ag_str_find(ag_str text, ag_str part, size_t from);  /* SIZE_MAX when absent */
size_t ag_str_find_char(ag_str text, char c, size_t from);  /* SIZE_MAX when absent */

/* Cuts the part before the first `separator` off the front of *rest. False when *rest was used up; "a,,b" gives "a",
 * "", "b", and "" gives one empty part. Start with rest->data non-NULL; it is NULL after the last part. */
bool ag_str_next(ag_str *rest, char separator, ag_str *part);

/* Whole-slice conversions, in the C locale whatever the process has: no blanks, no trailing bytes. False when the text
 * is not such a number or does not fit. ag_str_to_uint takes digits only, no sign. ag_str_to_double takes decimal
 * notation, "nan", "inf" and "infinity" with a sign in any case. */
bool ag_str_to_int(ag_str text, int64_t *out);
bool ag_str_to_uint(ag_str text, uint64_t *out);
bool ag_str_to_double(ag_str text, double *out);
/* "64", "64k", "10MB", "1.5 GiB": bytes, a whole number of them. k, M, G, T are powers of 1024, with B or iB or
 * without, in any case. Here and below blanks may stand between the number and its unit, and nowhere else. */
bool ag_str_to_bytes(ag_str text, uint64_t *out);
/* "250ms", "30s", "5m", "2h", "1d": microseconds. A bare number is seconds. */
bool ag_str_to_duration(ag_str text, int64_t *out);

/* The shortest decimal text that reads back as the same double ("0.1", "1e300", "-0", "nan", "inf"); needs 32 bytes.
 * Returns its length. */
size_t ag_double_format(double value, char out[32]);

bool ag_utf8_valid(ag_str text);
/* Bytes of the first character of a text that is not empty; 0: it does not begin with one. */
size_t ag_utf8_first(ag_str text);
/* The number of terminal cells that valid UTF-8 text takes (combining marks 0, wide East Asian 2). */
size_t ag_utf8_width(ag_str text);
/* Bytes of the longest prefix of at most `size` bytes that does not cut a UTF-8 sequence. */
size_t ag_utf8_cut(ag_str text, size_t size);
/* The number of characters (code points) of valid UTF-8 text. */
size_t ag_utf8_count(ag_str text);
/* Bytes of the first `count` characters, of the whole when it has fewer. */
size_t ag_utf8_head(ag_str text, size_t count);

/* The candidate nearest to `word` by edits (with transpositions), or NULL when none is near enough to be meant. */
const char *ag_nearest(ag_str word, const char *const *candidates, size_t count);

/* Sets the hint of an error about a word that is none of `names`: the nearest of them, else all of them, as far as
 * there is room. Returns err->code. */
int ag_nearest_hint(ag_err *err, ag_str word, const char *const *names, size_t count);

/* snprintf with the C locale's conventions, always terminated; returns true when it fitted. */
bool ag_format(char *out, size_t size, const char *format, ...) AG_PRINTF(3, 4);
