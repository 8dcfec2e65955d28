// SPDX-License-Identifier: Apache-2.0
#include "learn/nn/checkpoint/safetensors.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "frame/test.h"

/* A whole file of a header and `size` bytes of data, in a static place. */
static ag_str file_of(const char *header, const void *data, size_t size)
{
    static char bytes[4096];
    uint64_t length = strlen(header);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, length);
    if (size) memcpy(bytes + 8 + length, data, size);
    return (ag_str){bytes, 8 + (size_t)length + size};
}

static int parse(const char *header, size_t size, ag_err *err)
{
    static const char zeros[1024];
    ag_safetensors *file = NULL;
    int rc = ag_safetensors_parse(file_of(header, zeros, size), "x.safetensors", &file, err);
    ag_safetensors_free(file);
    return rc;
}

AG_TEST(test_safetensors__reads_names_shapes_and_numbers)
{
    ag_err err = {0};
    float numbers[] = {1.5f, -2.0f, 3.25f};
    ag_safetensors *file = NULL;
    AG_EXPECT_OK(ag_safetensors_parse(
        file_of("{\"__metadata__\":{\"format\":\"pt\"},\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]},"
                "\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}   ",
                numbers, sizeof numbers),
        NULL, &file, &err));
    assert_int_equal(file->count, 2);
    assert_string_equal(file->tensors[0].name, "a");
    assert_int_equal(file->tensors[0].shape.axes, 0);
    assert_string_equal(ag_safetensors_metadata(file, "format"), "pt");
    assert_null(ag_safetensors_metadata(file, "other"));
    assert_null(ag_safetensors_find(file, "c"));
    ag_real values[2];
    const ag_tensor *b = ag_safetensors_find(file, "b");
    ag_dtype_decode(b->dtype, b->data, b->count, values);
    assert_true(values[0] == AG_R(-2.0) && values[1] == AG_R(3.25));
    ag_safetensors_free(file);
}

AG_TEST(test_safetensors__refuses_what_the_format_forbids)
{
    static const struct {
        const char *header, *part;
        size_t data;
        int code;
    } cases[] = {
        {"[]", "begin with '{'", 0, AG_EPARSE},
        {" {}", "begin with '{'", 0, AG_EPARSE},
        {"{}", "0 bytes, but the file has 3", 3, AG_EPARSE},
        {"{\"a\":1}", "'a': its description is not an object", 0, AG_EPARSE},
        {"{\"a\":{}}", "'a': it has no dtype", 0, AG_EPARSE},
        {"{\"a\":{\"dtype\":\"F31\",\"shape\":[],\"data_offsets\":[0,4]}}", "no type of numbers 'F31'", 4, AG_EPARSE},
        {"{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[],\"data_offsets\":[0,1]}}", "F8_E4M3", 1, AG_EUNSUPPORTED},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"x\":1}}", "no more", 1, AG_EPARSE},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":1,\"data_offsets\":[0,1]}}", "not a list", 1, AG_EPARSE},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[-1],\"data_offsets\":[0,1]}}", "whole numbers", 1, AG_EPARSE},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1.0],\"data_offsets\":[0,1]}}", "whole numbers", 1, AG_EPARSE},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}", "7 axes", 1, AG_EUNSUPPORTED},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", "larger than", 0,
         AG_ELIMIT},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[9223372036854775807,2],\"data_offsets\":[0,0]}}", "larger than", 0,
         AG_ELIMIT},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", "two whole numbers", 1, AG_EPARSE},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,2]}}", "two whole numbers", 1, AG_EPARSE},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,0]}}", "leave the 1 bytes", 1, AG_EPARSE},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[-1,0]}}", "leave the 1 bytes", 1, AG_EPARSE},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}", "leave the 1 bytes", 1, AG_EPARSE},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,1]}}", "1 bytes do not hold U8 of shape [2]", 1,
         AG_EPARSE},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
         "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[2,6]}}",
         "'b' begins at byte 2", 6, AG_EPARSE},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
         "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[4,6]}}",
         "'b' begins at byte 4", 6, AG_EPARSE},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}", "begins at byte 1", 3, AG_EPARSE},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}", "take 2 bytes", 3, AG_EPARSE},
        {"{\"__metadata__\":{\"a\":1}}", "not an object of strings", 0, AG_EPARSE},
        {"{\"a\\u0000b\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", "NUL", 0, AG_EPARSE},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},"
         "\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}",
         "a", 0, AG_EPARSE},
    };
    ag_err err = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AG_EXPECT_ERROR(parse(cases[i].header, cases[i].data, &err), cases[i].code, cases[i].part);
        assert_string_equal(err.file, "x.safetensors");
    }
}

AG_TEST(test_safetensors__refuses_lengths_that_cannot_be)
{
    ag_err err = {0};
    ag_safetensors *file = NULL;
    char bytes[16] = {3};
    AG_EXPECT_ERROR(ag_safetensors_parse((ag_str){bytes, 7}, NULL, &file, &err), AG_EPARSE, "at least 8");
    AG_EXPECT_ERROR(ag_safetensors_parse((ag_str){bytes, 10}, NULL, &file, &err), AG_EPARSE, "ends after 10");
    memset(bytes, 0xff, 8);
    AG_EXPECT_ERROR(ag_safetensors_parse((ag_str){bytes, 16}, NULL, &file, &err), AG_ELIMIT, "no safetensors file");
    memset(bytes, 0, 8);
    AG_EXPECT_ERROR(ag_safetensors_parse((ag_str){bytes, 8}, NULL, &file, &err), AG_EPARSE, "begin with '{'");
}

AG_TEST(test_safetensors__every_prefix_of_a_file_is_refused)
{
    ag_err err = {0};
    ag_str whole = file_of("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", "abcd", 4);
    for (size_t size = 0; size < whole.size; size++) {
        ag_safetensors *file = NULL;
        char *copy = ag_strndup(whole.data, size); /* of exactly that size, so that reading on would be seen */
        assert_true(ag_safetensors_parse((ag_str){copy, size}, NULL, &file, &err) < 0);
        ag_free(copy);
    }
}

AG_TEST(test_safetensors__empty_tensors_have_a_place_too)
{
    ag_err err = {0};
    AG_EXPECT_OK(parse("{\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                       "\"a\":{\"dtype\":\"F32\",\"shape\":[0,3],\"data_offsets\":[0,0]},"
                       "\"c\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[1,1]}}",
                       1, &err));
}

static void decode_one(const char *type, const void *bytes, double wanted)
{
    ag_err err = {0};
    ag_dtype dtype;
    ag_real value;
    AG_EXPECT_OK(ag_dtype_find(ag_str_of(type), &dtype, &err));
    assert_string_equal(ag_dtype_name(dtype), type);
    char shifted[16] = {0};
    memcpy(shifted + 1, bytes, ag_dtype_size(dtype));
    ag_dtype_decode(dtype, shifted + 1, 1, &value);
    if (isnan(wanted) ? !isnan((double)value) : (double)value != (double)(ag_real)wanted)
        fail_msg("%s: %g instead of %g", type, (double)value, wanted);
}

AG_TEST(test_dtype__decodes_every_type)
{
    decode_one("BOOL", "\x02", 1);
    decode_one("U8", "\xff", 255);
    decode_one("I8", "\xff", -1);
    decode_one("I16", "\x00\x80", -32768);
    decode_one("U16", "\x00\x80", 32768);
    decode_one("I32", "\xfe\xff\xff\xff", -2);
    decode_one("U32", "\xff\xff\xff\xff", 4294967295.0);
    decode_one("I64", "\x00\x00\x00\x00\x01\x00\x00\x00", 4294967296.0);
    decode_one("U64", "\x00\x00\x00\x00\x00\x00\x00\x80", 9223372036854775808.0);
    decode_one("F16", "\x00\x3c", 1);
    decode_one("F16", "\x01\x80", -0x1p-24);
    decode_one("F16", "\xff\x7b", 65504);
    decode_one("F16", "\x00\xfc", -INFINITY);
    decode_one("F16", "\x01\x7c", NAN);
    decode_one("BF16", "\x80\x3f", 1);
    decode_one("BF16", "\x80\xff", -INFINITY);
    double large = 1e300, edge = 0x1.fffffefffp127, tenth = 0.1;
    decode_one("F64", &tenth, 0.1);
    if (!AG_REAL_IS_DOUBLE) {
        decode_one("F64", &large, INFINITY);
        decode_one("F64", &edge, (double)FLT_MAX);
    }
}

static const ag_real eight[] = {1, 2, 3, 4, 5, 6, 7, 8};

static int write_three(const char *path, ag_sha256 *digest, ag_err *err)
{
    const ag_tensor_source sources[] = {
        {"b", AG_DTYPE_F32, ag_shape_of(2, 2), eight},
        {"steps", AG_DTYPE_I64, ag_shape_scalar(), eight + 6},
        {"a \"quoted\" \xc3\xa9", AG_DTYPE_F32, ag_shape_of(1), eight + 7},
    };
    static const char *const metadata[] = {"format", "pt", NULL};
    ag_safetensors_writing writing = {sources, 3, metadata, digest, NULL};
    return ag_safetensors_write(path, &writing, err);
}

AG_TEST(test_safetensors__written_bytes_are_those_of_hugging_face)
{
    static const char header[] =
        "{\"__metadata__\":{\"format\":\"pt\"},\"steps\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
        "\"a \\\"quoted\\\" \xc3\xa9\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]},"
        "\"b\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[12,28]}}";
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    const char *path = ag_arena_printf(arena, "%s/x", ag_test_dir());
    ag_sha256 digest, again;
    AG_EXPECT_OK(write_three(path, &digest, &err));
    AG_EXPECT_OK(ag_sha256_of_file(path, &again, NULL, &err));
    assert_true(ag_sha256_equal(&digest, &again));
    ag_mapping map;
    AG_EXPECT_OK(ag_map_file(path, &map, &err));
    size_t padded = (sizeof header - 1 + 7) / 8 * 8;
    assert_int_equal(map.size, 8 + padded + 28);
    assert_int_equal((unsigned char)map.data[0] + 256 * (unsigned char)map.data[1], padded);
    assert_memory_equal(map.data + 8, header, sizeof header - 1);
    ag_unmap_file(&map);
    ag_safetensors *file = NULL;
    AG_EXPECT_OK(ag_safetensors_open(path, &file, &err));
    ag_real values[4];
    ag_dtype_decode(AG_DTYPE_I64, ag_safetensors_find(file, "steps")->data, 1, values);
    assert_true(values[0] == 7);
    ag_dtype_decode(AG_DTYPE_F32, ag_safetensors_find(file, "b")->data, 4, values);
    assert_memory_equal(values, eight, sizeof values);
    ag_safetensors_free(file);
    ag_arena_free(arena);
}

AG_TEST(test_safetensors__two_tensors_of_one_name_are_not_written)
{
    ag_err err = {0};
    ag_tensor_source sources[] = {{"b", AG_DTYPE_F32, ag_shape_of(2, 2), eight},
                                  {"b", AG_DTYPE_F32, ag_shape_of(1), eight}};
    ag_safetensors_writing writing = {.tensors = sources, .count = 2};
    AG_EXPECT_ERROR(ag_safetensors_write("never", &writing, &err), AG_EINVAL, "'b'");
    sources[1] = (ag_tensor_source){"c", AG_DTYPE_F32, ag_shape_of(-1), eight};
    AG_EXPECT_ERROR(ag_safetensors_write("never", &writing, &err), AG_ELIMIT, "'c'");
}

static int write_and_read(void *context, ag_err *err)
{
    ag_sha256 digest;
    ag_safetensors *file = NULL;
    int rc = write_three(context, &digest, err);
    if (rc >= 0) rc = ag_safetensors_open(context, &file, err);
    ag_safetensors_free(file);
    return rc;
}

AG_TEST(test_safetensors__every_failing_call_is_reported)
{
    if (!ag_fault_available()) ag_test_skip("built without fault injection");
    ag_arena *arena = ag_arena_new(0);
    char *path = ag_arena_printf(arena, "%s/y", ag_test_dir());
    assert_true(ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE, write_and_read, NULL, path) > 5);
    ag_arena_free(arena);
}
