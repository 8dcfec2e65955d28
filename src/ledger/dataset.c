// SPDX-License-Identifier: Apache-2.0
/* dataset.c: names, versions, tags and splits of data sets. A version is a row that is written once; its number comes
 * from a counter in the name's row that only grows. Units that change something begin with the audit's lock, so they
 * look and write as if alone: two that add the same content get the same version. Each call is one unit. */
#include "ledger/dataset.h"

#include <string.h>

#include "core/hash/hash.h"
#include "core/sys/clock.h"
#include "ledger/audit.h"
#include "ledger/collect.h"
#include "ledger/ledger_private.h"
#include "ledger/statement.h"
#include "ledger_sql.h"

enum { SHORTEST_PREFIX = 6, DIGEST = 64, PAGE = 1000 };

typedef struct job {
    const ag_actor *actor;
    ag_arena *arena;
    const ag_dataset_new *added;
    const ag_dataset_version *version;
    const ag_dataset_split *split;
    ag_str name, selector;
    bool move, is_new;
    ag_vec found; /* ag_dataset_version, or ag_dataset_split */
} job;

/* ---- names ---- */

static bool is_word(ag_str text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && (i == 0 || !strchr("._-", c) || c == '\0')) return false;
    }
    return text.size > 0;
}

int ag_dataset_name_check(ag_str name, ag_err *err)
{
    if (is_word(name) && name.size <= AG_DATASET_NAME_MAX) return AG_OK;
    ag_fail(err, AG_EINVAL, "'%.*s' is no name for a data set", AG_STR_ARG(ag_str_slice(name, 0, 120)));
    return ag_err_hint(err, "letters, digits, '.', '_' and '-', at most %d, the first a letter or digit",
                       AG_DATASET_NAME_MAX);
}

static bool is_hex(ag_str text)
{
    for (size_t i = 0; i < text.size; i++)
        if (!strchr("0123456789abcdef", text.data[i]) || !text.data[i]) return false;
    return text.size > 0;
}

/* "v3" or "3". */
static bool is_number(ag_str text, int64_t *out)
{
    if (text.size > 1 && text.data[0] == 'v') text = ag_str_slice(text, 1, text.size);
    return text.size < SHORTEST_PREFIX + 12 && ag_str_to_int(text, out) && *out > 0;
}

int ag_dataset_tag_check(ag_str tag, ag_err *err)
{
    int64_t number;
    if (!is_word(tag) || tag.size > AG_DATASET_TAG_MAX) {
        ag_fail(err, AG_EINVAL, "'%.*s' is no tag", AG_STR_ARG(ag_str_slice(tag, 0, 120)));
        return ag_err_hint(err, "letters, digits, '.', '_' and '-', at most %d, the first a letter or digit",
                           AG_DATASET_TAG_MAX);
    }
    if (!is_number(tag, &number) && !ag_str_is(tag, "latest") && !(is_hex(tag) && tag.size >= SHORTEST_PREFIX))
        return AG_OK;
    ag_fail(err, AG_EINVAL, "the tag '%.*s' could be taken for a version", AG_STR_ARG(tag));
    return ag_err_hint(err, "numbers, 'latest' and hex digits already mean one");
}

/* ---- rows ---- */

static int take_version(ag_rows *rows, ag_arena *arena, ag_dataset_version *out, ag_err *err)
{
    *out = (ag_dataset_version){.id = ag_rows_int(rows, 0),
                                .number = ag_rows_int(rows, 2),
                                .parent = ag_rows_int(rows, 4),
                                .created_at = ag_rows_int(rows, 8),
                                .files = ag_rows_int(rows, 9),
                                .bytes = ag_rows_int(rows, 10),
                                .holes = ag_rows_int(rows, 11),
                                .labelled = ag_rows_int(rows, 12),
                                .rows = ag_rows_int(rows, 13)};
    const struct {
        size_t column;
        const char **into;
    } texts[] = {{1, &out->name}, {3, &out->digest}, {5, &out->source}, {6, &out->message}, {7, &out->author}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int rc = ag_take_text(rows, texts[i].column, arena, texts[i].into, err);
        if (rc < 0) return rc;
    }
    return AG_OK;
}

static int query(ag_tx *tx, job *j, const ag_sql *sql, const ag_cell *binds, size_t count, ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_tx_query(tx, sql, binds, count, &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        ag_dataset_version version;
        rc = take_version(rows, j->arena, &version, err);
        if (rc >= 0) rc = ag_vec_push(&j->found, &version, err);
    }
    ag_rows_free(rows);
    return rc;
}

static int take_tag(ag_rows *rows, ag_arena *arena, void *item, ag_err *err)
{
    return ag_take_text(rows, 1, arena, (const char **)item, err);
}

static void give_tags(void *context, size_t owner, const void *items, size_t count)
{
    ag_dataset_version *version = &((ag_dataset_version *)context)[owner];
    version->tags = items;
    version->tag_count = count;
}

static int fill_tags(ag_tx *tx, job *j, ag_err *err)
{
    ag_cell *ids = ag_arena_array(j->arena, j->found.count + 1, sizeof(*ids));
    if (!ids) return ag_fail_memory(err, j->found.count * sizeof(*ids));
    for (size_t i = 0; i < j->found.count; i++)
        ids[i] = ag_cell_int(((const ag_dataset_version *)ag_vec_at(&j->found, i))->id);
    ag_collect tags = {&AG_SQL_DATA_VERSION_TAGS, sizeof(const char *), take_tag, give_tags, j->found.items};
    return ag_collect_run(&tags, tx, j->arena, ids, j->found.count, err);
}

/* ---- finding ---- */

static int missing(const job *j, ag_err *err)
{
    if (j->selector.size == 0 || ag_str_is(j->selector, "latest")) {
        ag_fail(err, AG_ENOTFOUND, "there is no data set '%.*s'", AG_STR_ARG(j->name));
        return ag_err_hint(err, "see them with 'auger data list'");
    }
    ag_fail(err, AG_ENOTFOUND, "there is no version '%.*s' of a data set '%.*s'", AG_STR_ARG(j->selector),
            AG_STR_ARG(j->name));
    return ag_err_hint(err, "see them with 'auger data list %.*s'", AG_STR_ARG(j->name));
}

static int find_selected(ag_tx *tx, job *j, ag_err *err)
{
    int64_t number;
    const ag_cell name = ag_cell_str(j->name), selector = ag_cell_str(j->selector);
    if (j->selector.size == 0 || ag_str_is(j->selector, "latest"))
        return query(tx, j, &AG_SQL_DATA_VERSION_LATEST, AG_BINDS(name), err);
    int rc = AG_OK;
    if (is_number(j->selector, &number))
        rc = query(tx, j, &AG_SQL_DATA_VERSION_BY_NUMBER, AG_BINDS(name, ag_cell_int(number)), err);
    if (rc >= 0 && j->found.count == 0) rc = query(tx, j, &AG_SQL_DATA_VERSION_BY_TAG, AG_BINDS(name, selector), err);
    if (rc >= 0 && j->found.count == 0 && is_hex(j->selector) && j->selector.size >= SHORTEST_PREFIX)
        rc = query(tx, j, &AG_SQL_DATA_VERSION_BY_PREFIX, AG_BINDS(name, selector), err);
    return rc;
}

static int run_find(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    ag_vec_clear(&j->found);
    int rc = find_selected(tx, j, err);
    if (rc < 0) return rc;
    if (j->found.count == 0) return missing(j, err);
    if (j->found.count > 1) {
        ag_fail(err, AG_EINVAL, "the digests of several versions of '%.*s' begin with '%.*s'", AG_STR_ARG(j->name),
                AG_STR_ARG(j->selector));
        return ag_err_hint(err, "write more of it");
    }
    return fill_tags(tx, j, err);
}

int ag_dataset_find(ag_ledger *ledger, ag_str reference, ag_arena *arena, ag_dataset_version *out, ag_err *err)
{
    size_t at = ag_str_find_char(reference, '@', 0);
    job j = {.arena = arena, .name = ag_str_slice(reference, 0, at)};
    if (at != SIZE_MAX) j.selector = ag_str_slice(reference, at + 1, reference.size);
    int rc = ag_dataset_name_check(j.name, err);
    if (rc >= 0 && at != SIZE_MAX && !is_word(j.selector))
        rc = ag_fail(err, AG_EINVAL, "'%.*s' names no version: write NAME@v3, NAME@TAG or NAME@latest",
                     AG_STR_ARG(ag_str_slice(reference, 0, 200)));
    if (rc < 0) return rc;
    ag_vec_init(&j.found, sizeof(ag_dataset_version));
    rc = ag_db_read(ledger->db, NULL, run_find, &j, err);
    if (rc >= 0) *out = *(const ag_dataset_version *)ag_vec_at(&j.found, 0);
    ag_vec_deinit(&j.found);
    return rc;
}

static int run_list(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    ag_vec_clear(&j->found);
    size_t before;
    const char *last_name = "";
    int64_t last_number = 0;
    int rc;
    do {
        before = j->found.count;
        rc = query(tx, j, &AG_SQL_DATA_VERSION_PAGE,
                   AG_BINDS(ag_cell_value(j->name), ag_cell_text(last_name), ag_cell_int(last_number)), err);
        if (rc < 0) return rc;
        const ag_dataset_version *last = ag_vec_at(&j->found, j->found.count - 1);
        if (last) {
            last_name = last->name;
            last_number = last->number;
        }
    } while (j->found.count == before + PAGE);
    return fill_tags(tx, j, err);
}

int ag_dataset_list(ag_ledger *ledger, ag_str name, ag_arena *arena, ag_dataset_versions *out, ag_err *err)
{
    void *items = NULL;
    job j = {.arena = arena, .name = name};
    ag_vec_init(&j.found, sizeof(ag_dataset_version));
    int rc = ag_db_read(ledger->db, NULL, run_list, &j, err);
    if (rc >= 0) rc = ag_take_items(&j.found, arena, &items, err);
    if (rc >= 0) *out = (ag_dataset_versions){items, j.found.count};
    ag_vec_deinit(&j.found);
    return rc;
}

/* ---- adding ---- */

static ag_cell text_or_empty(const char *text)
{
    return ag_cell_text(text ? text : "");
}

static int audit(ag_tx *tx, const job *j, const char *what, int64_t number, const char *name, const char *value,
                 ag_err *err)
{
    const char *subject = ag_arena_printf(j->arena, "%.*s@v%lld", AG_STR_ARG(j->name), (long long)number);
    const char *detail = subject ? ag_audit_detail(j->arena, name, ag_str_of(value)) : NULL;
    if (!detail) return ag_fail_memory(err, j->name.size);
    return ag_audit_add(tx, j->actor, what, ag_str_of(subject), detail, err);
}

static int set_tag(ag_tx *tx, const job *j, int64_t name_id, int64_t version_id, ag_str tag, ag_err *err)
{
    int64_t there = 0;
    int rc = ag_tx_get_int(tx, &AG_SQL_DATA_TAG_FIND, AG_BINDS(ag_cell_int(name_id), ag_cell_str(tag)), &there, err);
    if (rc < 0) return rc;
    if (rc > 0 && there != version_id && !j->move) {
        ag_fail(err, AG_ECONFLICT, "the tag '%.*s' names another version of '%.*s'", AG_STR_ARG(tag),
                AG_STR_ARG(j->name));
        return ag_err_hint(err, "move it with 'auger data tag NAME@VERSION TAG --move'");
    }
    return ag_tx_run(tx, &AG_SQL_DATA_TAG_SET,
                     AG_BINDS(ag_cell_int(name_id), ag_cell_str(tag), ag_cell_int(version_id)), NULL, err);
}

static int insert(ag_tx *tx, job *j, int64_t name_id, ag_err *err)
{
    const ag_dataset_new *a = j->added;
    int64_t number = 0, parent = 0, id;
    int rc = ag_tx_get_int(tx, &AG_SQL_DATA_NAME_NEXT, AG_BINDS(ag_cell_int(name_id)), &number, err);
    if (rc >= 0)
        rc = ag_tx_get_int(tx, &AG_SQL_DATA_VERSION_PARENT, AG_BINDS(ag_cell_int(name_id), ag_cell_int(number)),
                           &parent, err);
    if (rc < 0) return rc;
    rc = ag_tx_get_int(tx, &AG_SQL_DATA_VERSION_INSERT,
                       AG_BINDS(ag_cell_int(name_id), ag_cell_int(number), ag_cell_text(a->digest),
                                parent ? ag_cell_int(parent) : ag_cell_null(), text_or_empty(a->source),
                                text_or_empty(a->message), ag_cell_text(a->author), ag_cell_int(ag_now()),
                                ag_cell_int(a->files), ag_cell_int(a->bytes), ag_cell_int(a->holes),
                                ag_cell_int(a->labelled), ag_cell_int(a->rows)),
                       &id, err);
    return rc < 0 ? rc : audit(tx, j, "dataset.add", number, "digest", a->digest, err);
}

static int run_add(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int64_t name_id = 0;
    const ag_cell name = ag_cell_str(j->name), digest = ag_cell_text(j->added->digest);
    ag_vec_clear(&j->found);
    int rc = ag_audit_begin(tx, err);
    if (rc >= 0) rc = ag_tx_run(tx, &AG_SQL_DATA_NAME_INSERT, AG_BINDS(name, ag_cell_int(ag_now())), NULL, err);
    if (rc >= 0) rc = ag_tx_get_int(tx, &AG_SQL_DATA_NAME_ID, AG_BINDS(name), &name_id, err);
    if (rc >= 0) rc = query(tx, j, &AG_SQL_DATA_VERSION_BY_DIGEST, AG_BINDS(name, digest), err);
    j->is_new = j->found.count == 0;
    if (rc >= 0 && j->is_new) rc = insert(tx, j, name_id, err);
    if (rc >= 0 && j->is_new) rc = query(tx, j, &AG_SQL_DATA_VERSION_BY_DIGEST, AG_BINDS(name, digest), err);
    if (rc < 0) return rc;
    const ag_dataset_version *version = ag_vec_at(&j->found, 0);
    if (j->added->tag) rc = set_tag(tx, j, name_id, version->id, ag_str_of(j->added->tag), err);
    return rc < 0 ? rc : fill_tags(tx, j, err);
}

static int check_texts(const ag_dataset_new *added, ag_err *err)
{
    const char *texts[] = {added->source, added->message, added->author};
    ag_sha256 digest;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (texts[i] && !ag_utf8_valid(ag_str_of(texts[i])))
            return ag_fail(err, AG_EINVAL, "what is said about a version of a data set must be valid UTF-8");
    return ag_sha256_parse(ag_str_of(added->digest), &digest)
               ? AG_OK
               : ag_fail(err, AG_EINVAL, "a version's digest has 64 hex digits");
}

int ag_dataset_add(ag_ledger *ledger, const ag_actor *actor, const ag_dataset_new *added, ag_arena *arena,
                   ag_dataset_version *out, ag_err *err)
{
    job j = {.actor = actor, .arena = arena, .added = added, .name = added->name};
    int rc = ag_dataset_name_check(added->name, err);
    if (rc >= 0 && added->tag) rc = ag_dataset_tag_check(ag_str_of(added->tag), err);
    if (rc >= 0) rc = check_texts(added, err);
    if (rc < 0) return rc;
    ag_vec_init(&j.found, sizeof(ag_dataset_version));
    rc = ag_ledger_write(ledger, run_add, &j, err);
    if (rc >= 0) *out = *(const ag_dataset_version *)ag_vec_at(&j.found, 0);
    ag_vec_deinit(&j.found);
    return rc < 0 ? rc : j.is_new;
}

/* ---- tags ---- */

static int run_tag(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int64_t name_id = 0;
    int rc = ag_audit_begin(tx, err);
    if (rc >= 0) rc = ag_tx_get_int(tx, &AG_SQL_DATA_NAME_ID, AG_BINDS(ag_cell_str(j->name)), &name_id, err);
    if (rc == 0) return missing(&(job){.name = j->name}, err);
    if (rc >= 0) rc = set_tag(tx, j, name_id, j->version->id, j->selector, err);
    const char *tag = rc < 0 ? NULL : ag_arena_strndup(j->arena, j->selector.data, j->selector.size);
    if (rc >= 0 && !tag) rc = ag_fail_memory(err, j->selector.size);
    return rc < 0 ? rc : audit(tx, j, "dataset.tag", j->version->number, "tag", tag, err);
}

int ag_dataset_tag(ag_ledger *ledger, const ag_actor *actor, const ag_dataset_version *version, ag_str tag, bool move,
                   ag_err *err)
{
    int rc = ag_dataset_tag_check(tag, err);
    if (rc < 0) return rc;
    job j = {.actor = actor,
             .arena = ag_arena_new(0),
             .version = version,
             .name = ag_str_of(version->name),
             .selector = tag,
             .move = move};
    if (!j.arena) return ag_fail_memory(err, 1);
    rc = ag_ledger_write(ledger, run_tag, &j, err);
    ag_arena_free(j.arena);
    return rc;
}

static int run_untag(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int64_t name_id = 0, changed = 0;
    int rc = ag_audit_begin(tx, err);
    if (rc >= 0) rc = ag_tx_get_int(tx, &AG_SQL_DATA_NAME_ID, AG_BINDS(ag_cell_str(j->name)), &name_id, err);
    if (rc > 0)
        rc = ag_tx_run(tx, &AG_SQL_DATA_TAG_DELETE, AG_BINDS(ag_cell_int(name_id), ag_cell_str(j->selector)), &changed,
                       err);
    if (rc < 0) return rc;
    if (changed == 0)
        return ag_fail(err, AG_ENOTFOUND, "the data set '%.*s' has no tag '%.*s'", AG_STR_ARG(j->name),
                       AG_STR_ARG(j->selector));
    const char *detail = ag_audit_detail(j->arena, "tag", j->selector);
    if (!detail) return ag_fail_memory(err, j->selector.size);
    return ag_audit_add(tx, j->actor, "dataset.untag", j->name, detail, err);
}

int ag_dataset_untag(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_str tag, ag_err *err)
{
    int rc = ag_dataset_name_check(name, err);
    if (rc >= 0) rc = ag_dataset_tag_check(tag, err);
    if (rc < 0) return rc;
    job j = {.actor = actor, .arena = ag_arena_new(0), .name = name, .selector = tag};
    if (!j.arena) return ag_fail_memory(err, 1);
    rc = ag_ledger_write(ledger, run_untag, &j, err);
    ag_arena_free(j.arena);
    return rc;
}

/* ---- splits ---- */

static int check_split(ag_tx *tx, const job *j, ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_tx_query(tx, &AG_SQL_DATA_SPLIT_DIGEST,
                         AG_BINDS(ag_cell_int(j->version->id), ag_cell_text(j->split->name)), &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    bool same = rc > 0 && ag_str_equal(ag_rows_text(rows, 0), ag_str_of(j->split->digest));
    ag_rows_free(rows);
    if (rc < 0 || same) return rc < 0 ? rc : AG_OK;
    ag_fail(err, AG_ECONFLICT, "%s@v%lld has another split called '%s'", j->version->name,
            (long long)j->version->number, j->split->name);
    return ag_err_hint(err, "splits never change: give this one another name with --name");
}

static int run_split(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    const ag_dataset_split *split = j->split;
    int64_t changed = 0;
    int rc = ag_audit_begin(tx, err);
    if (rc >= 0)
        rc = ag_tx_run(tx, &AG_SQL_DATA_SPLIT_INSERT,
                       AG_BINDS(ag_cell_int(j->version->id), ag_cell_text(split->name), ag_cell_text(split->digest),
                                ag_cell_text(split->options), ag_cell_text(split->report), ag_cell_text(split->author),
                                ag_cell_int(ag_now())),
                       &changed, err);
    if (rc < 0) return rc;
    if (changed == 0) return check_split(tx, j, err);
    return audit(tx, j, "dataset.split", j->version->number, "split", split->name, err);
}

int ag_dataset_split_add(ag_ledger *ledger, const ag_actor *actor, const ag_dataset_version *version,
                         const ag_dataset_split *split, ag_err *err)
{
    job j = {
        .actor = actor, .arena = ag_arena_new(0), .version = version, .split = split, .name = ag_str_of(version->name)};
    if (!j.arena) return ag_fail_memory(err, 1);
    int rc =
        is_word(ag_str_of(split->name)) && strlen(split->name) <= AG_DATASET_TAG_MAX
            ? AG_OK
            : ag_fail(err, AG_EINVAL, "'%s' is no name for a split: letters, digits, '.', '_' and '-'", split->name);
    if (rc >= 0) rc = ag_ledger_write(ledger, run_split, &j, err);
    ag_arena_free(j.arena);
    return rc;
}

static int run_splits(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    ag_rows *rows = NULL;
    ag_vec_clear(&j->found);
    int rc = ag_tx_query(tx, &AG_SQL_DATA_SPLIT_LIST, AG_BINDS(ag_cell_int(j->version->id), ag_cell_value(j->selector)),
                         &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        ag_dataset_split split = {.created_at = ag_rows_int(rows, 5)};
        const char **texts[] = {&split.name, &split.digest, &split.options, &split.report, &split.author};
        for (size_t i = 0; i < 5 && rc >= 0; i++) rc = ag_take_text(rows, i, j->arena, texts[i], err);
        if (rc >= 0) rc = ag_vec_push(&j->found, &split, err);
    }
    ag_rows_free(rows);
    return rc;
}

int ag_dataset_splits(ag_ledger *ledger, const ag_dataset_version *version, ag_str name, ag_arena *arena,
                      const ag_dataset_split **out, size_t *count, ag_err *err)
{
    void *items = NULL;
    job j = {.arena = arena, .version = version, .selector = name};
    ag_vec_init(&j.found, sizeof(ag_dataset_split));
    int rc = ag_db_read(ledger->db, NULL, run_splits, &j, err);
    if (rc >= 0) rc = ag_take_items(&j.found, arena, &items, err);
    if (rc >= 0) {
        *out = items;
        *count = j.found.count;
    }
    ag_vec_deinit(&j.found);
    return rc;
}

/* ---- runs ---- */

int ag_dataset_input(const ag_dataset_version *version, ag_arena *arena, ag_run_input *out, ag_err *err)
{
    ag_run_input input = {.name = version->name, .source_type = AG_INPUT_VERSION};
    input.digest = ag_arena_strndup(arena, version->digest, AG_DATASET_SHORT);
    input.source = ag_arena_printf(arena, AG_INPUT_VERSION ":%s@v%lld", version->name, (long long)version->number);
    input.profile = ag_arena_printf(arena, "{\"holes\": %lld, \"rows\": %lld, \"files\": %lld, \"sha256\": \"%s\"}",
                                    (long long)version->holes, (long long)version->rows, (long long)version->files,
                                    version->digest);
    if (!input.digest || !input.source || !input.profile) return ag_fail_memory(err, 256);
    *out = input;
    return AG_OK;
}
