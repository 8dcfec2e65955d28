// SPDX-License-Identifier: Apache-2.0
#pragma once
/* protobuf.h: writing the wire form of protocol buffers, field by field, into a buffer. A message inside a message is
 * written into a buffer of its own and added as bytes. Zero is written too: whoever wants it left out leaves it out. */
#include <stdint.h>

#include "core/base/buf.h"

void ag_proto_varint(ag_buf *out, uint32_t field, uint64_t value); /* int32, int64, bool, enum */
void ag_proto_double(ag_buf *out, uint32_t field, double value);
void ag_proto_float(ag_buf *out, uint32_t field, float value);
void ag_proto_bytes(ag_buf *out, uint32_t field, ag_str value); /* bytes, string, message */
void ag_proto_text(ag_buf *out, uint32_t field, const char *value);
/* `part` as a message; it is emptied, and its failure passed on. */
void ag_proto_message(ag_buf *out, uint32_t field, ag_buf *part);
