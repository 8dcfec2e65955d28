// SPDX-License-Identifier: Apache-2.0
/* value.c: one function per type, in a table indexed by the type. A refusal says which option, what was written and
 * what would be right; a choice that is misspelt gets the nearest one as a hint. */
#include "app/cli/value.h"

#include <math.h>
#include <string.h>

#include "core/base/str.h"

void ag_option_label(const ag_option *option, char out[80])
{
    bool positional = option->name[0] >= 'A' && option->name[0] <= 'Z';
    ag_format(out, 80, "%s%s", positional ? "" : "--", option->name);
}

static void add_number(const ag_option *option, double number, ag_buf *out)
{
    static const char *const units[] = {"", "k", "M", "G", "T"};
    size_t unit = 0;
    if (option->type == AG_OPTION_BYTES)
        while (unit < 4 && number >= 1024 && fmod(number, 1024) == 0) {
            number /= 1024;
            unit++;
        }
    char text[32];
    ag_double_format(number, text);
    ag_buf_addf(out, "%s%s%s", text, units[unit], option->type == AG_OPTION_DURATION ? "s" : "");
}

void ag_option_range(const ag_option *option, ag_buf *out)
{
    if (option->choices) {
        ag_buf_add_text(out, "one of ");
        for (size_t i = 0; option->choices[i]; i++) ag_buf_addf(out, "%s%s", i ? ", " : "", option->choices[i]);
    } else if (option->min != 0 || option->max != 0) {
        bool open = isinf(option->max);
        if (open) ag_buf_add_text(out, "at least ");
        add_number(option, option->min, out);
        if (!open) {
            ag_buf_add_text(out, " to ");
            add_number(option, option->max, out);
        }
    }
}

static int read_flag(const ag_option *option, const char *text, ag_option_value *out)
{
    static const char *const words[] = {"true", "yes", "on", "1", "false", "no", "off", "0"};
    (void)option;
    for (size_t i = 0; i < 8; i++)
        if (strcmp(text, words[i]) == 0) {
            out->flag = i < 4;
            return 0;
        }
    return -1;
}

static int read_int(const ag_option *option, const char *text, ag_option_value *out)
{
    (void)option;
    return ag_str_to_int(ag_str_of(text), &out->integer) ? 0 : -1;
}

static int read_real(const ag_option *option, const char *text, ag_option_value *out)
{
    (void)option;
    return ag_str_to_double(ag_str_of(text), &out->real) && !isnan(out->real) ? 0 : -1;
}

static int read_text(const ag_option *option, const char *text, ag_option_value *out)
{
    (void)option;
    (void)out;
    return *text ? 0 : -1;
}

static int read_choice(const ag_option *option, const char *text, ag_option_value *out)
{
    for (size_t i = 0; option->choices[i]; i++)
        if (strcmp(option->choices[i], text) == 0) {
            out->choice = i;
            return 0;
        }
    return -1;
}

static int read_bytes(const ag_option *option, const char *text, ag_option_value *out)
{
    (void)option;
    return ag_str_to_bytes(ag_str_of(text), &out->bytes) ? 0 : -1;
}

static int read_duration(const ag_option *option, const char *text, ag_option_value *out)
{
    (void)option;
    return ag_str_to_duration(ag_str_of(text), &out->integer) ? 0 : -1;
}

static int read_pair(const ag_option *option, const char *text, ag_option_value *out)
{
    (void)option;
    const char *equals = strchr(text, '=');
    if (!equals || equals == text) return -1;
    out->key = (ag_str){text, (size_t)(equals - text)};
    out->pair_value = equals + 1;
    return 0;
}

static const struct {
    int (*read)(const ag_option *option, const char *text, ag_option_value *out); /* 0, or -1: refused */
    const char *wanted;
} types[] = {
    [AG_OPTION_FLAG] = {read_flag, "true or false"},
    [AG_OPTION_INT] = {read_int, "a whole number"},
    [AG_OPTION_REAL] = {read_real, "a number"},
    [AG_OPTION_TEXT] = {read_text, "a text that is not empty"},
    [AG_OPTION_PATH] = {read_text, "a path"},
    [AG_OPTION_CHOICE] = {read_choice, NULL},
    [AG_OPTION_BYTES] = {read_bytes, "a size such as 512k or 64MB"},
    [AG_OPTION_DURATION] = {read_duration, "a time such as 30s, 5m or 2h"},
    [AG_OPTION_PAIR] = {read_pair, "of the form KEY=VALUE"},
};

static double magnitude(const ag_option *option, const ag_option_value *value)
{
    switch (option->type) {
    case AG_OPTION_INT: return (double)value->integer;
    case AG_OPTION_REAL: return value->real;
    case AG_OPTION_BYTES: return (double)value->bytes;
    case AG_OPTION_DURATION: return (double)value->integer / 1e6;
    default: return option->min;
    }
}

/* "--jobs: " + what is allowed, in a piece of the caller's stack: a refusal allocates nothing. */
static int refuse(const ag_option *option, const char *text, const char *wanted, ag_err *err)
{
    char label[80];
    ag_option_label(option, label);
    if (wanted) return ag_fail(err, AG_EINVAL, "%s: '%s' is not %s", label, text, wanted);
    ag_buf range;
    ag_buf_init(&range, 400);
    ag_option_range(option, &range);
    int rc = ag_fail(err, AG_EINVAL, "%s: '%s' is not %s%s", label, text, option->choices ? "" : "in the range ",
                     range.failed || !range.data ? "allowed" : range.data);
    ag_buf_deinit(&range);
    size_t count = 0;
    while (option->choices && option->choices[count]) count++;
    const char *nearest = count ? ag_nearest(ag_str_of(text), option->choices, count) : NULL;
    if (nearest) ag_err_hint(err, "did you mean '%s'?", nearest);
    return rc;
}

int ag_option_read(const ag_option *option, const char *text, bool is_default, ag_option_value *out, ag_err *err)
{
    *out = (ag_option_value){.text = text};
    if (types[option->type].read(option, text, out) < 0) return refuse(option, text, types[option->type].wanted, err);
    if (is_default || (option->min == 0 && option->max == 0)) return AG_OK;
    double number = magnitude(option, out);
    return number < option->min || number > option->max ? refuse(option, text, NULL, err) : AG_OK;
}
