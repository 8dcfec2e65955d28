// SPDX-License-Identifier: Apache-2.0
#include "core/db/slots.h"

#include <pthread.h>
#include <stdatomic.h>

#include "core/sys/clock.h"
#include "frame/test.h"

static void drop_nothing(void *item)
{
    (void)item;
}

AG_TEST(test_slots__an_idle_item_is_used_again)
{
    ag_err err = {0};
    ag_slots *slots = NULL;
    void *first = &err, *again = NULL;
    AG_EXPECT_OK(ag_slots_new(2, "things", &slots, &err));
    AG_EXPECT_OK(ag_slots_take(slots, 1000, NULL, &first, &err));
    assert_null(first);
    ag_slots_give(slots, slots);
    AG_EXPECT_OK(ag_slots_take(slots, 1000, NULL, &again, &err));
    assert_ptr_equal(again, slots);
    ag_slots_give(slots, NULL);
    AG_EXPECT_OK(ag_slots_take(slots, 1000, NULL, &again, &err));
    assert_null(again);
    ag_slots_give(slots, NULL);
    ag_slots_free(slots, drop_nothing);
}

typedef struct queue {
    ag_slots *slots;
    atomic_int turn;
    int order[8];
    atomic_int next;
} queue;

static void *wait_in_line(void *context)
{
    queue *self = context;
    ag_err err = {0};
    void *item = NULL;
    int number = atomic_load(&self->next);
    atomic_fetch_add(&self->next, 1);
    AG_EXPECT_OK(ag_slots_take(self->slots, 3600 * AG_SECOND, NULL, &item, &err));
    self->order[atomic_fetch_add(&self->turn, 1)] = number;
    ag_slots_give(self->slots, item);
    return NULL;
}

AG_TEST(test_slots__who_asks_first_is_served_first)
{
    ag_err err = {0};
    queue self = {0};
    pthread_t threads[8];
    void *item = NULL;
    AG_EXPECT_OK(ag_slots_new(1, "things", &self.slots, &err));
    AG_EXPECT_OK(ag_slots_take(self.slots, 1000, NULL, &item, &err));
    for (int i = 0; i < 8; i++) {
        pthread_create(&threads[i], NULL, wait_in_line, &self);
        while (ag_slots_waiting(self.slots) <= (unsigned)i) ag_sleep(1000); /* the next one stands behind it */
    }
    ag_slots_give(self.slots, NULL);
    for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < 8; i++) assert_int_equal(self.order[i], i);
    ag_slots_free(self.slots, drop_nothing);
}

AG_TEST(test_slots__waiting_ends_in_time_and_when_cancelled)
{
    ag_err err = {0};
    ag_slots *slots = NULL;
    ag_cancel *cancel = NULL;
    void *item = NULL;
    AG_EXPECT_OK(ag_slots_new(1, "things", &slots, &err));
    AG_EXPECT_OK(ag_cancel_new(NULL, &cancel, &err));
    AG_EXPECT_OK(ag_slots_take(slots, 1000, NULL, &item, &err));
    AG_EXPECT_ERROR(ag_slots_take(slots, 30000, NULL, &item, &err), AG_ETIMEOUT, "all 1 of things");
    ag_cancel_request(cancel);
    AG_EXPECT_ERROR(ag_slots_take(slots, 3600 * AG_SECOND, cancel, &item, &err), AG_ECANCELLED, "");
    ag_slots_give(slots, NULL);
    AG_EXPECT_OK(ag_slots_take(slots, 1000, NULL, &item, &err));
    ag_slots_give(slots, NULL);
    ag_cancel_free(cancel);
    ag_slots_free(slots, drop_nothing);
}
