// SPDX-License-Identifier: Apache-2.0
/* label_queue.c: the command: which holes a person should look at next, and why. */
#include "app/cli/labels.h"
#include "core/show/table.h"
#include "data/label/queue.h"

static const ag_option options[] = {
    AG_OPTIONS_OF_PREPARED_TO_READ,
    {.name = "limit",
     .letter = 'n',
     .type = AG_OPTION_INT,
     .fallback = "20",
     .min = 1,
     .max = 1000000,
     .doc = "The most to show"},
};

static const ag_example examples[] = {
    {"label queue -d prepared", "The twenty holes that are most worth a look"},
    {"label queue -d prepared --limit 1 --json", "The next one, for a program"},
    {NULL, NULL},
};

static int print_json(ag_invocation *invocation, const ag_queue *queue, size_t limit, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, (size_t)1 << 30);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_int(&json, "waiting", (int64_t)queue->count);
    ag_json_put_int(&json, "seen", (int64_t)queue->seen);
    ag_json_put_int(&json, "labelled", (int64_t)queue->labelled);
    ag_json_name(&json, "holes");
    ag_json_begin_array(&json);
    for (size_t i = 0; i < queue->count && i < limit; i++) {
        const ag_queue_item *item = &queue->items[i];
        ag_json_begin_object(&json);
        ag_json_put_text(&json, "path", item->hole->hole->path);
        ag_json_put_text(&json, "sha256", item->hole->hole->sha256);
        ag_json_put_real(&json, "value", item->value);
        ag_json_put_real(&json, "need", item->need);
        ag_json_put_real(&json, "influence", item->influence);
        ag_json_put_real(&json, "rarity", item->rarity);
        ag_json_put_text(&json, "why", item->why);
        ag_json_name(&json, "label");
        ag_json_begin_object(&json);
        ag_cli_label_json(&json, item->hole->present);
        ag_json_end_object(&json);
        ag_json_end_object(&json);
    }
    ag_json_end_array(&json);
    ag_json_end_object(&json);
    int rc = ag_print_json(invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static int print_table(ag_invocation *invocation, const ag_queue *queue, size_t limit, ag_err *err)
{
    static const ag_column columns[] = {{.title = "value", .align = AG_ALIGN_RIGHT},
                                        {.title = "hole", .min_width = 24},
                                        {.title = "label now", .priority = 1, .min_width = 20},
                                        {.title = "why", .min_width = 30}};
    ag_table *table = NULL;
    ag_buf buf;
    ag_buf_init(&buf, (size_t)1 << 30);
    int rc = ag_table_new(columns, 4, &table, err);
    for (size_t i = 0; rc == AG_OK && i < queue->count && i < limit; i++) {
        const ag_queue_item *item = &queue->items[i];
        rc = ag_table_addf(table, AG_STYLE_STRONG, err, "%.2f", item->value);
        if (rc == AG_OK) rc = ag_table_add(table, AG_STYLE_PLAIN, item->hole->hole->path, err);
        if (rc == AG_OK)
            rc = ag_table_add(table, AG_STYLE_DIM, ag_cli_label_words(invocation->arena, item->hole->present), err);
        if (rc == AG_OK) rc = ag_table_add(table, AG_STYLE_PLAIN, item->why, err);
    }
    unsigned width = invocation->out->is_terminal ? (unsigned)invocation->out->columns : 0;
    if (rc == AG_OK && queue->count > 0)
        rc = ag_table_write(table, AG_TABLE_TERMINAL, width, invocation->out->color, &buf, err);
    if (rc == AG_OK) ag_print_str(invocation, ag_buf_str(&buf));
    if (rc == AG_OK)
        ag_print(invocation, "%zu holes are worth a look; %zu of %zu labelled holes were seen by somebody\n",
                 queue->count, queue->seen, queue->labelled);
    ag_buf_deinit(&buf);
    ag_table_free(table);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_named_data data;
    ag_labelled_set set;
    ag_queue queue;
    size_t limit = (size_t)ag_option_int(invocation, "limit");
    int rc = ag_cli_labelled(invocation, &data, &set, err);
    if (rc == AG_OK) rc = ag_queue_make(&set, invocation->arena, &queue, err);
    if (rc != AG_OK) return rc;
    return ag_wants_json(invocation) ? print_json(invocation, &queue, limit, err)
                                     : print_table(invocation, &queue, limit, err);
}

const ag_command ag_command_label_queue = {
    .path = "label queue",
    .summary = "List the holes that are most worth a person's look",
    .doc =
        "Orders the holes of a prepared dataset by the value of a look: how uncertain the automatic label is, how far "
        "the labellers or several people differ, for how many holes of the same program and machine a look speaks that "
        "nobody has seen yet, and whether such holes are rare. Each line says why.\n"
        "\n"
        "Copies, clear labels and holes that somebody has labelled are left out; a hole on which two people differ by "
        "more than 0.25 mm comes back.",
    .options = AG_OPTIONS(options),
    .examples = examples,
    .run = run,
};
