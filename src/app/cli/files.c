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
    const char *folder;
} walk;

static int visit(void *context, const char *relative, const ag_file_info *info, ag_err *err)
{
    walk *w = context;
    int rc = ag_cancel_check(w->invocation->cancel, err);
    if (rc < 0) return rc;
    const char *path = ag_path_join(w->invocation->arena, w->folder, relative);
    if (!path) return ag_fail_memory(err, strlen(relative));
    if (info->is_directory || info->is_broken || w->files->wanted(path))
        return ag_vec_push(&w->files->paths, (const void *)&path, err);
    w->files->passed++;
    return AG_OK;
}

int ag_cli_files_list(ag_invocation *invocation, ag_cli_files *files, ag_err *err)
{
    size_t count;
    const ag_option_value *values = ag_option_values(invocation, "FILE", &count);
    int rc = AG_OK;
    ag_vec_init(&files->paths, sizeof(const char *));
    for (size_t i = 0; i < count && rc >= 0; i++) {
        ag_file_info info;
        const char *path = values[i].text;
        bool folder = strcmp(path, "-") != 0 && ag_file_stat(path, &info, NULL) >= 0 && info.is_directory;
        walk w = {invocation, files, path};
        rc = folder ? ag_dir_walk_inputs(path, visit, &w, err) : ag_vec_push(&files->paths, (const void *)&path, err);
    }
    return rc;
}

void ag_cli_note_unread(ag_invocation *invocation, size_t count, const char *first, const char *why)
{
    if (count)
        ag_note(invocation, "%zu file%s could not be read and %s left out, first %s: %s", count, count == 1 ? "" : "s",
                count == 1 ? "is" : "are", first, why);
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
