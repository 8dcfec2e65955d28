// SPDX-License-Identifier: Apache-2.0
#pragma once
/* path.h: joining paths without leaving a root. Every path that comes from outside (a request, an archive, a manifest)
 * goes through ag_path_check() and ag_path_under(). */
#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/str.h"

/* Plain joining for paths of our own making. NULL when out of memory. */
char *ag_path_join(ag_arena *arena, const char *base, const char *name);
ag_str ag_path_name(ag_str path);   /* after the last '/' */
ag_str ag_path_parent(ag_str path); /* before the last '/', "." or "/" when there is none */
/* Without links and "..", from the root of the file system; the path must exist. From the arena. */
int ag_path_absolute(ag_arena *arena, const char *path, char **out, ag_err *err);
ag_str ag_path_extension(ag_str path); /* "csv" of "a/b.csv", empty when none */

/* AG_EDENIED with a text unless `relative` is a clean relative path: not empty, no leading '/', no drive letter, no
 * "." or ".." or empty part, no backslash, no NUL or control byte, valid UTF-8, no percent sign followed by two hex
 * digits that decode to one of those ('%2e', '%2f', '%5c', '%00'), at most 4096 bytes and 255 per part. */
int ag_path_check(ag_str relative, ag_err *err);
/* root + "/" + relative after ag_path_check(), and additionally no existing part below root is a symbolic link that
 * leads outside the real root. From the arena. */
int ag_path_under(ag_arena *arena, const char *root, ag_str relative, char **out, ag_err *err);
