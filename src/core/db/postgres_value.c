// SPDX-License-Identifier: Apache-2.0
/* postgres_value.c: placeholders, and values in PostgreSQL's binary form (big-endian integers and IEEE doubles, raw
 * bytes, numeric in base 10,000, arrays). No state. Binary both ways: a double comes back with every bit, and 100 MB of
 * bytea are not turned into 200 MB of hex. */
#include <math.h>
#include <string.h>

#include "core/db/postgres.h"

enum {
    TYPE_BOOL = 16,
    TYPE_BYTEA = 17,
    TYPE_NAME = 19,
    TYPE_INT8 = 20,
    TYPE_INT2 = 21,
    TYPE_INT4 = 23,
    TYPE_TEXT = 25,
    TYPE_OID = 26,
    TYPE_FLOAT4 = 700,
    TYPE_FLOAT8 = 701,
    TYPE_UNKNOWN = 705,
    TYPE_BPCHAR = 1042,
    TYPE_VARCHAR = 1043,
    TYPE_NUMERIC = 1700,
    TYPE_BYTEAS = 1001,
    TYPE_TEXTS = 1009,
    TYPE_INT8S = 1016,
    TYPE_FLOAT8S = 1022
};

/* ---- placeholders ---- */

/* Behind the quote or comment that begins at `at`; `at` itself when none does. */
static const char *skip_quiet(const char *at)
{
    if (at[0] == '\'' || at[0] == '"') {
        for (const char *end = at + 1; *end; end++) {
            if (*end == at[0]) return end + 1; /* a doubled quote begins the next piece */
        }
        return at + strlen(at);
    }
    if (at[0] == '-' && at[1] == '-') return at + strcspn(at, "\n");
    if (at[0] == '/' && at[1] == '*') {
        const char *end = strstr(at + 2, "*/");
        return end ? end + 2 : at + strlen(at);
    }
    if (at[0] == '$') { /* $$...$$ and $tag$...$tag$ */
        size_t tag = 1 + strspn(at + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_");
        if (at[tag] != '$') return at;
        for (const char *end = at + tag + 1; *end; end++) {
            if (strncmp(end, at, tag + 1) == 0) return end + tag + 1;
        }
    }
    return at;
}

int ag_postgres_rewrite(const char *text, ag_buf *out, size_t *placeholders, ag_err *err)
{
    size_t largest = 0;
    while (*text) {
        const char *end = skip_quiet(text);
        if (end != text) {
            ag_buf_add(out, text, (size_t)(end - text));
            text = end;
        } else if (text[0] == '?' && text[1] >= '1' && text[1] <= '9') {
            size_t number = 0;
            ag_buf_add_char(out, '$');
            for (text++; *text >= '0' && *text <= '9'; text++) {
                number = number < 100000 ? number * 10 + (size_t)(*text - '0') : number;
                ag_buf_add_char(out, *text);
            }
            if (number > largest) largest = number;
        } else {
            ag_buf_add_char(out, *text++);
        }
    }
    *placeholders = largest;
    return ag_buf_check(out, "SQL", err);
}

/* ---- values out ---- */

Oid ag_postgres_type(ag_cell_type type)
{
    static const Oid types[] = {[AG_CELL_NULL] = 0,
                                [AG_CELL_INT] = TYPE_INT8,
                                [AG_CELL_REAL] = TYPE_FLOAT8,
                                [AG_CELL_TEXT] = TYPE_TEXT,
                                [AG_CELL_BLOB] = TYPE_BYTEA};
    return types[type];
}

Oid ag_postgres_array_type(ag_cell_type type)
{
    static const Oid types[] = {[AG_CELL_NULL] = TYPE_TEXTS,
                                [AG_CELL_INT] = TYPE_INT8S,
                                [AG_CELL_REAL] = TYPE_FLOAT8S,
                                [AG_CELL_TEXT] = TYPE_TEXTS,
                                [AG_CELL_BLOB] = TYPE_BYTEAS};
    return types[type];
}

static void put(char *out, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) out[i] = (char)(value >> 8 * (size - 1 - i));
}

static uint64_t get(const char *data, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) value = value << 8 | (unsigned char)data[i];
    return value;
}

const char *ag_postgres_encode(const ag_cell *cell, char room[8], int *size)
{
    uint64_t bits;
    switch (cell->type) {
    case AG_CELL_INT: bits = (uint64_t)cell->integer; break;
    case AG_CELL_REAL: memcpy(&bits, &cell->real, sizeof(bits)); break;
    case AG_CELL_TEXT:
    case AG_CELL_BLOB: *size = (int)cell->bytes.size; return cell->bytes.data ? cell->bytes.data : "";
    default: *size = 0; return NULL;
    }
    put(room, bits, 8);
    *size = 8;
    return room;
}

static void add_number(ag_buf *out, uint32_t number)
{
    char room[4];
    put(room, number, 4);
    ag_buf_add(out, room, 4);
}

int ag_postgres_array(const ag_cell *cells, size_t rows, size_t columns, ag_cell_type type, ag_buf *out)
{
    add_number(out, 1); /* dimensions */
    add_number(out, 1); /* may hold nulls */
    add_number(out, type == AG_CELL_NULL ? TYPE_TEXT : ag_postgres_type(type));
    add_number(out, (uint32_t)rows);
    add_number(out, 1); /* the first index */
    for (size_t i = 0; i < rows; i++) {
        char room[8];
        int size = 0;
        const char *data = ag_postgres_encode(&cells[i * columns], room, &size);
        add_number(out, data ? (uint32_t)size : UINT32_MAX);
        if (data) ag_buf_add(out, data, (size_t)size);
    }
    return out->failed;
}

/* ---- values in ---- */

/* Digits in base 10,000, the first worth 10,000^weight. A whole number that fits is an integer, all else a double. */
static ag_cell decode_numeric(const char *data, size_t size)
{
    if (size < 8) return ag_cell_null();
    size_t digits = get(data, 2);
    int weight = (int16_t)get(data + 2, 2);
    unsigned sign = (unsigned)get(data + 4, 2);
    if (sign == 0xC000) return ag_cell_real(NAN);
    if (sign == 0xD000 || sign == 0xF000) return ag_cell_real(sign == 0xD000 ? INFINITY : -INFINITY);
    if (size < 8 + digits * 2) return ag_cell_null();
    long double value = 0;
    uint64_t whole = 0;
    bool exact = weight <= 4 && digits <= (size_t)(weight + 1 > 0 ? weight + 1 : 0);
    for (size_t i = 0; i < digits; i++) {
        uint64_t digit = get(data + 8 + i * 2, 2);
        value += (long double)digit * powl(10000, weight - (int)i);
    }
    if (value >= 9.2e18L) exact = false;
    for (int i = 0; exact && i <= weight; i++) {
        whole = whole * 10000 + ((size_t)i < digits ? get(data + 8 + i * 2, 2) : 0);
    }
    bool negative = sign == 0x4000;
    if (exact) return ag_cell_int(negative ? -(int64_t)whole : (int64_t)whole);
    return ag_cell_real((double)(negative ? -value : value));
}

bool ag_postgres_can_decode(Oid type)
{
    static const Oid types[] = {TYPE_BOOL,   TYPE_INT2,    TYPE_INT4,    TYPE_OID,    TYPE_INT8,
                                TYPE_FLOAT4, TYPE_FLOAT8,  TYPE_NUMERIC, TYPE_BYTEA,  TYPE_TEXT,
                                TYPE_NAME,   TYPE_UNKNOWN, TYPE_BPCHAR,  TYPE_VARCHAR};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (types[i] == type) return true;
    }
    return false;
}

ag_cell ag_postgres_decode(Oid type, const char *data, size_t size)
{
    double real;
    float single;
    uint64_t bits = size <= 8 ? get(data, size) : 0;
    uint32_t half = (uint32_t)bits;
    switch (type) {
    case TYPE_BOOL: return ag_cell_int(bits != 0);
    case TYPE_INT2: return ag_cell_int((int16_t)bits);
    case TYPE_INT4: return ag_cell_int((int32_t)bits);
    case TYPE_OID:
    case TYPE_INT8: return ag_cell_int((int64_t)bits);
    case TYPE_FLOAT4: memcpy(&single, &half, sizeof(single)); return ag_cell_real(single);
    case TYPE_FLOAT8: memcpy(&real, &bits, sizeof(real)); return ag_cell_real(real);
    case TYPE_NUMERIC: return decode_numeric(data, size);
    case TYPE_BYTEA: return ag_cell_blob((ag_str){data, size});
    case TYPE_TEXT:
    case TYPE_NAME:
    case TYPE_UNKNOWN:
    case TYPE_BPCHAR:
    case TYPE_VARCHAR: return ag_cell_str((ag_str){data, size});
    default: return ag_cell_null();
    }
}
