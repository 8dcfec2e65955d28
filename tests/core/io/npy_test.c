// SPDX-License-Identifier: Apache-2.0
/* npy_test.c: headers good and bad as text, so that each case can be read; then orders, conversions and the writer. */
#include "frame/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/npy.h"

/* A file of the given version, header and data. */
static ag_str file_of(ag_buf *buf, int version, const char *header, const void *data, size_t size)
{
    size_t length = strlen(header);
    ag_buf_clear(buf);
    ag_buf_add(buf, "\x93NUMPY", 6);
    ag_buf_add_char(buf, (char)version);
    ag_buf_add_char(buf, 0);
    for (int i = 0; i < (version == 1 ? 2 : 4); i++) ag_buf_add_char(buf, (char)(length >> (8 * i)));
    ag_buf_add_text(buf, header);
    ag_buf_add(buf, data, size);
    return ag_buf_str(buf);
}

#define HEADER(type, order, shape) "{'descr': '" type "', 'fortran_order': " order ", 'shape': " shape ", }\n"

AG_TEST(test_npy__good_headers)
{
    static const char *const good[] = {
        HEADER("<i2", "False", "(2, 3)"),
        HEADER("=i2", "False", "(2,3,)"),
        HEADER("<i2", "False", "(6,)"),
        HEADER("<i2", "False", "(1, 6, 1)"),
        HEADER("<i2", "True", "(6L,)"),
        "{\"shape\": (2, 3), \"descr\": \"<i2\", \"fortran_order\": False}",
        "  { 'shape' :( 2 ,3 ) , 'descr': '<i2' , 'fortran_order' : False }   \n",
    };
    int16_t data[6] = {1, -2, 3, -4, 5, -32768};
    ag_buf buf;
    ag_buf_init(&buf, 10000);
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        for (int version = 1; version <= 3; version++) {
            ag_err err = {0};
            ag_npy a;
            double out[6];
            AG_EXPECT_OK(ag_npy_parse(file_of(&buf, version, good[i], data, sizeof(data)), "x", &a, &err));
            assert_int_equal(a.count, 6);
            assert_int_equal(a.type, AG_NPY_INT16);
            AG_EXPECT_OK(ag_npy_to_double(&a, 0, 6, out, &err));
            for (int k = 0; k < 6; k++) assert_true(out[k] == data[k]);
        }
    ag_buf_deinit(&buf);
}

AG_TEST(test_npy__bad_headers)
{
    static const struct {
        const char *header;
        ag_code code;
        const char *text;
    } bad[] = {
        {HEADER("<c8", "False", "(2,)"), AG_EUNSUPPORTED, "complex"},
        {HEADER("<c16", "False", "(2,)"), AG_EUNSUPPORTED, "complex"},
        {HEADER("|O", "False", "(2,)"), AG_EUNSUPPORTED, "Python objects"},
        {HEADER("<U4", "False", "(2,)"), AG_EUNSUPPORTED, "text"},
        {HEADER("|S4", "False", "(2,)"), AG_EUNSUPPORTED, "byte strings"},
        {HEADER("<M8[ns]", "False", "(2,)"), AG_EUNSUPPORTED, "dates"},
        {HEADER("|f2", "False", "(4,)"), AG_EUNSUPPORTED, "'|f2'"},
        {HEADER("<f16", "False", "(2,)"), AG_EUNSUPPORTED, "other than 2, 4 or 8"},
        {HEADER("|i4", "False", "(2,)"), AG_EUNSUPPORTED, "'|i4'"},
        {HEADER("i4", "False", "(2,)"), AG_EUNSUPPORTED, "'i4'"},
        {HEADER("", "False", "(2,)"), AG_EUNSUPPORTED, "''"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", AG_EUNSUPPORTED, "named fields"},
        {HEADER("<i4", "false", "(2,)"), AG_EPARSE, "True or False"},
        {HEADER("<i4", "0", "(2,)"), AG_EPARSE, "True or False"},
        {HEADER("<i4", "False", "(2)"), AG_EPARSE, "one dimension"},
        {HEADER("<i4", "False", "(-2,)"), AG_EPARSE, "size of a dimension"},
        {HEADER("<i4", "False", "(02,)"), AG_EPARSE, "size of a dimension"},
        {HEADER("<i4", "False", "(,)"), AG_EPARSE, "size of a dimension"},
        {HEADER("<i4", "False", "(2 3)"), AG_EPARSE, "','"},
        {HEADER("<i4", "False", "[2]"), AG_EPARSE, "parentheses"},
        {HEADER("<i4", "False", "(2.0,)"), AG_EPARSE, "','"},
        {HEADER("<i4", "False", "(99999999999999999999,)"), AG_EPARSE, "size of a dimension"},
        {HEADER("<i4", "False", "(4294967296, 4294967296)"), AG_ELIMIT, "too large"},
        {HEADER("<f8", "False", "(2305843009213693952,)"), AG_ELIMIT, "too large"},
        {HEADER("<i1", "False", "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)"), AG_ELIMIT,
         "32"},
        {HEADER("<i4", "False", "(3,)"), AG_ECORRUPT, "12 bytes of data, the file has 8"},
        {HEADER("<i4", "False", "(1,)"), AG_ECORRUPT, "4 bytes of data, the file has 8"},
        {HEADER("<i4", "False", "(18446744073709551615, 0)"), AG_ECORRUPT, "0 bytes"},
        {"{'descr': '<i4', 'fortran_order': False}", AG_EPARSE, "lacks 'shape'"},
        {"{'fortran_order': False, 'shape': (2,)}", AG_EPARSE, "lacks 'descr'"},
        {"{'descr': '<i4', 'descr': '<i4', 'fortran_order': False, 'shape': (2,)}", AG_EPARSE, "'descr' twice"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (2,), 'x': 1}", AG_EPARSE, "'x'"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (2,)} x", AG_EPARSE, "end"},
        {"{'descr': '<i4' 'fortran_order': False, 'shape': (2,)}", AG_EPARSE, "','"},
        {"{'descr' '<i4'}", AG_EPARSE, "':'"},
        {"{'descr': '<i\\x34'}", AG_EPARSE, "without escapes"},
        {"{'descr: ", AG_EPARSE, "end of a text"},
        {"__import__('os').system('x')", AG_EPARSE, "'{'"},
        {"", AG_EPARSE, "'{'"},
        {"{", AG_EPARSE, "quotes"},
    };
    ag_buf buf;
    ag_buf_init(&buf, 10000);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        ag_err err = {0};
        ag_npy a;
        AG_EXPECT_ERROR(ag_npy_parse(file_of(&buf, 1, bad[i].header, "12345678", 8), "x", &a, &err), (int)bad[i].code,
                        bad[i].text);
        assert_string_equal(err.file, "x");
    }
    ag_buf_deinit(&buf);
}

AG_TEST(test_npy__bad_preambles_and_every_cut)
{
    ag_err err = {0};
    ag_npy a;
    ag_buf buf;
    ag_buf_init(&buf, 10000);
    for (int version = 1; version <= 3; version++) {
        ag_str whole = file_of(&buf, version, HEADER("<i2", "False", "(2,)"), "abcd", 4);
        for (size_t cut = 0; cut < whole.size; cut++)
            assert_true(ag_npy_parse((ag_str){whole.data, cut}, NULL, &a, &err) < 0);
    }
    buf.data[6] = 4;
    AG_EXPECT_ERROR(ag_npy_parse(ag_buf_str(&buf), "x", &a, &err), AG_EUNSUPPORTED, "4.0");
    buf.data[6] = 1;
    buf.data[7] = 1;
    AG_EXPECT_ERROR(ag_npy_parse(ag_buf_str(&buf), "x", &a, &err), AG_EUNSUPPORTED, "1.1");
    buf.data[6] = 2;
    buf.data[7] = 0;
    buf.data[11] = 0x7f;
    AG_EXPECT_ERROR(ag_npy_parse(ag_buf_str(&buf), "x", &a, &err), AG_ELIMIT, "65536");
    AG_EXPECT_ERROR(ag_npy_parse(AG_STR("not an array"), "x", &a, &err), AG_EPARSE, "this is not a .npy file");
    AG_EXPECT_ERROR(ag_npy_parse(AG_STR("PK\3\4 a zip file"), "x", &a, &err), AG_EPARSE, "(.npz), not a .npy");
    assert_non_null(strstr(err.hint, "unzip"));
    ag_buf_deinit(&buf);
}

AG_TEST(test_npy__fortran_order_and_swapped_bytes)
{
    ag_err err = {0};
    ag_npy a;
    ag_buf buf;
    uint8_t data[24 * 2];
    ag_buf_init(&buf, 10000);
    for (int i = 0; i < 24; i++) { /* shape (2, 3, 4), item (i, j, k) = 100 i + 10 j + k, first index fastest */
        int value = 100 * (i % 2) + 10 * (i / 2 % 3) + i / 6;
        data[2 * i] = (uint8_t)(value >> 8);
        data[2 * i + 1] = (uint8_t)value;
    }
    AG_EXPECT_OK(ag_npy_parse(file_of(&buf, 1, HEADER(">u2", "True", "(2, 3, 4)"), data, sizeof(data)), "x", &a, &err));
    assert_true(a.fortran && a.swapped);
    for (size_t from = 0; from < 24; from++) { /* any part comes out right */
        float out[24];
        uint16_t raw[24];
        AG_EXPECT_OK(ag_npy_to_float(&a, from, 24 - from, out, &err));
        AG_EXPECT_OK(ag_npy_copy(&a, from, 24 - from, raw, &err));
        for (size_t i = from; i < 24; i++) {
            size_t value = 100 * (i / 12) + 10 * (i / 4 % 3) + i % 4;
            assert_true(out[i - from] == (float)value && raw[i - from] == value);
        }
    }
    float out[2];
    AG_EXPECT_ERROR(ag_npy_to_float(&a, 23, 2, out, &err), AG_EINVAL, "23 to 25");
    AG_EXPECT_ERROR(ag_npy_copy(&a, SIZE_MAX, 2, out, &err), AG_EINVAL, "24");
    AG_EXPECT_ERROR(ag_npy_copy(&a, 2, SIZE_MAX, out, &err), AG_EINVAL, "24");
    ag_buf_deinit(&buf);
}

AG_TEST(test_npy__every_type_converts)
{
    static const char *const codes[] = {"|b1", "<i1", "<i2", "<i4", "<i8", "|u1",
                                        "<u2", "<u4", "<u8", "<f2", "<f4", "<f8"};
    static const double wanted[] = {1, -1, -1, -1, -1, 255, 65535, 4294967295.0, 18446744073709551615.0, NAN, NAN, NAN};
    ag_buf buf;
    ag_buf_init(&buf, 10000);
    for (ag_npy_type type = AG_NPY_BOOL; type <= AG_NPY_FLOAT64; type++) {
        ag_err err = {0};
        ag_npy a;
        char header[128];
        double d;
        float f;
        snprintf(header, sizeof(header), "{'descr': '%s', 'fortran_order': False, 'shape': ()}", codes[type]);
        ag_str file = file_of(&buf, 1, header, "\xff\xff\xff\xff\xff\xff\xff\xff", ag_npy_type_size(type));
        AG_EXPECT_OK(ag_npy_parse(file, "x", &a, &err));
        assert_int_equal(a.type, type);
        assert_int_equal(a.count, 1);
        AG_EXPECT_OK(ag_npy_to_double(&a, 0, 1, &d, &err));
        AG_EXPECT_OK(ag_npy_to_float(&a, 0, 1, &f, &err));
        if (isnan(wanted[type]))
            assert_true(isnan(d) && isnan(f));
        else
            assert_true(d == wanted[type] && f == (float)wanted[type]);
    }
    ag_buf_deinit(&buf);
}

AG_TEST(test_npy__half_precision_is_exact)
{
    static const struct {
        uint16_t bits;
        double value;
    } halves[] = {{0x0000, 0},
                  {0x8000, -0.0},
                  {0x3c00, 1},
                  {0xc000, -2},
                  {0x3555, 0.333251953125},
                  {0x7bff, 65504},
                  {0x0001, 0x1p-24},
                  {0x83ff, -1023 * 0x1p-24},
                  {0x0400, 0x1p-14},
                  {0x7c00, (double)INFINITY},
                  {0xfc00, -(double)INFINITY}};
    enum { COUNT = sizeof halves / sizeof *halves };
    ag_buf buf;
    ag_buf_init(&buf, 10000);
    for (int big = 0; big < 2; big++) {
        ag_err err = {0};
        ag_npy a;
        uint8_t data[2 * COUNT];
        double out[COUNT];
        float single[COUNT];
        for (size_t i = 0; i < COUNT; i++) {
            data[2 * i + !big] = (uint8_t)(halves[i].bits >> 8);
            data[2 * i + big] = (uint8_t)halves[i].bits;
        }
        ag_str file = file_of(&buf, 1, big ? HEADER(">f2", "True", "(11,)") : HEADER("<f2", "False", "(11, 1)"), data,
                              sizeof data);
        AG_EXPECT_OK(ag_npy_parse(file, "x", &a, &err));
        assert_string_equal(ag_npy_type_name(a.type), "float16");
        AG_EXPECT_OK(ag_npy_to_double(&a, 0, COUNT, out, &err));
        AG_EXPECT_OK(ag_npy_to_float(&a, 0, COUNT, single, &err));
        for (size_t i = 0; i < COUNT; i++) {
            assert_true(out[i] == halves[i].value && (double)single[i] == halves[i].value);
            assert_true(!signbit(out[i]) == !signbit(halves[i].value));
        }
    }
    ag_buf_deinit(&buf);
}

AG_TEST(test_npy__write_and_open)
{
    ag_err err = {0};
    char path[4200];
    snprintf(path, sizeof(path), "%s/a.npy", ag_test_dir());
    float data[2][3] = {{1, 2, 3}, {4, 5, 6}}, out[6];
    ag_npy_file file;
    AG_EXPECT_OK(ag_npy_write(path, AG_NPY_FLOAT32, (uint64_t[]){2, 3}, 2, data, &err));
    AG_EXPECT_OK(ag_npy_open(path, &file, &err));
    assert_int_equal(file.array.dimensions, 2);
    assert_int_equal(((const char *)file.array.data - file.mapping.data) % 64, 0);
    AG_EXPECT_OK(ag_npy_to_float(&file.array, 0, 6, out, &err));
    assert_memory_equal(out, data, sizeof(data));
    ag_npy_close(&file);
    ag_npy_close(&file);
    AG_EXPECT_ERROR(ag_npy_write(path, AG_NPY_FLOAT32, (uint64_t[]){UINT64_MAX, 2}, 2, data, &err), AG_ELIMIT,
                    "too large");
    AG_EXPECT_OK(ag_npy_write(path, AG_NPY_BOOL, NULL, 0, "\1", &err));
    AG_EXPECT_OK(ag_npy_open(path, &file, &err));
    assert_int_equal(file.array.count, 1);
    ag_npy_close(&file);
    AG_EXPECT_OK(ag_npy_write(path, AG_NPY_INT64, (uint64_t[]){0, UINT64_MAX}, 2, NULL, &err));
    AG_EXPECT_OK(ag_npy_open(path, &file, &err));
    assert_int_equal(file.array.count, 0);
    ag_npy_close(&file);
}

/* Bytes of files that this process has in memory; those of /dev/shm count as shared ones. */
static long resident_files(void)
{
    long sum = 0, value;
    char line[200];
    FILE *status = fopen("/proc/self/status", "r");
    assert_non_null(status);
    while (fgets(line, sizeof line, status))
        if (sscanf(line, "RssFile: %ld", &value) == 1 || sscanf(line, "RssShmem: %ld", &value) == 1) sum += value;
    fclose(status);
    return sum * 1024;
}

AG_TEST(test_npy__what_was_read_need_not_stay_in_memory)
{
    enum { ROWS = 64, SIZE = 32768 };
    char path[600];
    ag_err err = {0};
    ag_npy_file file;
    const uint64_t shape[] = {ROWS, SIZE};
    float *rows = ag_calloc((size_t)ROWS * SIZE, sizeof *rows), *read = ag_alloc_array(SIZE, sizeof *read);
    assert_true(rows && read);
    for (size_t i = 0; i < (size_t)ROWS * SIZE; i++) rows[i] = (float)i;
    ag_format(path, sizeof path, "%s/large.npy", ag_test_dir());
    AG_EXPECT_OK(ag_npy_write(path, AG_NPY_FLOAT32, shape, 2, rows, &err));
    AG_EXPECT_OK(ag_npy_open(path, &file, &err));
    long before = resident_files(), most = before;
    for (size_t i = 0; i < ROWS; i++) { /* 8 MB in all */
        AG_EXPECT_OK(ag_npy_to_float(&file.array, i * SIZE, SIZE, read, &err));
        assert_memory_equal(read, rows + i * SIZE, SIZE * sizeof *read);
        ag_npy_passed(&file, i * SIZE, SIZE);
        if (resident_files() > most) most = resident_files();
    }
    assert_true(most - before < (4 << 20));
    AG_EXPECT_OK(ag_npy_to_float(&file.array, 0, SIZE, read, &err)); /* it is still there */
    assert_memory_equal(read, rows, SIZE * sizeof *read);
    ag_npy_passed(&file, 0, (size_t)ROWS * SIZE + 1); /* more than there is */
    ag_npy_close(&file);
    ag_free(rows);
    ag_free(read);
}

AG_TEST(test_npy__rows_are_counted_at_the_end)
{
    ag_err err = {0};
    char path[4200];
    snprintf(path, sizeof(path), "%s/a.npy", ag_test_dir());
    ag_npy_writer *writer = NULL;
    ag_npy_file file;
    AG_EXPECT_OK(ag_npy_writer_open(path, AG_NPY_INT32, (uint64_t[]){2}, 1, &writer, &err));
    for (int32_t i = 0; i < 1000; i++) AG_EXPECT_OK(ag_npy_writer_add(writer, (int32_t[]){i, -i}, 1, &err));
    assert_false(ag_file_exists(path));
    AG_EXPECT_ERROR(ag_npy_writer_add(writer, NULL, UINT64_MAX, &err), AG_ELIMIT, "too large");
    AG_EXPECT_OK(ag_npy_writer_commit(writer, &err));
    ag_npy_writer_free(writer);
    AG_EXPECT_OK(ag_npy_open(path, &file, &err));
    assert_int_equal(file.array.shape[0], 1000);
    assert_int_equal(file.array.shape[1], 2);
    int32_t last[2];
    AG_EXPECT_OK(ag_npy_copy(&file.array, 1998, 2, last, &err));
    assert_true(last[0] == 999 && last[1] == -999);
    ag_npy_close(&file);
    ag_npy_writer_free(NULL);
}

static int write_rows(void *context, ag_err *err)
{
    ag_npy_writer *writer = NULL;
    int rc = ag_npy_writer_open(context, AG_NPY_UINT8, NULL, 0, &writer, err);
    if (rc >= 0) rc = ag_npy_writer_add(writer, "abc", 3, err);
    if (rc >= 0) rc = ag_npy_writer_commit(writer, err);
    ag_npy_writer_free(writer);
    return rc;
}

static void check_rows(void *context)
{
    ag_err err = {0};
    ag_npy_file file;
    int rc = ag_npy_open(context, &file, &err);
    if (rc == AG_ENOTFOUND) return;
    AG_EXPECT_OK(rc);
    assert_int_equal(file.array.count, 3);
    ag_npy_close(&file);
    ag_file_remove(context, &err);
}

AG_TEST(test_npy__writing_survives_every_failure)
{
    char path[4200];
    snprintf(path, sizeof(path), "%s/a.npy", ag_test_dir());
    ag_test_fail_at_n(AG_FAULT_ANY, write_rows, check_rows, path);
}
