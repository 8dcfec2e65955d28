// SPDX-License-Identifier: Apache-2.0
#pragma once
/* csv.h: tables as text, by RFC 4180 and what the world makes of it: any one-byte delimiter (or a guess), LF, CRLF or
 * CR, a byte order mark, comments, blank lines (passed over), decimal commas. Cells are slices; nothing is allocated
 * per cell or per row once the widest row has been seen. Text is passed through as bytes: whether it is UTF-8 is the
 * caller's question. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/str.h"
#include "core/io/stream.h"

typedef enum ag_csv_ragged {
    AG_CSV_REFUSE, /* a row of another width than the first is an error */
    AG_CSV_PAD,    /* a shorter row is filled up with empty cells; a longer one is still an error */
} ag_csv_ragged;

/* Zeroed: delimiter guessed, quotes as in RFC 4180, no comments, no header, default limits. */
typedef struct ag_csv_options {
    const char *name;   /* of the file, for messages; may be NULL; borrowed */
    char delimiter;     /* 0: guess among ',', ';', tab and '|' */
    char quote;         /* 0: '"' */
    bool no_quotes;     /* a quote is a character like any other */
    char comment;       /* a row that starts with it is passed over; 0: none */
    bool header;        /* the first row names the columns */
    bool decimal_comma; /* ag_csv_double() reads "1,5"; then ',' is never guessed as the delimiter */
    bool trim;          /* blanks around cells, outside of quotes, are dropped */
    ag_csv_ragged ragged;
    size_t max_row;     /* bytes; 0: 16 MiB */
    size_t max_columns; /* 0: 65536 */
} ag_csv_options;

typedef struct ag_csv ag_csv;

int ag_csv_open(ag_reader *source, const ag_csv_options *options, ag_csv **out, ag_err *err);   /* source is borrowed */
int ag_csv_open_memory(ag_str bytes, const ag_csv_options *options, ag_csv **out, ag_err *err); /* borrows the bytes */
/* Maps a regular file, which nobody may shorten meanwhile (one that is still being written: ag_csv_open() over a
 * stream); reads anything else as a stream. `options->name` NULL is replaced by the path, which must then outlive the
 * reader. */
int ag_csv_open_file(const char *path, const ag_csv_options *options, ag_csv **out, ag_err *err);
void ag_csv_free(ag_csv *csv);

char ag_csv_delimiter(const ag_csv *csv);
/* Column names, when options.header; they live as long as the reader. */
size_t ag_csv_header(const ag_csv *csv, const ag_str **names);
/* The first column of that name, SIZE_MAX when there is none. */
size_t ag_csv_column(const ag_csv *csv, const char *name);

/* The next row: 1, 0 at the end, < 0 on failure (which sticks). The cells are valid until the next call. */
int ag_csv_next(ag_csv *csv, const ag_str **cells, size_t *count, ag_err *err);
/* Where a cell of the current row starts; column counts bytes. */
void ag_csv_place(const ag_csv *csv, size_t cell, uint32_t *line, uint32_t *column);

/* A cell of the current row as a number, blanks around it ignored. An empty cell is an error: ask first. */
int ag_csv_double(const ag_csv *csv, size_t cell, double *out, ag_err *err);
int ag_csv_int(const ag_csv *csv, size_t cell, int64_t *out, ag_err *err);

/* Zeroed: ',', '"', LF, decimal point, text as it is. */
typedef struct ag_csv_format {
    char delimiter;
    bool crlf;
    bool decimal_comma; /* with a delimiter that is not ',' */
    bool neutralise;    /* text that a spreadsheet would run as a formula gets a "'" in front (see csv_write.c) */
} ag_csv_format;

typedef struct ag_csv_writer ag_csv_writer;
int ag_csv_writer_new(ag_writer *sink, const ag_csv_format *format, ag_csv_writer **out, ag_err *err); /* borrowed */
/* With a sink of its own: a file, which ag_csv_finish() puts in the place of the one that is there, or a buffer
 * (borrowed). */
int ag_csv_writer_to_file(const char *path, const ag_csv_format *format, ag_csv_writer **out, ag_err *err);
int ag_csv_writer_to_buf(ag_buf *buf, const ag_csv_format *format, ag_csv_writer **out, ag_err *err);
void ag_csv_writer_free(ag_csv_writer *writer); /* drops what was not flushed */
int ag_csv_add(ag_csv_writer *writer, ag_str text, ag_err *err);
int ag_csv_add_texts(ag_csv_writer *writer, const char *const *texts, size_t count,
                     ag_err *err);                                       /* NULL: an empty one */
int ag_csv_add_double(ag_csv_writer *writer, double value, ag_err *err); /* the shortest text that reads back equal */
int ag_csv_add_int(ag_csv_writer *writer, int64_t value, ag_err *err);
int ag_csv_end_row(ag_csv_writer *writer, ag_err *err);
int ag_csv_flush(ag_csv_writer *writer, ag_err *err);  /* to the sink; does not finish it */
int ag_csv_finish(ag_csv_writer *writer, ag_err *err); /* flushes, and finishes a sink of its own */
