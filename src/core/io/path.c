// SPDX-License-Identifier: Apache-2.0
/* path.c: paths from outside stay under their root. The check is a list of what is allowed, applied once to text that
 * was decoded once (uri.c): nothing here decodes, it only refuses what some later decoder would turn into a separator,
 * a dot or a NUL. The link check resolves the deepest part that exists, so that a path that is still to be made is
 * judged by where it would be made. It is a check before use: whoever can make links under the root at the same moment
 * is inside already. Owns nothing. Threads: any. */
#include "core/io/path.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/io/syscall.h"

#define MAX_PATH_BYTES 4096
#define MAX_PART_BYTES 255

char *ag_path_join(ag_arena *arena, const char *base, const char *name)
{
    size_t size = strlen(base);
    bool slash = size > 0 && base[size - 1] != '/' && name[0];
    return ag_arena_printf(arena, "%s%s%s", base, slash ? "/" : "", name);
}

/* The position of the last '/', SIZE_MAX when there is none. */
static size_t last_slash(ag_str path)
{
    for (size_t i = path.size; i > 0; i--)
        if (path.data[i - 1] == '/') return i - 1;
    return SIZE_MAX;
}

ag_str ag_path_name(ag_str path)
{
    size_t slash = last_slash(path);
    return slash == SIZE_MAX ? path : ag_str_slice(path, slash + 1, path.size);
}

ag_str ag_path_parent(ag_str path)
{
    size_t slash = last_slash(path);
    if (slash == SIZE_MAX) return AG_STR(".");
    while (slash > 0 && path.data[slash - 1] == '/') slash--;
    return slash == 0 ? AG_STR("/") : ag_str_slice(path, 0, slash);
}

ag_str ag_path_extension(ag_str path)
{
    ag_str name = ag_path_name(path);
    for (size_t i = name.size; i > 1; i--) /* a leading dot hides a file, it does not start an extension */
        if (name.data[i - 1] == '.') return ag_str_slice(name, i, name.size);
    return AG_STR("");
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A byte that must not be in a path, whether it stands there or is what a percent escape stands for. '%' itself counts
 * for escapes: "%252e" would be "%2e" after one more decoding; so do bytes beyond ASCII, which careless decoders of
 * UTF-8 turn into dots and slashes ("%c0%ae"). */
static bool is_forbidden(unsigned char c, bool escaped)
{
    if (c < 0x20 || c == 0x7f || c == '\\') return true;
    return escaped && (c == '.' || c == '/' || c == '%' || c == ':' || c >= 0x80);
}

static int check_bytes(ag_str path, ag_err *err)
{
    for (size_t i = 0; i < path.size; i++) {
        unsigned char c = (unsigned char)path.data[i];
        if (is_forbidden(c, false))
            return ag_fail(err, AG_EDENIED, "the path has the byte 0x%02x, which is not allowed, at position %zu", c,
                           i + 1);
        if (c != '%' || path.size - i < 3) continue;
        int high = hex_digit(path.data[i + 1]), low = hex_digit(path.data[i + 2]);
        if (high >= 0 && low >= 0 && is_forbidden((unsigned char)(high * 16 + low), true))
            return ag_fail(err, AG_EDENIED, "the path has the escape '%.3s', which is not allowed", path.data + i);
    }
    return AG_OK;
}

static int check_part(ag_str part, ag_err *err)
{
    if (part.size == 0) return ag_fail(err, AG_EDENIED, "the path has an empty part (a leading, doubled or last '/')");
    if (ag_str_is(part, ".") || ag_str_is(part, ".."))
        return ag_fail(err, AG_EDENIED, "the path has the part '%.*s', which is not allowed", AG_STR_ARG(part));
    if (part.size > MAX_PART_BYTES)
        return ag_fail(err, AG_EDENIED, "a part of the path is longer than %d bytes", MAX_PART_BYTES);
    return AG_OK;
}

int ag_path_check(ag_str relative, ag_err *err)
{
    if (relative.size == 0) return ag_fail(err, AG_EDENIED, "the path is empty");
    if (relative.size > MAX_PATH_BYTES)
        return ag_fail(err, AG_EDENIED, "the path is longer than %d bytes", MAX_PATH_BYTES);
    int rc = check_bytes(relative, err);
    if (rc < 0) return rc;
    if (!ag_utf8_valid(relative)) return ag_fail(err, AG_EDENIED, "the path is not valid UTF-8");
    if (relative.data[0] == '/')
        return ag_fail(err, AG_EDENIED, "the path starts with '/': only relative paths are allowed");
    char letter = (char)(relative.data[0] | 0x20);
    if (relative.size > 1 && relative.data[1] == ':' && letter >= 'a' && letter <= 'z')
        return ag_fail(err, AG_EDENIED, "the path starts with a drive letter: only relative paths are allowed");
    if (ag_str_find(relative, AG_STR("://"), 0) != SIZE_MAX)
        return ag_fail(err, AG_EDENIED, "the path is an address: only relative paths are allowed");
    ag_str rest = relative, part;
    while (rc >= 0 && ag_str_next(&rest, '/', &part)) rc = check_part(part, err);
    return rc;
}

/* True when `path` is `root` or lies below it; both are real paths. */
static bool is_below(const char *path, const char *root)
{
    size_t size = strlen(root);
    if (size == 1) return true; /* "/" */
    return strncmp(path, root, size) == 0 && (path[size] == '/' || !path[size]);
}

/* Resolves the longest part of `path` that exists, `root_size` bytes at least, and refuses it outside `real_root`. */
static int check_links(char *path, size_t root_size, const char *real_root, ag_err *err)
{
    char real[PATH_MAX];
    for (size_t end = strlen(path); end > root_size;) {
        char saved = path[end];
        struct stat info;
        path[end] = '\0';
        const char *answer = ag_sys_fault() ? NULL : realpath(path, real);
        int failure = answer ? 0 : errno;
        /* A link whose target does not exist yet would be followed by whoever makes the file. What is there now and is
         * no link was made by another thread meanwhile. */
        bool dangling = failure == ENOENT && lstat(path, &info) == 0 && S_ISLNK(info.st_mode);
        path[end] = saved;
        if (answer && is_below(real, real_root)) return AG_OK;
        if (answer || dangling || failure == ELOOP)
            return ag_fail(err, AG_EDENIED, "the path '%s' leads outside its root through a symbolic link",
                           path + root_size);
        if (failure != ENOENT && failure != ENOTDIR) return ag_fail_errno(err, failure, "cannot look at '%s'", path);
        while (end > root_size && path[end - 1] != '/') end--;
        if (end > root_size) end--;
    }
    return AG_OK;
}

int ag_path_under(ag_arena *arena, const char *root, ag_str relative, char **out, ag_err *err)
{
    char real_root[PATH_MAX];
    int rc = ag_path_check(relative, err);
    if (rc < 0) return rc;
    if (ag_sys_fault() || !realpath(root, real_root)) return ag_fail_errno(err, errno, "cannot look at '%s'", root);
    size_t root_size = strlen(root);
    while (root_size > 1 && root[root_size - 1] == '/') root_size--;
    if (root_size == 1 && root[0] == '/') root_size = 0;
    char *path = ag_arena_printf(arena, "%.*s/%.*s", (int)root_size, root, AG_STR_ARG(relative));
    if (!path) return ag_fail_memory(err, root_size + relative.size + 2);
    rc = check_links(path, root_size, real_root, err);
    if (rc < 0) return rc;
    *out = path;
    return AG_OK;
}

int ag_path_absolute(ag_arena *arena, const char *path, char **out, ag_err *err)
{
    char real[PATH_MAX];
    if (ag_sys_fault() || !realpath(path, real)) return ag_fail_errno(err, errno, "cannot find '%s'", path);
    char *copy = ag_arena_strdup(arena, real);
    if (!copy) return ag_fail_memory(err, strlen(real) + 1);
    *out = copy;
    return AG_OK;
}
