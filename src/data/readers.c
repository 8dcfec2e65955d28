// SPDX-License-Identifier: Apache-2.0
/* readers.c: the list of readers, and the choice among them: what the bytes say counts more than what the file is
 * called, because drilling units call text ".xls". A new reader is one file in readers/ and one line here. */
#include "data/reader.h"

#include "core/io/file.h"
#include "core/io/path.h"

#define READERS(ROW) ROW(setitec) ROW(mqtt_json) ROW(csv)

#define DECLARE(name) extern const ag_hole_reader ag_hole_reader_##name;
READERS(DECLARE)

#define REFER(name) &ag_hole_reader_##name,
static const ag_hole_reader *const readers[] = {READERS(REFER)};

enum { BEGINNING = 4096, COMPANIONS = 8 };

#define AT(member) offsetof(ag_reader_options, member)
static const ag_field map_fields[] = {
    {.name = "channel",
     .type = AG_FIELD_TEXT,
     .offset = offsetof(ag_column_map, channel),
     .required = true,
     .doc = "The canonical name: position, torque, thrust, step, stop_code ..."},
    {.name = "column",
     .type = AG_FIELD_TEXT,
     .offset = offsetof(ag_column_map, column),
     .required = true,
     .doc = "The name in the file's header line, or #3 for the third column."},
    {.name = "scale",
     .type = AG_FIELD_REAL,
     .offset = offsetof(ag_column_map, scale),
     .fallback = "1",
     .doc =
         "What a value of the file is multiplied with, to give mm, A, rpm, mm/s or W; -1 turns depth into position."},
};
static const ag_description map_description = {
    .name = "column_map",
    .doc = "Which column of a generic table is which channel.",
    .size = sizeof(ag_column_map),
    .fields = map_fields,
    .count = sizeof(map_fields) / sizeof(map_fields[0]),
};
static const ag_field option_fields[] = {
    {.name = "columns",
     .type = AG_FIELD_LIST,
     .offset = AT(columns),
     .item = AG_FIELD_STRUCT,
     .inner = &map_description,
     .doc = "The columns of generic tables; without it they are found by their names."},
    {.name = "sample_rate",
     .type = AG_FIELD_REAL,
     .offset = AT(sample_rate),
     .fallback = "100",
     .min = 0.001,
     .max = 1e6,
     .doc = "Samples per second, where the file does not tell."},
    {.name = "max_rows",
     .type = AG_FIELD_INT,
     .offset = AT(max_rows),
     .fallback = "10000000",
     .min = 1,
     .max = 1e9,
     .doc = "A file with more samples is refused."},
    {.name = "max_columns",
     .type = AG_FIELD_INT,
     .offset = AT(max_columns),
     .fallback = "64",
     .min = 2,
     .max = 1024,
     .doc = "A generic table with more columns is refused."},
};
const ag_description ag_reader_options_description = {
    .name = "reader",
    .doc = "How files of drilling data are read.",
    .size = sizeof(ag_reader_options),
    .fields = option_fields,
    .count = sizeof(option_fields) / sizeof(option_fields[0]),
};

ag_hole_reader_table ag_hole_readers(void)
{
    return (ag_hole_reader_table){readers, sizeof(readers) / sizeof(readers[0])};
}

const ag_hole_reader *ag_hole_reader_find(const char *name)
{
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
        if (ag_str_is(ag_str_of(name), readers[i]->name)) return readers[i];
    return NULL;
}

static bool has_ending(const ag_hole_reader *reader, const char *file)
{
    for (const char *const *ending = reader->endings; file && *ending; ending++) {
        ag_str name = ag_str_of(file), tail = ag_str_of(*ending);
        if (name.size > tail.size && ag_str_equal_nocase(ag_str_slice(name, name.size - tail.size, tail.size), tail))
            return true;
    }
    return false;
}

const ag_hole_reader *ag_hole_reader_for(const char *file, ag_str beginning)
{
    const ag_hole_reader *best = NULL;
    int best_score = 0;
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        int score = 2 * readers[i]->sniff(ag_str_slice(beginning, 0, BEGINNING)) + has_ending(readers[i], file);
        if (score <= best_score) continue;
        best = readers[i];
        best_score = score;
    }
    return best;
}

const char *ag_hole_foreign_hint(const ag_foreign *foreign)
{
    return foreign->unpack ? foreign->unpack
                           : "give the file as the drilling unit wrote it, or save it as text, tab delimited";
}

int ag_hole_read(ag_hole_source *source, ag_arena *arena, ag_hole **out, ag_err *err)
{
    source->rule = NULL;
    const ag_hole_reader *reader = ag_hole_reader_for(source->name, source->bytes);
    if (!reader) {
        const ag_foreign *foreign = ag_foreign_of(source->bytes);
        ag_fail_at(err, AG_EUNSUPPORTED, source->name, 0, 0, "no reader knows this file%s%s", foreign ? ": it is " : "",
                   foreign ? foreign->what : "");
        return ag_err_hint(err, "%s",
                           foreign ? ag_hole_foreign_hint(foreign) : "Setitec .xls, MQTT JSON and CSV are read");
    }
    ag_hole *hole = ag_arena_alloc(arena, sizeof(*hole));
    char *file = source->name ? ag_arena_strdup(arena, source->name) : NULL;
    if (!hole || (source->name && !file)) return ag_fail_memory(err, sizeof(*hole));
    *hole = (ag_hole){.arena = arena, .reader = reader->name, .file = file};
    int rc = reader->read(source, hole, err);
    if (rc == AG_OK) *out = hole;
    return rc;
}

typedef struct beside { /* maps of what lies beside a file */
    ag_mapping maps[COMPANIONS];
    ag_str bytes[COMPANIONS];
    size_t count;
} beside;

static int map_companions(const ag_hole_reader *reader, const char *path, ag_arena *arena, beside *b, ag_err *err)
{
    if (!reader || !reader->companions) return AG_OK;
    ag_str parent = ag_path_parent(ag_str_of(path)), own = ag_path_name(ag_str_of(path));
    char *folder = ag_arena_strndup(arena, parent.data, parent.size);
    if (!folder) return ag_fail_memory(err, parent.size);
    for (size_t i = 0; reader->companions[i] && b->count < COMPANIONS; i++) {
        if (ag_str_is(own, reader->companions[i])) continue;
        char *other = ag_path_join(arena, folder, reader->companions[i]);
        if (!other) return ag_fail_memory(err, parent.size);
        ag_file_info info;
        if (ag_file_stat(other, &info, NULL) < 0 || !info.is_regular) continue;
        int rc = ag_map_file(other, &b->maps[b->count], err);
        if (rc < 0) return rc;
        b->bytes[b->count] = (ag_str){b->maps[b->count].data, b->maps[b->count].size};
        b->count++;
    }
    return AG_OK;
}

int ag_hole_read_file(const char *path, const ag_reader_options *options, ag_arena *arena, ag_hole **out,
                      const char **rule, ag_err *err)
{
    ag_mapping map = {0};
    beside b = {.count = 0};
    ag_hole_source source = {.name = path, .options = options};
    int rc = ag_map_file(path, &map, err);
    if (rc < 0) goto out;
    source.bytes = (ag_str){map.data, map.size};
    rc = map_companions(ag_hole_reader_for(path, source.bytes), path, arena, &b, err);
    if (rc < 0) goto out;
    source.companions = b.bytes;
    source.companion_count = b.count;
    rc = ag_hole_read(&source, arena, out, err);
out:
    if (rule) *rule = source.rule;
    for (size_t i = 0; i < b.count; i++) ag_unmap_file(&b.maps[i]);
    if (map.data) ag_unmap_file(&map);
    return rc;
}
