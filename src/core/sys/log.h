// SPDX-License-Identifier: Apache-2.0
#pragma once
/* log.h: what the program says about itself, on stderr or a file: text on a terminal, JSON lines otherwise. Library
 * code does not log because of input; it returns errors. Secrets given to ag_log_mask() never appear. Thread-safe; a
 * line is written whole, with one write. */
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"

typedef enum ag_log_level { AG_LOG_DEBUG, AG_LOG_INFO, AG_LOG_WARN, AG_LOG_ERROR, AG_LOG_OFF } ag_log_level;
typedef enum ag_log_format { AG_LOG_AUTO, AG_LOG_TEXT, AG_LOG_JSON } ag_log_format;

typedef struct ag_log_field { /* one key = value of a line; made by the functions below */
    const char *key;
    enum { AG_LOG_TEXT_FIELD, AG_LOG_INT_FIELD, AG_LOG_REAL_FIELD, AG_LOG_BOOL_FIELD } kind;
    union {
        const char *text;
        int64_t integer;
        double real;
        bool boolean;
    };
} ag_log_field;

static inline ag_log_field ag_log_text(const char *key, const char *value)
{
    return (ag_log_field){.key = key, .kind = AG_LOG_TEXT_FIELD, .text = value};
}
static inline ag_log_field ag_log_int(const char *key, int64_t value)
{
    return (ag_log_field){.key = key, .kind = AG_LOG_INT_FIELD, .integer = value};
}
static inline ag_log_field ag_log_real(const char *key, double value)
{
    return (ag_log_field){.key = key, .kind = AG_LOG_REAL_FIELD, .real = value};
}
static inline ag_log_field ag_log_bool(const char *key, bool value)
{
    return (ag_log_field){.key = key, .kind = AG_LOG_BOOL_FIELD, .boolean = value};
}

/* Before any thread starts. `fd` is borrowed (2: stderr). Default: AG_LOG_INFO, AG_LOG_AUTO, stderr. */
void ag_log_setup(ag_log_level level, ag_log_format format, int fd);
bool ag_log_level_parse(const char *name, ag_log_level *out); /* debug info warn error off */
ag_log_level ag_log_threshold(void);
/* From now on this text is shown as "***" wherever it would stand in a line. Copies it; ignores under 4 bytes. */
int ag_log_mask(const char *secret, ag_err *err);

/* room: "db", "http" ... where it comes from. */
void ag_log(ag_log_level level, const char *room, const char *format, ...) AG_PRINTF(3, 4);
void ag_log_with(ag_log_level level, const char *room, const ag_log_field *fields, size_t count, const char *format,
                 ...) AG_PRINTF(5, 6);
/* An error, with its place and hint as fields. */
void ag_log_error(const char *room, const ag_err *err);
