// SPDX-License-Identifier: Apache-2.0
/* made.c: see made.h. Only ever rmdir: what somebody else has put there meanwhile stays. Threads: any. */
#include "core/io/made.h"

#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/io/syscall.h"

static void cut_slashes(char *path)
{
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/') path[--size] = '\0';
}

/* "a//b" -> "a"; false at the top. */
static bool cut_name(char *path)
{
    char *slash = strrchr(path, '/');
    if (!slash || slash == path) return false;
    *slash = '\0';
    cut_slashes(path);
    return true;
}

static bool goes_up(const char *path)
{
    ag_str rest = ag_str_of(path), name;
    while (ag_str_next(&rest, '/', &name))
        if (ag_str_is(name, "..")) return true;
    return false;
}

int ag_dir_missing(const char *path)
{
    struct stat info;
    int count = 0;
    char *copy = *path && !goes_up(path) ? ag_strdup(path) : NULL;
    if (!copy) return 0;
    cut_slashes(copy);
    while (stat(copy, &info) < 0) {
        count++;
        if (!cut_name(copy)) break;
    }
    ag_free(copy);
    return count;
}

void ag_dir_unmake(const char *path, int count)
{
    char *copy = count > 0 ? ag_strdup(path) : NULL;
    if (!copy) return;
    cut_slashes(copy);
    while (count-- > 0 && !ag_sys_fault()) { /* "a/." cannot be removed, "a" can */
        (void)rmdir(copy);
        if (!cut_name(copy)) break;
    }
    ag_free(copy);
}
