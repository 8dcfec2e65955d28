// SPDX-License-Identifier: Apache-2.0
/* queue.c: the value of a look. The need of a hole is what may be wrong about its label, from 0 to about 2; a group
 * (same program and machine) without any look multiplies it, because what is learned there holds for all of it; each
 * look into the group lowers that. */
#include "data/label/queue.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/map.h"

static const double differ_mm = 0.25, far_mm = 1.0, rejected_part = 0.4;
enum { FEW = 5 };

typedef struct group {
    size_t holes, seen;
} group;

static bool counts(const ag_labelled *item)
{
    bool copy = item->hole->duplicate_of && *item->hole->duplicate_of;
    return !copy && item->hole->rows > 0;
}

static group *group_of(ag_map *groups, ag_arena *arena, const ag_prepared *hole, ag_err *err)
{
    const char *key =
        ag_arena_printf(arena, "%s\n%s", hole->program ? hole->program : "", hole->machine ? hole->machine : "");
    group *found = key ? ag_map_get(groups, ag_str_of(key)) : NULL;
    if (found) return found;
    found = key ? ag_arena_alloc(arena, sizeof(*found)) : NULL;
    if (!found) ag_fail_memory(err, sizeof(*found));
    return found && ag_map_put(groups, ag_str_of(key), found, NULL, err) == AG_OK ? found : NULL;
}

typedef struct words {
    ag_arena *arena;
    const char *text;
} words;

static void say(words *w, const char *text)
{
    if (w->text && text) w->text = *w->text ? ag_arena_printf(w->arena, "%s; %s", w->text, text) : text;
}

/* The largest distance of depths that both have; INFINITY when one is found and the other is not. */
static double distance(const ag_label_event *a, const ag_label_event *b)
{
    double most = a->outcome == b->outcome && a->transition_count == b->transition_count ? 0 : (double)INFINITY;
    const double pairs[][2] = {{a->entry, b->entry}, {a->exit, b->exit}};
    for (size_t i = 0; i < 2; i++)
        if (!isnan(pairs[i][0]) && !isnan(pairs[i][1])) most = fmax(most, fabs(pairs[i][0] - pairs[i][1]));
    for (size_t i = 0; isfinite(most) && i < a->transition_count; i++)
        most = fmax(most, fabs(a->transition[i] - b->transition[i]));
    return most;
}

static const char *distance_text(ag_arena *arena, const char *who, const char *other, double mm)
{
    return isfinite(mm) ? ag_arena_printf(arena, "%s and %s differ by %.2f mm", who, other, mm)
                        : ag_arena_printf(arena, "%s and %s do not see the same events", who, other);
}

/* Seen already: only where people contradict each other, or one of them the labellers. */
static double need_of_seen(const ag_labelled *item, words *w)
{
    const ag_label_event *last = item->present;
    double most = 0, automatic;
    const char *other = NULL;
    bool alone = true;
    for (size_t i = 0; i < item->expert_count; i++) {
        const ag_label_event *event = item->experts[i];
        if (strcmp(event->author, last->author) == 0 || ag_labelled_of(item, event->author) != event) continue;
        alone = false;
        if (distance(event, last) > most) {
            most = distance(event, last);
            other = event->author;
        }
    }
    if (most > differ_mm) {
        say(w, distance_text(w->arena, last->author, other, most));
        return fmin(most, 2);
    }
    if (!alone || item->automatic.outcome == AG_LABEL_NONE) return 0;
    automatic = distance(last, &item->automatic);
    if (automatic <= far_mm) return 0;
    say(w, distance_text(w->arena, last->author, "the automatic label", automatic));
    return 0.25 * fmin(automatic, 2);
}

static double number_of(const char *text)
{
    double value;
    return text && ag_str_to_double(ag_str_of(text), &value) ? value : (double)NAN;
}

static void say_why_uncertain(const ag_prepared *hole, double confidence, words *w)
{
    double clarity = number_of(hole->clarity), quality = number_of(hole->signal_quality);
    double consistency = number_of(hole->consistency);
    const char *factor = "torque and thrust change unclearly";
    if (quality < clarity && quality <= consistency) factor = "the samples are poor";
    if (consistency < clarity && consistency < quality) factor = "it is unlike its program's other holes";
    say(w, ag_arena_printf(w->arena, "confidence %.2f: %s", confidence, factor));
}

static double need_of_unseen(const ag_labelled *item, words *w)
{
    const ag_prepared *hole = item->hole;
    const ag_label_event *label = &item->automatic;
    double need = isnan(label->confidence) ? 1 : 1 - label->confidence;
    double apart = number_of(hole->disagreement_mm);
    bool seized = hole->class_name && strstr(hole->class_name, "seized");
    bool weak = hole->class_name && strstr(hole->class_name, "weak");
    if (label->outcome == AG_LABEL_NONE) {
        say(w, "no labeller can tell where it begins and ends");
        return 1.5;
    }
    if (label->outcome == AG_LABEL_EMPTY) return 0;
    if (need > 0.1) say_why_uncertain(hole, label->confidence, w);
    if (label->outcome == AG_LABEL_NO_EXIT && !seized) {
        say(w, "no exit was found");
        need += 0.5;
    }
    if (apart > far_mm) {
        say(w, ag_arena_printf(w->arena, "the labellers differ by %.2f mm", apart));
        need += 0.25 * fmin(apart, 2);
    }
    if (weak) {
        say(w, "torque is hardly above air");
        need += 0.2;
    }
    return need < 0.05 ? 0 : need;
}

static int weigh(const ag_labelled *item, const group *kin, ag_arena *arena, ag_queue_item *out, ag_err *err)
{
    words w = {arena, ""};
    bool seen = ag_labelled_by_expert(item);
    size_t unseen = kin->holes - kin->seen;
    *out = (ag_queue_item){.hole = item, .influence = 1};
    out->need = seen ? need_of_seen(item, &w) : need_of_unseen(item, &w);
    if (!seen && out->need > 0) {
        out->influence = 1 + 0.25 * log2((double)unseen) / (1 + (double)kin->seen);
        if (unseen > 1 && kin->seen == 0)
            say(&w, ag_arena_printf(arena, "speaks for %zu holes that nobody has looked at", unseen));
        if (kin->holes < FEW) {
            out->rarity = 0.1;
            say(&w, ag_arena_printf(arena, "rare: %zu of its program and machine", kin->holes));
        }
    }
    out->value = out->need * out->influence + out->rarity;
    if (out->value > 0 && item->hole->status != AG_PREPARED_SUCCESS) {
        out->value *= rejected_part;
        say(&w, "rejected, so of less use");
    }
    out->why = w.text;
    return w.text ? AG_OK : ag_fail_memory(err, 256);
}

static int by_value(const void *a, const void *b)
{
    const ag_queue_item *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? 1 : -1;
    return strcmp(x->hole->hole->path, y->hole->hole->path);
}

static int fill(const ag_labelled_set *set, ag_map *groups, ag_arena *arena, ag_queue *out, ag_err *err)
{
    size_t count = set->prepared.count;
    group **kin = ag_arena_array(arena, count + 1, sizeof(*kin));
    out->items = ag_arena_array(arena, count + 1, sizeof(*out->items));
    if (!kin || !out->items) return ag_fail_memory(err, count * sizeof(*out->items));
    for (size_t i = 0; i < count; i++) {
        const ag_labelled *item = &set->items[i];
        if (!counts(item)) continue;
        if (!(kin[i] = group_of(groups, arena, item->hole, err))) return AG_ENOMEM;
        kin[i]->holes++;
        kin[i]->seen += ag_labelled_by_expert(item);
        out->seen += ag_labelled_by_expert(item);
        out->labelled += item->present->outcome != AG_LABEL_NONE;
    }
    for (size_t i = 0; i < count; i++) {
        if (!kin[i]) continue;
        int rc = weigh(&set->items[i], kin[i], arena, &out->items[out->count], err);
        if (rc < 0) return rc;
        out->count += out->items[out->count].value > 0;
    }
    if (out->count > 1) qsort(out->items, out->count, sizeof(*out->items), by_value);
    return AG_OK;
}

int ag_queue_make(const ag_labelled_set *set, ag_arena *arena, ag_queue *out, ag_err *err)
{
    ag_map *groups = ag_map_new();
    ag_queue queue = {0};
    int rc = groups ? fill(set, groups, arena, &queue, err) : ag_fail_memory(err, 64);
    ag_map_free(groups);
    if (rc == AG_OK) *out = queue;
    return rc;
}
