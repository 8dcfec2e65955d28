// SPDX-License-Identifier: Apache-2.0
/* log.c: one line per call, composed in memory and written with one write.
 *
 * Secrets are taken out of each piece (message, keys, values, also numbers as text) before it is escaped, so that no
 * escaping can hide one; every byte that lies in any secret is covered, so overlapping secrets leave no remainder.
 * Whatever the bytes are, a JSON line is valid (bytes that are not UTF-8 become U+FFFD) and a text line is one line
 * without control characters, so that input cannot forge lines or drive a terminal.
 * Process-wide state, as the header says: `settings` (written before threads start), `secrets` under its lock. */
#include "core/sys/log.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/sys/clock.h"
#include "core/sys/term.h"

#define MAX_LINE ((size_t)256 * 1024)
#define MAX_MESSAGE ((size_t)64 * 1024)

static struct {
    atomic_int level;
    atomic_int fd;
    atomic_bool json;
    atomic_bool colour;
    atomic_bool ready; /* false: the format is still to be found out */
} settings = {.level = AG_LOG_INFO, .fd = STDERR_FILENO};

static struct {
    pthread_mutex_t lock;
    ag_str *items;
    size_t count;
} secrets = {.lock = PTHREAD_MUTEX_INITIALIZER};

void ag_log_setup(ag_log_level level, ag_log_format format, int fd)
{
    atomic_store(&settings.level, (int)level);
    atomic_store(&settings.fd, fd);
    atomic_store(&settings.json, format == AG_LOG_JSON || (format == AG_LOG_AUTO && !ag_term_is(fd)));
    atomic_store(&settings.colour, ag_term_colour(fd));
    atomic_store(&settings.ready, true);
}

static const char *const level_names[] = {"debug", "info", "warn", "error", "off"};

bool ag_log_level_parse(const char *name, ag_log_level *out)
{
    for (int i = AG_LOG_DEBUG; i <= AG_LOG_OFF; i++) {
        if (strcmp(name, level_names[i]) != 0) continue;
        *out = (ag_log_level)i;
        return true;
    }
    return false;
}

ag_log_level ag_log_threshold(void)
{
    return (ag_log_level)atomic_load_explicit(&settings.level, memory_order_relaxed);
}

int ag_log_mask(const char *secret, ag_err *err)
{
    size_t size = secret ? strlen(secret) : 0;
    if (size < 4) return AG_OK;
    char *copy = ag_strndup(secret, size);
    if (!copy) return ag_fail_memory(err, size);
    pthread_mutex_lock(&secrets.lock);
    ag_str *grown = ag_realloc_array(secrets.items, secrets.count + 1, sizeof(*grown));
    if (grown) {
        secrets.items = grown;
        grown[secrets.count++] = (ag_str){copy, size};
    }
    pthread_mutex_unlock(&secrets.lock);
    if (grown) return AG_OK;
    ag_free(copy);
    return ag_fail_memory(err, sizeof(*grown));
}

/* Under the lock of the secrets: bytes of the longest secret at the start of the text. */
static size_t secret_at(const char *text, size_t size)
{
    size_t longest = 0;
    for (size_t i = 0; i < secrets.count; i++) {
        ag_str secret = secrets.items[i];
        if (secret.size > longest && secret.size <= size && memcmp(text, secret.data, secret.size) == 0)
            longest = secret.size;
    }
    return longest;
}

/* The text with every secret as "***", into `out`, which is emptied first. True when there was one. */
static bool mask(ag_buf *out, const char *text)
{
    size_t size = strlen(text), covered = 0;
    bool found = false;
    ag_buf_clear(out);
    pthread_mutex_lock(&secrets.lock);
    for (size_t i = 0; i < size; i++) {
        size_t length = secrets.count ? secret_at(text + i, size - i) : 0;
        if (length > 0 && i >= covered) ag_buf_add_text(out, "***");
        if (length > 0 && i + length > covered) covered = i + length;
        if (i >= covered)
            ag_buf_add_char(out, text[i]);
        else
            found = true;
    }
    pthread_mutex_unlock(&secrets.lock);
    return found;
}

/* Bytes of the valid UTF-8 sequence at the start, 0 when there is none. */
static size_t sequence_at(const char *text, size_t size)
{
    unsigned char first = (unsigned char)text[0];
    size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    return length <= size && ag_utf8_valid((ag_str){text, length}) ? length : 0;
}

static bool is_control(const char *text, size_t length)
{
    unsigned char first = (unsigned char)text[0];
    if (length == 1) return first < 0x20 || first == 0x7f;
    return length == 2 && first == 0xc2 && (unsigned char)text[1] < 0xa0; /* C1: some terminals obey them */
}

static void add_json_char(ag_buf *line, const char *at, size_t length)
{
    if (*at == '"' || *at == '\\') {
        ag_buf_add_char(line, '\\');
        ag_buf_add_char(line, *at);
    } else if (*at == '\n')
        ag_buf_add_text(line, "\\n");
    else if (is_control(at, length))
        ag_buf_addf(line, "\\u%04x", (unsigned char)at[length - 1]);
    else
        ag_buf_add(line, at, length);
}

static void add_text_char(ag_buf *line, const char *at, size_t length)
{
    if (*at == '\n')
        ag_buf_add_text(line, "\\n");
    else if (is_control(at, length))
        ag_buf_addf(line, "\\x%02x", (unsigned char)at[length - 1]);
    else
        ag_buf_add(line, at, length);
}

static void add_escaped(ag_buf *line, ag_str text, void (*add_char)(ag_buf *, const char *, size_t))
{
    for (size_t i = 0; i < text.size;) {
        size_t length = sequence_at(text.data + i, text.size - i);
        if (length > 0)
            add_char(line, text.data + i, length);
        else
            ag_buf_add_text(line, "\xef\xbf\xbd");
        i += length ? length : 1;
    }
}

static void add_json_string(ag_buf *line, ag_buf *scratch, const char *text)
{
    mask(scratch, text);
    ag_buf_add_char(line, '"');
    add_escaped(line, ag_buf_str(scratch), add_json_char);
    ag_buf_add_char(line, '"');
}

/* A value that is not text, as text. */
static void format_value(const ag_log_field *field, char out[32])
{
    switch (field->kind) {
    case AG_LOG_INT_FIELD: ag_format(out, 32, "%lld", (long long)field->integer); break;
    case AG_LOG_REAL_FIELD: ag_double_format(field->real, out); break;
    case AG_LOG_BOOL_FIELD: ag_format(out, 32, "%s", field->boolean ? "true" : "false"); break;
    case AG_LOG_TEXT_FIELD: out[0] = '\0'; break;
    }
}

static void add_json_value(ag_buf *line, ag_buf *scratch, const ag_log_field *field)
{
    if (field->kind == AG_LOG_TEXT_FIELD) {
        if (field->text)
            add_json_string(line, scratch, field->text);
        else
            ag_buf_add_text(line, "null");
        return;
    }
    char value[32];
    format_value(field, value);
    bool quoted = mask(scratch, value) || (field->kind == AG_LOG_REAL_FIELD && !isfinite(field->real));
    if (quoted)
        add_json_string(line, scratch, value);
    else
        ag_buf_add_text(line, value);
}

static void compose_json(ag_buf *line, ag_buf *scratch, ag_log_level level, const char *room, const char *message,
                         const ag_log_field *fields, size_t count)
{
    char now[40];
    ag_instant_format(ag_now(), 6, now);
    ag_buf_addf(line, "{\"time\":\"%s\",\"level\":\"%s\",\"room\":", now, level_names[level]);
    add_json_string(line, scratch, room);
    ag_buf_add_text(line, ",\"message\":");
    add_json_string(line, scratch, message);
    for (size_t i = 0; i < count; i++) {
        ag_buf_add_char(line, ',');
        add_json_string(line, scratch, fields[i].key);
        ag_buf_add_char(line, ':');
        add_json_value(line, scratch, &fields[i]);
    }
    ag_buf_add_text(line, "}\n");
}

static void add_text_value(ag_buf *line, ag_buf *scratch, const ag_log_field *field)
{
    char value[32];
    format_value(field, value);
    const char *text = field->kind == AG_LOG_TEXT_FIELD ? (field->text ? field->text : "-") : value;
    bool quoted = field->kind == AG_LOG_TEXT_FIELD && (!*text || strpbrk(text, " \t\n\"="));
    mask(scratch, text);
    if (quoted) ag_buf_add_char(line, '"');
    add_escaped(line, ag_buf_str(scratch), quoted ? add_json_char : add_text_char);
    if (quoted) ag_buf_add_char(line, '"');
}

static void compose_text(ag_buf *line, ag_buf *scratch, ag_log_level level, const char *room, const char *message,
                         const ag_log_field *fields, size_t count)
{
    static const char *const colours[] = {"\033[2m", "\033[36m", "\033[33m", "\033[1;31m"};
    bool colour = atomic_load(&settings.colour);
    char now[40];
    ag_instant_format(ag_now(), 3, now);
    /* On a terminal a progress bar may stand in the line; it is wiped, and drawn again by its next report. */
    ag_buf_addf(line, "%s%s %s%-5s%s ", colour ? "\r\033[K" : "", now, colour ? colours[level] : "", level_names[level],
                colour ? "\033[0m" : "");
    mask(scratch, room);
    add_escaped(line, ag_buf_str(scratch), add_text_char);
    ag_buf_add_text(line, ": ");
    mask(scratch, message);
    add_escaped(line, ag_buf_str(scratch), add_text_char);
    for (size_t i = 0; i < count; i++) {
        ag_buf_add_text(line, colour ? "  \033[2m" : "  ");
        mask(scratch, fields[i].key);
        add_escaped(line, ag_buf_str(scratch), add_text_char);
        ag_buf_add_text(line, colour ? "=\033[0m" : "=");
        add_text_value(line, scratch, &fields[i]);
    }
    ag_buf_add_char(line, '\n');
}

/* One write; the rest only follows should the kernel have taken less. Nobody can be told of a failure. */
static void write_line(const char *bytes, size_t size)
{
    int fd = atomic_load(&settings.fd), saved = errno;
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) break;
        bytes += written;
        size -= (size_t)written;
    }
    errno = saved;
}

static void write_message(ag_log_level level, const char *room, const ag_log_field *fields, size_t count,
                          const char *message)
{
    if (!atomic_load(&settings.ready)) ag_log_setup(ag_log_threshold(), AG_LOG_AUTO, atomic_load(&settings.fd));
    bool json = atomic_load(&settings.json);
    ag_buf line, scratch;
    ag_buf_init(&line, MAX_LINE);
    ag_buf_init(&scratch, MAX_LINE);
    (json ? compose_json : compose_text)(&line, &scratch, level, room, message, fields, count);
    if (line.failed || scratch.failed) {
        static const char as_json[] = "{\"level\":\"error\",\"room\":\"log\",\"message\":\"a line was too long or "
                                      "memory ran out: it is lost\"}\n";
        static const char as_text[] = "error log: a line was too long or memory ran out: it is lost\n";
        write_line(json ? as_json : as_text, json ? sizeof(as_json) - 1 : sizeof(as_text) - 1);
    } else
        write_line(line.data, line.size);
    ag_buf_deinit(&line);
    ag_buf_deinit(&scratch);
}

static void log_arguments(ag_log_level level, const char *room, const ag_log_field *fields, size_t count,
                          const char *format, va_list arguments) AG_PRINTF(5, 0);

static void log_arguments(ag_log_level level, const char *room, const ag_log_field *fields, size_t count,
                          const char *format, va_list arguments)
{
    if (level < ag_log_threshold() || level >= AG_LOG_OFF) return;
    ag_buf message;
    ag_buf_init(&message, MAX_MESSAGE);
    ag_buf_vaddf(&message, format, arguments);
    write_message(level, room, fields, count, message.failed ? "(too long)" : message.data ? message.data : "");
    ag_buf_deinit(&message);
}

void ag_log(ag_log_level level, const char *room, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_arguments(level, room, NULL, 0, format, arguments);
    va_end(arguments);
}

void ag_log_with(ag_log_level level, const char *room, const ag_log_field *fields, size_t count, const char *format,
                 ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_arguments(level, room, fields, count, format, arguments);
    va_end(arguments);
}

void ag_log_error(const char *room, const ag_err *err)
{
    ag_log_field fields[5];
    size_t count = 0;
    fields[count++] = ag_log_text("code", ag_code_name(err->code));
    if (err->file[0]) fields[count++] = ag_log_text("file", err->file);
    if (err->line) fields[count++] = ag_log_int("line", err->line);
    if (err->column) fields[count++] = ag_log_int("column", err->column);
    if (err->hint[0]) fields[count++] = ag_log_text("hint", err->hint);
    ag_log_with(AG_LOG_ERROR, room, fields, count, "%s", err->text);
}
