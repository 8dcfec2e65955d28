// SPDX-License-Identifier: Apache-2.0
/* label_agree.c: the command: how far people agree with each other and with the automatic labels. */
#include <math.h>
#include <string.h>

#include "app/cli/labels.h"
#include "core/show/table.h"
#include "data/label/agreement.h"

static const ag_option options[] = {
    AG_OPTIONS_OF_PREPARED_TO_READ,
    {.name = "author",
     .letter = 'a',
     .type = AG_OPTION_TEXT,
     .repeated = true,
     .doc = "Only these, also automatic and expert (whoever labelled last); everybody when not given"},
    {.name = "worst",
     .letter = 'n',
     .type = AG_OPTION_INT,
     .fallback = "5",
     .min = 0,
     .max = 10000,
     .doc = "How many of the worst disagreements of each pair to list"},
};
static const ag_example examples[] = {
    {"label agree -d prepared", "Everybody with everybody, and with the labellers"},
    {"label agree -d prepared --author anna --author automatic --worst 20", "One person against the labellers"},
    {NULL, NULL},
};

typedef struct pairs {
    ag_agreement *items;
    size_t count;
} pairs;

static int choose_authors(ag_invocation *invocation, const ag_labelled_set *set, const char ***out, size_t *count,
                          ag_err *err)
{
    size_t asked, people;
    const ag_option_value *values = ag_option_values(invocation, "author", &asked);
    const char **names;
    int rc = ag_agree_authors(set, invocation->arena, &names, &people, err);
    const char **all = rc == AG_OK ? ag_arena_array(invocation->arena, people + asked + 2, sizeof(*all)) : NULL;
    if (rc < 0 || !all) return rc < 0 ? rc : ag_fail_memory(err, people);
    *count = 0;
    for (size_t i = 0; i < asked; i++) {
        bool known = strcmp(values[i].text, AG_AGREE_AUTOMATIC) == 0 || strcmp(values[i].text, AG_AGREE_EXPERT) == 0;
        for (size_t k = 0; k < people; k++) known |= strcmp(values[i].text, names[k]) == 0;
        if (!known) {
            ag_fail(err, AG_ENOTFOUND, "'%s' has labelled nothing here", values[i].text);
            const char *near = ag_nearest(ag_str_of(values[i].text), names, people);
            return near ? ag_err_hint(err, "did you mean '%s'?", near) : AG_ENOTFOUND;
        }
        all[(*count)++] = values[i].text;
    }
    if (asked == 0) {
        all[(*count)++] = AG_AGREE_AUTOMATIC;
        if (people > 1) all[(*count)++] = AG_AGREE_EXPERT;
        for (size_t k = 0; k < people; k++) all[(*count)++] = names[k];
    }
    *out = all;
    return AG_OK;
}

/* "expert" is one of the people: only the labellers are compared with it. */
static bool is_pair(const char *a, const char *b)
{
    bool a_expert = strcmp(a, AG_AGREE_EXPERT) == 0, b_expert = strcmp(b, AG_AGREE_EXPERT) == 0;
    bool a_automatic = strcmp(a, AG_AGREE_AUTOMATIC) == 0, b_automatic = strcmp(b, AG_AGREE_AUTOMATIC) == 0;
    return !(a_expert && !b_automatic) && !(b_expert && !a_automatic);
}

static int compare(ag_invocation *invocation, const ag_labelled_set *set, pairs *out, ag_err *err)
{
    const char **names = NULL;
    size_t count = 0, worst = (size_t)ag_option_int(invocation, "worst");
    int rc = choose_authors(invocation, set, &names, &count, err);
    if (rc != AG_OK) return rc;
    if (count < 2) {
        ag_fail(err, AG_ECONFLICT, "there is nothing to compare: %s", count ? "only one source of labels" : "no label");
        return ag_err_hint(err, "auger label set or auger label import adds a person's labels");
    }
    out->items = ag_arena_array(invocation->arena, count * count, sizeof(*out->items));
    if (!out->items) return ag_fail_memory(err, count * count * sizeof(*out->items));
    for (size_t i = 0; rc == AG_OK && i < count; i++)
        for (size_t k = i + 1; rc == AG_OK && k < count; k++) {
            if (!is_pair(names[i], names[k])) continue;
            rc = ag_agree(set, names[i], names[k], worst, invocation->arena, &out->items[out->count], err);
            out->count += rc == AG_OK && out->items[out->count].holes > 0;
        }
    return rc;
}

static void write_depths(ag_json *json, const ag_agreement *pair)
{
    for (size_t d = 0; d < AG_AGREE_COUNT; d++) {
        const ag_agree_stats *s = &pair->depth[d];
        ag_json_name(json, ag_agree_names[d]);
        ag_json_begin_object(json);
        ag_json_put_int(json, "count", (int64_t)s->count);
        ag_json_put_known(json, "mae_mm", s->mae);
        ag_json_put_known(json, "bias_mm", s->bias);
        ag_json_put_known(json, "p95_mm", s->p95);
        ag_json_put_known(json, "most_mm", s->most);
        ag_json_put_known(json, "within_0.1_mm", s->within[0]);
        ag_json_put_known(json, "within_0.25_mm", s->within[1]);
        ag_json_put_known(json, "within_0.5_mm", s->within[2]);
        ag_json_put_known(json, "limit_low_mm", s->low);
        ag_json_put_known(json, "limit_high_mm", s->high);
        ag_json_put_known(json, "icc", s->icc);
        ag_json_end_object(json);
    }
}

static void write_pair(ag_json *json, const ag_agreement *pair)
{
    ag_json_begin_object(json);
    ag_json_put_text(json, "a", pair->a);
    ag_json_put_text(json, "b", pair->b);
    ag_json_put_int(json, "holes", (int64_t)pair->holes);
    write_depths(json, pair);
    ag_json_put_int(json, "unlike_transitions", (int64_t)pair->unlike_transitions);
    ag_json_put_known(json, "kappa", pair->kappa);
    ag_json_name(json, "outcomes");
    ag_json_begin_array(json);
    for (size_t i = 0; i < 3; i++) {
        ag_json_begin_array(json);
        for (size_t k = 0; k < 3; k++) ag_json_int(json, (int64_t)pair->table[i][k]);
        ag_json_end_array(json);
    }
    ag_json_end_array(json);
    ag_json_name(json, "worst");
    ag_json_begin_array(json);
    for (size_t i = 0; i < pair->worst_count; i++) {
        ag_json_begin_object(json);
        ag_json_put_text(json, "path", pair->worst[i].hole->hole->path);
        ag_json_put_text(json, "what", pair->worst[i].what);
        ag_json_put_known(json, "a", pair->worst[i].a);
        ag_json_put_known(json, "b", pair->worst[i].b);
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
    ag_json_end_object(json);
}

static int print_json(ag_invocation *invocation, const pairs *found, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, (size_t)1 << 28);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_name(&json, "pairs");
    ag_json_begin_array(&json);
    for (size_t i = 0; i < found->count; i++) write_pair(&json, &found->items[i]);
    ag_json_end_array(&json);
    ag_json_end_object(&json);
    int rc = ag_print_json(invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

/* "0.123", nothing for what is not known. */
static const char *number(ag_arena *arena, double value, const char *format)
{
    if (!isfinite(value)) return "";
    return strcmp(format, "%") == 0 ? ag_arena_printf(arena, "%.0f %%", 100 * value)
                                    : ag_arena_printf(arena, "%.3f", value);
}

static int add_row(ag_table *table, ag_arena *arena, const char *name, const ag_agree_stats *s, ag_err *err)
{
    const char *cells[] = {name,
                           ag_arena_printf(arena, "%zu", s->count),
                           number(arena, s->mae, ""),
                           number(arena, s->bias, ""),
                           number(arena, s->p95, ""),
                           number(arena, s->within[0], "%"),
                           number(arena, s->within[1], "%"),
                           number(arena, s->within[2], "%"),
                           isfinite(s->low) ? ag_arena_printf(arena, "%.2f to %.2f", s->low, s->high) : "",
                           number(arena, s->icc, "")};
    int rc = AG_OK;
    for (size_t i = 0; rc == AG_OK && i < sizeof(cells) / sizeof(cells[0]); i++)
        rc = ag_table_add(table, AG_STYLE_PLAIN, cells[i], err);
    return rc;
}

static void print_worst(ag_invocation *invocation, const ag_agreement *pair)
{
    for (size_t i = 0; i < pair->worst_count; i++) {
        const ag_agree_worst *worst = &pair->worst[i];
        if (strcmp(worst->what, "outcome") == 0)
            ag_print(invocation, "  another outcome: %s\n", worst->hole->hole->path);
        else if (strcmp(worst->what, "transitions") == 0)
            ag_print(invocation, "  %g against %g transitions: %s\n", worst->a, worst->b, worst->hole->hole->path);
        else
            ag_print(invocation, "  %s %.3f against %.3f mm: %s\n", worst->what, worst->a, worst->b,
                     worst->hole->hole->path);
    }
}

static int print_pair(ag_invocation *invocation, const ag_agreement *pair, ag_err *err)
{
    static const ag_column columns[] = {{.title = "depth"},
                                        {.title = "n", .align = AG_ALIGN_RIGHT},
                                        {.title = "MAE mm", .align = AG_ALIGN_RIGHT},
                                        {.title = "bias", .align = AG_ALIGN_RIGHT},
                                        {.title = "p95", .align = AG_ALIGN_RIGHT},
                                        {.title = "<= 0.1", .align = AG_ALIGN_RIGHT},
                                        {.title = "<= 0.25", .align = AG_ALIGN_RIGHT},
                                        {.title = "<= 0.5", .align = AG_ALIGN_RIGHT},
                                        {.title = "95 % limits", .align = AG_ALIGN_RIGHT, .priority = 2},
                                        {.title = "ICC", .align = AG_ALIGN_RIGHT, .priority = 1}};
    ag_table *table = NULL;
    ag_buf buf;
    ag_buf_init(&buf, (size_t)1 << 20);
    ag_output_style(invocation->out, AG_STYLE_STRONG,
                    ag_arena_printf(invocation->arena, "%s against %s", pair->b, pair->a));
    ag_print(invocation, ": %zu holes", pair->holes);
    if (isfinite(pair->kappa)) ag_print(invocation, ", kappa of outcomes %.3f", pair->kappa);
    if (pair->unlike_transitions) ag_print(invocation, ", %zu with unlike transitions", pair->unlike_transitions);
    ag_print(invocation, "\n");
    int rc = ag_table_new(columns, sizeof(columns) / sizeof(columns[0]), &table, err);
    for (size_t d = 0; rc == AG_OK && d < AG_AGREE_COUNT; d++)
        rc = add_row(table, invocation->arena, ag_agree_names[d], &pair->depth[d], err);
    unsigned width = invocation->out->is_terminal ? (unsigned)invocation->out->columns : 0;
    if (rc == AG_OK) rc = ag_table_write(table, AG_TABLE_TERMINAL, width, invocation->out->color, &buf, err);
    if (rc == AG_OK) ag_print_str(invocation, ag_buf_str(&buf));
    if (rc == AG_OK) print_worst(invocation, pair);
    ag_buf_deinit(&buf);
    ag_table_free(table);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_named_data data;
    ag_labelled_set set;
    pairs found = {0};
    int rc = ag_cli_labelled(invocation, &data, &set, err);
    if (rc == AG_OK) rc = compare(invocation, &set, &found, err);
    if (rc != AG_OK) return rc;
    if (ag_wants_json(invocation)) return print_json(invocation, &found, err);
    for (size_t i = 0; rc == AG_OK && i < found.count; i++) {
        if (i > 0) ag_print(invocation, "\n");
        rc = print_pair(invocation, &found.items[i], err);
    }
    if (rc == AG_OK && found.count == 0) ag_print(invocation, "no hole was labelled by two of them\n");
    return rc;
}

const ag_command ag_command_label_agree = {
    .path = "label agree",
    .summary = "Compare the labels of people with each other and with the automatic ones",
    .doc =
        "For every pair of sources: mean absolute difference, bias (the second less the first), 95th percentile, the "
        "shares within 0.1, 0.25 and 0.5 mm, Bland and Altman's limits, the intraclass correlation ICC(2,1), and "
        "Cohen's kappa of the outcomes found, no exit and empty. The worst disagreements are listed.\n"
        "\n"
        "The automatic label that is compared is the one that stood there when the first person looked.",
    .options = AG_OPTIONS(options),
    .examples = examples,
    .run = run,
};
