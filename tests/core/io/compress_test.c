// SPDX-License-Identifier: Apache-2.0
/* compress_test.c: both codecs by the same tests: round trips, several members, damage at every byte, cuts at every
 * byte, bombs. */
#include "frame/test.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/rng.h"
#include "core/io/compress.h"

static const ag_codec both[] = {AG_CODEC_GZIP, AG_CODEC_ZSTD};

/* Gives one byte at a time. */
typedef struct slow_reader {
    ag_reader base;
    ag_str rest;
} slow_reader;

static ptrdiff_t read_one(ag_reader *base, void *into, size_t size, ag_err *err)
{
    (void)err;
    slow_reader *self = (slow_reader *)base;
    if (size == 0 || self->rest.size == 0) return 0;
    *(char *)into = self->rest.data[0];
    self->rest = ag_str_slice(self->rest, 1, self->rest.size);
    return 1;
}

static void pack(ag_codec codec, ag_str text, ag_buf *out)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_compress(codec, 0, text, out, &err));
}

AG_TEST(test_compress__round_trips_of_many_sizes)
{
    static char bytes[300000];
    static const size_t sizes[] = {0, 1, 100, 65535, 65536, 65537, 131072, 300000};
    ag_rng rng = ag_rng_stream(1, "compress");
    for (size_t i = 0; i < sizeof(bytes); i++) bytes[i] = (char)(i < 150000 ? ag_rng_u32(&rng) : i / 1000);
    for (size_t c = 0; c < 2; c++)
        for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
            ag_err err = {0};
            ag_buf packed, plain;
            ag_buf_init(&packed, 1000000);
            ag_buf_init(&plain, sizes[s]); /* exactly as much as needed */
            pack(both[c], (ag_str){bytes, sizes[s]}, &packed);
            AG_EXPECT_OK(ag_decompress(both[c], ag_buf_str(&packed), &plain, &err));
            assert_int_equal(plain.size, sizes[s]);
            if (sizes[s]) assert_memory_equal(plain.data, bytes, sizes[s]);
            if (sizes[s]) {
                ag_buf_deinit(&plain);
                ag_buf_init(&plain, sizes[s] - 1);
                AG_EXPECT_ERROR(ag_decompress(both[c], ag_buf_str(&packed), &plain, &err), AG_ELIMIT, "limit");
            }
            ag_buf_deinit(&packed);
            ag_buf_deinit(&plain);
        }
}

AG_TEST(test_compress__several_members_are_one_content)
{
    for (size_t c = 0; c < 2; c++) {
        ag_err err = {0};
        ag_buf packed, plain;
        ag_buf_init(&packed, 1000);
        ag_buf_init(&plain, 100);
        pack(both[c], AG_STR("one,"), &packed);
        pack(both[c], AG_STR(""), &packed);
        pack(both[c], AG_STR("two"), &packed);
        AG_EXPECT_OK(ag_decompress(both[c], ag_buf_str(&packed), &plain, &err));
        assert_string_equal(plain.data, "one,two");
        ag_buf_clear(&plain);
        slow_reader slow = {{read_one, NULL}, ag_buf_str(&packed)};
        ag_reader *reader = NULL;
        AG_EXPECT_OK(ag_decompress_reader(both[c], &slow.base, 100, &reader, &err));
        AG_EXPECT_OK(ag_read_all(reader, &plain, &err));
        assert_string_equal(plain.data, "one,two");
        ag_reader_close(reader);
        ag_buf_deinit(&packed);
        ag_buf_deinit(&plain);
    }
}

AG_TEST(test_compress__the_same_input_gives_the_same_bytes)
{
    for (size_t c = 0; c < 2; c++) {
        ag_buf a, b;
        ag_buf_init(&a, 1000);
        ag_buf_init(&b, 1000);
        pack(both[c], AG_STR("the same"), &a);
        pack(both[c], AG_STR("the same"), &b);
        assert_true(ag_str_equal(ag_buf_str(&a), ag_buf_str(&b)));
        ag_buf_deinit(&a);
        ag_buf_deinit(&b);
    }
}

/* Cut anywhere: never taken for whole. Damaged anywhere: refused, or (gzip's header has bytes without meaning) the
 * same. */
AG_TEST(test_compress__cuts_and_damage_are_noticed)
{
    for (size_t c = 0; c < 2; c++) {
        ag_err err = {0};
        ag_buf packed, plain;
        ag_buf_init(&packed, 1000);
        ag_buf_init(&plain, 1000);
        ag_str text = AG_STR("some text, some text and some other text that is longer than a few bytes");
        pack(both[c], text, &packed);
        for (size_t cut = 0; cut < packed.size; cut++) {
            int rc = ag_decompress(both[c], (ag_str){packed.data, cut}, &plain, &err);
            AG_EXPECT_ERROR(rc, AG_ECORRUPT, "too early");
            assert_int_equal(plain.size, 0);
        }
        for (size_t bit = 0; bit < packed.size * 8; bit++) {
            packed.data[bit / 8] ^= (char)(1 << bit % 8);
            int rc = ag_decompress(both[c], ag_buf_str(&packed), &plain, &err);
            packed.data[bit / 8] ^= (char)(1 << bit % 8);
            if (rc >= 0)
                assert_true(ag_str_equal(ag_buf_str(&plain), text));
            else
                assert_true(rc == AG_ECORRUPT || rc == AG_ELIMIT);
            ag_buf_clear(&plain);
        }
        ag_buf_add_text(&packed, "garbage");
        AG_EXPECT_ERROR(ag_decompress(both[c], ag_buf_str(&packed), &plain, &err), AG_ECORRUPT, "a");
        ag_buf_deinit(&packed);
        ag_buf_deinit(&plain);
    }
}

AG_TEST(test_compress__a_failure_sticks)
{
    ag_err err = {0};
    ag_reader *source = NULL, *reader = NULL;
    char byte;
    AG_EXPECT_OK(ag_reader_of_memory("not gzip at all", 15, &source, &err));
    AG_EXPECT_OK(ag_decompress_reader(AG_CODEC_GZIP, source, 100, &reader, &err));
    for (int i = 0; i < 3; i++) AG_EXPECT_ERROR((int)ag_read(reader, &byte, 1, &err), AG_ECORRUPT, "damaged gzip");
    ag_reader_close(reader);
    ag_reader_close(source);
}

AG_TEST(test_compress__a_bomb_stops_at_its_limit)
{
    for (size_t c = 0; c < 2; c++) {
        ag_err err = {0};
        static char zeros[1 << 16];
        ag_buf packed, plain;
        ag_writer *sink = NULL, *writer = NULL;
        ag_buf_init(&packed, 1000000);
        ag_buf_init(&plain, 100000);
        AG_EXPECT_OK(ag_writer_to_buf(&packed, &sink, &err));
        AG_EXPECT_OK(ag_compress_writer(both[c], 0, sink, &writer, &err));
        for (int i = 0; i < 512; i++) AG_EXPECT_OK(ag_write(writer, zeros, sizeof(zeros), &err)); /* 32 MiB */
        AG_EXPECT_OK(ag_finish(writer, &err));
        AG_EXPECT_ERROR(ag_finish(writer, &err), AG_ECONFLICT, "finished");
        AG_EXPECT_ERROR(ag_write(writer, "x", 1, &err), AG_ECONFLICT, "finished");
        AG_EXPECT_ERROR(ag_decompress(both[c], ag_buf_str(&packed), &plain, &err), AG_ELIMIT, "limit");
        assert_true(plain.capacity < 1 << 20);
        ag_writer_close(writer);
        ag_writer_close(sink);
        ag_buf_deinit(&packed);
        ag_buf_deinit(&plain);
    }
}

AG_TEST(test_compress__levels)
{
    ag_err err = {0};
    ag_buf buf;
    ag_buf_init(&buf, 1000);
    AG_EXPECT_OK(ag_compress(AG_CODEC_GZIP, 9, AG_STR("x"), &buf, &err));
    AG_EXPECT_ERROR(ag_compress(AG_CODEC_GZIP, 10, AG_STR("x"), &buf, &err), AG_EINVAL, "1 ... 9");
    AG_EXPECT_ERROR(ag_compress(AG_CODEC_ZSTD, -1, AG_STR("x"), &buf, &err), AG_EINVAL, "zstd has");
    AG_EXPECT_ERROR(ag_compress(AG_CODEC_ZSTD, 20, AG_STR("x"), &buf, &err), AG_EINVAL, "1 ... 19");
    ag_buf_deinit(&buf);
}

static int round_trip(void *context, ag_err *err)
{
    ag_codec codec = *(const ag_codec *)context;
    ag_buf packed, plain;
    ag_buf_init(&packed, 1000);
    ag_buf_init(&plain, 1000);
    int rc = ag_compress(codec, 1, AG_STR("some text"), &packed, err);
    if (rc >= 0) rc = ag_decompress(codec, ag_buf_str(&packed), &plain, err);
    ag_buf_deinit(&packed);
    ag_buf_deinit(&plain);
    return rc;
}

AG_TEST(test_compress__every_failure_is_reported)
{
    for (size_t c = 0; c < 2; c++) ag_test_fail_at_n(AG_FAULT_ANY, round_trip, NULL, (void *)(uintptr_t)&both[c]);
}
