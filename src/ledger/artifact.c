// SPDX-License-Identifier: Apache-2.0
/* artifact.c: the places where artifacts may lie, and which of them a URI means.
 * A root is a normalised prefix and the address of its tree. A URI is parsed once (core/io/uri.h decodes once), its
 * path taken apart into clean parts, and compared part by part with the roots: "/data2" is not below "/data". What is
 * left is checked as any path from outside, and the tree refuses links that lead out. Trees are opened when first asked
 * for. Threads: any; the mutex guards the list and the trees in it; a tree, once there, stays until the ledger is
 * closed. */
#include "ledger/artifact.h"

#include <pthread.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/path.h"
#include "core/io/uri.h"
#include "ledger/ledger_private.h"

enum { MAX_ROOTS = 64, MAX_PATH = 2048, MAX_PART = 220 };

typedef enum place_kind { PLACE_STORE, PLACE_LOCAL, PLACE_S3 } place_kind;

typedef struct place { /* what a URI says, before any root is looked at */
    place_kind kind;
    ag_str bucket;    /* of s3 */
    const char *path; /* clean parts joined by '/', without one in front; "" is the top */
} place;

typedef struct root {
    place_kind kind;
    bool any_bucket; /* "s3://" */
    char *bucket;
    char *path;
    char *address; /* for ag_tree_open() */
    ag_tree *tree; /* NULL: not opened yet */
} root;

struct ag_artifact_roots {
    pthread_mutex_t lock;
    ag_vec roots; /* of root *: a root never moves, so its tree can be lent */
    root *store;  /* what "mlflow-artifacts:/" means; NULL: nothing */
};

/* ---- reading URIs ---- */

/* "a/b" of "//a/./b/"; ".." is refused: nothing that we wrote holds it. */
static int clean_path(ag_arena *arena, ag_str path, const char **out, ag_err *err)
{
    char *text = ag_arena_alloc(arena, path.size + 1);
    if (!text) return ag_fail_memory(err, path.size + 1);
    size_t used = 0;
    ag_str rest = path, part;
    while (ag_str_next(&rest, '/', &part)) {
        if (part.size == 0 || ag_str_is(part, ".")) continue;
        if (ag_str_is(part, "..") || ag_str_find_char(part, '\\', 0) != SIZE_MAX) {
            return ag_fail(err, AG_EDENIED, "Invalid path: an artifact's address must not hold '..' or a backslash");
        }
        if (used) text[used++] = '/';
        memcpy(text + used, part.data, part.size);
        used += part.size;
    }
    text[used] = '\0';
    *out = text;
    return AG_OK;
}

static bool is_plain_path(ag_str uri)
{
    size_t colon = ag_str_find_char(uri, ':', 0), slash = ag_str_find_char(uri, '/', 0);
    return colon == SIZE_MAX || (slash != SIZE_MAX && slash < colon);
}

static ag_str after(ag_str text, const char *prefix)
{
    return ag_str_slice(text, strlen(prefix), text.size);
}

static int read_parts(ag_arena *arena, const ag_uri *uri, place *out, ag_err *err)
{
    static const char proxy[] = "/api/2.0/mlflow-artifacts/artifacts/";
    ag_str path = uri->path;
    if (ag_str_is(uri->scheme, "file")) {
        if (uri->host.size && !ag_str_is(uri->host, "localhost")) {
            return ag_fail(err, AG_EDENIED, "artifacts on another machine's disk cannot be reached");
        }
        out->kind = PLACE_LOCAL;
    } else if (ag_str_is(uri->scheme, "s3")) {
        out->kind = PLACE_S3;
        out->bucket = uri->host;
    } else if (ag_str_is(uri->scheme, "mlflow-artifacts")) {
        out->kind = PLACE_STORE;
    } else if (ag_str_starts(path, ag_str_of(proxy))) { /* http and https */
        out->kind = PLACE_STORE;
        path = after(path, proxy);
    } else {
        return ag_fail(err, AG_EDENIED, "artifacts on a web server are not fetched from here");
    }
    return clean_path(arena, path, &out->path, err);
}

static int read_place(ag_arena *arena, const char *text, place *out, ag_err *err)
{
    static const char *const schemes[] = {"file", "s3", "mlflow-artifacts", "http", "https", NULL};
    ag_str uri = ag_str_of(text);
    ag_uri parsed;
    *out = (place){.kind = PLACE_LOCAL};
    if (is_plain_path(uri)) {
        if (!ag_str_starts(uri, AG_STR("/"))) {
            return ag_fail(err, AG_EDENIED, "an artifact's address must be absolute");
        }
        return clean_path(arena, uri, &out->path, err);
    }
    int rc = ag_uri_parse(arena, uri, schemes, &parsed, err);
    if (rc >= 0) return read_parts(arena, &parsed, out, err);
    if (rc == AG_ENOMEM) return rc;
    if (err) err->code = AG_EDENIED;
    ag_err_prefix(err, "an artifact's address is not one that can be served");
    return AG_EDENIED;
}

/* ---- roots ---- */

static void free_root(root *r)
{
    if (!r) return;
    ag_tree_close(r->tree);
    ag_free(r->bucket);
    ag_free(r->path);
    ag_free(r->address);
    ag_free(r);
}

static int add_root(ag_artifact_roots *roots, const place *at, const char *address, root **out, ag_err *err)
{
    if (roots->roots.count >= MAX_ROOTS) return ag_fail(err, AG_ELIMIT, "more than %d artifact roots", MAX_ROOTS);
    root *r = ag_calloc(1, sizeof(*r));
    if (!r) return ag_fail_memory(err, sizeof(*r));
    r->kind = at->kind;
    r->bucket = ag_strndup(at->bucket.data ? at->bucket.data : "", at->bucket.size);
    r->path = ag_strdup(at->path);
    r->address = ag_strdup(address);
    int rc = r->bucket && r->path && r->address ? AG_OK : ag_fail_memory(err, strlen(address));
    if (rc >= 0) rc = ag_vec_push(&roots->roots, &r, err);
    if (rc < 0) {
        free_root(r);
        return rc;
    }
    *out = r;
    return AG_OK;
}

/* A local root counts under its own name and under the one without links. */
static int add_real_path(ag_artifact_roots *roots, ag_arena *arena, const place *at, const char *address, ag_err *err)
{
    char *real, *given = ag_arena_printf(arena, "/%s", at->path);
    place other = *at;
    root *added;
    if (!given) return ag_fail_memory(err, 1);
    int rc = ag_path_absolute(arena, given, &real, NULL);
    if (rc == AG_ENOMEM) return ag_fail_memory(err, 1);
    if (rc < 0 || strcmp(real, given) == 0) return AG_OK;
    rc = clean_path(arena, ag_str_of(real), &other.path, err);
    return rc < 0 ? rc : add_root(roots, &other, address, &added, err);
}

static int add_address(ag_artifact_roots *roots, const char *address, root **out, ag_err *err)
{
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    place at = {.kind = PLACE_S3, .path = ""};
    bool any = strcmp(address, "s3://") == 0;
    int rc = any ? AG_OK : read_place(arena, address, &at, err);
    if (rc >= 0 && at.kind == PLACE_STORE) {
        *out = NULL; /* stands for the store, which has an address of its own */
    } else if (rc >= 0) {
        rc = add_root(roots, &at, address, out, err);
        if (rc >= 0) (*out)->any_bucket = any;
        if (rc >= 0 && at.kind == PLACE_LOCAL) rc = add_real_path(roots, arena, &at, address, err);
    }
    ag_arena_free(arena);
    return rc;
}

int ag_artifact_roots_open(const ag_ledger_options *options, const char *artifact_root, const char *home,
                           ag_artifact_roots **out, ag_err *err)
{
    root *added;
    int rc = AG_OK;
    ag_arena *arena = ag_arena_new(0);
    ag_artifact_roots *roots = ag_calloc(1, sizeof(*roots));
    if (!roots || !arena) {
        rc = ag_fail_memory(err, sizeof(*roots));
        ag_free(roots);
        ag_arena_free(arena);
        return rc;
    }
    pthread_mutex_init(&roots->lock, NULL);
    ag_vec_init(&roots->roots, sizeof(root *));
    const char *store = options->artifact_store;
    if (!store && home && !(store = ag_path_join(arena, home, "artifacts"))) rc = ag_fail_memory(err, 1);
    if (rc >= 0 && store) rc = add_address(roots, store, &roots->store, err);
    if (rc >= 0) rc = add_address(roots, artifact_root, &added, err);
    for (size_t i = 0; rc >= 0 && options->artifact_more && options->artifact_more[i]; i++) {
        rc = add_address(roots, options->artifact_more[i], &added, err);
    }
    ag_arena_free(arena);
    if (rc < 0) {
        ag_artifact_roots_close(roots);
        return rc;
    }
    *out = roots;
    return AG_OK;
}

void ag_artifact_roots_close(ag_artifact_roots *roots)
{
    if (!roots) return;
    for (size_t i = 0; i < roots->roots.count; i++) free_root(*(root **)ag_vec_at(&roots->roots, i));
    ag_vec_deinit(&roots->roots);
    pthread_mutex_destroy(&roots->lock);
    ag_free(roots);
}

/* ---- finding ---- */

/* What is left of `path` below `base`, NULL when it is not below. */
static const char *below(const char *base, const char *path)
{
    if (!base) return NULL;
    size_t size = strlen(base);
    if (size == 0) return path;
    if (strncmp(path, base, size) != 0) return NULL;
    if (path[size] == '\0') return path + size;
    return path[size] == '/' ? path + size + 1 : NULL;
}

/* The root with the longest prefix; NULL for none. Called with the lock. */
static root *find_root(const ag_artifact_roots *roots, const place *at, const char **rest)
{
    root *best = NULL;
    for (size_t i = 0; i < roots->roots.count; i++) {
        root *r = *(root **)ag_vec_at(&roots->roots, i);
        if (r->kind != at->kind || r->any_bucket) continue;
        if (r->kind == PLACE_S3 && !ag_str_is(at->bucket, r->bucket)) continue;
        const char *left = below(r->path, at->path);
        if (!left || (best && strlen(best->path) >= strlen(r->path))) continue;
        best = r;
        *rest = left;
    }
    return best;
}

static bool allows_every_bucket(const ag_artifact_roots *roots)
{
    for (size_t i = 0; i < roots->roots.count; i++) {
        if ((*(root **)ag_vec_at(&roots->roots, i))->any_bucket) return true;
    }
    return false;
}

/* A bucket that nobody named but that "s3://" allows gets a root when it is first met. */
static int add_bucket(ag_artifact_roots *roots, ag_arena *arena, const place *at, root **out, ag_err *err)
{
    place whole = {.kind = PLACE_S3, .bucket = at->bucket, .path = ""};
    const char *address = ag_arena_printf(arena, "s3://%.*s", AG_STR_ARG(at->bucket));
    return address ? add_root(roots, &whole, address, out, err) : ag_fail_memory(err, at->bucket.size);
}

static int choose_root(ag_artifact_roots *roots, ag_arena *arena, const place *at, root **out, const char **rest,
                       ag_err *err)
{
    *rest = at->path;
    *out = at->kind == PLACE_STORE ? roots->store : find_root(roots, at, rest);
    if (*out) return AG_OK;
    if (at->kind == PLACE_S3 && at->bucket.size && allows_every_bucket(roots)) {
        return add_bucket(roots, arena, at, out, err);
    }
    ag_fail(err, AG_EDENIED, "the address lies outside of every artifact root of this ledger");
    return ag_err_hint(err, "name its directory or bucket among the artifact roots, if it is meant to be served");
}

static int invalid_path(ag_err *err)
{
    return ag_fail(err, AG_EINVAL, "Invalid path");
}

/* What no disk takes is a mistake of who asks, not a failure of the disk. A part's name must have room for the ending
 * of a temporary file. */
static bool is_too_long(ag_str path)
{
    ag_str part;
    if (path.size > MAX_PATH) return true;
    while (path.data && ag_str_next(&path, '/', &part))
        if (part.size > MAX_PART) return true;
    return false;
}

/* rest + "/" + relative, each checked. */
static int join(ag_arena *arena, const char *rest, ag_str relative, const char **out, ag_err *err)
{
    if (ag_str_ends(relative, AG_STR("/"))) relative.size--;
    if (relative.size && (is_too_long(relative) || ag_path_check(relative, NULL) < 0)) return invalid_path(err);
    if (*rest && ag_path_check(ag_str_of(rest), NULL) < 0) return invalid_path(err);
    const char *between = *rest && relative.size ? "/" : "";
    *out = ag_arena_printf(arena, "%s%s%.*s", rest, between, AG_STR_ARG(relative));
    return *out ? AG_OK : ag_fail_memory(err, strlen(rest) + relative.size + 2);
}

int ag_artifact_resolve(ag_ledger *ledger, const char *uri, ag_str relative, ag_arena *arena, ag_artifact_place *out,
                        ag_err *err)
{
    place at;
    root *r = NULL;
    const char *rest = "", *path;
    int rc = read_place(arena, uri, &at, err);
    if (rc < 0) return rc;
    pthread_mutex_lock(&ledger->roots->lock);
    rc = choose_root(ledger->roots, arena, &at, &r, &rest, err);
    if (rc >= 0) rc = join(arena, rest, relative, &path, err);
    if (rc >= 0 && !r->tree) rc = ag_tree_open(r->address, NULL, &r->tree, err);
    pthread_mutex_unlock(&ledger->roots->lock);
    if (rc >= 0) *out = (ag_artifact_place){r->tree, path};
    return rc;
}
