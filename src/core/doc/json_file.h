// SPDX-License-Identifier: Apache-2.0
#pragma once
/* json_file.h: a JSON document that is a file, in whole: read into a tree, or written from a stream (json.h). */
#include "core/doc/json.h"

/* A file of more than options->max_bytes is refused before it is read (AG_ELIMIT). `options` may be NULL; a file that
 * they do not name is called `path` in messages. */
int ag_json_file_read(ag_arena *arena, const char *path, const ag_json_options *options, const ag_value **out,
                      ag_err *err);

/* Ends the document and a line behind it, and puts both in the place of the file, whole or not at all. */
int ag_json_file_write(ag_json *json, const char *path, ag_err *err);
