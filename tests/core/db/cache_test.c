// SPDX-License-Identifier: Apache-2.0
#include "core/db/cache.h"

#include <stdio.h>

#include "core/base/mem.h"
#include "frame/test.h"

static void count_drop(void *context, void *item)
{
    (void)item;
    ++*(int *)context;
}

static ag_cache *new_cache(int *dropped)
{
    ag_cache *cache = ag_calloc(1, sizeof(*cache));
    assert_non_null(cache);
    ag_cache_init(cache, count_drop, dropped);
    return cache;
}

AG_TEST(test_cache__a_taken_item_is_not_found_twice)
{
    int dropped = 0, item;
    ag_cache *cache = new_cache(&dropped);
    assert_null(ag_cache_take(cache, AG_STR("a")));
    assert_true(ag_cache_add(cache, AG_STR("a"), &item));
    assert_null(ag_cache_take(cache, AG_STR("a")));
    assert_true(ag_cache_give(cache, &item));
    assert_ptr_equal(ag_cache_take(cache, AG_STR("a")), &item);
    assert_false(ag_cache_give(cache, &dropped));
    ag_cache_forget(cache, &item);
    assert_int_equal(dropped, 1);
    ag_cache_deinit(cache);
    ag_free(cache);
}

AG_TEST(test_cache__the_least_recently_used_makes_room)
{
    int dropped = 0, items[AG_CACHE_SIZE + 1];
    ag_cache *cache = new_cache(&dropped);
    char key[16];
    for (int i = 0; i < AG_CACHE_SIZE; i++) {
        snprintf(key, sizeof(key), "%d", i);
        assert_true(ag_cache_add(cache, ag_str_of(key), &items[i]));
        if (i > 1) assert_true(ag_cache_give(cache, &items[i])); /* 0 and 1 stay taken */
    }
    assert_ptr_equal(ag_cache_take(cache, AG_STR("2")), &items[2]);
    assert_true(ag_cache_give(cache, &items[2])); /* used last */
    assert_true(ag_cache_add(cache, AG_STR("new"), &items[AG_CACHE_SIZE]));
    assert_int_equal(dropped, 1);
    assert_null(ag_cache_take(cache, AG_STR("3")));
    assert_non_null(ag_cache_take(cache, AG_STR("2")));
    ag_cache_deinit(cache);
    assert_int_equal(dropped, AG_CACHE_SIZE + 1);
    ag_free(cache);
}

AG_TEST(test_cache__refuses_when_all_are_taken)
{
    int dropped = 0, items[AG_CACHE_SIZE + 1];
    ag_cache *cache = new_cache(&dropped);
    for (int i = 0; i < AG_CACHE_SIZE; i++) assert_true(ag_cache_add(cache, AG_STR("same"), &items[i]));
    assert_false(ag_cache_add(cache, AG_STR("same"), &items[AG_CACHE_SIZE]));
    assert_int_equal(dropped, 0);
    ag_cache_deinit(cache);
    ag_free(cache);
}
