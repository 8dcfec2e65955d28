// SPDX-License-Identifier: Apache-2.0
/* err.c: writing failures down, and the one table of codes.
 * Nothing here allocates or fails: an error is reported in the memory that its caller already has. */
#include "core/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/str.h"

typedef struct code_row {
    const char *name;
    int http_status;
    int exit_status; /* 1: the work failed, 2: the call was wrong */
} code_row;

static const code_row code_rows[] = {
    [-AG_OK] = {"ok", 200, 0},
    [-AG_ENOMEM] = {"out_of_memory", 503, 1},
    [-AG_EINVAL] = {"invalid", 400, 2},
    [-AG_EPARSE] = {"malformed", 400, 1},
    [-AG_ENOTFOUND] = {"not_found", 404, 1},
    [-AG_EEXISTS] = {"already_exists", 409, 1},
    [-AG_ECONFLICT] = {"conflict", 409, 1},
    [-AG_EAUTH] = {"unauthenticated", 401, 1},
    [-AG_EDENIED] = {"denied", 403, 1},
    [-AG_ELIMIT] = {"limit_exceeded", 413, 1},
    [-AG_EIO] = {"io_error", 500, 1},
    [-AG_EFULL] = {"no_space", 507, 1},
    [-AG_ECORRUPT] = {"corrupt", 500, 1},
    [-AG_ETIMEOUT] = {"timeout", 504, 1},
    [-AG_ECANCELLED] = {"cancelled", 499, 1},
    [-AG_EUNAVAILABLE] = {"unavailable", 503, 1},
    [-AG_EUNSUPPORTED] = {"unsupported", 501, 1},
    [-AG_EINTERNAL] = {"internal", 500, 1},
    [-AG_EDIVERGED] = {"diverged", 500, 1},
};

static const code_row *row_of(ag_code code)
{
    size_t count = sizeof(code_rows) / sizeof(code_rows[0]);
    size_t index = code <= 0 ? (size_t) - (int)code : count;
    return &code_rows[index < count ? index : (size_t)-AG_EINTERNAL];
}

const char *ag_code_name(ag_code code)
{
    return row_of(code)->name;
}

int ag_code_http_status(ag_code code)
{
    return row_of(code)->http_status;
}

int ag_code_exit_status(ag_code code)
{
    return row_of(code)->exit_status;
}

/* Names and texts of the input stand in messages, and messages go to terminals and logs: no control characters in
 * them, neither of ASCII nor those that UTF-8 writes as C2 80 to C2 9F, and no bytes that are no UTF-8. */
static void make_printable(char *text)
{
    const char *end = text + strlen(text);
    for (char *at = text; at < end;) {
        const unsigned char *byte = (const unsigned char *)at;
        size_t size = ag_utf8_first((ag_str){at, (size_t)(end - at)});
        bool control =
            (size == 1 && (byte[0] < 0x20 || byte[0] == 0x7f)) || (size == 2 && byte[0] == 0xc2 && byte[1] < 0xa0);
        if (size == 0 || control) memset(at, '?', size ? size : 1);
        at += size ? size : 1;
    }
}

/* vsnprintf that never leaves half a UTF-8 sequence behind. */
static void put_text(char *into, size_t size, const char *format, va_list arguments)
{
    int wanted = vsnprintf(into, size, format, arguments);
    if (wanted < 0) {
        into[0] = '\0';
    } else if ((size_t)wanted >= size) {
        into[ag_utf8_cut((ag_str){into, size - 1}, size - 1)] = '\0';
    }
    make_printable(into);
}

static void put_file(ag_err *err, const char *file)
{
    err->file[0] = '\0';
    if (!file) return;
    size_t size = strlen(file);
    /* A long path is known by its end. */
    size_t skip = size < sizeof(err->file) ? 0 : size - (sizeof(err->file) - 1);
    memcpy(err->file, file + skip, size - skip + 1);
    make_printable(err->file);
}

static int begin(ag_err *err, ag_code code)
{
    err->code = code;
    err->line = 0;
    err->column = 0;
    err->file[0] = '\0';
    err->hint[0] = '\0';
    return code;
}

int ag_fail(ag_err *err, ag_code code, const char *format, ...)
{
    if (!err) return code;
    begin(err, code);
    va_list arguments;
    va_start(arguments, format);
    put_text(err->text, sizeof(err->text), format, arguments);
    va_end(arguments);
    return code;
}

int ag_fail_at(ag_err *err, ag_code code, const char *file, uint32_t line, uint32_t column, const char *format, ...)
{
    if (!err) return code;
    begin(err, code);
    va_list arguments;
    va_start(arguments, format);
    put_text(err->text, sizeof(err->text), format, arguments);
    va_end(arguments);
    return ag_err_place(err, file, line, column);
}

int ag_fail_memory(ag_err *err, size_t bytes)
{
    return ag_fail(err, AG_ENOMEM, "out of memory (%zu bytes wanted)", bytes);
}

static ag_code code_of_errno(int error_number)
{
    switch (error_number) {
    case ENOSPC:
    case EDQUOT: return AG_EFULL;
    case ENOENT:
    case ENOTDIR: return AG_ENOTFOUND;
    case EACCES:
    case EPERM:
    case EROFS: return AG_EDENIED;
    case EEXIST: return AG_EEXISTS;
    case ENOMEM: return AG_ENOMEM;
    case EINTR: return AG_ECANCELLED;
    case ETIMEDOUT: return AG_ETIMEOUT;
    default: return AG_EIO;
    }
}

int ag_fail_errno(ag_err *err, int error_number, const char *format, ...)
{
    ag_code code = code_of_errno(error_number);
    if (!err) return code;
    begin(err, code);
    va_list arguments;
    va_start(arguments, format);
    put_text(err->text, sizeof(err->text), format, arguments);
    va_end(arguments);
    char words[128];
#if defined(__GLIBC__) && defined(_GNU_SOURCE)
    const char *reason = strerror_r(error_number, words, sizeof(words));
#else
    const char *reason = strerror_r(error_number, words, sizeof(words)) == 0 ? words : "unknown error";
#endif
    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof(err->text) - used, ": %s", reason);
    return code;
}

int ag_err_prefix(ag_err *err, const char *format, ...)
{
    if (!err) return AG_EINTERNAL;
    char whole[sizeof(err->text)];
    va_list arguments;
    va_start(arguments, format);
    put_text(whole, sizeof(whole), format, arguments);
    va_end(arguments);
    size_t used = strlen(whole);
    size_t old = strlen(err->text);
    if (used + 2 >= sizeof(whole)) used = sizeof(whole) - 3; /* the prefix alone nearly fills it: keep ": " at least */
    memcpy(whole + used, ": ", 2);
    size_t room = sizeof(whole) - 1 - (used + 2);
    size_t kept = old <= room ? old : ag_utf8_cut((ag_str){err->text, old}, room);
    memcpy(whole + used + 2, err->text, kept);
    whole[used + 2 + kept] = '\0';
    memcpy(err->text, whole, used + 2 + kept + 1);
    return err->code;
}

int ag_err_hint(ag_err *err, const char *format, ...)
{
    if (!err) return AG_EINTERNAL;
    va_list arguments;
    va_start(arguments, format);
    put_text(err->hint, sizeof(err->hint), format, arguments);
    va_end(arguments);
    return err->code;
}

int ag_err_place(ag_err *err, const char *file, uint32_t line, uint32_t column)
{
    if (!err) return AG_EINTERNAL;
    bool said = line == AG_LINE_SET;
    put_file(err, said ? "--set" : file);
    err->line = said ? 0 : line;
    err->column = said ? 0 : column;
    return err->code;
}

size_t ag_err_format(const ag_err *err, char *out, size_t size)
{
    char place[sizeof(err->file) + 32] = "";
    if (err->line && err->column) {
        snprintf(place, sizeof(place), "%s%s%u:%u: ", err->file, err->file[0] ? ":" : "line ", err->line, err->column);
    } else if (err->line) {
        snprintf(place, sizeof(place), "%s%s%u: ", err->file, err->file[0] ? ":" : "line ", err->line);
    } else if (err->file[0]) {
        snprintf(place, sizeof(place), "%s: ", err->file);
    }
    bool hinted = err->hint[0] != '\0';
    int wanted = snprintf(out, size, "%s%s%s%s%s", place, err->text, hinted ? " (" : "", err->hint, hinted ? ")" : "");
    return wanted < 0 ? 0 : (size_t)wanted;
}
