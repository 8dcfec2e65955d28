// SPDX-License-Identifier: Apache-2.0
/* Turning tables to columns: every byte comes back, whatever the text; what cannot have been made is refused. */
#include "core/blob/columns.h"

#include <string.h>

#include "core/base/rng.h"
#include "frame/test.h"

static int there_and_back(const ag_buf *text)
{
    ag_err err = {0};
    ag_buf turned, back;
    ag_buf_init(&turned, 1 << 22);
    ag_buf_init(&back, text->size + 1);
    int rc = ag_columns_turn(ag_buf_str(text), &turned, &err);
    AG_EXPECT_OK(rc);
    if (rc == 0) assert_int_equal(turned.size, 0);
    if (rc > 0) {
        AG_EXPECT_OK(ag_columns_restore(ag_buf_str(&turned), &back, &err));
        assert_int_equal(back.size, text->size);
        assert_memory_equal(back.data, text->data, text->size);
    }
    ag_buf_deinit(&turned);
    ag_buf_deinit(&back);
    return rc;
}

AG_TEST(test_columns__tables_with_any_end_come_back)
{
    static const char *const ends[] = {"", "\n", "\r\n", "\n\n\n", "1\t2\t3", "a\tb\tc\td\n", "free text", "\t"};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        ag_buf text;
        ag_buf_init(&text, 1 << 20);
        ag_buf_add_text(&text, "title\n");
        for (int row = 0; row < 50; row++) ag_buf_addf(&text, "%d\t%d,5\t\r\n", row, row * 3);
        ag_buf_add(&text, "nul\0\tin\tcell\n", 13);
        ag_buf_add_text(&text, ends[i]);
        assert_int_equal(there_and_back(&text), 1);
        ag_buf_deinit(&text);
    }
}

AG_TEST(test_columns__random_texts_come_back)
{
    static const char letters[] = "\t\t\t;,\n\n\r1a";
    ag_rng rng = ag_rng_stream(1, "columns");
    int turned = 0;
    for (int round = 0; round < 2000; round++) {
        ag_buf text;
        ag_buf_init(&text, 1 << 16);
        size_t size = (size_t)ag_rng_below(&rng, 400);
        bool regular = round % 2;
        for (size_t i = 0; i < size; i++) {
            if (regular)
                ag_buf_addf(&text, "%d;%d;%d\n", (int)(i % 7), (int)ag_rng_below(&rng, 99), (int)i);
            else
                ag_buf_add_char(&text, letters[ag_rng_below(&rng, sizeof(letters) - 1)]);
        }
        turned += there_and_back(&text);
        ag_buf_deinit(&text);
    }
    assert_true(turned > 500);
}

AG_TEST(test_columns__what_is_no_table_is_left_alone)
{
    ag_buf text;
    ag_buf_init(&text, 1 << 20);
    for (int i = 0; i < 100; i++) ag_buf_addf(&text, "A line of prose, and another, number %d.\nShort\n", i);
    assert_int_equal(there_and_back(&text), 0);
    ag_buf_deinit(&text);
}

AG_TEST(test_columns__damaged_forms_are_refused)
{
    ag_err err = {0};
    ag_buf text, turned, out;
    ag_buf_init(&text, 10000);
    ag_buf_init(&turned, 10000);
    for (int i = 0; i < 20; i++) ag_buf_addf(&text, "%d\t%d\n", i, i);
    AG_EXPECT_OK(ag_columns_turn(ag_buf_str(&text), &turned, &err));
    for (size_t cut = 0; cut < turned.size; cut++) {
        ag_buf_init(&out, 10000);
        AG_EXPECT_ERROR(ag_columns_restore((ag_str){turned.data, cut}, &out, &err), AG_ECORRUPT, "table");
        ag_buf_deinit(&out);
    }
    ag_buf_add_text(&turned, "more");
    ag_buf_init(&out, 10000);
    AG_EXPECT_ERROR(ag_columns_restore(ag_buf_str(&turned), &out, &err), AG_ECORRUPT, "table");
    ag_buf_deinit(&out);
    ag_buf_init(&out, 20);
    turned.size -= 4;
    AG_EXPECT_ERROR(ag_columns_restore(ag_buf_str(&turned), &out, &err), AG_ELIMIT, "table");
    ag_buf_deinit(&out);
    ag_buf_deinit(&text);
    ag_buf_deinit(&turned);
}
