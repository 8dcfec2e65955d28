// SPDX-License-Identifier: Apache-2.0
/* window.c: from records to batches. Order is kept within a run, and between everything and a record that is not a log;
 * logs of different runs may pass each other, so that many runs at once still make full batches.
 * A parameter that stands in a batch already is left out with the same value and ends the batch with another one, since
 * servers refuse a batch that names a key twice; of a tag the last value of a batch is sent. */
#include "ledger/client/window.h"

#include "core/base/mem.h"

/* MLflow refuses requests of more than a million bytes; names and quotes of JSON come on top. */
enum { BATCH_BYTES = 500000, METRIC_BYTES = 100 };

int ag_spool_window_init(ag_spool_window *window, ag_err *err)
{
    *window = (ag_spool_window){.arena = ag_arena_new(0)};
    ag_vec_init(&window->runs, sizeof(ag_spool_window_run *));
    return window->arena ? AG_OK : ag_fail_memory(err, sizeof(*window));
}

static void clear(ag_spool_window *window)
{
    for (size_t i = 0; i < window->runs.count; i++)
        ag_vec_deinit(&(*(ag_spool_window_run **)ag_vec_at(&window->runs, i))->items);
    ag_vec_clear(&window->runs);
    ag_map_free(window->by_run);
    if (window->arena) ag_arena_reset(window->arena);
    *window = (ag_spool_window){.arena = window->arena, .runs = window->runs};
}

void ag_spool_window_deinit(ag_spool_window *window)
{
    clear(window);
    ag_vec_deinit(&window->runs);
    ag_arena_free(window->arena);
    window->arena = NULL;
}

static int run_of(ag_spool_window *window, ag_str id, ag_spool_window_run **out, ag_err *err)
{
    if ((*out = ag_map_get(window->by_run, id))) return AG_OK;
    ag_spool_window_run *run = ag_arena_alloc(window->arena, sizeof(*run));
    if (!run) return ag_fail_memory(err, sizeof(*run));
    run->run = id;
    run->limit = SIZE_MAX;
    ag_vec_init(&run->items, sizeof(ag_log_item));
    int rc = ag_vec_push(&window->runs, &run, err);
    if (rc >= 0) rc = ag_map_put(window->by_run, id, run, NULL, err);
    *out = run;
    return rc;
}

static int add_pairs(ag_spool_window_run *run, ag_log_item_kind kind, ag_pairs pairs, ag_err *err)
{
    for (size_t i = 0; i < pairs.count; i++) {
        ag_log_item item = {.kind = kind, .pair = pairs.items[i]};
        int rc = ag_vec_push(&run->items, &item, err);
        if (rc < 0) return rc;
    }
    return AG_OK;
}

static int add_log(ag_spool_window *window, const ag_entry *record, ag_err *err)
{
    ag_spool_window_run *run;
    const ag_run_batch *log = &record->log;
    int rc = run_of(window, record->run, &run, err);
    if (rc >= 0) rc = add_pairs(run, AG_LOG_PARAM, log->params, err);
    if (rc >= 0) rc = add_pairs(run, AG_LOG_TAG, log->tags, err);
    for (size_t i = 0; i < log->metric_count && rc >= 0; i++) {
        ag_log_item item = {.kind = AG_LOG_METRIC, .metric = log->metrics[i]};
        rc = ag_vec_push(&run->items, &item, err);
    }
    window->items += log->metric_count + log->params.count + log->tags.count;
    return rc;
}

/* One record into the window. 1: taken, 0: it belongs to the next window, which ends this one. */
static int add_record(ag_spool_window *window, ag_spool_place at, size_t size, ag_err *err)
{
    ag_entry record;
    const uint8_t *bytes = at.segment->map + at.offset;
    int rc = ag_entry_read(bytes, size, window->arena, &record, err);
    if (rc < 0 && rc != AG_ECORRUPT) return rc;
    if (rc < 0) {
        window->damaged += size;
        window->damaged_in = at.segment->path;
        return 1;
    }
    if (record.kind == AG_ENTRY_LOG) {
        rc = add_log(window, &record, err);
        return rc < 0 ? rc : 1;
    }
    if (window->records) return 0;
    window->has_other = true;
    window->other = record;
    window->from_other = (ag_spool_place){at.segment, at.offset + size};
    window->again = ag_spool_segment_attempted(at.segment) >= at.offset + size;
    return 1;
}

int ag_spool_window_fill(ag_spool_window *window, ag_spool_place from, ag_spool_place end, ag_err *err)
{
    clear(window);
    window->end = from;
    if (!(window->by_run = ag_map_new())) return ag_fail_memory(err, 1);
    while (window->end.segment && !window->has_other && window->items < AG_SPOOL_WINDOW_ITEMS) {
        ag_spool_place *at = &window->end;
        size_t limit = at->segment == end.segment ? end.offset : at->segment->tail;
        uint64_t damaged = window->damaged;
        size_t size = ag_spool_segment_next(at->segment->map, limit, &at->offset, &window->damaged);
        if (window->damaged != damaged) window->damaged_in = at->segment->path;
        if (size) {
            int rc = add_record(window, *at, size, err);
            if (rc < 0) return rc;
            if (rc == 0) break;
            window->records++;
            at->offset += size;
        } else {
            if (at->segment == end.segment || !at->segment->next) break;
            *at = (ag_spool_place){at->segment->next, ag_spool_segment_delivered(at->segment->next)};
        }
    }
    return window->records || window->damaged ? 1 : 0;
}

/* ---- batches ---- */

static ag_pair *find_key(ag_pair *pairs, size_t count, ag_str key)
{
    for (size_t i = 0; i < count; i++) {
        if (ag_str_equal(pairs[i].key, key)) return &pairs[i];
    }
    return NULL;
}

/* False when the batch must end before this one. */
static bool add_param(ag_spool_batch *room, ag_run_batch *batch, ag_pair pair)
{
    const ag_pair *there = find_key(room->params, batch->params.count, pair.key);
    if (there) return ag_str_equal(there->value, pair.value);
    if (batch->params.count == AG_MAX_BATCH_PARAMS) return false;
    room->params[batch->params.count++] = pair;
    return true;
}

static bool add_tag(ag_spool_batch *room, ag_run_batch *batch, ag_pair pair)
{
    ag_pair *there = find_key(room->tags, batch->tags.count, pair.key);
    if (!there && batch->tags.count == AG_MAX_BATCH_TAGS) return false;
    if (!there) there = &room->tags[batch->tags.count++];
    *there = pair;
    return true;
}

size_t ag_spool_window_batch(const ag_spool_window_run *run, ag_spool_batch *room, ag_run_batch *out)
{
    ag_run_batch batch = {.metrics = room->metrics, .params = {room->params, 0}, .tags = {room->tags, 0}};
    size_t taken = 0, bytes = 0;
    for (size_t i = run->next; i < run->items.count && taken < run->limit && bytes < BATCH_BYTES; i++, taken++) {
        const ag_log_item *item = ag_vec_at(&run->items, i);
        size_t things = batch.metric_count + batch.params.count + batch.tags.count;
        if (things == room->max) break;
        if (item->kind == AG_LOG_METRIC)
            room->metrics[batch.metric_count++] = item->metric;
        else if (!(item->kind == AG_LOG_PARAM ? add_param : add_tag)(room, &batch, item->pair))
            break;
        bytes += item->kind == AG_LOG_METRIC ? METRIC_BYTES : item->pair.key.size + item->pair.value.size;
    }
    *out = batch;
    return taken;
}
