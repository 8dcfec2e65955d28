// SPDX-License-Identifier: Apache-2.0
#pragma once
/* data_name.h: data that people know by another name than that of their directory. The files of a version of a data
 * set lie below the home, in a directory called by its digest: programs are given that path, people are told
 * "drilling@v3". */
#include "core/base/arena.h"
#include "core/base/err.h"

typedef struct ag_data_name {
    const char *name;            /* "drilling@v3"; NULL: the path is the name, and nothing is changed */
    const char *path, *absolute; /* how texts may spell the directory */
} ag_data_name;

int ag_data_name_of(const char *path, const char *name, ag_arena *arena, ag_data_name *out, ag_err *err);
/* `text` for people: `text` itself when it does not mention the directory, else as much as fits into `buffer`. */
const char *ag_data_name_in(const ag_data_name *data, const char *text, char *buffer, size_t size);
/* The same with all that an error says; the code stays. */
void ag_data_name_in_error(const ag_data_name *data, ag_err *err);
