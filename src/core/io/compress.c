// SPDX-License-Identifier: Apache-2.0
/* compress.c: gzip (zlib) and zstd behind ag_reader and ag_writer. One loop drives either codec through four calls, so
 * that the rules stand once: a stream is one or more whole members (gzip) or frames (zstd) and nothing else; it ends
 * only where one of them ends; output over the bound is AG_ELIMIT at the first byte too many; a failure sticks.
 * Written gzip has no name and no time in it, written zstd carries a checksum: the same input gives the same bytes, and
 * damage is noticed. The result of a writer is complete after its own finish, which does not finish the sink.
 * Threads: one stream belongs to one thread at a time. */
#include "core/io/compress.h"

#include <stdbool.h>
#include <string.h>

#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "core/base/fault.h"
#include "core/base/mem.h"

#define PIECE ((size_t)64 << 10)

typedef struct span {
    char *data;
    size_t size;
    size_t at;
} span;

/* What a codec is. Each step takes from `in` and gives to `out` what it can. */
typedef struct codec_ops {
    const char *name;
    int best_level;
    int (*decoder_new)(void **state, ag_err *err);
    int (*decode)(void *state, span *in, span *out, ag_err *err); /* 1: a member or frame ended, 0: more to come */
    void (*decoder_free)(void *state);
    int (*encoder_new)(int level, void **state, ag_err *err);
    int (*encode)(void *state, span *in, span *out, bool end, ag_err *err); /* 1: nothing is left inside */
    void (*encoder_free)(void *state);
} codec_ops;

static void *zlib_alloc(void *opaque, unsigned count, unsigned size)
{
    (void)opaque;
    return ag_calloc(count, size); /* zeroed: inflate may look at bytes of its window that it has not written */
}

static void zlib_free(void *opaque, void *memory)
{
    (void)opaque;
    ag_free(memory);
}

#define GZIP_FORMAT (15 + 16) /* the largest window, gzip header and trailer only */

static int gzip_new(z_stream **out, ag_err *err)
{
    z_stream *stream = ag_calloc(1, sizeof(*stream));
    if (!stream) return ag_fail_memory(err, sizeof(*stream));
    stream->zalloc = zlib_alloc;
    stream->zfree = zlib_free;
    *out = stream;
    return AG_OK;
}

static int gzip_decoder_new(void **state, ag_err *err)
{
    z_stream *stream;
    int rc = gzip_new(&stream, err);
    if (rc < 0) return rc;
    if (inflateInit2(stream, GZIP_FORMAT) != Z_OK) {
        ag_free(stream);
        return ag_fail_memory(err, PIECE);
    }
    *state = stream;
    return AG_OK;
}

static void gzip_set(z_stream *stream, const span *in, const span *out)
{
    stream->next_in = (Bytef *)(in->data + in->at);
    stream->avail_in = (uInt)(in->size - in->at);
    stream->next_out = (Bytef *)(out->data + out->at);
    size_t room = out->size - out->at;
    stream->avail_out = room < PIECE ? (uInt)room : (uInt)PIECE;
}

static void gzip_get(const z_stream *stream, span *in, span *out)
{
    in->at = in->size - stream->avail_in;
    out->at = (size_t)((char *)stream->next_out - out->data);
}

static int gzip_decode(void *state, span *in, span *out, ag_err *err)
{
    z_stream *stream = state;
    gzip_set(stream, in, out);
    int rc = inflate(stream, Z_NO_FLUSH);
    gzip_get(stream, in, out);
    if (rc == Z_OK || rc == Z_BUF_ERROR) return 0;
    if (rc == Z_MEM_ERROR) return ag_fail_memory(err, PIECE);
    if (rc != Z_STREAM_END)
        return ag_fail(err, AG_ECORRUPT, "damaged gzip data: %s", stream->msg ? stream->msg : "it cannot be read");
    inflateReset(stream);
    return 1;
}

static void gzip_decoder_free(void *state)
{
    inflateEnd(state);
    ag_free(state);
}

static int gzip_encoder_new(int level, void **state, ag_err *err)
{
    z_stream *stream;
    int rc = gzip_new(&stream, err);
    if (rc < 0) return rc;
    if (deflateInit2(stream, level ? level : Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_FORMAT, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK) {
        ag_free(stream);
        return ag_fail_memory(err, PIECE);
    }
    *state = stream;
    return AG_OK;
}

static int gzip_encode(void *state, span *in, span *out, bool end, ag_err *err)
{
    z_stream *stream = state;
    gzip_set(stream, in, out);
    int rc = deflate(stream, end ? Z_FINISH : Z_NO_FLUSH);
    gzip_get(stream, in, out);
    if (rc == Z_STREAM_ERROR) return ag_fail(err, AG_EINTERNAL, "gzip compression failed");
    return rc == Z_STREAM_END;
}

static void gzip_encoder_free(void *state)
{
    deflateEnd(state);
    ag_free(state);
}

static int zstd_decoder_new(void **state, ag_err *err)
{
    *state = ag_fault(AG_FAULT_ALLOC) ? NULL : ZSTD_createDStream();
    return *state ? AG_OK : ag_fail_memory(err, PIECE);
}

static int zstd_decode(void *state, span *in, span *out, ag_err *err)
{
    ZSTD_inBuffer from = {in->data, in->size, in->at};
    ZSTD_outBuffer to = {out->data, out->size, out->at};
    size_t rc = ZSTD_decompressStream(state, &to, &from);
    in->at = from.pos;
    out->at = to.pos;
    if (!ZSTD_isError(rc)) return rc == 0;
    ZSTD_ErrorCode code = ZSTD_getErrorCode(rc);
    if (code == ZSTD_error_memory_allocation) return ag_fail_memory(err, PIECE);
    if (code == ZSTD_error_frameParameter_windowTooLarge)
        return ag_fail(err, AG_ELIMIT, "the zstd data needs a window of more than 128 MiB");
    return ag_fail(err, AG_ECORRUPT, "damaged zstd data: %s", ZSTD_getErrorName(rc));
}

static void zstd_decoder_free(void *state)
{
    ZSTD_freeDStream(state);
}

static int zstd_encoder_new(int level, void **state, ag_err *err)
{
    ZSTD_CCtx *context = ag_fault(AG_FAULT_ALLOC) ? NULL : ZSTD_createCCtx();
    if (!context) return ag_fail_memory(err, PIECE);
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level ? level : ZSTD_CLEVEL_DEFAULT);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    *state = context;
    return AG_OK;
}

static int zstd_encode(void *state, span *in, span *out, bool end, ag_err *err)
{
    ZSTD_inBuffer from = {in->data, in->size, in->at};
    ZSTD_outBuffer to = {out->data, out->size, out->at};
    size_t rc = ZSTD_compressStream2(state, &to, &from, end ? ZSTD_e_end : ZSTD_e_continue);
    in->at = from.pos;
    out->at = to.pos;
    if (ZSTD_isError(rc)) return ag_fail(err, AG_EINTERNAL, "zstd compression failed: %s", ZSTD_getErrorName(rc));
    return end && rc == 0;
}

static void zstd_encoder_free(void *state)
{
    ZSTD_freeCCtx(state);
}

static const codec_ops codecs[] = {
    [AG_CODEC_GZIP] = {"gzip", 9, gzip_decoder_new, gzip_decode, gzip_decoder_free, gzip_encoder_new, gzip_encode,
                       gzip_encoder_free},
    [AG_CODEC_ZSTD] = {"zstd", 19, zstd_decoder_new, zstd_decode, zstd_decoder_free, zstd_encoder_new, zstd_encode,
                       zstd_encoder_free},
};

typedef struct decompressor {
    ag_reader base;
    const codec_ops *ops;
    void *state;
    ag_reader *source;
    span in;
    uint64_t left; /* of the bound */
    bool source_ended;
    bool between;   /* the last member or frame is complete and the next has not begun */
    bool full;      /* the last step filled its output: more may be waiting inside */
    ag_err failure; /* sticks */
} decompressor;

/* More input, when there is none and none is waiting inside. */
static int refill(decompressor *self, ag_err *err)
{
    if (self->in.at < self->in.size || self->full || self->source_ended) return AG_OK;
    ptrdiff_t got = ag_read(self->source, self->in.data, PIECE, err);
    if (got < 0) return (int)got;
    self->source_ended = got == 0;
    self->in.size = (size_t)got;
    self->in.at = 0;
    return AG_OK;
}

/* Fills `out` as far as one step goes. 1: something happened, 0: the end. */
static int decode_some(decompressor *self, span *out, ag_err *err)
{
    int rc = refill(self, err);
    if (rc < 0) return rc;
    bool dry = self->in.at == self->in.size;
    if (dry && self->source_ended && !self->full)
        return self->between ? 0 : ag_fail(err, AG_ECORRUPT, "the %s data ends too early", self->ops->name);
    if (!dry) self->between = false;
    rc = self->ops->decode(self->state, &self->in, out, err);
    if (rc < 0) return rc;
    self->between |= rc == 1;
    self->full = rc == 0 && out->at == out->size;
    return 1;
}

static ptrdiff_t read_decompressed(ag_reader *base, void *into, size_t size, ag_err *err)
{
    decompressor *self = (decompressor *)base;
    char extra;
    span out = {into, size < self->left ? size : (size_t)self->left, 0};
    if (self->left == 0) out = (span){&extra, 1, 0}; /* only the end may come now */
    int rc = 1;
    if (self->failure.code < 0) {
        if (err) *err = self->failure;
        return self->failure.code;
    }
    while (rc > 0 && out.at == 0) rc = decode_some(self, &out, &self->failure);
    if (rc >= 0 && self->left == 0 && out.at > 0)
        rc = ag_fail(&self->failure, AG_ELIMIT, "the %s data holds more than its limit allows", self->ops->name);
    if (rc < 0) {
        if (err) *err = self->failure;
        return rc;
    }
    self->left -= out.at;
    return (ptrdiff_t)out.at;
}

static void close_decompressor(ag_reader *base)
{
    decompressor *self = (decompressor *)base;
    if (self->state) self->ops->decoder_free(self->state);
    ag_free(self->in.data);
    ag_free(self);
}

int ag_decompress_reader(ag_codec codec, ag_reader *source, uint64_t max_out, ag_reader **out, ag_err *err)
{
    decompressor *self = ag_calloc(1, sizeof(*self));
    if (!self) return ag_fail_memory(err, sizeof(*self));
    self->base = (ag_reader){read_decompressed, close_decompressor};
    self->ops = &codecs[codec];
    self->source = source;
    self->left = max_out;
    int rc = (self->in.data = ag_alloc(PIECE)) ? AG_OK : ag_fail_memory(err, PIECE);
    if (rc >= 0) rc = self->ops->decoder_new(&self->state, err);
    if (rc < 0) {
        close_decompressor(&self->base);
        return rc;
    }
    *out = &self->base;
    return AG_OK;
}

typedef struct compressor {
    ag_writer base;
    const codec_ops *ops;
    void *state;
    ag_writer *sink;
    char *piece;
    bool over; /* finished, or failed: nothing can be added */
} compressor;

static int push(compressor *self, const void *bytes, size_t size, bool end, ag_err *err)
{
    if (self->over) return ag_fail(err, AG_ECONFLICT, "the %s stream is finished or has failed", self->ops->name);
    const char *at = bytes;
    int rc = 0;
    do {
        span in = {(char *)(uintptr_t)at, size < PIECE ? size : PIECE, 0};
        span out = {self->piece, PIECE, 0};
        rc = self->ops->encode(self->state, &in, &out, end && in.size == size, err);
        if (rc >= 0 && out.at > 0) {
            int written = ag_write(self->sink, self->piece, out.at, err);
            if (written < 0) rc = written;
        }
        if (at) at += in.at;
        size -= in.at;
    } while (rc >= 0 && (size > 0 || (end && rc == 0)));
    self->over = rc < 0 || end;
    return rc < 0 ? rc : AG_OK;
}

static int write_compressed(ag_writer *base, const void *bytes, size_t size, ag_err *err)
{
    return push((compressor *)base, bytes, size, false, err);
}

static int finish_compressed(ag_writer *base, ag_err *err)
{
    return push((compressor *)base, "", 0, true, err);
}

static void close_compressor(ag_writer *base)
{
    compressor *self = (compressor *)base;
    if (self->state) self->ops->encoder_free(self->state);
    ag_free(self->piece);
    ag_free(self);
}

int ag_compress_writer(ag_codec codec, int level, ag_writer *sink, ag_writer **out, ag_err *err)
{
    const codec_ops *ops = &codecs[codec];
    if (level < 0 || level > ops->best_level)
        return ag_fail(err, AG_EINVAL, "%s has the levels 1 ... %d, not %d", ops->name, ops->best_level, level);
    compressor *self = ag_calloc(1, sizeof(*self));
    if (!self) return ag_fail_memory(err, sizeof(*self));
    *self = (compressor){.base = {write_compressed, finish_compressed, close_compressor}, .ops = ops, .sink = sink};
    int rc = (self->piece = ag_alloc(PIECE)) ? AG_OK : ag_fail_memory(err, PIECE);
    if (rc >= 0) rc = ops->encoder_new(level, &self->state, err);
    if (rc < 0) {
        close_compressor(&self->base);
        return rc;
    }
    *out = &self->base;
    return AG_OK;
}

int ag_compress(ag_codec codec, int level, ag_str bytes, ag_buf *out, ag_err *err)
{
    ag_writer *sink = NULL, *writer = NULL;
    int rc = ag_writer_to_buf(out, &sink, err);
    if (rc >= 0) rc = ag_compress_writer(codec, level, sink, &writer, err);
    if (rc >= 0) rc = ag_write(writer, bytes.data, bytes.size, err);
    if (rc >= 0) rc = ag_finish(writer, err);
    ag_writer_close(writer);
    ag_writer_close(sink);
    return rc;
}

int ag_decompress(ag_codec codec, ag_str bytes, ag_buf *out, ag_err *err)
{
    ag_reader *source = NULL, *reader = NULL;
    int rc = ag_reader_of_memory(bytes.data, bytes.size, &source, err);
    if (rc >= 0) rc = ag_decompress_reader(codec, source, out->max - out->size, &reader, err);
    if (rc >= 0) rc = ag_read_all(reader, out, err);
    ag_reader_close(reader);
    ag_reader_close(source);
    return rc;
}
