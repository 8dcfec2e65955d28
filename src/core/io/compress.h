// SPDX-License-Identifier: Apache-2.0
#pragma once
/* compress.h: gzip and zstd as streams over streams. A reader's output is bounded by `max_out` (AG_ELIMIT), which stops
 * decompression bombs; a damaged stream is AG_ECORRUPT; one that ends early is never taken for whole. */
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/io/stream.h"

typedef enum ag_codec { AG_CODEC_GZIP, AG_CODEC_ZSTD } ag_codec;

/* `source` and `sink` are borrowed and must outlive the result; finishing the result does not finish the sink. level 0:
 * the codec's default. */
int ag_decompress_reader(ag_codec codec, ag_reader *source, uint64_t max_out, ag_reader **out, ag_err *err);
int ag_compress_writer(ag_codec codec, int level, ag_writer *sink, ag_writer **out, ag_err *err);

int ag_compress(ag_codec codec, int level, ag_str bytes, ag_buf *out, ag_err *err);
int ag_decompress(ag_codec codec, ag_str bytes, ag_buf *out, ag_err *err); /* bounded by out->max */
