// SPDX-License-Identifier: Apache-2.0
#include "core/sys/clock.h"

#include <stdlib.h>
#include <string.h>

#include "core/sys/zone_data.h"
#include "frame/test.h"

static int64_t instant_of(const char *text)
{
    ag_err err = {0};
    int64_t instant = 0;
    AG_EXPECT_OK(ag_instant_parse(ag_str_of(text), &instant, &err));
    return instant;
}

AG_TEST(test_date__known_days)
{
    const struct {
        int64_t seconds;
        const char *text;
        int weekday;
    } known[] = {{0, "1970-01-01T00:00:00Z", 3},
                 {951782400, "2000-02-29T00:00:00Z", 1},
                 {-1, "1969-12-31T23:59:59Z", 2},
                 {-2208988800, "1900-01-01T00:00:00Z", 0},
                 {4102444799, "2099-12-31T23:59:59Z", 3},
                 {-62167219200, "0000-01-01T00:00:00Z", 5},
                 {253402300800, "+010000-01-01T00:00:00Z", 5}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        char text[40];
        ag_instant_format(known[i].seconds * AG_SECOND, 0, text);
        assert_string_equal(text, known[i].text);
        assert_true(instant_of(text) == known[i].seconds * AG_SECOND);
        ag_date date = ag_date_utc(known[i].seconds * AG_SECOND);
        assert_int_equal(ag_date_weekday(&date), known[i].weekday);
    }
}

AG_TEST(test_date__every_instant_survives_the_round_trip)
{
    int64_t instant = INT64_MIN;
    for (int i = 0; i < 4990; i++) {
        ag_date date = ag_date_utc(instant);
        assert_true(ag_date_instant(&date) == instant);
        instant += INT64_MAX / 2500 + 12345;
    }
    ag_date last = ag_date_utc(INT64_MAX);
    assert_true(ag_date_instant(&last) == INT64_MAX);
}

AG_TEST(test_date__beyond_the_instants_gives_the_nearest)
{
    ag_date far = {.year = INT32_MAX, .month = 1, .day = 1}, old = {.year = INT32_MIN, .month = 1, .day = 1};
    assert_true(ag_date_instant(&far) == INT64_MAX);
    assert_true(ag_date_instant(&old) == INT64_MIN);
    ag_date thirteenth = {.year = 2025, .month = 13, .day = 1}, next = {.year = 2026, .month = 1, .day = 1};
    assert_true(ag_date_instant(&thirteenth) == ag_date_instant(&next));
}

AG_TEST(test_instant__all_forms_are_read)
{
    int64_t wanted = instant_of("2026-11-21T09:30:00.25Z");
    const char *same[] = {"2026-11-21 09:30:00.250", "2026-11-21t09:30:00.250000z", "2026-11-21T10:30:00.25+01:00",
                          "2026-11-21T05:00:00.2500009999-0430", "+002026-11-21T09:30:00.250-00:00"};
    for (size_t i = 0; i < 5; i++) assert_true(instant_of(same[i]) == wanted);
    assert_true(instant_of("2026-11-21T09:30:60Z") == instant_of("2026-11-21T09:30:59Z"));
    assert_true(instant_of("2026-11-21") == instant_of("2026-11-21T00:00"));
    assert_true(instant_of("2024-02-29") == instant_of("2024-02-28") + 86400 * AG_SECOND);
}

AG_TEST(test_instant__nonsense_is_refused)
{
    const char *bad[] = {"",
                         "2026",
                         "2026-13-01",
                         "2026-00-01",
                         "2026-02-29",
                         "1900-02-29",
                         "2026-01-32",
                         "2026-1-1",
                         "2026-01-01T",
                         "2026-01-01T24:00:00Z",
                         "2026-01-01T00:60",
                         " 2026-01-01",
                         "2026-01-01 ",
                         "2026-01-01T00:00:00.Z",
                         "2026-01-01T00:00:00+1",
                         "2026-01-01Z",
                         "2026-01-01T00:00:61Z",
                         "+999999-01-01",
                         "-999999-01-01",
                         "2026-01-01T00:00:00Z0",
                         "2026-01-01T00:00:00+24:00"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ag_err err = {0};
        int64_t out = 77;
        assert_int_equal(ag_instant_parse(ag_str_of(bad[i]), &out, &err), AG_EPARSE);
        assert_int_equal(out, 77);
    }
    assert_int_equal(ag_instant_parse((ag_str){0}, &(int64_t){0}, NULL), AG_EPARSE);
}

AG_TEST(test_instant__digits)
{
    char text[40];
    ag_instant_format(1999999, 0, text);
    assert_string_equal(text, "1970-01-01T00:00:01Z");
    ag_instant_format(1999999, 3, text);
    assert_string_equal(text, "1970-01-01T00:00:01.999Z");
    ag_instant_format(-1, 6, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999999Z");
    ag_instant_format(INT64_MIN, 6, text);
    assert_string_equal(text, "-290308-12-21T19:59:05.224192Z");
}

AG_TEST(test_now__can_be_pinned)
{
    setenv("AUGER_NOW", "2026-11-21T09:30:00Z", 1);
    assert_true(ag_now() == instant_of("2026-11-21T09:30:00Z"));
    setenv("AUGER_NOW", "yesterday", 1);
    assert_true(ag_now() > instant_of("2025-01-01"));
    unsetenv("AUGER_NOW");
    int64_t before = ag_monotonic();
    ag_sleep(500);
    ag_sleep(-1);
    assert_true(ag_monotonic() - before >= 500);
}

AG_TEST(test_duration__for_people)
{
    const struct {
        int64_t duration;
        const char *text;
    } known[] = {{0, "0 s"},
                 {7, "7 us"},
                 {250000, "250 ms"},
                 {3000000, "3 s"},
                 {59999999, "59 s"},
                 {125000000, "2 min 05 s"},
                 {4320000000, "1 h 12 min"},
                 {86400000000, "1 d 00 h"},
                 {-3000000, "-3 s"},
                 {INT64_MIN, "-106751991 d 04 h"}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        char text[32];
        ag_duration_format(known[i].duration, text);
        assert_string_equal(text, known[i].text);
    }
}

static ag_zone *open_zone(const char *name)
{
    ag_err err = {0};
    ag_zone *zone = NULL;
    AG_EXPECT_OK(ag_zone_open(name, &zone, &err));
    return zone;
}

static void expect_local(const ag_zone *zone, const char *instant, const char *local, int offset)
{
    ag_date date = ag_zone_date(zone, instant_of(instant));
    assert_int_equal(date.offset_minutes, offset);
    ag_date wanted = ag_date_utc(instant_of(local));
    wanted.offset_minutes = offset;
    assert_true(ag_date_instant(&date) == ag_date_instant(&wanted));
}

static void expect_instant(const ag_zone *zone, const char *local, const char *instant)
{
    ag_date date = ag_date_utc(instant_of(local));
    char text[40];
    ag_instant_format(ag_zone_instant(zone, &date), 0, text);
    assert_string_equal(text, instant);
}

AG_TEST(test_zone__a_rule_alone_works)
{
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    ag_zone *zone = open_zone("local");
    expect_local(zone, "2026-03-29T00:59:59Z", "2026-03-29T01:59:59", 60);
    expect_local(zone, "2026-03-29T01:00:00Z", "2026-03-29T03:00:00", 120);
    expect_local(zone, "2026-10-25T00:59:59Z", "2026-10-25T02:59:59", 120);
    expect_local(zone, "2026-10-25T01:00:00Z", "2026-10-25T02:00:00", 60);
    expect_instant(zone, "2026-03-29T02:30:00", "2026-03-29T01:30:00Z"); /* in the gap: 03:30 */
    expect_instant(zone, "2026-10-25T02:30:00", "2026-10-25T00:30:00Z"); /* twice: the first */
    expect_instant(zone, "2026-10-25T03:00:00", "2026-10-25T02:00:00Z");
    expect_instant(zone, "9999-07-01T12:00:00", "9999-07-01T10:00:00Z");
    ag_zone_free(zone);
    unsetenv("TZ");
}

AG_TEST(test_zone__odd_rules)
{
    const struct {
        const char *rule;
        int64_t seconds;
        int32_t offset;
    } known[] = {
        {"IST-1GMT0,M10.5.0,M3.5.0/1", 1767225600, 0},    /* Ireland in January: negative summer time */
        {"IST-1GMT0,M10.5.0,M3.5.0/1", 1782864000, 3600}, /* and in July */
        {"EST5EDT,0/0,J365/25", 1767243600, -4 * 3600},   /* summer all year, at the very new year */
        {"EST5EDT,0/0,J365/25", 1767243599, -4 * 3600},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 1774745999, -7200}, /* Greenland: a change on the day before */
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 1774746000, -3600},
        {"AAA3BBB,J60,J61", 1709272800, -3 * 3600 + 3600}, /* J60 is the first of March in a leap year too */
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", 1767225600, 11 * 3600},
        {"XXX-5:30:15", 0, 19815},
        {"EST5EDT", 1782864000, -4 * 3600},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        ag_err err = {0};
        ag_zone_rule rule;
        AG_EXPECT_OK(ag_zone_rule_parse(ag_str_of(known[i].rule), &rule, &err));
        if (ag_zone_rule_offset(&rule, known[i].seconds) != known[i].offset) fail_msg("row %zu", i);
        ag_zone_rule_offset(&rule, INT64_MAX / AG_SECOND);
        ag_zone_rule_offset(&rule, INT64_MIN / AG_SECOND);
    }
}

AG_TEST(test_zone__wrong_rules_are_refused)
{
    const char *bad[] = {"",
                         "CE-1",
                         "CET",
                         "CET-25",
                         "CET-1CEST,",
                         "CET-1CEST,M3.5.0",
                         "CET-1CEST,M13.1.0,M10.5.0",
                         "CET-1CEST,M3.6.0,M10.5.0",
                         "CET-1CEST,M3.5.7,M10.5.0",
                         "CET-1CEST,J0,J1",
                         "CET-1CEST,J366,J1",
                         "CET-1CEST,366,1",
                         "CET-1CEST,M3.5.0/168,M10.5.0",
                         "CET-1CEST,M3.5.0,M10.5.0x",
                         "<CET-1",
                         "<>1",
                         "CET-1:60",
                         "CET-99999999999"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ag_zone_rule rule;
        assert_int_equal(ag_zone_rule_parse(ag_str_of(bad[i]), &rule, NULL), AG_EPARSE);
    }
}

AG_TEST(test_zone__history_and_footer_of_the_system)
{
    ag_err err = {0};
    ag_zone *zone = NULL;
    if (ag_zone_open("Europe/Berlin", &zone, &err) == AG_ENOTFOUND) ag_test_skip("tzdata is not installed");
    expect_local(zone, "1880-01-01T00:00:00Z", "1880-01-01T00:53:28", 53);  /* local mean time */
    expect_local(zone, "1945-06-01T00:00:00Z", "1945-06-01T03:00:00", 180); /* double summer time */
    expect_local(zone, "2026-07-01T00:00:00Z", "2026-07-01T02:00:00", 120);
    expect_local(zone, "2400-07-01T00:00:00Z", "2400-07-01T02:00:00", 120); /* by the rule */
    expect_instant(zone, "1880-01-01T00:53:28", "1880-01-01T00:00:00Z");
    expect_instant(zone, "2026-03-29T02:30:00", "2026-03-29T01:30:00Z");
    expect_instant(zone, "2026-10-25T02:30:00", "2026-10-25T00:30:00Z");
    ag_zone_free(zone);
    zone = open_zone("Pacific/Apia"); /* skipped a whole day */
    expect_instant(zone, "2011-12-30T12:00:00", "2011-12-30T22:00:00Z");
    ag_zone_free(zone);
    zone = open_zone("UTC");
    expect_local(zone, "2026-07-01T00:00:00Z", "2026-07-01T00:00:00", 0);
    ag_zone_free(zone);
    ag_zone_free(NULL);
}

AG_TEST(test_zone__names_cannot_leave_the_folder)
{
    const char *bad[] = {
        "",     "/etc/passwd", "../etc/passwd", "Europe/../../etc/passwd", "Europe//Berlin", "Europe/Berlin/",
        "a\\b", ".",           "a.b",           "Europe Berlin",           "%2e%2e",         "Europe/\xc3\xa4"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ag_err err = {0};
        ag_zone *zone = NULL;
        AG_EXPECT_ERROR(ag_zone_open(bad[i], &zone, &err), AG_EINVAL, "not the name");
        assert_null(zone);
    }
    char longest[200];
    memset(longest, 'a', sizeof(longest));
    longest[129] = '\0';
    assert_false(ag_zone_name_valid(longest));
    ag_err err = {0};
    ag_zone *zone = NULL;
    AG_EXPECT_ERROR(ag_zone_open("Mars/Olympus_Mons", &zone, &err), AG_ENOTFOUND, "Mars/Olympus_Mons");
    assert_non_null(strstr(err.hint, "Europe/Berlin"));
}

/* A file of version 2 with one transition, built here so that each byte can be spoilt. */
static size_t build_file(uint8_t *at, const char *footer)
{
    static const uint8_t head[44] = {'T', 'Z', 'i', 'f', '2', [35] = 1, [39] = 2, [43] = 4};
    static const uint8_t first[] = {0, 0, 0, 10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 14, 16, 1, 0, 'A', 'B', 'C', 0};
    static const uint8_t second[] = {0, 0, 0, 0, 0,  0,  0, 10, 1,   0,   0,   0, 0,
                                     0, 0, 0, 0, 14, 16, 1, 0,  'A', 'B', 'C', 0};
    size_t size = 0;
    memcpy(at, head, 44), size = 44;
    memcpy(at + size, first, sizeof(first)), size += sizeof(first);
    memcpy(at + size, head, 44), size += 44;
    memcpy(at + size, second, sizeof(second)), size += sizeof(second);
    memcpy(at + size, footer, strlen(footer));
    return size + strlen(footer);
}

AG_TEST(test_zone__a_built_file_is_read_and_every_cut_refused)
{
    ag_err err = {0};
    uint8_t bytes[512];
    size_t size = build_file(bytes, "\nABC-2\n");
    ag_zone *zone = NULL;
    AG_EXPECT_OK(ag_zone_parse(bytes, size, &zone, &err));
    assert_int_equal(ag_zone_offset(zone, 9), 0);
    assert_int_equal(ag_zone_offset(zone, 10), 7200); /* the footer holds from the last transition on */
    ag_zone_free(zone);
    for (size_t cut = 0; cut < size; cut++) {
        zone = NULL;
        assert_int_equal(ag_zone_parse(bytes, cut, &zone, &err), AG_EPARSE);
        assert_null(zone);
    }
    size = build_file(bytes, "\n\n");
    AG_EXPECT_OK(ag_zone_parse(bytes, size, &zone, &err));
    assert_int_equal(ag_zone_offset(zone, 1000), 3600); /* no footer: the last type stays */
    ag_zone_free(zone);
}

AG_TEST(test_zone__spoilt_bytes_are_refused)
{
    const struct {
        size_t at;
        uint8_t value;
        const char *text;
    } spoilt[] = {{0, 'X', "header"},         {32, 0xff, "cut short"},       {39, 0, "0 local time types"},
                  {65 + 31, 1, "cut short"},  {65 + 44 + 8, 2, "not there"}, {65 + 44 + 9, 0x7f, "offset"},
                  {65 + 44 + 30, 'x', "rule"}};
    for (size_t i = 0; i < sizeof(spoilt) / sizeof(spoilt[0]); i++) {
        ag_err err = {0};
        ag_zone *zone = NULL;
        uint8_t bytes[512];
        size_t size = build_file(bytes, "\nABC-2\n");
        bytes[spoilt[i].at] = spoilt[i].value;
        AG_EXPECT_ERROR(ag_zone_parse(bytes, size, &zone, &err), AG_EPARSE, spoilt[i].text);
    }
}

static int open_berlin(void *context, ag_err *err)
{
    (void)context;
    ag_zone *zone = NULL;
    int rc = ag_zone_open("Europe/Berlin", &zone, err);
    ag_zone_free(zone);
    return rc;
}

AG_TEST(test_zone__fails_cleanly_at_every_call)
{
    ag_err err = {0};
    if (open_berlin(NULL, &err) == AG_ENOTFOUND) ag_test_skip("tzdata is not installed");
    ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE, open_berlin, NULL, NULL);
}
