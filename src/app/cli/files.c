// SPDX-License-Identifier: Apache-2.0
/* files.c: see files.h. Paths that are put together live in the invocation's arena. */
#include "app/cli/files.h"

#include <string.h>
#include <unistd.h>

#include "core/io/file.h"
#include "core/io/path.h"
#include "core/io/stream.h"

enum { MAX_STDIN = 1 << 30 };

typedef struct walk {
    ag_invocation *invocation;
    ag_cli_files *files;
    const ag_named_data *data; /* the folder */
} walk;

static int add(walk *w, const char *path, ag_err *err)
{
    ag_cli_file file = {.path = path, .shown = path, .data = w->data};
    int rc = ag_named_data_tell(w->data, w->invocation->arena, &file.shown, err);
    return rc < 0 ? rc : ag_vec_push(&w->files->list, &file, err);
}

static int visit(void *context, const char *relative, const ag_file_info *info, ag_err *err)
{
    walk *w = context;
    int rc = ag_cancel_check(w->invocation->cancel, err);
    if (rc < 0) return rc;
    const char *path = ag_path_join(w->invocation->arena, w->data->path, relative);
    if (!path) return ag_fail_memory(err, strlen(relative));
    if (info->is_directory || info->is_broken || w->files->wanted(path)) return add(w, path, err);
    w->files->passed++;
    return AG_OK;
}

/* A name that nothing is under is like the path of a file that is not there: it is told in its turn, with the others.
 */
static int add_missing(walk *w, const char *said, const ag_err *why, ag_err *err)
{
    char text[sizeof why->text + sizeof why->file + sizeof why->hint + 32];
    (void)ag_err_format(why, text, sizeof text);
    ag_cli_file file = {said, said, w->data, ag_arena_strdup(w->invocation->arena, text)};
    return file.missing ? ag_vec_push(&w->files->list, &file, err) : ag_fail_memory(err, sizeof text);
}

int ag_cli_files_list(ag_invocation *invocation, ag_cli_files *files, ag_err *err)
{
    size_t count;
    const ag_option_value *values = ag_option_values(invocation, "FILE", &count);
    int rc = AG_OK;
    ag_vec_init(&files->list, sizeof(ag_cli_file));
    ag_named_data *named = ag_arena_array(invocation->arena, count + 1, sizeof *named);
    if (!named) return ag_fail_memory(err, count * sizeof *named);
    files->named = named;
    for (size_t i = 0; i < count && rc >= 0; i++) {
        ag_file_info info;
        walk w = {invocation, files, &named[i]};
        ag_err why = {0};
        rc = ag_named_data_find(invocation, values[i].text, &named[i], &why);
        if (rc == AG_ENOTFOUND) {
            named[i] = (ag_named_data){.path = values[i].text};
            rc = add_missing(&w, values[i].text, &why, err);
            continue;
        }
        if (rc < 0) {
            if (err) *err = why;
            return ag_err_prefix(err, "%s", values[i].text);
        }
        const char *path = named[i].path;
        bool folder = strcmp(path, "-") != 0 && ag_file_stat(path, &info, NULL) >= 0 && info.is_directory;
        rc = folder ? ag_dir_walk_inputs(path, visit, &w, err) : add(&w, path, err);
    }
    return rc;
}

void ag_cli_note_unread(ag_invocation *invocation, const ag_unread *unread)
{
    const bool one = unread->count == 1;
    if (unread->count)
        ag_note(invocation, "%zu file%s could not be read and %s left out, first %s: %s", unread->count, one ? "" : "s",
                one ? "is" : "are", unread->first, unread->why);
}

int ag_cli_read_stdin(ag_buf *bytes, ag_err *err)
{
    ag_reader *reader = NULL;
    ag_buf_init(bytes, MAX_STDIN);
    int rc = ag_reader_of_fd(STDIN_FILENO, &reader, err);
    if (rc >= 0) rc = ag_read_all(reader, bytes, err);
    ag_reader_close(reader);
    return rc;
}
