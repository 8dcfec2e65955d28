// SPDX-License-Identifier: Apache-2.0
#pragma once
/* setitec_parts.h: what the files of the Setitec reader share. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/hole.h"
#include "data/reader.h"

typedef struct ag_setitec {
    ag_hole_source *source;
    ag_hole *hole;
    ag_arena *arena;
    ag_str header; /* a copy in the arena of all before the title of the samples, without a byte order mark */
    ag_str table;  /* from the line of column names to the end of the file; borrowed */
    uint32_t table_line;
    char delimiter;
    bool utf8; /* the header is valid UTF-8; else ISO-8859-1 */
} ag_setitec;

typedef struct ag_setitec_cell {
    ag_str raw; /* as it stands */
    uint32_t column;
} ag_setitec_cell;

/* Cells of one header line; empty ones kept. */
enum { AG_SETITEC_CELLS = 256 };
typedef struct ag_setitec_line {
    uint32_t number;
    size_t count;  /* of cells */
    size_t filled; /* up to the last cell that is not empty */
    bool blank;    /* nothing but delimiters and blanks */
    ag_setitec_cell cells[AG_SETITEC_CELLS];
} ag_setitec_line;

/* Fills the hole's fields, program and results; finds the version. */
int ag_setitec_read_header(ag_setitec *self, ag_err *err);
/* Binds the columns and reads the samples. */
int ag_setitec_read_table(ag_setitec *self, ag_err *err);

/* Splits; AG_ELIMIT with more than AG_SETITEC_CELLS cells. */
int ag_setitec_split(ag_setitec *self, ag_str line, uint32_t number, ag_setitec_line *out, ag_err *err);
/* Blanks, NUL bytes and the letters \u0000 at the ends cut off; as UTF-8, in the arena where it must be changed. */
int ag_setitec_text(ag_setitec *self, ag_str raw, ag_str *out, ag_err *err);
/* Equal but for bytes beyond ASCII: a run of them equals any other. */
bool ag_setitec_same(ag_str a, ag_str b);
/* NaN when it is no number; either decimal mark, "Inf". */
double ag_setitec_number(ag_str text);

int ag_setitec_flaw(ag_setitec *self, const char *rule, uint32_t line, ag_err *err, const char *format, ...)
    AG_PRINTF(5, 6);
/* Fails with "RULE: text" at a place of the file, and tells the rule to the source. */
int ag_setitec_fail(ag_setitec *self, const char *rule, uint32_t line, uint32_t column, ag_err *err, const char *format,
                    ...) AG_PRINTF(6, 7);

/* The plain twin of the inner loop, and the fast one: one cell "-?[0-9]{1,6}MARK[0-9]{3}" that is followed by `end`.
 * Returns what follows `end`, NULL when it is no such cell. At least 16 bytes from `at` must be readable. */
const char *ag_setitec_cell_plain(const char *at, char mark, char end, int32_t *out);
const char *ag_setitec_cell_fast(const char *at, char mark, char end, int32_t *out);
