// SPDX-License-Identifier: Apache-2.0
#include "learn/drilling/samples.h"

#include "data/features/holes.h"

enum { CELLS = 512, HOLES = 4 };

typedef struct bench {
    ag_arena *arena;
    ag_drilling_data data;
    ag_view view;
    ag_example_set set;
    size_t chosen[HOLES];
    ag_drilling_samples samples;
} bench;

static void open_bench(bench *b, double cell_mm)
{
    static const char *const regimes[HOLES] = {"cfrp-ti-stroke", "ti-stroke", "seized-event", "cfrp-al-metal"};
    ag_err err = {0};
    b->arena = ag_arena_new(0);
    AG_EXPECT_OK(ag_describe_defaults(&ag_drilling_data_description, b->arena, &b->data, &err));
    b->data.preprocessing.cell_mm = cell_mm;
    AG_EXPECT_OK(ag_view_init(&b->data, CELLS, &b->view, &err));
    b->set = (ag_example_set){.items = ag_arena_array(b->arena, HOLES, sizeof(ag_example)), .count = HOLES};
    for (size_t i = 0; i < HOLES; i++) {
        ag_sim_plan plan;
        ag_hole *hole = simulated_hole(regimes[i], 9, i, 1, b->arena, &plan);
        ag_example *e = &b->set.items[i];
        AG_EXPECT_OK(ag_drilled_make(hole, NULL, b->arena, &e->drilled, &err));
        double first = plan.transition_count ? plan.transition[0] : (double)NAN;
        e->known = (ag_known){.outcome = isnan(plan.exit) ? AG_LABEL_NO_EXIT : AG_LABEL_FOUND,
                              .mm = {plan.entry, first, plan.exit},
                              .weight = 1};
        b->chosen[i] = i;
    }
    AG_EXPECT_OK(
        ag_drilling_samples_init(&b->samples, "holes", &b->view, &b->data, &b->set, b->chosen, HOLES, b->arena, &err));
}

typedef struct filled {
    ag_real *into[AG_SAMPLE_PORTS];
    size_t sizes[AG_SAMPLE_PORTS];
} filled;

static filled fill(const bench *b, const int64_t *index, int64_t count, bool training, uint64_t seed, int64_t epoch)
{
    filled f = {0};
    ag_err err = {0};
    for (int p = 0; p < b->samples.samples.ports_count; p++) {
        f.sizes[p] = (size_t)(count * b->samples.ports[p].size) * sizeof(ag_real);
        f.into[p] = ag_arena_alloc(b->arena, f.sizes[p]);
    }
    ag_batch batch = {
        .index = index, .count = count, .into = f.into, .training = training, .seed = seed, .epoch = epoch};
    AG_EXPECT_OK(b->samples.samples.fill(b->samples.samples.state, &batch, &err));
    return f;
}

/* The centre of a target, in mm; cell 0 left out. */
static double centre(const bench *b, const ag_real *target, int point, double *none)
{
    double sum = 0, mass = 0;
    for (size_t i = 1; i < CELLS; i++) {
        double t = (double)target[i * AG_POINTS + (size_t)point];
        sum += t * b->view.cell_mm * ((double)i + 0.5);
        mass += t;
    }
    *none = (double)target[point];
    assert_true(fabs(mass + *none - 1) < 1e-5);
    return mass > 0 ? sum / mass : (double)NAN;
}

AG_TEST(test_samples__targets_lie_where_the_depths_are)
{
    bench b;
    open_bench(&b, 0.08);
    int64_t index[] = {0, 1, 2, 3};
    filled f = fill(&b, index, HOLES, false, 1, 0);
    for (size_t i = 0; i < HOLES; i++)
        for (int k = 0; k < AG_POINTS; k++) {
            double none, mm = b.set.items[i].known.mm[k];
            double found = centre(&b, f.into[AG_SAMPLE_TARGET] + i * CELLS * AG_POINTS, k, &none);
            if (isnan(mm))
                assert_true(none == 1 && isnan(found)); /* a hole without a transition or exit says so in cell 0 */
            else
                assert_true(none < 1e-5 && fabs(found - mm) < 1e-3);
        }
    ag_arena_free(b.arena);
}

AG_TEST(test_samples__a_point_in_another_window_is_not_here)
{
    bench b;
    open_bench(&b, 0.02); /* 10 mm a window */
    assert_true(b.samples.samples.count > 3 * HOLES && b.samples.multiple);
    for (int64_t i = 0; i < b.samples.samples.count; i++) {
        filled f = fill(&b, &i, 1, false, 1, 0);
        for (int k = 0; k < AG_POINTS; k++) {
            double sum = 0;
            for (size_t c = 0; c < CELLS; c++) sum += (double)f.into[AG_SAMPLE_TARGET][c * AG_POINTS + (size_t)k];
            assert_true(fabs(sum - 1) < 1e-4);
        }
    }
    ag_arena_free(b.arena);
}

AG_TEST(test_samples__are_the_same_for_the_same_seed_epoch_and_number_in_any_order)
{
    bench b;
    open_bench(&b, 0.08);
    int64_t order[] = {0, 1, 2, 3}, other[] = {3, 1};
    filled a = fill(&b, order, 4, true, 7, 2), c = fill(&b, other, 2, true, 7, 2);
    for (int p = 0; p < b.samples.samples.ports_count; p++) {
        size_t size = a.sizes[p] / 4;
        assert_memory_equal((char *)a.into[p] + 3 * size, c.into[p], size);
        assert_memory_equal((char *)a.into[p] + size, (char *)c.into[p] + size, size);
    }
    filled later = fill(&b, order, 4, true, 7, 3), seed = fill(&b, order, 4, true, 8, 2);
    assert_memory_not_equal(a.into[0], later.into[0], a.sizes[0]);
    assert_memory_not_equal(a.into[0], seed.into[0], a.sizes[0]);
    filled plain = fill(&b, order, 4, false, 7, 2), again = fill(&b, order, 4, false, 9, 5);
    assert_memory_equal(plain.into[0], again.into[0], plain.sizes[0]);
    ag_arena_free(b.arena);
}

AG_TEST(test_samples__are_the_same_by_any_number_of_threads)
{
    enum { MANY = 37 };
    bench b;
    ag_err err = {0};
    int64_t order[MANY];
    open_bench(&b, 0.08);
    for (int i = 0; i < MANY; i++) order[i] = i * 7 % HOLES;
    filled alone = fill(&b, order, MANY, true, 7, 2);
    AG_EXPECT_OK(ag_pool_new(4, &b.samples.pool, &err));
    for (int round = 0; round < 5; round++) {
        filled together = fill(&b, order, MANY, true, 7, 2);
        for (int p = 0; p < b.samples.samples.ports_count; p++)
            assert_memory_equal(alone.into[p], together.into[p], alone.sizes[p]);
    }
    ag_pool_free(b.samples.pool);
    ag_arena_free(b.arena);
}

AG_TEST(test_samples__a_label_counts_in_its_share_of_the_epochs)
{
    bench b;
    int64_t index = 0;
    size_t with = 0;
    open_bench(&b, 0.08);
    b.set.items[0].known.weight = 0.25;
    for (int64_t epoch = 0; epoch < 200; epoch++) {
        filled f = fill(&b, &index, 1, true, 1, epoch);
        double sum = 0;
        for (size_t i = 0; i < (size_t)CELLS * AG_POINTS; i++) sum += (double)f.into[AG_SAMPLE_TARGET][i];
        with += sum > 0;
    }
    assert_true(with > 25 && with < 75);
    ag_arena_free(b.arena);
}

AG_TEST(test_augment__depths_follow_the_way)
{
    bench b;
    ag_err err = {0};
    ag_augment_room *room;
    open_bench(&b, 0.08);
    const ag_example *e = &b.set.items[0];
    AG_EXPECT_OK(ag_augment_room_new(e->drilled.track.count, b.arena, &room, &err));
    ag_drilling_augmentation how = {.time_warping = 0.1, .setup_shift = 1};
    for (uint64_t seed = 0; seed < 20; seed++) {
        ag_rng rng = ag_rng_stream(seed, "augment");
        ag_augmented out;
        ag_augment(&how, &e->drilled.track, &e->known, &rng, room, &out);
        assert_int_equal(out.track.count, e->drilled.track.count);
        assert_true(fabs(out.known.mm[0] - e->known.mm[0]) < 6);
        for (size_t i = 1; i < out.track.count; i++) {
            assert_true(out.track.depth[i] > out.track.depth[i - 1]);
            assert_true(out.track.torque[i] == e->drilled.track.torque[i]);
            /* A known depth stays between the same samples. */
            for (int k = 0; k < AG_POINTS; k++)
                if (e->known.mm[k] > e->drilled.track.depth[i - 1] && e->known.mm[k] <= e->drilled.track.depth[i])
                    assert_true(out.known.mm[k] > out.track.depth[i - 1] - 1e-9 &&
                                out.known.mm[k] <= out.track.depth[i] + 1e-9);
        }
    }
    ag_arena_free(b.arena);
}

AG_TEST(test_augment__nothing_asked_changes_nothing)
{
    bench b;
    ag_err err = {0};
    ag_augment_room *room;
    ag_augmented out;
    open_bench(&b, 0.08);
    const ag_track *t = &b.set.items[1].drilled.track;
    ag_rng rng = ag_rng_stream(1, "x");
    AG_EXPECT_OK(ag_augment_room_new(t->count, b.arena, &room, &err));
    ag_augment(&(ag_drilling_augmentation){0}, t, &b.set.items[1].known, &rng, room, &out);
    assert_int_equal(out.track.count, t->count);
    assert_memory_equal(out.track.depth, t->depth, t->count * sizeof(double));
    assert_memory_equal(out.track.torque, t->torque, t->count * sizeof(double));
    assert_true(out.known.mm[0] == b.set.items[1].known.mm[0]);
    ag_arena_free(b.arena);
}

AG_TEST(test_augment__gain_offset_noise_and_lost_samples_do_what_they_say)
{
    bench b;
    ag_err err = {0};
    ag_augment_room *room;
    ag_augmented out;
    open_bench(&b, 0.08);
    const ag_track *t = &b.set.items[0].drilled.track;
    ag_rng rng = ag_rng_stream(3, "x");
    AG_EXPECT_OK(ag_augment_room_new(t->count, b.arena, &room, &err));
    ag_augment(&(ag_drilling_augmentation){.gain = 0.2}, t, &b.set.items[0].known, &rng, room, &out);
    size_t top = 0;
    for (size_t i = 0; i < t->count; i++) top = t->torque[i] > t->torque[top] ? i : top;
    double gain = out.track.torque[top] / t->torque[top];
    assert_true(gain >= 0.8 && gain <= 1.2 && gain != 1);
    ag_augment(&(ag_drilling_augmentation){.edge_shape = 0.2}, t, &b.set.items[0].known, &rng, room, &out);
    assert_true(fabs(out.track.torque[top] - t->peak) < 1e-9 &&
                out.track.torque[t->count / 2] != t->torque[t->count / 2]);
    ag_augment(&(ag_drilling_augmentation){.offset = 0.3}, t, &b.set.items[0].known, &rng, room, &out);
    double offset = out.track.torque[0] - t->torque[0];
    assert_true(fabs(offset) <= 0.3 && fabs(out.track.torque[50] - t->torque[50] - offset) < 1e-9);
    ag_augment(&(ag_drilling_augmentation){.sample_dropout = 0.3}, t, &b.set.items[0].known, &rng, room, &out);
    double lost = 1 - (double)out.track.count / (double)t->count;
    assert_true(lost > 0.1 && lost < 0.5);
    ag_augment(&(ag_drilling_augmentation){.noise_injection = 0.2}, t, &b.set.items[0].known, &rng, room, &out);
    double square = 0;
    for (size_t i = 0; i < t->count; i++)
        square += pow(out.track.torque[i] / (fabs(t->torque[i]) + 1) - t->torque[i] / (fabs(t->torque[i]) + 1), 2);
    double noise = sqrt(square / (double)t->count);
    assert_true(noise > 0 && noise < 0.2);
    ag_arena_free(b.arena);
}
