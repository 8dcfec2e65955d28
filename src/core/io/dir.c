// SPDX-License-Identifier: Apache-2.0
/* dir.c: directories: make, list, walk, remove. Removing and walking go down by open descriptors and refuse symbolic
 * links at every step, so that a link swapped in meanwhile cannot lead them elsewhere; one descriptor per level is
 * open, hence the limit of depth. Only what users name as input is walked through links: there they say where the data
 * lie. Threads: any. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/io/syscall.h"

#define MAX_DEPTH 256

static int open_dir(int parent, const char *name, int more_flags)
{
    return ag_sys_open(parent, name, O_RDONLY | O_DIRECTORY | O_NONBLOCK | more_flags, 0);
}

int ag_dir_sync(const char *path, ag_err *err)
{
    int fd = open_dir(AT_FDCWD, path, 0);
    if (fd < 0) return ag_fail_errno(err, errno, "cannot open the directory '%s'", path);
    int rc = AG_OK;
    if (ag_sys_sync_dir(fd) < 0) rc = ag_fail_errno(err, errno, "cannot write the directory '%s' to the disk", path);
    ag_sys_close(fd);
    return rc;
}

static int fail_open_dir(ag_err *err, int error_number, const char *path)
{
    int rc = error_number == ENOENT ? ag_fail_broken_link(err, path) : AG_OK;
    return rc < 0 ? rc : ag_fail_errno(err, error_number, "cannot open the directory '%s'", path);
}

/* Makes one level. A new name is durable only when the directory above is synced. */
static int make_one(const char *path, ag_err *err)
{
    struct stat info;
    if (!ag_sys_fault() && mkdir(path, 0777) == 0) {
        ag_str parent = ag_path_parent(ag_str_of(path));
        char *above = ag_strndup(parent.data, parent.size);
        if (!above) return ag_fail_memory(err, parent.size + 1);
        int rc = ag_dir_sync(above, err);
        ag_free(above);
        return rc;
    }
    int failure = errno;
    if (failure != EIO && stat(path, &info) == 0) {
        if (S_ISDIR(info.st_mode)) return AG_OK;
        return ag_fail(err, AG_EEXISTS, "cannot make the directory '%s': it exists and is not one", path);
    }
    return ag_fail_errno(err, failure, "cannot make the directory '%s'", path);
}

int ag_dir_make(const char *path, ag_err *err)
{
    struct stat info;
    if (!*path) return ag_fail(err, AG_EINVAL, "the name of the directory is empty");
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) return AG_OK;
    char *copy = ag_strdup(path);
    if (!copy) return ag_fail_memory(err, strlen(path) + 1);
    size_t size = strlen(copy);
    while (size > 1 && copy[size - 1] == '/') copy[--size] = '\0';
    int rc = AG_OK;
    for (size_t i = 1; i < size && rc >= 0; i++) {
        if (copy[i] != '/' || copy[i - 1] == '/') continue;
        copy[i] = '\0';
        if (stat(copy, &info) < 0 || !S_ISDIR(info.st_mode)) rc = make_one(copy, err);
        copy[i] = '/';
    }
    if (rc >= 0) rc = make_one(copy, err);
    ag_free(copy);
    return rc;
}

/* The next entry that is not "." or "..": 1, 0 at the end, -1 with errno. */
static int next_entry(DIR *stream, const char **name)
{
    for (;;) {
        errno = 0;
        struct dirent *entry = ag_sys_fault() ? NULL : readdir(stream);
        if (!entry) return errno ? -1 : 0;
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        *name = entry->d_name;
        return 1;
    }
}

/* A stream over `fd`, which it takes over. */
static DIR *stream_of(int fd)
{
    DIR *stream = ag_sys_fault() ? NULL : fdopendir(fd);
    if (!stream) ag_sys_close(fd);
    return stream;
}

static int remove_below(int parent, const char *name, const char *top, int depth, ag_err *err);

static int remove_entry(int parent, const char *name, const char *top, int depth, ag_err *err)
{
    if (!ag_sys_fault() && unlinkat(parent, name, 0) == 0) return AG_OK;
    if (errno == ENOENT) return AG_OK;
    if (errno != EISDIR) return ag_fail_errno(err, errno, "cannot remove '%s' below '%s'", name, top);
    return remove_below(parent, name, top, depth, err);
}

/* Removes the directory `name` of `parent` and all in it. `top` is for messages. */
static int remove_below(int parent, const char *name, const char *top, int depth, ag_err *err)
{
    if (depth > MAX_DEPTH) return ag_fail(err, AG_ELIMIT, "'%s' is nested deeper than %d levels", top, MAX_DEPTH);
    int fd = open_dir(parent, name, O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT) return AG_OK;
    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
        return ag_fail(err, AG_EINVAL, "cannot remove '%s': it is not a directory", name);
    if (fd < 0) return ag_fail_errno(err, errno, "cannot open the directory '%s' below '%s'", name, top);
    DIR *stream = stream_of(fd);
    if (!stream) return ag_fail_errno(err, errno, "cannot read the directory '%s' below '%s'", name, top);
    int rc = AG_OK, more = 0;
    const char *entry;
    while (rc >= 0 && (more = next_entry(stream, &entry)) > 0)
        rc = remove_entry(dirfd(stream), entry, top, depth + 1, err);
    if (more < 0) rc = ag_fail_errno(err, errno, "cannot read the directory '%s' below '%s'", name, top);
    closedir(stream);
    if (rc < 0) return rc;
    if (!ag_sys_fault() && unlinkat(parent, name, AT_REMOVEDIR) == 0) return AG_OK;
    return errno == ENOENT ? AG_OK
                           : ag_fail_errno(err, errno, "cannot remove the directory '%s' below '%s'", name, top);
}

int ag_dir_remove(const char *path, ag_err *err)
{
    return remove_below(AT_FDCWD, path, path, 0, err);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int ag_dir_list(const char *path, ag_arena *arena, ag_vec *names, ag_err *err)
{
    int fd = open_dir(AT_FDCWD, path, 0);
    if (fd < 0) return fail_open_dir(err, errno, path);
    DIR *stream = stream_of(fd);
    if (!stream) return ag_fail_errno(err, errno, "cannot read the directory '%s'", path);
    int rc = AG_OK, more = 0;
    const char *entry;
    while (rc >= 0 && (more = next_entry(stream, &entry)) > 0) {
        const char *name = ag_arena_strdup(arena, entry);
        rc = name ? ag_vec_push(names, &name, err) : ag_fail_memory(err, strlen(entry) + 1);
    }
    if (rc >= 0 && more < 0) rc = ag_fail_errno(err, errno, "cannot read the directory '%s'", path);
    closedir(stream);
    if (rc >= 0) ag_vec_sort(names, compare_names);
    return rc;
}

/* A walk under way: the relative path so far, and whom to tell. */
typedef struct walk {
    const char *root;
    ag_buf path;
    ag_walk_fn visit;
    void *context;
    bool inputs;    /* as ag_dir_walk_inputs() does */
    ag_vec reached; /* char *: real paths of the root and of what links have led to */
} walk;

typedef struct found {
    const char *name; /* a directory's with a '/' behind it, so that sorting names sorts whole paths */
    ag_file_info info;
} found;

static int compare_found(const void *a, const void *b)
{
    return strcmp(((const found *)a)->name, ((const found *)b)->name);
}

/* Looks at one entry and keeps it when it is a regular file or a directory of its own. */
static int look_at(int fd, const char *name, ag_arena *arena, ag_vec *all, const walk *w, ag_err *err)
{
    struct stat own, target;
    if (ag_sys_fault() || fstatat(fd, name, &own, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? AG_OK : ag_fail_errno(err, errno, "cannot look at '%s' below '%s'", name, w->root);
    bool is_link = S_ISLNK(own.st_mode);
    target = own;
    bool is_broken = is_link && fstatat(fd, name, &target, 0) < 0; /* leads nowhere */
    if (is_broken && !w->inputs) return AG_OK;
    if (S_ISDIR(target.st_mode) ? is_link && !w->inputs : !is_broken && !S_ISREG(target.st_mode)) return AG_OK;
    if (S_ISREG(target.st_mode) && ag_file_is_temporary(name)) return AG_OK;
    found item = {.info = {.size = (uint64_t)target.st_size,
                           .modified = (int64_t)target.st_mtim.tv_sec * 1000000 + target.st_mtim.tv_nsec / 1000,
                           .is_directory = S_ISDIR(target.st_mode),
                           .is_regular = S_ISREG(target.st_mode),
                           .is_link = is_link}};
    if (is_broken) item.info = (ag_file_info){.is_link = true, .is_broken = true};
    item.name = item.info.is_directory ? ag_arena_printf(arena, "%s/", name) : ag_arena_strdup(arena, name);
    if (!item.name) return ag_fail_memory(err, strlen(name) + 2);
    return ag_vec_push(all, &item, err);
}

static int collect(DIR *stream, ag_arena *arena, ag_vec *all, const walk *w, ag_err *err)
{
    int rc = AG_OK, more = 0;
    const char *entry;
    while (rc >= 0 && (more = next_entry(stream, &entry)) > 0) rc = look_at(dirfd(stream), entry, arena, all, w, err);
    if (rc >= 0 && more < 0) rc = ag_fail_errno(err, errno, "cannot read a directory below '%s'", w->root);
    if (rc >= 0) ag_vec_sort(all, compare_found);
    return rc;
}

static int walk_fd(int fd, walk *w, int depth, ag_err *err);

static bool is_within(const char *path, const char *directory)
{
    size_t size = strlen(directory);
    if (size == 1) return true; /* "/" */
    return strncmp(path, directory, size) == 0 && (path[size] == '/' || path[size] == '\0');
}

static int reach(walk *w, const char *real, ag_err *err)
{
    char *copy = ag_strdup(real);
    if (!copy) return ag_fail_memory(err, strlen(real) + 1);
    int rc = ag_vec_push(&w->reached, &copy, err);
    if (rc < 0) ag_free(copy);
    return rc;
}

/* Whether w->path, a link to a directory, is walked: 1, once. Not what is walked anyhow; and not what holds that, for
 * the walk would come round to where it is: such a link is visited. */
static int enter_link(const found *item, walk *w, ag_err *err)
{
    char path[PATH_MAX], real[PATH_MAX];
    bool known =
        ag_format(path, sizeof path, "%s/%s", w->root, w->path.data) && !ag_sys_fault() && realpath(path, real);
    if (!known || !w->reached.count) return w->visit(w->context, w->path.data, &item->info, err);
    for (size_t i = 0; i < w->reached.count; i++) {
        const char *before = *(const char *const *)ag_vec_at(&w->reached, i);
        if (is_within(real, before)) return 0;
        if (is_within(before, real)) return w->visit(w->context, w->path.data, &item->info, err);
    }
    int rc = reach(w, real, err);
    return rc < 0 ? rc : 1;
}

/* `name` is the last part of w->path, without the '/' behind it. */
static int walk_directory(int fd, const char *name, const found *item, walk *w, int depth, ag_err *err)
{
    int rc = item->info.is_link ? enter_link(item, w, err) : 1;
    if (rc <= 0) return rc;
    int sub = open_dir(fd, name, item->info.is_link ? 0 : O_NOFOLLOW);
    if (sub < 0 && w->inputs && errno == EACCES) return w->visit(w->context, w->path.data, &item->info, err);
    w->path.data[w->path.size - 1] = '/';
    if (sub >= 0) return walk_fd(sub, w, depth + 1, err);
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return AG_OK; /* it has gone, or was swapped */
    return ag_fail_errno(err, errno, "cannot open '%s' below '%s'", w->path.data, w->root);
}

static int walk_found(int fd, const found *item, walk *w, int depth, ag_err *err)
{
    size_t before = w->path.size;
    int rc = ag_buf_add_text(&w->path, item->name);
    if (rc < 0) return ag_buf_check(&w->path, "a path", err);
    if (item->info.is_directory) {
        w->path.data[w->path.size - 1] = '\0'; /* openat() would follow a link that is named with a '/' */
        rc = walk_directory(fd, w->path.data + before, item, w, depth, err);
    } else {
        rc = w->visit(w->context, w->path.data, &item->info, err);
    }
    w->path.size = before;
    w->path.data[before] = '\0';
    return rc;
}

/* Takes `fd` over. */
static int walk_fd(int fd, walk *w, int depth, ag_err *err)
{
    int rc;
    ag_vec all;
    ag_vec_init(&all, sizeof(found));
    ag_arena *arena = ag_arena_new(0);
    DIR *stream = stream_of(fd);
    if (!stream) {
        rc = ag_fail_errno(err, errno, "cannot read a directory below '%s'", w->root);
        goto out;
    }
    if (!arena) {
        rc = ag_fail_memory(err, sizeof(found));
        goto out;
    }
    if (depth > MAX_DEPTH) {
        rc = ag_fail(err, AG_ELIMIT, "'%s' is nested deeper than %d levels", w->root, MAX_DEPTH);
        goto out;
    }
    if ((rc = collect(stream, arena, &all, w, err)) < 0) goto out;
    for (size_t i = 0; i < all.count && rc >= 0; i++) rc = walk_found(dirfd(stream), ag_vec_at(&all, i), w, depth, err);
out:
    if (stream) closedir(stream);
    ag_arena_free(arena);
    ag_vec_deinit(&all);
    return rc;
}

/* Where that cannot be told (a directory above that may not be read), no link is followed: there would be no guard
 * against circles. */
static int reach_root(walk *w, ag_err *err)
{
    char real[PATH_MAX];
    return !ag_sys_fault() && realpath(w->root, real) ? reach(w, real, err) : AG_OK;
}

static int walk_root(walk *w, ag_err *err)
{
    int fd = open_dir(AT_FDCWD, w->root, 0);
    if (fd < 0) return fail_open_dir(err, errno, w->root);
    ag_buf_init(&w->path, (size_t)1 << 20);
    ag_vec_init(&w->reached, sizeof(char *));
    int rc = w->inputs ? reach_root(w, err) : AG_OK;
    if (rc >= 0)
        rc = walk_fd(fd, w, 0, err);
    else
        ag_sys_close(fd);
    for (size_t i = 0; i < w->reached.count; i++) ag_free(*(char **)ag_vec_at(&w->reached, i));
    ag_vec_deinit(&w->reached);
    ag_buf_deinit(&w->path);
    return rc;
}

int ag_dir_walk(const char *root, ag_walk_fn visit, void *context, ag_err *err)
{
    walk w = {.root = root, .visit = visit, .context = context};
    return walk_root(&w, err);
}

int ag_dir_walk_inputs(const char *root, ag_walk_fn visit, void *context, ag_err *err)
{
    walk w = {.root = root, .visit = visit, .context = context, .inputs = true};
    return walk_root(&w, err);
}

int ag_dir_fail_to_enter(const char *root, const char *relative, const ag_file_info *info, ag_err *err)
{
    if (!info->is_link) return ag_fail_errno(err, EACCES, "cannot open '%s' below '%s'", relative, root);
    ag_fail(err, AG_EINVAL, "'%s' below '%s' is a link to a directory that holds it", relative, root);
    return ag_err_hint(err, "remove the link, or name the directories that are meant one by one");
}

int ag_dir_temporary(const char *prefix, char **out, ag_err *err)
{
    const char *base = getenv("TMPDIR");
    if (!base || base[0] != '/') base = "/tmp";
    if (strchr(prefix, '/'))
        return ag_fail(err, AG_EINVAL, "the prefix '%s' of a temporary directory has a '/'", prefix);
    size_t size = strlen(base) + strlen(prefix) + sizeof("/XXXXXX");
    char *path = ag_alloc(size);
    if (!path) return ag_fail_memory(err, size);
    snprintf(path, size, "%s/%sXXXXXX", base, prefix);
    if (ag_sys_fault() || !mkdtemp(path)) {
        int rc = ag_fail_errno(err, errno, "cannot make a temporary directory in '%s'", base);
        ag_free(path);
        return rc;
    }
    *out = path;
    return AG_OK;
}
