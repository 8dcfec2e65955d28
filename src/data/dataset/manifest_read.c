// SPDX-License-Identifier: Apache-2.0
/* manifest_read.c: a manifest line by line, taken only in its canonical form: each line is read, written again and
 * compared, so that order of members, blanks, spelling of numbers and unknown members need no rules of their own. Paths
 * of files are checked here, for everybody behind: whoever writes files trusts this. Threads: one per reader. */
#include <string.h>

#include "core/base/mem.h"
#include "core/doc/json.h"
#include "core/io/path.h"
#include "data/dataset/manifest_parts.h"

enum { BLOCK = 64 << 10, PLACE = 64 };

typedef enum stage { STAGE_HEAD, STAGE_FILES, STAGE_HOLES, STAGE_END } stage;

struct ag_manifest {
    ag_reader *source;
    ag_arena *arena; /* of the current line */
    ag_buf text;     /* what was read and not yet used, from `at` on */
    ag_buf again;
    ag_buf last; /* path of the line before, of its kind */
    size_t at;
    bool ended; /* the source is */
    stage stage;
    uint32_t line;
    ag_dataset_totals seen;
};

int ag_manifest_open(ag_reader *source, ag_manifest **out, ag_err *err)
{
    ag_manifest *manifest = ag_calloc(1, sizeof(*manifest));
    ag_arena *arena = ag_arena_new((size_t)64 << 20);
    if (!manifest || !arena) {
        ag_free(manifest);
        ag_arena_free(arena);
        ag_reader_close(source);
        return ag_fail_memory(err, sizeof(*manifest));
    }
    manifest->source = source;
    manifest->arena = arena;
    ag_buf_init(&manifest->text, 2 * (size_t)AG_MANIFEST_LINE_MAX + BLOCK);
    ag_buf_init(&manifest->again, 2 * (size_t)AG_MANIFEST_LINE_MAX);
    ag_buf_init(&manifest->last, AG_MANIFEST_LINE_MAX);
    *out = manifest;
    return AG_OK;
}

void ag_manifest_close(ag_manifest *manifest)
{
    if (!manifest) return;
    ag_reader_close(manifest->source);
    ag_arena_free(manifest->arena);
    ag_buf_deinit(&manifest->text);
    ag_buf_deinit(&manifest->again);
    ag_buf_deinit(&manifest->last);
    ag_free(manifest);
}

ag_dataset_totals ag_manifest_totals(const ag_manifest *manifest)
{
    return manifest->seen;
}

static int refuse(const ag_manifest *manifest, ag_err *err, const char *why)
{
    return ag_fail_at(err, AG_EPARSE, "manifest", manifest->line, 0, "%s", why);
}

static int refill(ag_manifest *m, ag_err *err)
{
    size_t rest = m->text.size - m->at;
    if (m->at && m->text.data) memmove(m->text.data, m->text.data + m->at, rest);
    m->text.size = rest;
    m->at = 0;
    char *into = ag_buf_reserve(&m->text, BLOCK);
    if (!into) return ag_buf_check(&m->text, "a line of a manifest", err);
    ptrdiff_t got = ag_read(m->source, into, BLOCK, err);
    if (got < 0) return (int)got;
    m->text.size += (size_t)got;
    m->ended = got == 0;
    return AG_OK;
}

/* 1: a line, without its end; 0: there is none. */
static int next_line(ag_manifest *m, ag_str *out, ag_err *err)
{
    size_t looked = 0, end;
    for (;;) {
        ag_str rest = {m->text.data ? m->text.data + m->at : "", m->text.size - m->at};
        if ((end = ag_str_find_char(rest, '\n', looked)) != SIZE_MAX) {
            *out = ag_str_slice(rest, 0, end);
            m->at += end + 1;
            m->line++;
            return 1;
        }
        looked = rest.size;
        if (m->ended) break;
        if (rest.size > AG_MANIFEST_LINE_MAX) {
            m->line++;
            return ag_fail_at(err, AG_ELIMIT, "manifest", m->line, 0, "the line is longer than %d bytes",
                              AG_MANIFEST_LINE_MAX);
        }
        int rc = refill(m, err);
        if (rc < 0) return rc;
    }
    if (m->text.size == m->at) return 0;
    m->line++;
    return refuse(m, err, "the last line has no end: the manifest is cut off");
}

/* ---- values ---- */

/* Text from the arena, without NUL bytes. */
static const char *text_of(ag_manifest *m, const ag_value *value, ag_err *err)
{
    ag_str text;
    if (!ag_value_string(value, &text) || text.size == 0 || memchr(text.data, 0, text.size)) {
        refuse(m, err, "a text is missing, empty or no text");
        return NULL;
    }
    const char *copy = ag_arena_strndup(m->arena, text.data, text.size);
    if (!copy) ag_fail_memory(err, text.size);
    return copy;
}

static int code_of(const ag_err *err)
{
    return err ? err->code : AG_EPARSE;
}

static int read_count(ag_manifest *m, const ag_value *value, int64_t *out, ag_err *err)
{
    return ag_value_int(value, out) && *out >= 0 ? AG_OK : refuse(m, err, "a number is missing, negative or no number");
}

static int read_digest(ag_manifest *m, const ag_value *value, ag_sha256 *out, ag_err *err)
{
    ag_str text;
    if (ag_value_string(value, &text) && ag_sha256_parse(text, out)) return AG_OK;
    return refuse(m, err, "'sha256' is not 64 hex digits");
}

static int read_members(ag_manifest *m, const ag_value *object, manifest_member_table table, ag_dataset_hole *hole,
                        ag_err *err)
{
    for (size_t i = 0; i < table.count; i++) {
        const manifest_member *member = &table.items[i];
        const ag_value *value = ag_value_get(object, member->name);
        if (!value) continue;
        if (member->is_text) {
            if (!(*manifest_text(hole, member) = text_of(m, value, err))) return code_of(err);
        } else if (!ag_value_real(value, manifest_number(hole, member))) {
            return refuse(m, err, "a member of a hole is no number");
        }
    }
    return AG_OK;
}

static int read_label(ag_manifest *m, const ag_value *object, ag_dataset_hole *hole, ag_err *err)
{
    if (object->kind != AG_OBJECT) return refuse(m, err, "'label' is no object");
    const ag_value *list = ag_value_get(object, "transition_mm");
    hole->labelled = true;
    if (list && (list->kind != AG_ARRAY || list->array.count == 0 || list->array.count > AG_LABEL_TRANSITIONS))
        return refuse(m, err, "'transition_mm' is no list of a few depths");
    for (size_t i = 0; list && i < list->array.count; i++)
        if (!ag_value_real(&list->array.items[i], &hole->label.transition[hole->label.transition_count++]))
            return refuse(m, err, "a depth in 'transition_mm' is no number");
    return read_members(m, object, manifest_label_members, hole, err);
}

/* ---- lines ---- */

static int check_order(ag_manifest *m, const char *path, ag_err *err)
{
    ag_str text = ag_str_of(path);
    if (m->last.size && ag_str_compare(ag_buf_str(&m->last), text) >= 0)
        return refuse(m, err, "the path does not come behind that of the line before");
    ag_buf_clear(&m->last);
    ag_buf_add_str(&m->last, text);
    return ag_buf_check(&m->last, "a path", err);
}

static int check_line(ag_manifest *m, ag_str line, int written, ag_err *err)
{
    if (written < 0) return written;
    ag_str again = ag_buf_str(&m->again);
    if (again.size == line.size + 1 && memcmp(again.data, line.data, line.size) == 0) return AG_OK;
    return refuse(m, err, "the line is not in the canonical form");
}

static int read_head(ag_manifest *m, ag_str line, ag_err *err)
{
    m->stage = STAGE_FILES;
    ag_buf_clear(&m->again);
    int rc = check_line(m, line, ag_manifest_put_head(&m->again, err), err);
    if (rc != AG_EPARSE) return rc; /* right, or memory is out */
    return refuse(m, err, "this is no manifest of a data set, or of a later form of it");
}

static int read_file(ag_manifest *m, ag_str line, const ag_value *root, ag_manifest_entry *out, ag_err *err)
{
    ag_dataset_file file = {.rows = -1};
    int64_t bytes;
    if (m->stage != STAGE_FILES) return refuse(m, err, "a file comes behind the holes");
    if (!(file.path = text_of(m, ag_value_get(root, "file"), err))) return code_of(err);
    int rc = ag_path_check(ag_str_of(file.path), err);
    if (rc < 0) return rc;
    if ((rc = check_order(m, file.path, err)) < 0) return rc;
    if ((rc = read_digest(m, ag_value_get(root, "sha256"), &file.sha256, err)) < 0) return rc;
    if ((rc = read_count(m, ag_value_get(root, "bytes"), &bytes, err)) < 0) return rc;
    file.bytes = (uint64_t)bytes;
    const ag_value *rows = ag_value_get(root, "rows");
    if (rows && (rc = read_count(m, rows, &file.rows, err)) < 0) return rc;
    if ((rc = check_line(m, line, ag_manifest_put_file(&m->again, &file, err), err)) < 0) return rc;
    m->seen.files++;
    m->seen.bytes += file.bytes;
    m->seen.rows += file.rows > 0 ? (uint64_t)file.rows : 0;
    out->kind = AG_MANIFEST_FILE;
    out->file = file;
    return 1;
}

static int read_hole(ag_manifest *m, ag_str line, const ag_value *root, ag_manifest_entry *out, ag_err *err)
{
    ag_dataset_hole hole;
    ag_sha256 digest;
    ag_dataset_hole_clear(&hole);
    if (m->stage == STAGE_FILES) {
        m->stage = STAGE_HOLES;
        ag_buf_clear(&m->last);
    }
    int rc = read_members(m, root, manifest_hole_members, &hole, err);
    const ag_value *label = ag_value_get(root, "label");
    if (rc >= 0 && label) rc = read_label(m, label, &hole, err);
    if (rc >= 0) rc = read_digest(m, ag_value_get(root, "sha256"), &digest, err);
    if (rc >= 0) rc = check_order(m, hole.path, err);
    if (rc >= 0) rc = check_line(m, line, ag_manifest_put_hole(&m->again, &hole, err), err);
    if (rc < 0) return rc;
    m->seen.holes++;
    m->seen.labelled += hole.labelled;
    out->kind = AG_MANIFEST_HOLE;
    out->hole = hole;
    return 1;
}

static int read_totals(ag_manifest *m, ag_str line, ag_err *err)
{
    m->stage = STAGE_END;
    int rc = check_line(m, line, ag_manifest_put_totals(&m->again, &m->seen, err), err);
    return rc < 0 ? refuse(m, err, "the totals are not those of the lines before: some are missing or too many") : rc;
}

static int read_line(ag_manifest *m, ag_str line, ag_manifest_entry *out, ag_err *err)
{
    const ag_value *root;
    const ag_json_options options = {.file = "manifest", .max_depth = 4, .max_values = 1000};
    if (m->stage == STAGE_END) return refuse(m, err, "something follows the totals");
    if (m->stage == STAGE_HEAD) return read_head(m, line, err);
    ag_arena_reset(m->arena);
    ag_buf_clear(&m->again);
    int rc = ag_json_parse(m->arena, line, &options, &root, err);
    if (rc < 0) {
        if (err && err->code == AG_EPARSE) err->line = m->line;
        return rc;
    }
    if (ag_value_get(root, "file")) return read_file(m, line, root, out, err);
    if (ag_value_get(root, "hole")) return read_hole(m, line, root, out, err);
    if (ag_value_get(root, "totals")) return read_totals(m, line, err);
    return refuse(m, err, "the line is neither a file, nor a hole, nor the totals");
}

int ag_manifest_next(ag_manifest *manifest, ag_manifest_entry *out, ag_err *err)
{
    for (;;) {
        ag_str line;
        int rc = next_line(manifest, &line, err);
        if (rc == 0 && manifest->stage != STAGE_END) {
            manifest->line++;
            return refuse(manifest, err, "the totals are missing: the manifest is cut off");
        }
        if (rc > 0)
            rc = read_line(manifest, line, out, err);
        else if (rc == 0)
            return 0;
        if (rc != 0) return rc;
    }
}
