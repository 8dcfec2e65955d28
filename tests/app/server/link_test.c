// SPDX-License-Identifier: Apache-2.0
/* link_test.c: who waits for how long. No time is asserted, only whether it is over. */
#include "app/server/link.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/sys/clock.h"
#include "frame/test.h"

typedef struct pair {
    ag_link link;
    int there;
} pair;

static pair open_pair(void)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    return (pair){.link = {.fd = fds[0], .wants = POLLIN}, .there = fds[1]};
}

static void close_pair(pair *p)
{
    ag_link_close(&p->link);
    close(p->there);
}

AG_TEST(test_link__what_has_come_counts_however_late)
{
    pair p = open_pair();
    assert_int_equal(ag_link_wait(&p.link, 0), 0);
    assert_int_equal(ag_link_wait(&p.link, ag_monotonic() - AG_SECOND), 0);
    assert_int_equal(write(p.there, "x", 1), 1);
    assert_int_equal(ag_link_wait(&p.link, 0), 1);
    assert_int_equal(ag_link_wait(&p.link, ag_monotonic() - AG_SECOND), 1);
    close_pair(&p);
}

AG_TEST(test_link__patience_ends_and_what_has_come_counts_after_it)
{
    pair p = open_pair();
    ag_patience patience = {.stall = AG_SECOND / 20, .slowest = 1000};
    assert_int_equal(ag_link_bear(&p.link, &patience, 0), 0);
    assert_true(patience.waited >= patience.stall);
    int64_t before = patience.waited;
    assert_int_equal(ag_link_bear(&p.link, &patience, 0), 0); /* it is used up */
    assert_int_equal(patience.waited, before);
    assert_int_equal(write(p.there, "x", 1), 1);
    assert_int_equal(ag_link_bear(&p.link, &patience, 0), 1);
    close_pair(&p);
}

AG_TEST(test_link__bytes_buy_patience_but_none_for_standing_still)
{
    pair p = open_pair();
    ag_patience patience = {.stall = AG_SECOND / 20, .slowest = 1000, .waited = AG_SECOND};
    assert_int_equal(ag_link_bear(&p.link, &patience, 999), 0);
    assert_int_equal(patience.waited, AG_SECOND);
    assert_int_equal(ag_link_bear(&p.link, &patience, 10000), 0); /* 10 s more in all, but only `stall` at a time */
    assert_true(patience.waited >= AG_SECOND + AG_SECOND / 20 && patience.waited < 10 * AG_SECOND);
    close_pair(&p);
}

AG_TEST(test_link__who_has_gone_is_told)
{
    pair p = open_pair();
    char byte;
    close(p.there);
    assert_int_equal(ag_link_wait(&p.link, 0), 1);
    assert_int_equal(ag_link_read(&p.link, &byte, 1), 0);
    p.there = -1;
    close_pair(&p);
}
