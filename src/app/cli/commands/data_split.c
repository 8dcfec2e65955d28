// SPDX-License-Identifier: Apache-2.0
/* data_split.c: the command: folds, or train, validation and test, and how well they came out. */
#include <math.h>

#include "app/cli/data.h"
#include "core/io/file.h"
#include "data/dataset/split_data.h"

static const ag_option options[] = {
    {.name = "folds", .type = AG_OPTION_INT, .min = 2, .max = 999, .doc = "This many parts of equal size"},
    {.name = "test", .type = AG_OPTION_REAL, .min = 0, .max = 0.99, .doc = "Share of a part called test"},
    {.name = "validation", .type = AG_OPTION_REAL, .min = 0, .max = 0.99, .doc = "Share of a part called validation"},
    {.name = "group",
     .letter = 'g',
     .type = AG_OPTION_TEXT,
     .value_name = "KEYS",
     .doc = "What is never parted, or none: of holes machine,tool,program when absent; columns of tables"},
    {.name = "stratify",
     .type = AG_OPTION_TEXT,
     .value_name = "KEY",
     .doc = "What every part gets its share of: class, layers, a column"},
    {.name = "seed", .type = AG_OPTION_INT, .fallback = "0", .min = 0, .max = 9007199254740991, .doc = "Of the draw"},
    {.name = "include",
     .type = AG_OPTION_CHOICE,
     .choices = (const char *const[]){"valid", "labelled", "all", NULL},
     .fallback = "valid",
     .doc = "Which holes: those not rejected, of these the labelled ones, or all"},
    {.name = "name", .type = AG_OPTION_TEXT, .doc = "Of the split; made from the options when absent"},
    {.name = "output", .letter = 'o', .type = AG_OPTION_PATH, .doc = "Write its table as CSV, too"},
    AG_OPTION_OF_DATABASE,
    AG_OPTION_OF_BLOBS,
};
static const ag_option positionals[] = {
    {.name = "VERSION", .type = AG_OPTION_TEXT, .required = true, .doc = "NAME@v3, NAME@TAG, or NAME for the newest"},
};
static const ag_example examples[] = {
    {"data split drilling@v3 --folds 24 --group machine,tool,program --stratify class --seed 7",
     "24 folds without near-twins on both sides"},
    {"data split orders --test 0.15 --validation 0.15 --group customer", "Train, validation and test of a table"},
    {NULL, NULL},
};

/* Without --group holes are grouped by what makes near-twins. */
static const char *group_text(ag_invocation *invocation, const ag_dataset_version *version)
{
    const char *given = ag_option_text(invocation, "group");
    if (!given) return version->holes ? "machine,tool,program" : NULL;
    return strcmp(given, "none") == 0 ? NULL : given;
}

static int read_options(ag_invocation *invocation, const ag_dataset_version *version, ag_dataset_split_options *out,
                        ag_err *err)
{
    ag_arena *arena = invocation->arena;
    const char **group = ag_arena_array(arena, AG_SPLIT_KEYS + 1, sizeof(*group));
    ag_str rest = ag_str_of(group_text(invocation, version)), part;
    if (!group) return ag_fail_memory(err, 64);
    *out = (ag_dataset_split_options){.name = ag_option_text(invocation, "name"),
                                      .folds = (uint32_t)ag_option_int(invocation, "folds"),
                                      .test = ag_option_real(invocation, "test"),
                                      .validation = ag_option_real(invocation, "validation"),
                                      .group = group,
                                      .stratify = ag_option_text(invocation, "stratify"),
                                      .seed = (uint64_t)ag_option_int(invocation, "seed"),
                                      .include = (ag_split_include)ag_option_choice(invocation, "include")};
    while (rest.data && ag_str_next(&rest, ',', &part)) {
        if (out->group_count == AG_SPLIT_KEYS)
            return ag_fail(err, AG_EINVAL, "a group is made of at most %d keys", AG_SPLIT_KEYS);
        part = ag_str_trim(part);
        if (!(group[out->group_count++] = ag_arena_strndup(arena, part.data, part.size)))
            return ag_fail_memory(err, part.size);
    }
    return AG_OK;
}

/* ---- showing ---- */

static const char *strata_text(ag_arena *arena, const ag_split *s, size_t part)
{
    enum { SHOWN = 6 };
    const char *text = "";
    for (size_t k = 0; k < s->stratum_count && k < SHOWN && text; k++) {
        ag_str name = s->strata[k].size ? s->strata[k] : AG_STR("-");
        double share = 100.0 * (double)s->cells[part * s->stratum_count + k] / (double)s->rows[part];
        text = ag_arena_printf(arena, "%s%s%.*s %.1f %%", text, k ? ", " : "", AG_STR_ARG(name), share);
    }
    return text && s->stratum_count > SHOWN ? ag_arena_printf(arena, "%s ...", text) : text;
}

static int print_parts(ag_invocation *invocation, const ag_dataset_split_made *made, bool strata, ag_err *err)
{
    static const ag_column columns[] = {{"part", AG_ALIGN_LEFT, 0, 0},    {"rows", AG_ALIGN_RIGHT, 0, 0},
                                        {"share", AG_ALIGN_RIGHT, 0, 0},  {"wanted", AG_ALIGN_RIGHT, 1, 0},
                                        {"groups", AG_ALIGN_RIGHT, 0, 0}, {"strata", AG_ALIGN_LEFT, 2, 20}};
    const ag_split *s = made->split;
    ag_arena *arena = invocation->arena;
    const char **cells = ag_arena_array(arena, s->parts, 6 * sizeof(*cells));
    if (!cells) return ag_fail_memory(err, s->parts);
    for (size_t p = 0; p < s->parts; p++) {
        const char **row = cells + 6 * p;
        row[0] = made->part_names[p];
        row[1] = ag_arena_printf(arena, "%zu", s->rows[p]);
        row[2] = ag_arena_printf(arena, "%.2f %%", 100.0 * (double)s->rows[p] / (double)made->rows);
        row[3] = ag_arena_printf(arena, "%.2f %%", 100.0 * made->wanted[p]);
        row[4] = ag_arena_printf(arena, "%zu", s->groups[p]);
        row[5] = strata ? strata_text(arena, s, p) : "";
    }
    ag_cli_list list = {columns, strata ? 6 : 5, cells, s->parts};
    if (!strata)
        for (size_t p = 0; p < s->parts; p++) memmove(cells + 5 * p, cells + 6 * p, 5 * sizeof(*cells));
    return ag_cli_print_list(invocation, &list, false, err);
}

static void print_words(ag_invocation *invocation, const ag_dataset_split_made *made, bool strata)
{
    const ag_split *s = made->split;
    ag_print(invocation, "%zu %s in %zu groups", made->rows, made->what, s->group_count);
    if (made->left_out) ag_print(invocation, " (%zu left out)", made->left_out);
    ag_print(invocation, "; no group is in two parts, the largest has %zu\n", s->largest_group);
    ag_print(invocation, "sizes are within %.2f %% of all rows of what was wanted", 100 * s->size_error);
    if (strata) ag_print(invocation, ", strata within %.1f percentage points", 100 * s->stratum_error);
    double coarse = (double)s->largest_group / (double)made->rows, least = INFINITY;
    for (size_t p = 0; p < s->parts; p++) least = fmin(least, made->wanted[p]);
    ag_print(invocation, "%s\n",
             coarse > least ? ": the largest group alone is larger than the smallest part was to be" : "");
    ag_print(invocation, "recorded as split '%s', %.12s\n", made->record.name, made->record.digest);
}

static int print_json(ag_invocation *invocation, const ag_dataset_version *version, const ag_dataset_split_made *made,
                      ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, (size_t)64 << 20);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_text(&json, "version", ag_cli_data_name(invocation->arena, version));
    ag_json_put_text(&json, "split", made->record.name);
    ag_json_put_text(&json, "digest", made->record.digest);
    ag_json_name(&json, "options");
    ag_json_raw(&json, ag_str_of(made->record.options));
    ag_json_name(&json, "report");
    ag_json_raw(&json, ag_str_of(made->record.report));
    ag_json_end_object(&json);
    int rc = ag_print_json(invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static int write_output(const ag_cli_data *data, const ag_dataset_version *version, const char *name, const char *path,
                        ag_err *err)
{
    ag_reader *table = NULL;
    ag_writer *file = NULL;
    int rc = ag_dataset_split_open(&data->place, version, name, &table, err);
    if (rc >= 0) rc = ag_writer_to_file(path, &file, err);
    if (rc >= 0) rc = ag_copy(table, file, NULL, err);
    if (rc >= 0) rc = ag_finish(file, err);
    ag_writer_close(file);
    ag_reader_close(table);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_cli_data data;
    ag_dataset_version version;
    ag_dataset_split_options wanted;
    ag_dataset_split_made made;
    const char *output = ag_option_text(invocation, "output");
    int rc = ag_option_check_output(invocation, "output", err);
    if (rc < 0) return rc;
    rc = ag_cli_data_open(invocation, false, &data, err);
    if (rc >= 0) rc = ag_cli_data_version(invocation, &data, "VERSION", &version, err);
    if (rc >= 0) rc = read_options(invocation, &version, &wanted, err);
    if (rc >= 0) rc = ag_dataset_split_version(&data.place, &version, &wanted, invocation->arena, &made, err);
    if (rc >= 0 && output) rc = write_output(&data, &version, made.record.name, output, err);
    if (rc >= 0 && ag_wants_json(invocation)) {
        rc = print_json(invocation, &version, &made, err);
    } else if (rc >= 0) {
        rc = print_parts(invocation, &made, wanted.stratify != NULL, err);
        if (rc >= 0) print_words(invocation, &made, wanted.stratify != NULL);
    }
    ag_cli_data_close(&data);
    return rc;
}

const ag_command ag_command_data_split = {
    .path = "data split",
    .summary = "Split a version into folds, or into train, validation and test",
    .doc =
        "Rows of one group are never parted: with --group machine,tool,program no hole is tested with a model that has "
        "seen its near-twins, made by the same machine with the same tool in the same program. Holes with the same "
        "bytes, or the same samples under another header, stay together in any case. Within that, every part gets its "
        "share of all rows and of every stratum, and the command says how well that went.\n"
        "\n"
        "Keys of holes: machine, head, tool (its life: from where the tool's counter begins anew), program, class, "
        "status, firmware, format_version, reader, outcome, category, source, author, layers, folder, day. Tables are "
        "split by their columns, other files by folder.\n"
        "\n"
        "The split is recorded with the version and never changes; the same options give the same bytes.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
