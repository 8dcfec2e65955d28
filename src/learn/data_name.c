// SPDX-License-Identifier: Apache-2.0
/* data_name.c: see data_name.h. Texts are changed as a whole, and not where they are written: paths of the directory
 * come from every floor (a table that cannot be read, a program's remark). The directory's name ends in a digest, so
 * nothing else is taken for it. */
#include "learn/data_name.h"

#include <string.h>

#include "core/base/str.h"
#include "core/io/path.h"

int ag_data_name_of(const char *path, const char *name, ag_arena *arena, ag_data_name *out, ag_err *err)
{
    char *absolute = NULL;
    *out = (ag_data_name){0};
    if (!name || !path) return 0;
    int rc = ag_path_absolute(arena, path, &absolute, err);
    if (rc >= 0) *out = (ag_data_name){.name = name, .path = path, .absolute = absolute};
    return rc;
}

/* Where the directory is mentioned first, and how long its spelling there is; NULL: nowhere. The absolute one ends
 * with the other when that is relative. */
static const char *find(const ag_data_name *data, const char *text, size_t *length)
{
    const char *whole = strstr(text, data->absolute), *said = strstr(text, data->path);
    const char *first = whole && (!said || whole <= said) ? whole : said;
    if (first) *length = strlen(first == whole ? data->absolute : data->path);
    return first;
}

static size_t add(char *buffer, size_t size, size_t used, ag_str part)
{
    if (part.size > size - 1 - used) part.size = ag_utf8_cut(part, size - 1 - used);
    memcpy(buffer + used, part.data, part.size);
    return used + part.size;
}

const char *ag_data_name_in(const ag_data_name *data, const char *text, char *buffer, size_t size)
{
    size_t length, used = 0;
    const char *found;
    if (!data->name || !find(data, text, &length)) return text;
    for (; (found = find(data, text, &length)); text = found + length) {
        used = add(buffer, size, used, (ag_str){text, (size_t)(found - text)});
        used = add(buffer, size, used, ag_str_of(data->name));
    }
    used = add(buffer, size, used, ag_str_of(text));
    buffer[used] = '\0';
    return buffer;
}

static void change(const ag_data_name *data, char *text, size_t size)
{
    char changed[sizeof((ag_err *)NULL)->text]; /* the longest of the three */
    if (ag_data_name_in(data, text, changed, size) == changed) memcpy(text, changed, strlen(changed) + 1);
}

void ag_data_name_in_error(const ag_data_name *data, ag_err *err)
{
    if (!err || !data->name) return;
    change(data, err->text, sizeof err->text);
    change(data, err->hint, sizeof err->hint);
    change(data, err->file, sizeof err->file);
}
