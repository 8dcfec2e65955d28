// SPDX-License-Identifier: Apache-2.0
/* data_add.c: the command: files become a version of a data set. The work is data/dataset/add.c. */
#include "app/cli/computing.h"
#include "app/cli/data.h"
#include "core/io/file.h"
#include "core/sys/clock.h"

static const ag_option options[] = {
    {.name = "labels", .type = AG_OPTION_PATH, .doc = "A table of labels; kept as labels.csv in the data set"},
    {.name = "message", .letter = 'm', .type = AG_OPTION_TEXT, .doc = "What is new, for people"},
    {.name = "tag", .type = AG_OPTION_TEXT, .doc = "A tag for the version"},
    {.name = "author", .type = AG_OPTION_TEXT, .environment = "USER", .doc = "Who adds it"},
    {.name = "kind",
     .type = AG_OPTION_CHOICE,
     .choices = (const char *const[]){"auto", "files", NULL},
     .fallback = "auto",
     .doc = "auto finds drilling holes and tables; files takes everything as it is"},
    AG_OPTION_OF_JOBS,
    AG_OPTION_OF_DATABASE,
    AG_OPTION_OF_BLOBS,
};
static const ag_option positionals[] = {
    {.name = "NAME", .type = AG_OPTION_TEXT, .required = true, .doc = "Of the data set; made when it is new"},
    {.name = "PATH",
     .type = AG_OPTION_PATH,
     .required = true,
     .repeated = true,
     .doc = "A prepared directory, a directory of files, or files"},
};
static const ag_example examples[] = {
    {"data add drilling prepared -m 'June, machine 4'", "What 'auger prepare' has written, with its labels"},
    {"data add drilling holes --labels labels.csv --tag raw", "The drilling files themselves, and a table of labels"},
    {"data add orders 2026.csv customers.csv", "Any tables"},
    {NULL, NULL},
};

typedef struct stored { /* in the blob store, before and after */
    ag_blob_usage before, after;
} stored;

static int print_json(ag_invocation *invocation, const ag_dataset_added *added, const stored *s, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, (size_t)1 << 20);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_bool(&json, "new", added->is_new);
    ag_json_put_int(&json, "labels_unmatched", (int64_t)added->labels_unmatched);
    ag_json_put_int(&json, "links_left_out", (int64_t)added->links_left_out);
    ag_json_put_int(&json, "stored_bytes", (int64_t)(s->after.stored - s->before.stored));
    ag_json_name(&json, "version");
    ag_cli_data_write(&json, &added->version);
    ag_json_end_object(&json);
    int rc = ag_print_json(invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static void print_text(ag_invocation *invocation, const ag_dataset_added *added, const stored *s)
{
    const ag_dataset_version *v = &added->version;
    ag_arena *arena = invocation->arena;
    ag_print(invocation, "%s %s: %lld files, %s", ag_cli_data_name(arena, v), ag_cli_data_short(arena, v),
             (long long)v->files, ag_cli_data_bytes(arena, (double)v->bytes));
    if (v->holes)
        ag_print(invocation, ", %lld holes, %lld of them labelled", (long long)v->holes, (long long)v->labelled);
    if (v->rows) ag_print(invocation, ", %lld rows of tables", (long long)v->rows);
    ag_print(invocation, "\n");
    if (!added->is_new) {
        ag_print(invocation, "nothing new: this very content was added before\n");
    } else if (s->after.stored > s->before.stored) {
        ag_print(invocation, "the store has grown by %s\n",
                 ag_cli_data_bytes(arena, (double)(s->after.stored - s->before.stored)));
    }
    if (added->labels_unmatched)
        ag_note(invocation, "%llu rows of the labels belong to no hole here",
                (unsigned long long)added->labels_unmatched);
}

static int add(ag_invocation *invocation, ag_cli_data *data, ag_dataset_added *added, ag_err *err)
{
    size_t count;
    const ag_option_value *values = ag_option_values(invocation, "PATH", &count);
    const char **paths = ag_arena_array(invocation->arena, count + 1, sizeof(*paths));
    if (!paths) return ag_fail_memory(err, count * sizeof(*paths));
    for (size_t i = 0; i < count; i++) paths[i] = values[i].text;
    ag_dataset_add_options wanted = {.name = ag_option_text(invocation, "NAME"),
                                     .paths = paths,
                                     .path_count = count,
                                     .labels = ag_option_text(invocation, "labels"),
                                     .message = ag_option_text(invocation, "message"),
                                     .author = ag_option_text(invocation, "author"),
                                     .tag = ag_option_text(invocation, "tag"),
                                     .kind = (ag_dataset_kind)ag_option_choice(invocation, "kind"),
                                     .jobs = (unsigned)ag_option_int(invocation, "jobs")};
    data->place.progress = ag_begin_progress(invocation, "files", 0);
    int rc = ag_dataset_add_paths(&data->place, &wanted, invocation->arena, added, err);
    ag_progress_free(data->place.progress);
    data->place.progress = NULL;
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_cli_data data;
    ag_dataset_added added;
    stored s = {0};
    int rc = ag_cli_data_open(invocation, true, &data, err);
    if (rc >= 0) rc = ag_blob_measure(data.blobs, &s.before, err);
    if (rc >= 0) rc = add(invocation, &data, &added, err);
    if (rc >= 0) rc = ag_blob_measure(data.blobs, &s.after, err);
    if (rc >= 0 && ag_wants_json(invocation))
        rc = print_json(invocation, &added, &s, err);
    else if (rc >= 0)
        print_text(invocation, &added, &s);
    if (rc >= 0 && added.links_left_out)
        ag_note(invocation, AG_DIR_BROKEN_LINKS, added.links_left_out, added.first_left_out);
    ag_cli_data_close(&data);
    return rc < 0 ? rc : AG_OK;
}

const ag_command ag_command_data_add = {
    .path = "data add",
    .summary = "Add files as a new version of a data set",
    .doc =
        "Stores the files once and compressed, by the hash of what is in them, and gives them a version: v1, v2 and "
        "so on, which never changes. A directory that 'auger prepare' has written is known as such: its holes and "
        "their labels are part of the version. Other directories may hold drilling files, tables and anything else.\n"
        "\n"
        "The same files again are the version that is there. Killed or cancelled at any moment, the same command "
        "goes on with what is stored already. Files whose names begin with a dot are passed over.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
