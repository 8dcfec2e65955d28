// SPDX-License-Identifier: Apache-2.0
/* strategy_swap.c: see strategy_swap.h. Works on the tree, before any table reads it: members are left out of copies of
 * the mappings along the way, the rest is shared. Only what stands in the file goes (its values have lines): a key that
 * was said on the command line was meant for this training. A key that no architecture and no strategy knows is a
 * typing error and stays, to be refused with its place and the nearest right one. */
#include "learn/strategy_swap.h"

#include <string.h>

#include "core/base/vec.h"
#include "learn/nn/models/patchtsmixer.h"
#include "learn/strategy_tools.h"

#define MODEL "model_config"

typedef struct swapping {
    const ag_strategy *strategy;
    const ag_settings *settings;
    ag_arena *arena;
    const ag_architecture *architecture; /* that will be trained; NULL: model_config is not looked at */
    ag_buf told;                         /* "a, b.c" */
    bool out_of_memory;                  /* while a value was tried */
} swapping;

/* ---- trees ---- */

/* All of it stands in the file. */
static bool of_file(const ag_value *value)
{
    if (!value->line || value->line == AG_LINE_SET) return false;
    for (size_t i = 0; value->kind == AG_ARRAY && i < value->array.count; i++)
        if (!of_file(&value->array.items[i])) return false;
    for (size_t i = 0; value->kind == AG_OBJECT && i < value->object.count; i++)
        if (!of_file(&value->object.members[i].value)) return false;
    return true;
}

static bool set_aside(swapping *s, const char *section, ag_str name)
{
    ag_buf_addf(&s->told, "%s%s%s%.*s", s->told.size ? ", " : "", section, *section ? "." : "",
                AG_STR_ARG(ag_str_slice(name, 0, 60)));
    return true;
}

/* A copy of `from` (an object) whose members stand in `members`. */
static int object_of(const swapping *s, const ag_value *from, const ag_vec *members, ag_value *out, ag_err *err)
{
    ag_member *items = ag_arena_array(s->arena, members->count + 1, sizeof *items);
    if (!items) return ag_fail_memory(err, members->count * sizeof *items);
    if (members->count) memcpy(items, members->items, members->count * sizeof *items);
    *out = (ag_value){.kind = AG_OBJECT, .line = from->line, .column = from->column};
    out->object.members = items;
    out->object.count = members->count;
    return 0;
}

/* Members of `section` for which goes() is false. */
static int sift(swapping *s, ag_value *section, bool (*goes)(swapping *s, const ag_member *member), ag_err *err)
{
    ag_vec kept;
    int rc = 0;
    ag_vec_init(&kept, sizeof(ag_member));
    for (size_t i = 0; i < section->object.count && rc >= 0; i++)
        if (!goes(s, &section->object.members[i])) rc = ag_vec_push(&kept, &section->object.members[i], err);
    if (rc >= 0 && s->out_of_memory) rc = ag_fail_memory(err, 1);
    ag_value all = *section;
    if (rc >= 0) rc = object_of(s, &all, &kept, section, err);
    ag_vec_deinit(&kept);
    return rc;
}

/* ---- model_config ---- */

static const ag_architecture *architecture_of(const ag_value *model)
{
    ag_str name;
    size_t count;
    const ag_architecture *const *all = ag_architecture_all(&count);
    if (!ag_value_string(ag_value_get(model, "architecture"), &name)) return NULL;
    for (size_t i = 0; i < count; i++)
        if (ag_str_equal_nocase(name, ag_str_of(all[i]->name))) return all[i];
    return NULL;
}

static bool knows(const ag_description *description, ag_str key)
{
    for (size_t i = 0; i < description->count; i++) {
        const ag_field *field = &description->fields[i];
        if (ag_str_is(key, field->name) || (field->alias && ag_str_is(key, field->alias))) return true;
    }
    return false;
}

/* It knows the key and takes the value. */
static bool accepts(swapping *s, const ag_description *description, const ag_member *member)
{
    ag_err ignored = {0};
    ag_value alone = {.kind = AG_OBJECT};
    alone.object.members = member;
    alone.object.count = 1;
    if (!knows(description, member->name)) return false;
    void *scratch = ag_arena_alloc(s->arena, description->size);
    int rc = scratch ? ag_describe_read(description, s->arena, &alone, NULL, scratch, &ignored) : AG_ENOMEM;
    s->out_of_memory |= rc == AG_ENOMEM;
    return rc >= 0;
}

static bool model_key_goes(swapping *s, const ag_member *member)
{
    size_t count;
    const ag_architecture *const *all = ag_architecture_all(&count);
    if (ag_str_is(member->name, "architecture")) return false;
    if (!of_file(&member->value) || accepts(s, s->architecture->configuration, member)) return false;
    for (size_t i = 0; i < count; i++)
        if (accepts(s, all[i]->configuration, member)) return set_aside(s, MODEL, member->name);
    return false;
}

/* It trains one architecture only. */
static bool is_settled(const swapping *s)
{
    return s->strategy->architecture && !s->strategy->any_architecture;
}

/* The strategy's own architecture instead of the file's, or of none. */
static int name_architecture(swapping *s, ag_value *model, ag_err *err)
{
    ag_vec members;
    const ag_value *said = ag_value_get(model, "architecture");
    const ag_architecture *old = architecture_of(model), *own = s->architecture;
    ag_member name = {.name = AG_STR("architecture"), .value = {.kind = AG_STRING, .string = ag_str_of(own->name)}};
    if (old == own || !is_settled(s) || (said && !of_file(said))) return 0;
    ag_vec_init(&members, sizeof(ag_member));
    int rc = ag_vec_push(&members, &name, err);
    for (size_t i = 0; i < model->object.count && rc >= 0; i++)
        if (!ag_str_equal(model->object.members[i].name, name.name))
            rc = ag_vec_push(&members, &model->object.members[i], err);
    ag_value all = *model;
    if (rc >= 0) rc = object_of(s, &all, &members, model, err);
    ag_vec_deinit(&members);
    if (rc < 0 || !said) return rc;
    (void)set_aside(s, MODEL, AG_STR("architecture"));
    ag_buf_addf(&s->told, " (%s, now %s)", old->name, own->name);
    return 0;
}

static int swap_model(swapping *s, ag_value *model, ag_err *err)
{
    const char *own = s->strategy->architecture;
    if (!own || model->kind != AG_OBJECT) return 0;
    const ag_architecture *said = architecture_of(model);
    if (!said && ag_value_get(model, "architecture")) return 0; /* refused by name where it is read */
    s->architecture = said && (s->strategy->any_architecture || !of_file(ag_value_get(model, "architecture")))
                          ? said
                          : ag_architecture_find(own);
    if (!s->architecture) return 0;
    int rc = name_architecture(s, model, err);
    return rc < 0 ? rc : sift(s, model, model_key_goes, err);
}

/* ---- data_config ---- */

static bool data_key_goes(swapping *s, const ag_member *member)
{
    size_t count;
    const ag_strategy *const *all = ag_strategy_all(&count);
    if (!of_file(&member->value) || knows(s->strategy->data, member->name)) return false;
    for (size_t i = 0; i < count; i++)
        if (knows(all[i]->data, member->name)) return set_aside(s, "data_config", member->name);
    return false;
}

/* ---- sections ---- */

static bool takes(const swapping *s, ag_strategy_takes what)
{
    return s->strategy->takes & (unsigned)what;
}

static bool training_key_goes(swapping *s, const ag_member *member)
{
    bool folds = ag_str_is(member->name, "cross_validation"), split = ag_str_is(member->name, "validation_split");
    if (!of_file(&member->value)) return false;
    if ((folds && !takes(s, AG_TAKES_FOLDS)) || (split && !takes(s, AG_TAKES_SPLIT)))
        return set_aside(s, "training_config", member->name);
    return false;
}

/* Several architectures are for a strategy that takes any. */
static bool ensemble_key_goes(swapping *s, const ag_member *member)
{
    ag_str voting = {0};
    (void)ag_value_string(&member->value, &voting);
    if (!is_settled(s) || !of_file(&member->value)) return false;
    if (ag_str_is(member->name, "members") || (ag_str_is(member->name, "voting") && ag_str_is(voting, "stacked")))
        return set_aside(s, "ensemble", member->name);
    return false;
}

/* Simulated holes teach any architecture; what else there is to learn before, a mixer. */
static bool pretrains(const swapping *s, const ag_value *pretrain)
{
    ag_str method = {0};
    const ag_value *said = ag_value_get(pretrain, "method");
    if (said) (void)ag_value_string(said, &method);
    return takes(s, AG_TAKES_PRETRAIN) &&
           (!is_settled(s) || s->architecture == &ag_architecture_patchtsmixer || ag_str_is(method, "simulated"));
}

static bool section_goes(swapping *s, const ag_member *member)
{
    if (!of_file(&member->value)) return false;
    if (ag_str_is(member->name, "pretrain") && !pretrains(s, &member->value)) return set_aside(s, "", member->name);
    if (ag_str_is(member->name, "ensemble") && !takes(s, AG_TAKES_ENSEMBLE)) return set_aside(s, "", member->name);
    return false;
}

static int swap_section(swapping *s, ag_member *member, ag_err *err)
{
    ag_value *value = &member->value;
    bool free_keys = !s->strategy->data->count; /* a plug-in's: only it knows them */
    if (value->kind != AG_OBJECT) return 0;
    if (ag_str_is(member->name, MODEL)) return swap_model(s, value, err);
    if (ag_str_is(member->name, "data_config")) return free_keys ? 0 : sift(s, value, data_key_goes, err);
    if (ag_str_is(member->name, "training_config")) return sift(s, value, training_key_goes, err);
    if (ag_str_is(member->name, "ensemble")) return sift(s, value, ensemble_key_goes, err);
    return 0;
}

static int swap_tree(swapping *s, ag_value *root, ag_err *err)
{
    ag_vec members;
    int rc = 0;
    ag_vec_init(&members, sizeof(ag_member));
    for (size_t i = 0; i < root->object.count && rc >= 0; i++) {
        ag_member member = root->object.members[i];
        rc = swap_section(s, &member, err);
        if (rc >= 0) rc = ag_vec_push(&members, &member, err);
    }
    ag_value all = *root;
    if (rc >= 0) rc = object_of(s, &all, &members, root, err);
    ag_vec_deinit(&members);
    return rc < 0 ? rc : sift(s, root, section_goes, err); /* last: it asks for the architecture */
}

int ag_strategy_swap(const ag_strategy *strategy, const ag_settings *settings, ag_arena *arena, const ag_settings **out,
                     const char **remark, ag_err *err)
{
    swapping s = {.strategy = strategy, .settings = settings, .arena = arena};
    *remark = NULL;
    if (!settings->strategy_named || settings->root->kind != AG_OBJECT) return *out = settings, 0;
    ag_value *root = ag_arena_alloc(arena, sizeof *root);
    ag_settings *changed = ag_arena_alloc(arena, sizeof *changed);
    if (!root || !changed) return ag_fail_memory(err, sizeof *changed);
    *root = *settings->root;
    ag_buf_init(&s.told, 1 << 16);
    s.architecture = strategy->architecture ? ag_architecture_find(strategy->architecture) : NULL;
    int rc = swap_tree(&s, root, err);
    if (rc >= 0) rc = ag_buf_check(&s.told, "what was set aside", err);
    if (rc >= 0) rc = ag_settings_again(settings, root, arena, changed, err);
    if (rc >= 0 && s.told.size &&
        !(*remark = ag_arena_printf(arena, "of %s, strategy %s sets aside what is another's: %.*s",
                                    settings->file ? settings->file : "the configuration", settings->strategy,
                                    (int)s.told.size, s.told.data)))
        rc = ag_fail_memory(err, s.told.size);
    ag_buf_deinit(&s.told);
    if (rc >= 0) *out = changed;
    return rc;
}

int ag_strategy_settle(const ag_strategy *strategy, ag_strategy_task *task, ag_err *err)
{
    const char *remark = NULL;
    const ag_settings *settings = task->settings;
    if (settings->empty)
        ag_strategy_remark(task, "%s says nothing: every key that was not set beside it has its default (strategy %s)",
                           settings->file, settings->strategy);
    int rc = ag_strategy_swap(strategy, settings, task->arena, &task->settings, &remark, err);
    if (rc >= 0 && remark) ag_strategy_remark(task, "%s", remark);
    return rc;
}
