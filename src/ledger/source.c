// SPDX-License-Identifier: Apache-2.0
/* source.c: may a model version come from there? Reading any file of the server through a version's source was the
 * worst hole that servers of this protocol had, and it came back with every way of writing "..": so the text is decoded
 * again and again until it no longer changes, each stage is looked at, and what still changes after a few stages is
 * refused. A local path must lie, with links resolved, in the artifacts of the run or logged model that it is said to
 * come from. Reading goes through artifact.c in the end, which knows only the ledger's own roots. */
#include "ledger/source.h"

#include <string.h>

#include "core/io/path.h"
#include "core/io/uri.h"
#include "ledger/statement.h"
#include "ledger_sql.h"

enum { MAX_SOURCE = 4096, MAX_STAGES = 8, MAX_SHOWN = 200 };

static ag_str shown(ag_str source)
{
    return ag_str_slice(source, 0, ag_utf8_cut(source, MAX_SHOWN));
}

static int refuse(ag_str source, ag_err *err)
{
    return ag_fail(err, AG_EINVAL,
                   "Invalid model version source: '%.*s'. If supplying a source as an http, https, local file path, "
                   "ftp, objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path "
                   "references present. Please provide an absolute path.",
                   AG_STR_ARG(shown(source)));
}

static int refuse_local(ag_str source, ag_err *err)
{
    return ag_fail(err, AG_EINVAL,
                   "Invalid model version source: '%.*s'. To use a local path as a model version source, the run_id "
                   "request parameter has to be specified and the local path has to be contained within the artifact "
                   "directory of the run specified by the run_id.",
                   AG_STR_ARG(shown(source)));
}

/* ---- the text itself ---- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One stage of decoding, in place; a bad escape stands for itself. */
static size_t decode_stage(char *text, size_t size, bool *changed)
{
    size_t to = 0;
    *changed = false;
    for (size_t from = 0; from < size; from++) {
        int high = text[from] == '%' && from + 2 < size ? hex_value(text[from + 1]) : -1;
        int low = high >= 0 ? hex_value(text[from + 2]) : -1;
        if (low >= 0) {
            text[to++] = (char)(high * 16 + low);
            from += 2;
            *changed = true;
        } else {
            text[to++] = text[from];
        }
    }
    return to;
}

static size_t count_char(ag_str text, char c)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) count += text.data[i] == c;
    return count;
}

static bool separates(char c)
{
    return strchr("/\\:?#&=;", c) != NULL; /* c is never NUL here */
}

/* ".." between any two separators, a backslash, or a byte that no address has. */
static bool is_suspicious(ag_str text)
{
    size_t start = 0;
    for (size_t i = 0; i <= text.size; i++) {
        unsigned char c = i < text.size ? (unsigned char)text.data[i] : '/';
        if (c < ' ' || c == 0x7f || c == '\\') return true;
        if (!separates((char)c)) continue;
        if (i - start == 2 && text.data[start] == '.' && text.data[start + 1] == '.') return true;
        start = i + 1;
    }
    return false;
}

/* Every stage of decoding is looked at. */
static int check_text(ag_str source, ag_arena *arena, ag_err *err)
{
    if (source.size == 0) {
        return ag_fail(err, AG_EINVAL,
                       "Missing value for required parameter 'source'. See the API docs for more information about "
                       "request parameters.");
    }
    if (source.size > MAX_SOURCE) {
        return ag_fail(err, AG_EINVAL, "a model version's source has at most %d bytes", MAX_SOURCE);
    }
    if (!ag_utf8_valid(source) || is_suspicious(source)) return refuse(source, err);
    char *text = ag_arena_strndup(arena, source.data, source.size);
    if (!text) return ag_fail_memory(err, source.size);
    size_t size = source.size, slashes = count_char(source, '/');
    bool changed = true;
    for (int stage = 0; changed; stage++) {
        if (stage == MAX_STAGES) return refuse(source, err);
        size = decode_stage(text, size, &changed);
        ag_str now = {text, size};
        if (!ag_utf8_valid(now) || is_suspicious(now) || count_char(now, '/') != slashes) return refuse(source, err);
    }
    return AG_OK;
}

/* ---- local paths ---- */

/* Links resolved as far as the path exists; what does not exist yet has none. */
static int real_path(ag_arena *arena, ag_str path, ag_str *out, ag_err *err)
{
    size_t cut = path.size;
    for (;;) {
        char *real, *head = ag_arena_strndup(arena, path.data, cut ? cut : 1);
        if (!head) return ag_fail_memory(err, cut);
        int rc = ag_path_absolute(arena, head, &real, err);
        if (rc >= 0) {
            bool top = strcmp(real, "/") == 0;
            char *whole = ag_arena_printf(arena, "%s%.*s", top ? "" : real, (int)(path.size - cut), path.data + cut);
            if (!whole) return ag_fail_memory(err, path.size);
            *out = ag_str_of(*whole ? whole : "/");
            return AG_OK;
        }
        if (rc != AG_ENOTFOUND || cut == 0) return rc;
        while (cut > 0 && path.data[--cut] != '/') {
        }
    }
}

/* Drops what means nothing: "//", "/./" and a '/' at the end. */
static int tidy_path(ag_arena *arena, ag_str path, ag_str *out, ag_err *err)
{
    char *text = ag_arena_alloc(arena, path.size + 2);
    if (!text) return ag_fail_memory(err, path.size);
    size_t used = 0;
    ag_str rest = path, part;
    while (ag_str_next(&rest, '/', &part)) {
        if (part.size == 0 || ag_str_is(part, ".")) continue;
        text[used++] = '/';
        memcpy(text + used, part.data, part.size);
        used += part.size;
    }
    if (used == 0) text[used++] = '/';
    text[used] = '\0';
    *out = (ag_str){text, used};
    return AG_OK;
}

/* 1 a local path (in *out), 0 not local. */
static int local_path(ag_str uri, ag_arena *arena, ag_str *out, ag_err *err)
{
    static const char *const schemes[] = {"file", NULL};
    ag_uri parsed;
    size_t colon = ag_str_find_char(uri, ':', 0), slash = ag_str_find_char(uri, '/', 0);
    if (colon == SIZE_MAX || (slash != SIZE_MAX && slash < colon)) {
        *out = uri;
        return 1;
    }
    if (!ag_str_equal_nocase(ag_str_slice(uri, 0, colon), AG_STR("file"))) return 0;
    int rc = ag_uri_parse(arena, uri, schemes, &parsed, err);
    if (rc == AG_ENOMEM) return rc;
    if (rc < 0 || parsed.query_count || parsed.fragment.data || parsed.user.data) return refuse(uri, err);
    if (parsed.host.size && !ag_str_is(parsed.host, "localhost") && !ag_str_is(parsed.host, "127.0.0.1")) {
        return ag_fail(err, AG_EINVAL, "%.*s is not a valid remote uri. The files of another machine cannot be used",
                       AG_STR_ARG(shown(uri)));
    }
    *out = parsed.path;
    return 1;
}

/* True when `path`, links resolved, is the directory that `uri` names or lies in it. */
static int is_inside(ag_arena *arena, ag_str path, const char *uri, bool *out, ag_err *err)
{
    ag_str home, real, real_home;
    *out = false;
    int rc = local_path(ag_str_of(uri), arena, &home, NULL);
    if (rc == AG_ENOMEM) return ag_fail_memory(err, 1);
    if (rc <= 0 || !ag_str_starts(home, AG_STR("/"))) return AG_OK; /* its artifacts are elsewhere */
    if ((rc = tidy_path(arena, home, &home, err)) < 0 || (rc = tidy_path(arena, path, &path, err)) < 0) return rc;
    if (home.size == 1) return AG_OK; /* the whole disk is nobody's artifact directory */
    if (real_path(arena, path, &real, NULL) < 0 || real_path(arena, home, &real_home, NULL) < 0) return AG_OK;
    if (real_home.size <= 1 || !ag_str_starts(real, real_home)) return AG_OK;
    *out = real.size == real_home.size || real.data[real_home.size] == '/';
    return AG_OK;
}

/* ---- the ledger's own addresses ---- */

/* The text of a query's first column, or AG_ENOTFOUND. */
static int read_text(ag_tx *tx, const ag_sql *sql, const ag_cell *binds, size_t count, ag_arena *arena,
                     const char **out, ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_tx_query(tx, sql, binds, count, &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    if (rc > 0)
        rc = ag_take_text(rows, 0, arena, out, err);
    else if (rc == 0)
        rc = ag_fail(err, AG_ENOTFOUND, "there is no such run, model or version");
    ag_rows_free(rows);
    return rc;
}

static int join(ag_arena *arena, const char *base, ag_str rest, const char **out, ag_err *err)
{
    size_t size = strlen(base);
    bool slash = size && base[size - 1] == '/';
    while (rest.size && rest.data[0] == '/') rest = ag_str_slice(rest, 1, rest.size);
    *out = rest.size ? ag_arena_printf(arena, "%s%s%.*s", base, slash ? "" : "/", AG_STR_ARG(rest)) : base;
    return *out ? AG_OK : ag_fail_memory(err, rest.size);
}

/* runs:/ID/path. A run that is not here (yet) leaves the source as it is: it then leads nowhere. */
static int resolve_run(ag_tx *tx, ag_str body, ag_str source, ag_arena *arena, const char **storage, ag_err *err)
{
    size_t slash = ag_str_find_char(body, '/', 0);
    ag_str id = ag_str_slice(body, 0, slash), rest = {"", 0};
    const char *base;
    if (slash != SIZE_MAX) rest = ag_str_slice(body, slash, body.size);
    int rc = read_text(tx, &AG_SQL_SOURCE_OF_RUN, AG_BINDS(ag_cell_str(id)), arena, &base, err);
    if (rc >= 0) return join(arena, base, rest, storage, err);
    if (rc != AG_ENOTFOUND) return rc;
    *storage = ag_arena_strndup(arena, source.data, source.size);
    return *storage ? AG_OK : ag_fail_memory(err, source.size);
}

/* models:/m-ID[/path], models:/NAME/3, models:/NAME/Stage, models:/NAME@alias */
static int resolve_model(ag_tx *tx, ag_str body, ag_str source, ag_arena *arena, const char **storage, ag_err *err)
{
    size_t slash = ag_str_find_char(body, '/', 0), at = ag_str_find_char(body, '@', 0);
    ag_str name = ag_str_slice(body, 0, slash == SIZE_MAX ? at : slash), rest = {"", 0};
    int64_t number = 0;
    const char *base;
    int rc;
    if (slash != SIZE_MAX) rest = ag_str_slice(body, slash + 1, body.size);
    if (ag_str_starts(name, AG_STR("m-")) && name.size == 34) {
        rc = read_text(tx, &AG_SQL_SOURCE_OF_LOGGED_MODEL, AG_BINDS(ag_cell_str(name)), arena, &base, err);
        if (rc >= 0) return join(arena, base, rest, storage, err);
    } else if (slash == SIZE_MAX && at != SIZE_MAX) {
        ag_str alias = ag_str_slice(body, at + 1, body.size);
        rc = read_text(tx, &AG_SQL_SOURCE_OF_ALIAS, AG_BINDS(ag_cell_str(name), ag_cell_str(alias)), arena, storage,
                       err);
    } else if (ag_str_to_int(rest, &number)) {
        rc = read_text(tx, &AG_SQL_SOURCE_OF_VERSION, AG_BINDS(ag_cell_str(name), ag_cell_int(number)), arena, storage,
                       err);
    } else {
        rc = ag_fail(err, AG_ENOTFOUND, "it names no version and no alias");
    }
    if (rc != AG_ENOTFOUND) return rc;
    return ag_fail(err, AG_EINVAL, "Unable to fetch model from model URI source artifact location '%.*s'.",
                   AG_STR_ARG(shown(source)));
}

/* ---- all of it ---- */

static int check_local(ag_tx *tx, const ag_source_request *request, ag_str path, ag_arena *arena, ag_err *err)
{
    const char *uri;
    bool inside = false;
    const struct {
        const ag_sql *sql;
        ag_str id;
    } owners[] = {{&AG_SQL_SOURCE_OF_RUN, request->run_id}, {&AG_SQL_SOURCE_OF_LOGGED_MODEL, request->model_id}};
    for (size_t i = 0; i < 2 && !inside && ag_str_starts(path, AG_STR("/")); i++) {
        if (owners[i].id.size == 0) continue;
        int rc = read_text(tx, owners[i].sql, AG_BINDS(ag_cell_str(owners[i].id)), arena, &uri, err);
        if (rc == AG_ENOTFOUND && i == 0) {
            return ag_fail(err, AG_ENOTFOUND, "Run with id=%.*s not found", AG_STR_ARG(request->run_id));
        }
        if (rc == AG_ENOTFOUND) continue;
        if (rc >= 0) rc = is_inside(arena, path, uri, &inside, err);
        if (rc < 0) return rc;
    }
    return inside ? AG_OK : refuse_local(request->source, err);
}

/* A remote address: of a known scheme, with no "." and no second absolute path behind its own. */
static int check_remote(ag_str source, ag_str scheme, ag_err *err)
{
    static const char *const schemes[] = {
        "http",  "https", "ftp",  "sftp", "s3", "s3a",    "gs",  "wasb", "wasbs", "abfs",
        "abfss", "adl",   "dbfs", "hdfs", "r2", "viewfs", "oss", "b2",   "cos",   "mlflow-artifacts",
        NULL};
    size_t i = 0;
    while (schemes[i] && !ag_str_equal_nocase(scheme, ag_str_of(schemes[i]))) i++;
    if (!schemes[i]) return refuse(source, err);
    ag_str rest = ag_str_slice(source, scheme.size + 1, source.size), part;
    if (ag_str_starts(rest, AG_STR("//"))) {
        size_t path = ag_str_find_char(rest, '/', 2);
        bool web = i < 4;
        if (web && (path == 2 || rest.size == 2)) return refuse(source, err); /* http:///etc has no host */
        rest = path == SIZE_MAX ? AG_STR("") : ag_str_slice(rest, path, rest.size);
    }
    if (rest.size && rest.data[0] != '/') return refuse(source, err);
    if (ag_str_starts(rest, AG_STR("//"))) return refuse(source, err);
    while (ag_str_next(&rest, '/', &part)) {
        if (ag_str_is(part, ".")) return refuse(source, err);
    }
    return AG_OK;
}

static int check_pattern(const ag_ledger *ledger, ag_str source, ag_arena *arena, ag_err *err)
{
    if (!ledger->source_pattern) return AG_OK;
    char *text = ag_arena_strndup(arena, source.data, source.size);
    if (!text) return ag_fail_memory(err, source.size);
    if (regexec(ledger->source_pattern, text, 0, NULL, 0) == 0) return AG_OK;
    return ag_fail(err, AG_EINVAL, "Invalid model version source: '%.*s'.", AG_STR_ARG(shown(source)));
}

/* "dummy-source": what MLflow's clients write for prompts. Nothing can be read by it: artifacts want a whole address.
 */
static bool is_word(ag_str source)
{
    for (size_t i = 0; i < source.size; i++) {
        char c = source.data[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!good) return false;
    }
    return source.size > 0;
}

int ag_source_resolve(ag_tx *tx, const ag_ledger *ledger, const ag_source_request *request, ag_arena *arena,
                      const char **storage, ag_err *err)
{
    ag_str source = request->source, path;
    int rc = check_text(source, arena, err);
    if (rc >= 0) rc = check_pattern(ledger, source, arena, err);
    if (rc >= 0) rc = local_path(source, arena, &path, err);
    if (rc < 0) return rc;
    if (rc > 0 && request->prompt && is_word(source)) {
        *storage = ag_arena_strndup(arena, source.data, source.size);
        return *storage ? AG_OK : ag_fail_memory(err, source.size);
    }
    if (rc > 0) {
        if ((rc = check_local(tx, request, path, arena, err)) < 0) return rc;
        *storage = ag_arena_strndup(arena, source.data, source.size);
        return *storage ? AG_OK : ag_fail_memory(err, source.size);
    }
    size_t colon = ag_str_find_char(source, ':', 0);
    ag_str scheme = ag_str_slice(source, 0, colon), body = ag_str_slice(source, colon + 1, source.size);
    bool run = ag_str_is(scheme, "runs"), model = ag_str_is(scheme, "models");
    if (!run && !model) {
        if ((rc = check_remote(source, scheme, err)) < 0) return rc;
        *storage = ag_arena_strndup(arena, source.data, source.size);
        return *storage ? AG_OK : ag_fail_memory(err, source.size);
    }
    if (!ag_str_starts(body, AG_STR("/"))) return refuse(source, err);
    while (ag_str_starts(body, AG_STR("/"))) body = ag_str_slice(body, 1, body.size);
    return run ? resolve_run(tx, body, source, arena, storage, err)
               : resolve_model(tx, body, source, arena, storage, err);
}
