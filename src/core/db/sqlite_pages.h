// SPDX-License-Identifier: Apache-2.0
#pragma once
/* sqlite_pages.h: a checksum in every page of a database file, so that a flipped byte is found wherever it is. SQLite
 * checks the form of its pages but not their content. */
#include <sqlite3.h>

#include "core/base/err.h"
#include "core/sys/cancel.h"

/* The name to give to sqlite3_open_v2(); NULL, and the file has no checksums, when the system's own cannot be wrapped.
 */
const char *ag_sqlite_pages_vfs(void);
/* For a database in which nothing was written yet: its pages get checksums from now on. No effect on others. */
void ag_sqlite_pages_begin(sqlite3 *handle);
/* Do the pages of this open database have checksums? */
bool ag_sqlite_pages_on(sqlite3 *handle);
/* The same for a new file that is to become a copy, page by page, of a database that has them. */
void ag_sqlite_pages_copy(sqlite3 *handle);
/* Reads the file page by page and compares. AG_ECORRUPT names the first that is wrong. Fine for a file without. */
int ag_sqlite_pages_check(sqlite3 *handle, const char *name, ag_cancel *cancel, ag_err *err);
