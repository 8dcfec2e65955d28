// SPDX-License-Identifier: Apache-2.0
#pragma once
/* made.h: directories that are made for work that may yet be refused, and are then taken back. */

/* How many directories at the end of `path` are not there: those that ag_dir_make() would make. 0 also for a path with
 * "..", of which that cannot be told. */
int ag_dir_missing(const char *path);
/* Removes `path` and the `count - 1` directories above it, from below, as long as they are empty: what ag_dir_make()
 * made when `count` was missing before. That one stays, because something lies in it, is no failure. */
void ag_dir_unmake(const char *path, int count);
