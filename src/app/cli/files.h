// SPDX-License-Identifier: Apache-2.0
#pragma once
/* files.h: the files that a command's FILE arguments name: files as they are, folders and versions of data sets walked.
 */
#include "app/cli/named_data.h"
#include "core/base/vec.h"
#include "data/unread.h"

typedef struct ag_cli_file {
    const char *path;          /* "-": standard input */
    const char *shown;         /* the path, but of a file in a version: "drilling@v3/V2_001.xls" */
    const ag_named_data *data; /* what named it, for texts that mention the path */
    const char *missing;       /* why there is no file of a name that is none, a version's or in one; NULL: look */
} ag_cli_file;

typedef struct ag_cli_files {
    bool (*wanted)(const char *path); /* of what lies in folders; a file that is named is taken as it is */
    ag_vec list;                      /* ag_cli_file, in the order of the arguments */
    const ag_named_data *named;       /* of each argument */
    size_t passed;                    /* files of folders that are not wanted */
} ag_cli_files;

/* Deinitialise the list in any case. */
int ag_cli_files_list(ag_invocation *invocation, ag_cli_files *files, ag_err *err);
/* What could not be read of a folder that is looked at as a whole; says nothing of none. */
void ag_cli_note_unread(ag_invocation *invocation, const ag_unread *unread);
/* All of standard input; `bytes` is initialised here, and deinitialised by the caller in any case. */
int ag_cli_read_stdin(ag_buf *bytes, ag_err *err);
