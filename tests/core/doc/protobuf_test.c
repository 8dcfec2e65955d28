// SPDX-License-Identifier: Apache-2.0
/* The wire form of protocol buffers, against bytes from its documentation. */
#include "frame/test.h"

#include <string.h>

#include "core/doc/protobuf.h"

static void expect(ag_buf *out, const char *bytes, size_t size)
{
    assert_int_equal(out->size, size);
    assert_memory_equal(out->data, bytes, size);
    ag_buf_clear(out);
}

AG_TEST(test_protobuf__fields)
{
    ag_buf out, part;
    ag_buf_init(&out, 1000);
    ag_buf_init(&part, 1000);
    ag_proto_varint(&out, 1, 150);
    expect(&out, "\x08\x96\x01", 3);
    ag_proto_varint(&out, 1, (uint64_t)-1);
    expect(&out, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
    ag_proto_varint(&out, 200, 0);
    expect(&out, "\xc0\x0c\x00", 3);
    ag_proto_text(&out, 2, "testing");
    expect(&out, "\x12\x07testing", 9);
    ag_proto_text(&out, 2, NULL);
    expect(&out, "\x12\x00", 2);
    ag_proto_double(&out, 1, 1.0);
    expect(&out, "\x09\x00\x00\x00\x00\x00\x00\xf0\x3f", 9);
    ag_proto_float(&out, 1, -2.0f);
    expect(&out, "\x0d\x00\x00\x00\xc0", 5);
    ag_proto_varint(&part, 1, 150);
    ag_proto_message(&out, 3, &part);
    expect(&out, "\x1a\x03\x08\x96\x01", 5);
    assert_int_equal(part.size, 0);
    ag_buf_deinit(&part);
    ag_buf_deinit(&out);
}

AG_TEST(test_protobuf__a_part_that_was_too_large_spoils_the_whole)
{
    ag_buf out, part;
    ag_buf_init(&out, 1000);
    ag_buf_init(&part, 4);
    ag_proto_text(&part, 1, "too long");
    ag_proto_message(&out, 1, &part);
    assert_int_equal(out.failed, AG_ELIMIT);
    ag_buf_deinit(&part);
    ag_buf_deinit(&out);
}
