// SPDX-License-Identifier: Apache-2.0
/* Splits as laws: whatever the rows, nothing that belongs together is parted, every part has its share as well as the
 * groups allow, and the answer depends on ids, keys and the seed alone. */
#include "data/split.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/rng.h"
#include "frame/test.h"

enum { ROWS_MAX = 4000, TEXT = 32 };

typedef struct world {
    size_t count;
    char texts[ROWS_MAX][5][TEXT];
    ag_split_row rows[ROWS_MAX];
} world;

static void point(world *w)
{
    for (size_t i = 0; i < w->count; i++)
        w->rows[i] = (ag_split_row){.id = ag_str_of(w->texts[i][0]),
                                    .group = ag_str_of(w->texts[i][1]),
                                    .twins = {ag_str_of(w->texts[i][2]), ag_str_of(w->texts[i][3])},
                                    .stratum = ag_str_of(w->texts[i][4])};
}

/* Random rows: some alone, some in groups, some with twins in other groups. */
static world *draw_world(uint64_t seed)
{
    world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    ag_rng rng = ag_rng_stream(seed, "world");
    w->count = 40 + ag_rng_below(&rng, ROWS_MAX - 40);
    uint64_t groups = 1 + ag_rng_below(&rng, w->count), strata = 1 + ag_rng_below(&rng, 6);
    uint64_t twins = 5 + ag_rng_below(&rng, 20);
    for (size_t i = 0; i < w->count; i++) {
        snprintf(w->texts[i][0], TEXT, "row-%zu", i);
        if (ag_rng_below(&rng, 4)) snprintf(w->texts[i][1], TEXT, "g%d", (int)ag_rng_below(&rng, groups));
        if (ag_rng_below(&rng, twins) == 0) snprintf(w->texts[i][2], TEXT, "c%d", (int)ag_rng_below(&rng, w->count));
        if (ag_rng_below(&rng, twins) == 0) snprintf(w->texts[i][3], TEXT, "c%d", (int)ag_rng_below(&rng, w->count));
        snprintf(w->texts[i][4], TEXT, "s%d", (int)(ag_rng_below(&rng, strata) * ag_rng_below(&rng, 2)));
    }
    point(w);
    return w;
}

static bool tied(const ag_split_row *a, const ag_split_row *b)
{
    if (a->group.size && ag_str_equal(a->group, b->group)) return true;
    for (size_t i = 0; i < AG_SPLIT_TWINS; i++)
        if (a->twins[i].size && ag_str_equal(a->twins[i], b->twins[i])) return true;
    return false;
}

static int split_of(const world *w, const ag_split_options *options, ag_arena *arena, ag_split *out, ag_err *err)
{
    return ag_split_make(w->rows, w->count, options, arena, out, err);
}

static void check_laws(const world *w, const ag_split_options *options, const ag_split *s, bool equal)
{
    size_t rows[64] = {0}, most = 0, least = SIZE_MAX;
    double all = 0;
    for (size_t p = 0; p < options->parts; p++) all += options->shares[p];
    for (size_t i = 0; i < w->count; i++) {
        assert_true(s->part[i] < options->parts);
        rows[s->part[i]]++;
        for (size_t k = 0; k < i; k++) {
            if (s->group[i] == s->group[k]) assert_int_equal(s->part[i], s->part[k]);
            if (tied(&w->rows[i], &w->rows[k])) assert_int_equal(s->group[i], s->group[k]);
        }
    }
    for (size_t p = 0; p < options->parts; p++) {
        size_t in_cells = 0;
        for (size_t k = 0; k < s->stratum_count; k++) in_cells += s->cells[p * s->stratum_count + k];
        assert_int_equal(rows[p], s->rows[p]);
        assert_int_equal(rows[p], in_cells);
        assert_true(rows[p] > 0);
        assert_true((double)rows[p] <= options->shares[p] / all * (double)w->count + (double)s->largest_group + 1e-6);
        if (rows[p] > most) most = rows[p];
        if (rows[p] < least) least = rows[p];
    }
    if (equal) assert_true(most - least <= s->largest_group);
}

AG_TEST(test_split__laws_hold_for_any_rows)
{
    static const uint32_t ones[24] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    static const uint32_t three[] = {70, 15, 15};
    size_t rounds = ag_test_rounds(12, 400), split = 0;
    for (size_t round = 0; round < rounds; round++) {
        world *w = draw_world(round);
        ag_err err = {0};
        ag_arena *arena = ag_arena_new(0);
        for (int kind = 0; kind < 3; kind++) {
            ag_split_options options = {.seed = round, .shares = ones, .parts = kind == 0 ? 24 : 2 + round % 9};
            if (kind == 2) options = (ag_split_options){round, three, 3};
            ag_split s;
            int rc = split_of(w, &options, arena, &s, &err);
            if (rc < 0) {
                AG_EXPECT_ERROR(rc, AG_EINVAL, "parts need as many groups");
                continue;
            }
            check_laws(w, &options, &s, kind != 2);
            split++;
        }
        ag_arena_free(arena);
        free(w);
    }
    assert_true(split > rounds);
}

AG_TEST(test_split__order_of_rows_does_not_matter)
{
    static const uint32_t shares[] = {1, 1, 1, 1, 1, 1, 1};
    ag_err err = {0};
    for (uint64_t round = 0; round < ag_test_rounds(5, 100); round++) {
        world *w = draw_world(round + 1000);
        ag_arena *arena = ag_arena_new(0);
        ag_split_options options = {.seed = 5, .shares = shares, .parts = 7};
        ag_split first, second;
        if (split_of(w, &options, arena, &first, &err) >= 0) {
            ag_rng rng = ag_rng_stream(round, "order");
            ag_split_row *mixed = ag_arena_array(arena, w->count, sizeof(*mixed));
            size_t *from = ag_arena_array(arena, w->count, sizeof(*from));
            for (size_t i = 0; i < w->count; i++) from[i] = i;
            ag_rng_shuffle(&rng, from, w->count, sizeof(*from));
            for (size_t i = 0; i < w->count; i++) mixed[i] = w->rows[from[i]];
            AG_EXPECT_OK(ag_split_make(mixed, w->count, &options, arena, &second, &err));
            for (size_t i = 0; i < w->count; i++) {
                assert_int_equal(second.part[i], first.part[from[i]]);
                assert_int_equal(second.group[i], first.group[from[i]]);
            }
            assert_memory_equal(first.cells, second.cells, 7 * first.stratum_count * sizeof(*first.cells));
        }
        ag_arena_free(arena);
        free(w);
    }
}

AG_TEST(test_split__seed_decides)
{
    static const uint32_t shares[] = {1, 1, 1, 1, 1};
    ag_err err = {0};
    world *w = draw_world(3);
    ag_arena *arena = ag_arena_new(0);
    for (size_t i = 0; i < w->count; i++) memset(&w->rows[i].group, 0, sizeof(ag_str));
    ag_split a, b, c;
    AG_EXPECT_OK(split_of(w, &(ag_split_options){1, shares, 5}, arena, &a, &err));
    AG_EXPECT_OK(split_of(w, &(ag_split_options){1, shares, 5}, arena, &b, &err));
    AG_EXPECT_OK(split_of(w, &(ag_split_options){2, shares, 5}, arena, &c, &err));
    assert_memory_equal(a.part, b.part, w->count * sizeof(*a.part));
    assert_memory_not_equal(a.part, c.part, w->count * sizeof(*a.part));
    ag_arena_free(arena);
    free(w);
}

/* Where every row is alone, each fold gets its share of every stratum to the row. */
AG_TEST(test_split__strata_are_even_when_groups_allow)
{
    static const uint32_t shares[] = {1, 1, 1, 1};
    ag_err err = {0};
    world *w = calloc(1, sizeof(*w));
    ag_arena *arena = ag_arena_new(0);
    w->count = 1000;
    for (size_t i = 0; i < w->count; i++) {
        snprintf(w->texts[i][0], TEXT, "%zu", i);
        snprintf(w->texts[i][4], TEXT, "%s", i % 10 == 0 ? "rare" : i % 2 ? "odd" : "even");
    }
    point(w);
    ag_split s;
    AG_EXPECT_OK(split_of(w, &(ag_split_options){9, shares, 4}, arena, &s, &err));
    assert_int_equal(s.stratum_count, 3);
    assert_int_equal(s.group_count, 1000);
    for (size_t p = 0; p < 4; p++) {
        assert_int_equal(s.rows[p], 250);
        assert_int_equal(s.cells[p * 3], 100);
        assert_int_equal(s.cells[p * 3 + 1], 125);
        assert_int_equal(s.cells[p * 3 + 2], 25);
    }
    assert_true(s.size_error < 1e-12 && s.stratum_error < 1e-12);
    ag_arena_free(arena);
    free(w);
}

/* The numbers themselves, so that a change of machine, compiler or code that alters recorded splits is seen. */
AG_TEST(test_split__known_answer)
{
    static const char known[] = "111000222001112221102020";
    static const uint32_t shares[] = {1, 1, 1};
    char ids[24][12], groups[24][12], got[25] = "";
    ag_split_row rows[24];
    ag_err err = {0};
    ag_split s;
    ag_arena *arena = ag_arena_new(0);
    for (int i = 0; i < 24; i++) {
        snprintf(ids[i], sizeof(ids[i]), "%d", i);
        snprintf(groups[i], sizeof(groups[i]), "%d", i < 6 ? i / 3 : i);
        rows[i] = (ag_split_row){
            .id = ag_str_of(ids[i]), .group = ag_str_of(groups[i]), .stratum = i % 3 ? AG_STR("a") : AG_STR("b")};
    }
    AG_EXPECT_OK(ag_split_make(rows, 24, &(ag_split_options){42, shares, 3}, arena, &s, &err));
    for (int i = 0; i < 24; i++) got[i] = (char)('0' + s.part[i]);
    assert_string_equal(got, known);
    ag_arena_free(arena);
}

AG_TEST(test_split__refuses_what_cannot_be)
{
    static const uint32_t shares[] = {1, 1, 0};
    static uint32_t many[AG_SPLIT_PARTS_MAX + 1];
    ag_err err = {0};
    ag_split s;
    ag_arena *arena = ag_arena_new(0);
    ag_split_row rows[] = {{.id = AG_STR("a"), .group = AG_STR("g")}, {.id = AG_STR("b"), .group = AG_STR("g")}};
    ag_split_row twice[] = {{.id = AG_STR("a")}, {.id = AG_STR("a")}};
    AG_EXPECT_ERROR(ag_split_make(rows, 2, &(ag_split_options){0, shares, 2}, arena, &s, &err), AG_EINVAL,
                    "2 rows make only 1");
    AG_EXPECT_ERROR(ag_split_make(rows, 0, &(ag_split_options){0, shares, 2}, arena, &s, &err), AG_EINVAL,
                    "make only 0");
    AG_EXPECT_ERROR(ag_split_make(twice, 2, &(ag_split_options){0, shares, 2}, arena, &s, &err), AG_EINVAL,
                    "called 'a'");
    AG_EXPECT_ERROR(ag_split_make(rows, 2, &(ag_split_options){0, shares, 3}, arena, &s, &err), AG_EINVAL, "no share");
    AG_EXPECT_ERROR(ag_split_make(rows, 2, &(ag_split_options){0, shares, 1}, arena, &s, &err), AG_EINVAL, "not 1");
    AG_EXPECT_ERROR(ag_split_make(rows, 2, &(ag_split_options){0, many, AG_SPLIT_PARTS_MAX + 1}, arena, &s, &err),
                    AG_EINVAL, "not 1001");
    ag_arena_free(arena);
}

typedef struct failing {
    world *w;
} failing;

static int split_once(void *context, ag_err *err)
{
    static const uint32_t shares[] = {3, 1};
    const failing *f = context;
    ag_split s;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    int rc = split_of(f->w, &(ag_split_options){0, shares, 2}, arena, &s, err);
    ag_arena_free(arena);
    return rc;
}

AG_TEST(test_split__survives_failing_allocations)
{
    failing f = {draw_world(77)};
    ag_test_fail_at_n(AG_FAULT_ALLOC, split_once, NULL, &f);
    free(f.w);
}
