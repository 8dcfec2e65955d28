// SPDX-License-Identifier: Apache-2.0
/* strategy_resume.c: whether OUTPUT holds the training that --resume is to go on with. Its checkpoints are asked again,
 * exactly, when each training begins; but by then the run of the ledger runs again, and OUTPUT/config.yaml is another:
 * a good run would have failed because of a slip. So what surely makes another training is looked for here, in the
 * configuration that it has left, and in the digests of the data that its checkpoints keep. A key that one of the two
 * versions of Auger does not have is no difference. */
#include "learn/strategy_resume.h"

#include <string.h>

#include "core/base/vec.h"
#include "core/doc/json.h"
#include "core/doc/yaml.h"
#include "core/io/file.h"
#include "core/io/path.h"

enum { MAX_CONFIG = 16 << 20 };

/* What checkpoints are refused for (learn/nn/train_state.c), as far as keys tell it. */
static const char *const decisive[] = {"strategy",
                                       "model_config",
                                       "seed",
                                       "optimizer",
                                       "scheduler.name",
                                       "freeze",
                                       "training_config.batch_size",
                                       "training_config.accumulate",
                                       "training_config.learning_rate",
                                       "training_config.clip_norm",
                                       "training_config.ema_decay",
                                       "training_config.shuffle",
                                       "training_config.drop_last"};

typedef struct difference {
    char key[200];
    const ag_value *then, *now;
} difference;

static const ag_value *member_of(const ag_value *object, ag_str name)
{
    for (size_t i = 0; i < object->object.count; i++)
        if (ag_str_equal(object->object.members[i].name, name)) return &object->object.members[i].value;
    return NULL;
}

static bool differs(const char *key, const ag_value *then, const ag_value *now, difference *out)
{
    if (!then || !now || ag_value_equal(then, now)) return false;
    ag_format(out->key, sizeof out->key, "%s", key);
    out->then = then;
    out->now = now;
    if (then->kind != AG_OBJECT || now->kind != AG_OBJECT) return true;
    for (size_t i = 0; i < then->object.count; i++) {
        char inner[sizeof out->key];
        const ag_member *member = &then->object.members[i];
        ag_format(inner, sizeof inner, "%s.%.*s", key, AG_STR_ARG(member->name));
        if (differs(inner, &member->value, member_of(now, member->name), out)) return true;
    }
    return false;
}

static int refuse(const ag_strategy_task *task, const difference *d, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, 1 << 16);
    ag_json json = ag_json_writer(&text, 0, AG_JSON_NONFINITE_WORDS);
    ag_buf_addf(&text, "it has %s ", d->key);
    ag_json_value(&json, d->then);
    ag_buf_add_text(&text, ", this one ");
    json = ag_json_writer(&text, 0, AG_JSON_NONFINITE_WORDS);
    ag_json_value(&json, d->now);
    ag_fail(err, AG_EINVAL, "the checkpoints in '%s' belong to another training: %.200s", task->output_dir,
            text.data ? text.data : d->key);
    ag_buf_deinit(&text);
    ag_err_hint(err, "%s", AG_TRAIN_ANOTHER_HINT);
    return ag_settings_place(task->settings, d->key, err);
}

/* Simulated holes are data, too, and the configuration's: what of it differs is told beside. */
static int refuse_data(const ag_strategy_task *task, const ag_value *then, const char *digest, ag_err *err)
{
    difference found;
    const bool keys =
        differs("data_config", ag_value_get(then, "data_config"), ag_value_get(task->effective, "data_config"), &found);
    ag_fail(err, AG_EINVAL,
            "the checkpoints in '%s' were made of other data than '%s' holds now (digest %.12s, now %.12s%s%s)",
            task->output_dir, task->data_dir, digest, task->data_digest, keys ? "; another " : "",
            keys ? found.key : "");
    return ag_err_hint(err, "%s", AG_TRAIN_ANOTHER_HINT);
}

/* Only when no training that lies there was of these data: one may be left over from before, and not be taken up. */
static int check_data(const ag_strategy_task *task, const char *directory, const ag_vec *names, const ag_value *then,
                      ag_err *err)
{
    const char *another = NULL;
    for (size_t i = 0; i < names->count && *task->data_digest; i++) {
        const char *path = ag_path_join(task->arena, directory, *(const char *const *)ag_vec_at(names, i));
        const char *digest = path ? ag_train_data_of(path, task->arena) : NULL;
        if (digest && strcmp(digest, task->data_digest) == 0) return 0;
        if (digest && !another) another = digest;
    }
    return another ? refuse_data(task, then, another, err) : 0;
}

static int check_keys(const ag_strategy_task *task, const ag_value *then, ag_err *err)
{
    difference found;
    for (size_t i = 0; i < sizeof decisive / sizeof *decisive; i++)
        if (differs(decisive[i], ag_value_at(then, decisive[i]), ag_value_at(task->effective, decisive[i]), &found))
            return refuse(task, &found, err);
    return 0;
}

/* The configuration that the training there has left; NULL: none that can be read, and its checkpoints will tell. */
static int read_config(const ag_strategy_task *task, const ag_value **out, ag_err *err)
{
    ag_buf text;
    const char *path = ag_path_join(task->arena, task->output_dir, "config.yaml");
    if (!path) return ag_fail_memory(err, 64);
    ag_buf_init(&text, MAX_CONFIG);
    const ag_yaml_options options = {.file = path, .max_bytes = MAX_CONFIG};
    if (ag_file_read(path, MAX_CONFIG, &text, NULL) >= 0)
        (void)ag_yaml_parse(task->arena, ag_buf_str(&text), &options, out, NULL);
    ag_buf_deinit(&text);
    return 0;
}

int ag_strategy_check_resumed(const ag_strategy *strategy, const ag_strategy_task *task, ag_err *err)
{
    ag_vec names;
    const ag_value *then = NULL;
    if (!task->resume || strategy->own_loop) return 0;
    const char *directory = ag_path_join(task->arena, task->output_dir, "checkpoints");
    if (!directory) return ag_fail_memory(err, 64);
    ag_vec_init(&names, sizeof(const char *));
    int rc = 0;
    if (ag_dir_list(directory, task->arena, &names, NULL) >= 0 && names.count) {
        rc = read_config(task, &then, err);
        if (rc >= 0 && then) rc = check_keys(task, then, err);
        if (rc >= 0) rc = check_data(task, directory, &names, then, err);
    }
    ag_vec_deinit(&names);
    return rc;
}
