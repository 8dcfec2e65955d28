// SPDX-License-Identifier: Apache-2.0
#pragma once
/* err.h: the one error idiom. A function that can fail returns a negative ag_code and describes the failure in an
 * ag_err on its caller's stack, so that reporting a failure cannot itself fail. The deepest layer writes the text;
 * upper layers may only prefix it. A text can be shown to a user as it is: what is wrong, where, what to do. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define AG_PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))
#else
#define AG_PRINTF(text, first)
#endif

typedef enum ag_code {
    AG_OK = 0,
    AG_ENOMEM = -1,        /* an allocation failed */
    AG_EINVAL = -2,        /* the caller's input is wrong: a value, a shape, a configuration, a request */
    AG_EPARSE = -3,        /* a text or file does not follow its format */
    AG_ENOTFOUND = -4,     /* what was named does not exist */
    AG_EEXISTS = -5,       /* what was to be made exists already */
    AG_ECONFLICT = -6,     /* the state of things forbids it now (a run that has ended, a lock held elsewhere) */
    AG_EAUTH = -7,         /* nobody has shown who they are */
    AG_EDENIED = -8,       /* known, but not allowed; also a path that leaves its root */
    AG_ELIMIT = -9,        /* larger, deeper or more than a declared limit */
    AG_EIO = -10,          /* the operating system failed a read or write */
    AG_EFULL = -11,        /* no space left, or a quota is used up */
    AG_ECORRUPT = -12,     /* stored bytes are not what was stored */
    AG_ETIMEOUT = -13,     /* a deadline passed */
    AG_ECANCELLED = -14,   /* somebody asked to stop */
    AG_EUNAVAILABLE = -15, /* another machine or service is away; trying again later may help */
    AG_EUNSUPPORTED = -16, /* not built in, not installed, or not done by this implementation */
    AG_EINTERNAL = -17,    /* a bug in Auger */
    AG_EDIVERGED = -18,    /* the numbers of a training stopped being finite */
} ag_code;

/* Instead of a line: what the failure is about was said by --set, and stands in no file. The place is then "--set",
 * whatever file is given with it. */
#define AG_LINE_SET UINT32_MAX

/* `file`, `line` and `column` say where, when the failure is about a place in a text (lines and columns count from 1;
 * 0: no place). `hint` says what to do next and may be empty. All strings are NUL-terminated and cut to fit at a
 * UTF-8 boundary; control characters of what was put in become '?'. */
typedef struct ag_err {
    ag_code code;
    uint32_t line;
    uint32_t column;
    char file[256];
    char text[512];
    char hint[256];
} ag_err;

/* Writes code and text, clears place and hint, returns `code`. `err` may be NULL. `code` must be negative. */
int ag_fail(ag_err *err, ag_code code, const char *format, ...) AG_PRINTF(3, 4);

/* The same with a place. `file` may be NULL (unknown). */
int ag_fail_at(ag_err *err, ag_code code, const char *file, uint32_t line, uint32_t column, const char *format, ...)
    AG_PRINTF(6, 7);

/* "out of memory (N bytes wanted)": AG_ENOMEM. Allocates nothing. */
int ag_fail_memory(ag_err *err, size_t bytes);

/* Turns errno into a code (ENOSPC and EDQUOT: AG_EFULL, ENOENT: AG_ENOTFOUND, EACCES, EPERM and EROFS: AG_EDENIED,
 * EEXIST: AG_EEXISTS, ENOMEM: AG_ENOMEM, EINTR: AG_ECANCELLED, ETIMEDOUT: AG_ETIMEOUT, else AG_EIO) and appends its
 * words to the text. */
int ag_fail_errno(ag_err *err, int error_number, const char *format, ...) AG_PRINTF(3, 4);

/* Puts "prefix: " before the text. Returns err->code, or AG_EINTERNAL if err is NULL. */
int ag_err_prefix(ag_err *err, const char *format, ...) AG_PRINTF(2, 3);

/* Sets the hint. Returns err->code, so that a failure and its hint can be one return statement. */
int ag_err_hint(ag_err *err, const char *format, ...) AG_PRINTF(2, 3);

/* Sets the place of an error that was written without one. Returns err->code. */
int ag_err_place(ag_err *err, const char *file, uint32_t line, uint32_t column);

/* "file:line:column: text (hint)" into `out`; returns the length that the whole would have, as snprintf does. */
size_t ag_err_format(const ag_err *err, char *out, size_t size);

/* One table maps a code to its name ("not_found"), the HTTP status and the exit status of a command. */
const char *ag_code_name(ag_code code);
int ag_code_http_status(ag_code code);
int ag_code_exit_status(ag_code code);
