// SPDX-License-Identifier: Apache-2.0
/* dtype.c: one row per format. All machines that we build for are little-endian, as the files are, so that decoding is
 * a copy and a conversion; memcpy because nothing in a file is aligned for certain. */
#include "learn/nn/checkpoint/dtype.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "stored tensors are little-endian");

/* The lines of the table that are one C type each. */
#define DECODER(name, type)                                                                                            \
    static void decode_##name(const uint8_t *from, int64_t count, ag_real *out)                                        \
    {                                                                                                                  \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            type value;                                                                                                \
            memcpy(&value, from + (size_t)i * sizeof value, sizeof value);                                             \
            out[i] = (ag_real)value;                                                                                   \
        }                                                                                                              \
    }
DECODER(u8, uint8_t)
DECODER(i8, int8_t)
DECODER(i16, int16_t)
DECODER(u16, uint16_t)
DECODER(i32, int32_t)
DECODER(u32, uint32_t)
DECODER(f32, float)
DECODER(i64, int64_t)
DECODER(u64, uint64_t)

static void decode_bool(const uint8_t *from, int64_t count, ag_real *out)
{
    for (int64_t i = 0; i < count; i++) out[i] = from[i] ? AG_R(1.0) : AG_R(0.0);
}

/* A double beyond the largest float becomes an infinity, as in every conversion by hardware; C leaves that open. */
static void decode_f64(const uint8_t *from, int64_t count, ag_real *out)
{
    for (int64_t i = 0; i < count; i++) {
        double value;
        memcpy(&value, from + (size_t)i * sizeof value, sizeof value);
        if (!AG_REAL_IS_DOUBLE && fabs(value) > (double)FLT_MAX)
            value = isinf(value) || fabs(value) >= 0x1.ffffffp127 ? copysign(INFINITY, value)
                                                                  : copysign((double)FLT_MAX, value);
        out[i] = (ag_real)value;
    }
}

static void decode_bf16(const uint8_t *from, int64_t count, ag_real *out)
{
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits = ((uint32_t)from[2 * i] | (uint32_t)from[2 * i + 1] << 8) << 16;
        float value;
        memcpy(&value, &bits, sizeof value);
        out[i] = (ag_real)value;
    }
}

static void decode_f16(const uint8_t *from, int64_t count, ag_real *out)
{
    for (int64_t i = 0; i < count; i++) {
        unsigned bits = (unsigned)from[2 * i] | (unsigned)from[2 * i + 1] << 8;
        int exponent = (int)(bits >> 10 & 31), fraction = (int)(bits & 1023);
        double size = exponent == 31 ? (fraction ? (double)NAN : (double)INFINITY)
                      : exponent     ? ldexp(1024 + fraction, exponent - 25)
                                     : ldexp(fraction, -24);
        out[i] = (ag_real)(bits & 0x8000 ? -size : size);
    }
}

typedef struct format {
    const char *name;
    size_t size;
    bool is_float;
    void (*decode)(const uint8_t *from, int64_t count, ag_real *out);
} format;

static const format formats[] = {
    [AG_DTYPE_BOOL] = {"BOOL", 1, false, decode_bool}, [AG_DTYPE_U8] = {"U8", 1, false, decode_u8},
    [AG_DTYPE_I8] = {"I8", 1, false, decode_i8},       [AG_DTYPE_I16] = {"I16", 2, false, decode_i16},
    [AG_DTYPE_U16] = {"U16", 2, false, decode_u16},    [AG_DTYPE_F16] = {"F16", 2, true, decode_f16},
    [AG_DTYPE_BF16] = {"BF16", 2, true, decode_bf16},  [AG_DTYPE_I32] = {"I32", 4, false, decode_i32},
    [AG_DTYPE_U32] = {"U32", 4, false, decode_u32},    [AG_DTYPE_F32] = {"F32", 4, true, decode_f32},
    [AG_DTYPE_F64] = {"F64", 8, true, decode_f64},     [AG_DTYPE_I64] = {"I64", 8, false, decode_i64},
    [AG_DTYPE_U64] = {"U64", 8, false, decode_u64},
};
enum { FORMATS = sizeof formats / sizeof *formats };

const char *ag_dtype_name(ag_dtype dtype)
{
    return formats[dtype].name;
}

size_t ag_dtype_size(ag_dtype dtype)
{
    return formats[dtype].size;
}

bool ag_dtype_is_float(ag_dtype dtype)
{
    return formats[dtype].is_float;
}

int ag_dtype_find(ag_str name, ag_dtype *out, ag_err *err)
{
    static const char *const unread[] = {"F4",      "F6_E2M3",     "F6_E3M2", "F8_E5M2",    "F8_E4M3",
                                         "F8_E8M0", "F8_E4M3FNUZ", "C64",     "F8_E5M2FNUZ"};
    for (int i = 0; i < FORMATS; i++)
        if (ag_str_is(name, formats[i].name)) {
            *out = (ag_dtype)i;
            return 0;
        }
    for (size_t i = 0; i < sizeof unread / sizeof *unread; i++)
        if (ag_str_is(name, unread[i])) {
            ag_fail(err, AG_EUNSUPPORTED, "numbers of type %s are not read here", unread[i]);
            return ag_err_hint(err, "save the model in F32, F16 or BF16");
        }
    return ag_fail(err, AG_EPARSE, "there is no type of numbers '%.*s'", AG_STR_ARG(ag_str_slice(name, 0, 40)));
}

void ag_dtype_decode(ag_dtype dtype, const void *from, int64_t count, ag_real *out)
{
    formats[dtype].decode(from, count, out);
}

void ag_dtype_encode(ag_dtype dtype, const ag_real *from, int64_t count, void *out)
{
    uint8_t *to = out;
    for (int64_t i = 0; i < count; i++) {
        float single = (float)from[i];
        double twice = (double)from[i];
        int64_t whole = twice > -9e18 && twice < 9e18 ? (int64_t)twice : 0;
        if (dtype == AG_DTYPE_F32) memcpy(to + 4 * i, &single, sizeof single);
        if (dtype == AG_DTYPE_F64) memcpy(to + 8 * i, &twice, sizeof twice);
        if (dtype == AG_DTYPE_I64) memcpy(to + 8 * i, &whole, sizeof whole);
    }
}
