// SPDX-License-Identifier: Apache-2.0
/* stats.c: one pass over a version's manifest, and over the tables that it names. */
#include "data/dataset/stats.h"

#include <math.h>
#include <string.h>

#include "core/base/median.h"
#include "core/io/path.h"
#include "data/dataset/stats_parts.h"

typedef const char *(*text_of)(const ag_dataset_hole *hole, char scratch[32]);

static const char *layers_of(const ag_dataset_hole *hole, char scratch[32])
{
    if (!hole->labelled || strcmp(hole->label.outcome ? hole->label.outcome : "", "empty") == 0) return "";
    ag_format(scratch, 32, "%zu", hole->label.transition_count + 1);
    return scratch;
}

static const char *label_of(const ag_dataset_hole *hole, char scratch[32])
{
    (void)scratch;
    return hole->labelled ? hole->label.outcome : "no label";
}

#define TEXT(member) {#member, offsetof(ag_dataset_hole, member), NULL}
static const struct {
    const char *name;
    size_t offset;
    text_of of; /* NULL: the text at offset */
} hole_texts[] = {
    TEXT(status),
    {"class", offsetof(ag_dataset_hole, class_name), NULL},
    TEXT(machine),
    TEXT(head),
    TEXT(program),
    TEXT(reader),
    TEXT(format_version),
    TEXT(firmware),
    {"layers", 0, layers_of},
    {"label", 0, label_of},
    {"label_category", offsetof(ag_dataset_hole, label.category), NULL},
    {"label_source", offsetof(ag_dataset_hole, label.source), NULL},
};
enum { HOLE_TEXTS = sizeof(hole_texts) / sizeof(hole_texts[0]) };

typedef struct counting {
    const ag_dataset_place *place;
    bool tables; /* a table beside holes is not what the data set is about */
    gathering g;
    gathered *texts[HOLE_TEXTS], **numbers; /* made with the first hole */
    gathered *endings;
} counting;

static int begin_holes(counting *c, ag_err *err)
{
    int rc = AG_OK;
    c->numbers = ag_arena_array(c->g.arena, ag_dataset_number_count, sizeof(gathered *));
    if (!c->numbers) return ag_fail_memory(err, 4096);
    for (size_t i = 0; rc >= 0 && i < HOLE_TEXTS; i++) {
        rc = gathering_column(&c->g, NULL, ag_str_of(hole_texts[i].name), &c->texts[i], err);
        if (rc >= 0) c->texts[i]->text_only = true;
    }
    for (size_t i = 0; rc >= 0 && i < ag_dataset_number_count; i++) {
        rc = gathering_column(&c->g, NULL, ag_str_of(ag_dataset_numbers[i].name), &c->numbers[i], err);
        if (rc >= 0) c->numbers[i]->number_only = true;
    }
    return rc;
}

static int count_hole(counting *c, const ag_dataset_hole *hole, ag_err *err)
{
    int rc = c->numbers ? AG_OK : begin_holes(c, err);
    for (size_t i = 0; rc >= 0 && i < HOLE_TEXTS; i++) {
        char scratch[32];
        const char *text;
        if (hole_texts[i].of)
            text = hole_texts[i].of(hole, scratch);
        else
            memcpy(&text, (const char *)hole + hole_texts[i].offset, sizeof(text));
        if (text && *text) rc = gather_text(&c->g, c->texts[i], ag_str_of(text), err);
    }
    for (size_t i = 0; rc >= 0 && i < ag_dataset_number_count; i++)
        rc = gather_number(c->numbers[i], ag_dataset_numbers[i].of(hole), err);
    return rc;
}

static int count_file(counting *c, const ag_dataset_file *file, ag_err *err)
{
    ag_reader *source = NULL;
    ag_str ending = ag_path_extension(ag_str_of(file->path));
    int rc = ag_cancel_check(c->place->cancel, err);
    if (rc >= 0 && !c->endings) {
        rc = gathering_column(&c->g, NULL, AG_STR("files"), &c->endings, err);
        if (rc >= 0) c->endings->text_only = true;
    }
    if (rc >= 0) rc = gather_text(&c->g, c->endings, ending.size ? ending : AG_STR("without ending"), err);
    if (rc < 0 || file->rows < 0 || !c->tables) return rc;
    if ((rc = ag_blob_get(c->place->blobs, &file->sha256, &source, err)) < 0) return rc;
    rc = gather_table(&c->g, file->path, source, c->place->cancel, err);
    ag_reader_close(source);
    return rc;
}

int ag_dataset_statistics(const ag_dataset_place *place, const ag_dataset_version *version, ag_arena *arena,
                          ag_dataset_stats *out, ag_err *err)
{
    counting c = {.place = place, .tables = version->holes == 0};
    ag_dataset_stats stats = {0};
    ag_manifest *manifest = NULL;
    ag_manifest_entry entry;
    int rc = gathering_init(&c.g, arena, err);
    if (rc >= 0) rc = ag_dataset_open(place, version, &manifest, err);
    while (rc >= 0 && (rc = ag_manifest_next(manifest, &entry, err)) > 0) {
        rc = entry.kind == AG_MANIFEST_FILE ? count_file(&c, &entry.file, err) : count_hole(&c, &entry.hole, err);
        ag_progress_add(place->progress, 1, entry.kind == AG_MANIFEST_FILE ? entry.file.bytes : 0);
    }
    if (rc >= 0) stats.totals = ag_manifest_totals(manifest);
    if (rc >= 0) rc = gathering_finish(&c.g, &stats, err);
    ag_manifest_close(manifest);
    gathering_deinit(&c.g);
    if (rc >= 0) *out = stats;
    return rc < 0 ? rc : AG_OK;
}

double ag_spread_quantile(const ag_spread *spread, double q)
{
    return ag_percentile(spread->sample, spread->sample_count, q);
}

const ag_spread *ag_dataset_spread(const ag_dataset_stats *stats, const char *name)
{
    for (size_t i = 0; i < stats->spread_count; i++)
        if (strcmp(stats->spreads[i].name, name) == 0) return &stats->spreads[i];
    return NULL;
}
