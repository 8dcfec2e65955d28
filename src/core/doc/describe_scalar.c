// SPDX-License-Identifier: Apache-2.0
/* describe_scalar.c: one value into one member, and the sentence when it does not fit. The sentences are the point:
 * they are what a user sees of a configuration that is wrong, so each says what was expected, what was found, and,
 * where a mistake is a known one (quotes, yes/no, a typo), how to write it. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/doc/describe_parts.h"

void ag_key_path_text(const ag_key_path *path, char *out, size_t size)
{
    const ag_key_path *levels[AG_DESCRIBE_DEPTH_MAX];
    size_t count = 0, used = 0;
    out[0] = '\0';
    for (; path && path->up && count < AG_DESCRIBE_DEPTH_MAX; path = path->up) levels[count++] = path;
    while (count > 0 && used + 1 < size) {
        const ag_key_path *level = levels[--count];
        int written = level->name.data
                          ? snprintf(out + used, size - used, "%s%.*s", used ? "." : "", AG_STR_ARG(level->name))
                          : snprintf(out + used, size - used, "[%zu]", level->index);
        used += written > 0 ? (size_t)written : 0;
    }
    if (used >= size) out[ag_utf8_cut((ag_str){out, size - 1}, size - 1)] = '\0';
}

int ag_reading_fail(const ag_reading *reading, const ag_value *where, const ag_key_path *path, const char *format, ...)
{
    char key[256], text[sizeof reading->err->text];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    ag_key_path_text(path, key, sizeof key);
    bool placed = where && where->line;
    return ag_fail_at(reading->err, AG_EINVAL, placed ? reading->file : NULL, placed ? where->line : 0,
                      placed ? where->column : 0, "%s%s%s", key, *key ? ": " : "", text);
}

bool ag_describe_ranged(const ag_field *field)
{
    return field->min != 0.0 || field->max != 0.0;
}

void ag_describe_range(const ag_field *field, char *out, size_t size)
{
    char low[32], high[32];
    (void)ag_double_format(field->min, low);
    (void)ag_double_format(field->max, high);
    if (isinf(field->max))
        (void)ag_format(out, size, "at least %s", low);
    else if (isinf(field->min))
        (void)ag_format(out, size, "at most %s", high);
    else
        (void)ag_format(out, size, "%s to %s", low, high);
}

/* The value as a sentence names it: "the string 'abc'". */
static const char *found(const ag_value *value, char out[128])
{
    char number[32];
    switch (value->kind) {
    case AG_BOOL: return value->boolean ? "true" : "false";
    case AG_INT: (void)ag_format(out, 128, "the integer %lld", (long long)value->integer); break;
    case AG_REAL:
        (void)ag_double_format(value->real, number);
        (void)ag_format(out, 128, "the number %s", number);
        break;
    case AG_STRING:
        (void)ag_format(out, 128, "the string '%.*s'%s", (int)ag_utf8_cut(value->string, 60),
                        value->string.data ? value->string.data : "", value->string.size > 60 ? "..." : "");
        break;
    default: return ag_kind_name(value->kind);
    }
    return out;
}

typedef struct target { /* what the functions below have in common */
    const ag_reading *reading;
    const ag_field *field;
    const ag_value *value;
    const ag_key_path *path;
    bool ranged;
} target;

static int mismatch(const target *t, const char *expected)
{
    char shown[128], range[96] = "";
    bool ranged = t->ranged && ag_describe_ranged(t->field);
    if (ranged) ag_describe_range(t->field, range, sizeof range);
    return ag_reading_fail(t->reading, t->value, t->path, "expected %s%s%s%s, found %s", expected, ranged ? " (" : "",
                           range, ranged ? ")" : "", found(t->value, shown));
}

static int check_range(const target *t, double number, const char *unit)
{
    char range[96], shown[32];
    if (!t->ranged || !ag_describe_ranged(t->field) || (number >= t->field->min && number <= t->field->max))
        return AG_OK;
    ag_describe_range(t->field, range, sizeof range);
    (void)ag_double_format(number, shown);
    return ag_reading_fail(t->reading, t->value, t->path, "must be %s%s, found %s", range, unit, shown);
}

static int read_bool(const target *t, bool *out)
{
    static const char *const words[] = {"yes", "no", "on", "off", "y", "n", "true", "false"};
    if (ag_value_bool(t->value, out)) return AG_OK;
    int rc = mismatch(t, "true or false");
    for (size_t i = 0; t->value->kind == AG_STRING && i < sizeof words / sizeof *words; i++) {
        if (!ag_str_equal_nocase(t->value->string, ag_str_of(words[i]))) continue;
        bool yes = strchr("yt", words[i][0]) || strcmp(words[i], "on") == 0;
        (void)ag_err_hint(t->reading->err, "write %s%s", yes ? "true" : "false",
                          i < 6 ? "; yes, no, on and off are plain words in YAML 1.2" : " without quotes");
    }
    return rc;
}

/* Frequent slips: a number in quotes, with a decimal comma, with its thousands set apart. */
static void hint_number(const target *t)
{
    char plain[32];
    double number;
    size_t kept = 0;
    ag_str text = t->value->kind == AG_STRING ? t->value->string : (ag_str){0};
    if (!text.size || text.size >= sizeof plain) return;
    if (ag_str_to_double(text, &number)) {
        if (!isfinite(number)) return; /* nan and inf are words in YAML, with quotes or without */
        (void)ag_err_hint(t->reading->err, "write it without quotes");
        return;
    }
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] != '_') plain[kept++] = text.data[i] == ',' ? '.' : text.data[i];
    if (ag_str_to_double((ag_str){plain, kept}, &number))
        (void)ag_err_hint(t->reading->err, "write it as %.*s", (int)kept, plain);
}

static int read_int(const target *t, int64_t *out)
{
    int rc;
    if (!ag_value_int(t->value, out)) {
        rc = mismatch(t, "an integer");
        hint_number(t);
        return rc;
    }
    const double number = (double)*out;
    if (t->ranged && number == t->field->max &&
        *out > (int64_t)t->field->max) { /* 2^53 + 1, which is 2^53 as a double */
        char range[96];
        ag_describe_range(t->field, range, sizeof range);
        return ag_reading_fail(t->reading, t->value, t->path, "must be %s, found %lld", range, (long long)*out);
    }
    return check_range(t, number, "");
}

static int read_real(const target *t, double *out)
{
    int rc;
    if (!ag_value_real(t->value, out)) {
        rc = mismatch(t, "a number");
        hint_number(t);
        return rc;
    }
    if (isnan(*out)) return ag_reading_fail(t->reading, t->value, t->path, "must be a number, found NaN");
    return check_range(t, *out, "");
}

static size_t count_of(const char *const *choices)
{
    size_t count = 0;
    while (choices && choices[count]) count++;
    return count;
}

static void list_choices(const char *const *choices, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; choices && choices[i] && used + 1 < size; i++) {
        int written = snprintf(out + used, size - used, "%s%s", i ? ", " : "", choices[i]);
        used += written > 0 ? (size_t)written : 0;
    }
    if (used >= size && size > 4) memcpy(out + size - 4, "...", 4);
}

/* The index of `text` among the choices, or a failure that names the nearest. */
static int find_choice(const target *t, ag_str text, int *out)
{
    const char *const *choices = t->field->choices;
    char list[200];
    for (size_t i = 0; choices && choices[i]; i++) {
        if (!ag_str_is(text, choices[i])) continue;
        *out = (int)i;
        return AG_OK;
    }
    list_choices(choices, list, sizeof list);
    int rc = ag_reading_fail(t->reading, t->value, t->path, "'%.*s' is not one of: %s", (int)ag_utf8_cut(text, 60),
                             text.data ? text.data : "", list);
    const char *nearest = ag_nearest(text, choices, count_of(choices));
    if (nearest) (void)ag_err_hint(t->reading->err, "did you mean '%s'?", nearest);
    return rc;
}

static int read_choice(const target *t, int *out)
{
    char text[32];
    switch (t->value->kind) {
    case AG_STRING: return find_choice(t, t->value->string, out);
    case AG_BOOL: return find_choice(t, ag_str_of(t->value->boolean ? "true" : "false"), out);
    case AG_INT: /* bits: 8 */
        (void)ag_format(text, sizeof text, "%lld", (long long)t->value->integer);
        return find_choice(t, ag_str_of(text), out);
    default: break;
    }
    int rc = mismatch(t, "a word");
    char list[200];
    list_choices(t->field->choices, list, sizeof list);
    (void)ag_err_hint(t->reading->err, "one of: %s", list);
    return rc;
}

static int read_text(const target *t, const char **out)
{
    ag_str text;
    int rc, index;
    if (!ag_value_string(t->value, &text)) {
        char number[32];
        rc = mismatch(t, "text");
        if (t->value->kind == AG_BOOL)
            (void)ag_err_hint(t->reading->err, "put it in quotes: \"%s\"", t->value->boolean ? "true" : "false");
        if (t->value->kind == AG_INT)
            (void)ag_err_hint(t->reading->err, "put it in quotes: \"%lld\"", (long long)t->value->integer);
        if (t->value->kind == AG_REAL && ag_double_format(t->value->real, number))
            (void)ag_err_hint(t->reading->err, "put it in quotes: \"%s\"", number);
        return rc;
    }
    if (text.size && memchr(text.data, '\0', text.size))
        return ag_reading_fail(t->reading, t->value, t->path, "text must not hold a NUL byte");
    if (t->field->choices && (rc = find_choice(t, text, &index)) < 0) return rc;
    char *copy = ag_arena_strndup(t->reading->arena, text.data ? text.data : "", text.size);
    if (!copy) return ag_fail_memory(t->reading->err, text.size + 1);
    *out = copy;
    return AG_OK;
}

static int read_bytes(const target *t, uint64_t *out)
{
    int64_t number;
    if (ag_value_int(t->value, &number) && number >= 0)
        *out = (uint64_t)number;
    else if (t->value->kind != AG_STRING || !ag_str_to_bytes(t->value->string, out))
        return mismatch(t, "a size such as 64MB");
    return check_range(t, (double)*out, " bytes");
}

static int read_duration(const target *t, int64_t *out)
{
    double seconds;
    if (ag_value_real(t->value, &seconds) && fabs(seconds) < 9.2e12)
        *out = (int64_t)llround(seconds * 1e6);
    else if (t->value->kind != AG_STRING || !ag_str_to_duration(t->value->string, out))
        return mismatch(t, "a duration such as 30s");
    return check_range(t, (double)*out / 1e6, " seconds");
}

int ag_reading_scalar(const ag_reading *reading, const ag_field *field, ag_field_type type, bool ranged,
                      const ag_value *value, const ag_key_path *path, void *slot)
{
    target t = {reading, field, value, path, ranged};
    switch (type) {
    case AG_FIELD_BOOL: return read_bool(&t, slot);
    case AG_FIELD_INT: return read_int(&t, slot);
    case AG_FIELD_REAL: return read_real(&t, slot);
    case AG_FIELD_TEXT: return read_text(&t, slot);
    case AG_FIELD_CHOICE: return read_choice(&t, slot);
    case AG_FIELD_BYTES: return read_bytes(&t, slot);
    case AG_FIELD_DURATION: return read_duration(&t, slot);
    case AG_FIELD_VALUE: *(const ag_value **)slot = value->kind == AG_NULL ? NULL : value; return AG_OK;
    default: return ag_reading_fail(reading, value, path, "the table gives this key an unknown type");
    }
}
