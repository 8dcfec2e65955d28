// SPDX-License-Identifier: Apache-2.0
#pragma once
/* table.h: one table, shown in four ways: for people on a terminal (aligned, cut or thinned to its width), as
 * Markdown, as tab-separated values for programs. Cells are copied; any bytes may be in them. */
#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/err.h"

typedef enum ag_align { AG_ALIGN_LEFT, AG_ALIGN_RIGHT, AG_ALIGN_CENTRE } ag_align;
typedef enum ag_style {
    AG_STYLE_PLAIN,
    AG_STYLE_STRONG,
    AG_STYLE_DIM,
    AG_STYLE_GOOD,
    AG_STYLE_WARN,
    AG_STYLE_BAD
} ag_style;
typedef enum ag_table_format { AG_TABLE_TERMINAL, AG_TABLE_MARKDOWN, AG_TABLE_TSV, AG_TABLE_HTML } ag_table_format;

typedef struct ag_column {
    const char *title; /* outlives the table */
    ag_align align;
    unsigned priority;  /* 0: always shown; of the others the highest number is left out first when it gets narrow */
    unsigned min_width; /* cells may be cut down to this many with an ellipsis; 0: never cut */
} ag_column;

typedef struct ag_table ag_table;
int ag_table_new(const ag_column *columns, size_t count, ag_table **out, ag_err *err); /* 1 to 256 columns */
void ag_table_free(ag_table *table);
/* The next cell, row by row from the left. NULL is an empty cell. */
int ag_table_add(ag_table *table, ag_style style, const char *text, ag_err *err);
int ag_table_addf(ag_table *table, ag_style style, ag_err *err, const char *format, ...) AG_PRINTF(4, 5);
size_t ag_table_rows(const ag_table *table); /* begun ones count */

/* `width` (0: any) and `colour` matter to the terminal format only. A row that was not completed has empty cells. */
int ag_table_write(const ag_table *table, ag_table_format format, unsigned width, bool colour, ag_buf *out,
                   ag_err *err);
/* To a descriptor in the terminal format, with the width and the colours of the terminal if it is one. */
int ag_table_print(const ag_table *table, int fd, ag_err *err);
