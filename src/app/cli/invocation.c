// SPDX-License-Identifier: Apache-2.0
/* invocation.c: typed access to the values of a call, and its two outputs.
 * An accessor cannot fail in a way that the command must handle: asking for what the table does not declare is a bug in
 * the command, is noted once in `misread`, and the frame turns it into AG_EINTERNAL. Threads: one. */
#include "app/cli/invocation.h"

#include <stdarg.h>
#include <string.h>

#include "core/io/file.h"

static ag_option_slot *find_slot(ag_invocation *invocation, const char *name)
{
    for (size_t i = 0; i < invocation->slot_count; i++)
        if (strcmp(invocation->slots[i].option->name, name) == 0) return &invocation->slots[i];
    if (!invocation->misread) invocation->misread = name;
    return NULL;
}

/* The last value of an option of one of the types in the bit set, NULL when absent. */
static const ag_option_value *find_value(ag_invocation *invocation, const char *name, unsigned types)
{
    ag_option_slot *slot = find_slot(invocation, name);
    if (!slot) return NULL;
    if (!(types & (1u << slot->option->type)) || slot->option->repeated) {
        if (!invocation->misread) invocation->misread = name;
        return NULL;
    }
    return slot->count ? &slot->values[slot->count - 1] : NULL;
}

bool ag_option_given(ag_invocation *invocation, const char *name)
{
    ag_option_slot *slot = find_slot(invocation, name);
    return slot && slot->origin >= AG_ORIGIN_ENVIRONMENT;
}

bool ag_option_flag(ag_invocation *invocation, const char *name)
{
    const ag_option_value *value = find_value(invocation, name, 1u << AG_OPTION_FLAG);
    return value && value->flag;
}

int64_t ag_option_int(ag_invocation *invocation, const char *name)
{
    const ag_option_value *value = find_value(invocation, name, 1u << AG_OPTION_INT);
    return value ? value->integer : 0;
}

double ag_option_real(ag_invocation *invocation, const char *name)
{
    const ag_option_value *value = find_value(invocation, name, 1u << AG_OPTION_REAL);
    return value ? value->real : 0;
}

const char *ag_option_text(ag_invocation *invocation, const char *name)
{
    const ag_option_value *value = find_value(
        invocation, name, 1u << AG_OPTION_TEXT | 1u << AG_OPTION_PATH | 1u << AG_OPTION_CHOICE | 1u << AG_OPTION_PAIR);
    return value ? value->text : NULL;
}

size_t ag_option_choice(ag_invocation *invocation, const char *name)
{
    const ag_option_value *value = find_value(invocation, name, 1u << AG_OPTION_CHOICE);
    return value ? value->choice : SIZE_MAX;
}

uint64_t ag_option_bytes(ag_invocation *invocation, const char *name)
{
    const ag_option_value *value = find_value(invocation, name, 1u << AG_OPTION_BYTES);
    return value ? value->bytes : 0;
}

int64_t ag_option_duration(ag_invocation *invocation, const char *name)
{
    const ag_option_value *value = find_value(invocation, name, 1u << AG_OPTION_DURATION);
    return value ? value->integer : 0;
}

int ag_option_check_output(ag_invocation *invocation, const char *name, ag_err *err)
{
    const char *path = ag_option_text(invocation, name);
    int rc = path && strcmp(path, "-") != 0 ? ag_replace_check(path, err) : AG_OK;
    return rc < 0 ? ag_err_prefix(err, "--%s", name) : rc;
}

const ag_option_value *ag_option_values(ag_invocation *invocation, const char *name, size_t *count)
{
    ag_option_slot *slot = find_slot(invocation, name);
    *count = slot ? slot->count : 0;
    return slot ? slot->values : NULL;
}

bool ag_wants_json(ag_invocation *invocation)
{
    return ag_option_flag(invocation, "json");
}

void ag_print(ag_invocation *invocation, const char *format, ...)
{
    ag_output *out = invocation->out;
    if (out->failure.code != AG_OK || out->hung_up) return;
    va_list arguments;
    va_start(arguments, format);
    ag_buf_vaddf(&out->buf, format, arguments);
    va_end(arguments);
    ag_output_add(out, (ag_str){0});
}

void ag_print_str(ag_invocation *invocation, ag_str text)
{
    ag_output_add(invocation->out, text);
}

int ag_print_json(ag_invocation *invocation, ag_json *json, ag_buf *buf, ag_err *err)
{
    int rc = ag_json_end_document(json, err);
    if (rc < 0) return rc;
    ag_output_add(invocation->out, ag_buf_str(buf));
    ag_output_add(invocation->out, AG_STR("\n"));
    return AG_OK;
}

void ag_note(ag_invocation *invocation, const char *format, ...)
{
    if (ag_option_flag(invocation, "quiet")) return;
    if (invocation->out->is_terminal) ag_output_flush(invocation->out, NULL); /* in the order of printing */
    va_list arguments;
    va_start(arguments, format);
    ag_buf_vaddf(&invocation->err->buf, format, arguments);
    va_end(arguments);
    ag_output_add(invocation->err, AG_STR("\n"));
    ag_output_flush(invocation->err, NULL);
}

ag_progress *ag_begin_progress(ag_invocation *invocation, const char *what, uint64_t total)
{
    if (ag_option_flag(invocation, "quiet") || invocation->err->fd < 0) return NULL;
    if (!invocation->bar && ag_bar_new(invocation->err->fd, AG_BAR_AUTO, &invocation->bar, NULL) < 0) return NULL;
    return ag_progress_new(what, total, ag_bar_show, invocation->bar);
}

const char *ag_home(ag_invocation *invocation)
{
    const char *home = ag_option_text(invocation, "home");
    return home ? home : "./.auger";
}

int ag_home_default(ag_invocation *invocation, const char *path, ag_err *err)
{
    ag_option_slot *slot = find_slot(invocation, "home");
    if (!slot || slot->origin >= AG_ORIGIN_ENVIRONMENT) return AG_OK;
    ag_option_value *value = ag_arena_alloc(invocation->arena, sizeof *value);
    if (!value) return ag_fail_memory(err, sizeof *value);
    value->text = path;
    slot->values = value;
    slot->count = slot->capacity = 1;
    slot->origin = AG_ORIGIN_DEFAULT;
    return AG_OK;
}
