// SPDX-License-Identifier: Apache-2.0
/* protobuf.c: tags, varints and little-endian numbers. */
#include "core/doc/protobuf.h"

#include <string.h>

enum { WIRE_VARINT = 0, WIRE_EIGHT = 1, WIRE_BYTES = 2, WIRE_FOUR = 5 };

static void add_varint(ag_buf *out, uint64_t value)
{
    while (value >= 0x80) {
        ag_buf_add_char(out, (char)(value | 0x80));
        value >>= 7;
    }
    ag_buf_add_char(out, (char)value);
}

static void add_tag(ag_buf *out, uint32_t field, unsigned wire)
{
    add_varint(out, (uint64_t)field << 3 | wire);
}

static void add_fixed(ag_buf *out, uint64_t bits, size_t size)
{
    for (size_t i = 0; i < size; i++) ag_buf_add_char(out, (char)(bits >> (8 * i)));
}

void ag_proto_varint(ag_buf *out, uint32_t field, uint64_t value)
{
    add_tag(out, field, WIRE_VARINT);
    add_varint(out, value);
}

void ag_proto_double(ag_buf *out, uint32_t field, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    add_tag(out, field, WIRE_EIGHT);
    add_fixed(out, bits, 8);
}

void ag_proto_float(ag_buf *out, uint32_t field, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    add_tag(out, field, WIRE_FOUR);
    add_fixed(out, bits, 4);
}

void ag_proto_bytes(ag_buf *out, uint32_t field, ag_str value)
{
    add_tag(out, field, WIRE_BYTES);
    add_varint(out, value.size);
    ag_buf_add_str(out, value);
}

void ag_proto_text(ag_buf *out, uint32_t field, const char *value)
{
    ag_proto_bytes(out, field, ag_str_of(value ? value : ""));
}

void ag_proto_message(ag_buf *out, uint32_t field, ag_buf *part)
{
    ag_proto_bytes(out, field, ag_buf_str(part));
    if (part->failed && !out->failed) out->failed = part->failed;
    ag_buf_clear(part);
}
