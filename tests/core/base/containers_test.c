// SPDX-License-Identifier: Apache-2.0
/* The structures that hold things: mem, arena, buf, vec, map. */
#include "frame/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/base/vec.h"

AG_TEST(test_mem__overflow_is_refused_and_zero_is_memory)
{
    assert_null(ag_alloc_array(SIZE_MAX / 2, 3));
    assert_null(ag_calloc(SIZE_MAX / 2, 3));
    assert_null(ag_realloc_array(NULL, SIZE_MAX / 2, 3));
    void *p = ag_alloc(0), *q = ag_calloc(0, 8), *r = ag_realloc_array(NULL, 0, 8);
    assert_true(p && q && r);
    ag_free(p), ag_free(q), ag_free(r), ag_free(NULL);
    void *aligned = ag_alloc_aligned(64, 100);
    assert_int_equal((uintptr_t)aligned % 64, 0);
    ag_free(aligned);
    assert_null(ag_strdup(NULL));
    char *copy = ag_strndup("abc", 2);
    assert_string_equal(copy, "ab");
    ag_wipe(copy, 2);
    assert_int_equal(copy[0] | copy[1], 0);
    ag_free(copy);
}

AG_TEST(test_arena__pieces_are_zeroed_aligned_and_apart)
{
    ag_arena *arena = ag_arena_new(0);
    unsigned char *pieces[600];
    for (size_t i = 0; i < 600; i++) {
        size_t size = 1 + i * 7 % 900;
        pieces[i] = ag_arena_alloc(arena, size);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        for (size_t j = 0; j < size; j++) assert_int_equal(pieces[i][j], 0);
        memset(pieces[i], (int)(i % 251), size);
    }
    for (size_t i = 0; i < 600; i++) {
        for (size_t j = 0; j < 1 + i * 7 % 900; j++) assert_int_equal(pieces[i][j], i % 251);
    }
    ag_arena_reset(arena);
    assert_int_equal(ag_arena_used(arena), 0);
    assert_int_equal((uintptr_t)ag_arena_aligned(arena, 64, 10) % 64, 0);
    assert_string_equal(ag_arena_printf(arena, "%s-%d", "a", 7), "a-7");
    assert_string_equal(ag_arena_strndup(arena, "abc", 2), "ab");
    assert_null(ag_arena_strdup(arena, NULL));
    ag_arena_free(arena);
    ag_arena_free(NULL);
}

AG_TEST(test_arena__the_bound_holds_and_overflow_is_refused)
{
    ag_arena *arena = ag_arena_new(1000);
    assert_non_null(ag_arena_alloc(arena, 900));
    assert_null(ag_arena_alloc(arena, 101));
    assert_non_null(ag_arena_alloc(arena, 100));
    assert_null(ag_arena_array(arena, SIZE_MAX / 2, 4));
    assert_null(ag_arena_aligned(arena, 64, SIZE_MAX - 3));
    ag_arena_reset(arena);
    assert_non_null(ag_arena_alloc(arena, 1000));
    ag_arena_free(arena);
}

AG_TEST(test_buf__the_first_failure_sticks)
{
    ag_err err = {0};
    ag_buf buf;
    ag_buf_init(&buf, 10);
    ag_buf_add_text(&buf, "12345");
    ag_buf_addf(&buf, "%d", 678);
    assert_string_equal(buf.data, "12345678");
    assert_int_equal(ag_buf_add_text(&buf, "901"), AG_ELIMIT);
    assert_int_equal(ag_buf_add_char(&buf, 'x'), AG_ELIMIT); /* would fit, but something before it is missing */
    AG_EXPECT_ERROR(ag_buf_check(&buf, "the answer", &err), AG_ELIMIT, "the answer is larger than 10 bytes");
    assert_null(ag_buf_steal(&buf));
    ag_buf_clear(&buf);
    ag_buf_add_fill(&buf, 'z', 10);
    AG_EXPECT_OK(ag_buf_check(&buf, "x", &err));
    assert_int_equal(buf.size, 10);
    char *stolen = ag_buf_steal(&buf);
    assert_string_equal(stolen, "zzzzzzzzzz");
    assert_null(buf.data);
    ag_free(stolen);
    ag_buf_deinit(&buf);
    ag_buf_deinit(&buf);
}

AG_TEST(test_buf__grows_and_formats_long_texts)
{
    ag_buf buf;
    ag_buf_init(&buf, SIZE_MAX);
    for (int i = 0; i < 3000; i++) ag_buf_addf(&buf, "%d,", i);
    assert_int_equal(buf.failed, AG_OK);
    assert_int_equal(strlen(buf.data), buf.size);
    assert_true(ag_str_ends(ag_buf_str(&buf), AG_STR("2998,2999,")));
    ag_buf_deinit(&buf);
    char *empty = ag_buf_steal(&buf);
    assert_string_equal(empty, "");
    ag_free(empty);
}

static int by_key(const void *a, const void *b)
{
    const int *x = a, *y = b;
    return (x[0] > y[0]) - (x[0] < y[0]);
}

AG_TEST(test_vec__sort_is_stable_for_every_size)
{
    ag_err err = {0};
    unsigned random = 1;
    for (size_t count = 0; count < 400; count += count < 40 ? 1 : 37) {
        ag_vec vec;
        ag_vec_init(&vec, sizeof(int[2]));
        for (size_t i = 0; i < count; i++) {
            random = random * 1664525u + 1013904223u;
            AG_EXPECT_OK(ag_vec_push(&vec, (int[2]){(int)(random >> 28), (int)i}, &err));
        }
        ag_vec_sort(&vec, by_key);
        for (size_t i = 1; i < count; i++) {
            const int *before = ag_vec_at(&vec, i - 1), *now = ag_vec_at(&vec, i);
            assert_true(before[0] < now[0] || (before[0] == now[0] && before[1] < now[1]));
        }
        ag_vec_deinit(&vec);
    }
}

AG_TEST(test_vec__add_remove_and_bounds)
{
    ag_vec vec;
    ag_vec_init(&vec, sizeof(int));
    for (int i = 0; i < 20; i++) *(int *)ag_vec_add(&vec) = i;
    ag_vec_remove(&vec, 3);
    ag_vec_remove(&vec, 99);
    assert_int_equal(vec.count, 19);
    assert_int_equal(*(int *)ag_vec_at(&vec, 3), 4);
    assert_null(ag_vec_at(&vec, 19));
    ag_err err;
    assert_int_equal(ag_vec_reserve(&vec, SIZE_MAX, &err), AG_ENOMEM);
    ag_vec_clear(&vec);
    assert_int_equal(vec.count, 0);
    ag_vec_deinit(&vec);
    ag_vec_deinit(&vec);
}

AG_TEST(test_map__keeps_the_order_of_insertion)
{
    ag_err err = {0};
    ag_map *map = ag_map_new();
    char key[16];
    for (size_t i = 0; i < 5000; i++) {
        snprintf(key, sizeof(key), "key %zu", i);
        AG_EXPECT_OK(ag_map_put(map, ag_str_of(key), (void *)(i + 1), NULL, &err));
    }
    for (size_t i = 0; i < 5000; i += 2) {
        snprintf(key, sizeof(key), "key %zu", i);
        assert_int_equal(ag_map_remove(map, ag_str_of(key)), i + 1);
    }
    assert_int_equal(ag_map_count(map), 2500);
    size_t at = 0, wanted = 1;
    void *value;
    ag_str name;
    while (ag_map_next(map, &at, &name, &value)) {
        snprintf(key, sizeof(key), "key %zu", wanted);
        assert_true(ag_str_is(name, key));
        assert_int_equal(value, wanted + 1);
        wanted += 2;
    }
    assert_int_equal(wanted, 5001);
    ag_map_free(map);
    ag_map_free(NULL);
}

AG_TEST(test_map__replacing_and_removing)
{
    ag_err err = {0};
    ag_map *map = ag_map_new();
    int a = 1, b = 2;
    void *old = &a;
    assert_null(ag_map_get(map, AG_STR("x")));
    assert_null(ag_map_remove(map, AG_STR("x")));
    AG_EXPECT_OK(ag_map_put(map, AG_STR("x"), &a, &old, &err));
    assert_null(old);
    AG_EXPECT_OK(ag_map_put(map, AG_STR("x"), &b, &old, &err));
    assert_ptr_equal(old, &a);
    assert_ptr_equal(ag_map_get(map, AG_STR("x")), &b);
    AG_EXPECT_OK(ag_map_put(map, AG_STR(""), NULL, NULL, &err));
    assert_true(ag_map_has(map, AG_STR("")) && !ag_map_get(map, AG_STR("")));
    AG_EXPECT_OK(ag_map_put(map, AG_STR("a\0b"), &a, NULL, &err));
    assert_ptr_equal(ag_map_get(map, AG_STR("a\0b")), &a);
    assert_null(ag_map_get(map, AG_STR("a\0c")));
    for (int round = 0; round < 1000; round++) { /* tombstones must not fill the table */
        AG_EXPECT_OK(ag_map_put(map, AG_STR("churn"), &a, NULL, &err));
        assert_ptr_equal(ag_map_remove(map, AG_STR("churn")), &a);
    }
    assert_int_equal(ag_map_count(map), 3);
    ag_map_free(map);
}

static int fill_everything(void *context, ag_err *err)
{
    (void)context;
    int rc = 0;
    ag_buf buf;
    ag_vec vec;
    ag_buf_init(&buf, SIZE_MAX);
    ag_vec_init(&vec, 8);
    ag_arena *arena = ag_arena_new(0);
    ag_map *map = ag_map_new();
    if (!arena || !map) {
        rc = ag_fail_memory(err, 1);
        goto out;
    }
    for (int i = 0; i < 40; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%d", i);
        if ((rc = ag_map_put(map, ag_str_of(key), key, NULL, err)) < 0) goto out;
        if ((rc = ag_vec_push(&vec, key, err)) < 0) goto out;
        if (!ag_arena_alloc(arena, 500)) {
            rc = ag_fail_memory(err, 500);
            goto out;
        }
        ag_buf_addf(&buf, "some text that needs room %d", i);
    }
    rc = ag_buf_check(&buf, "the text", err);
out:
    ag_map_free(map);
    ag_arena_free(arena);
    ag_vec_deinit(&vec);
    ag_buf_deinit(&buf);
    return rc;
}

AG_TEST(test_containers__every_failed_allocation_is_clean)
{
    uint64_t rounds = ag_test_fail_at_n(AG_FAULT_ALLOC, fill_everything, NULL, NULL);
    if (ag_fault_available()) assert_true(rounds > 20);
}

AG_TEST(test_fault__exactly_the_nth_of_its_kind_fails)
{
    if (!ag_fault_available()) ag_test_skip("this build cannot inject failures");
    ag_fault_arm(2, AG_FAULT_FILE);
    assert_false(ag_fault(AG_FAULT_ALLOC));
    assert_false(ag_fault(AG_FAULT_FILE));
    assert_false(ag_fault_fired());
    assert_true(ag_fault(AG_FAULT_FILE));
    assert_true(ag_fault_fired());
    assert_false(ag_fault(AG_FAULT_FILE));
    ag_fault_arm(0, 0);
    assert_false(ag_fault_fired());
}
