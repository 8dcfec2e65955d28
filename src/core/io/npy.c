// SPDX-License-Identifier: Apache-2.0
/* npy.c: reading .npy. The header is a Python dictionary literal; only what NumPy writes is taken, by a small parser of
 * exactly three keys, each once. All sizes are checked before the first item is touched: product of the shape, bytes of
 * the items, bytes of the file. Items are copied out through memcpy, because data in a file need not be aligned.
 * Threads: any; a view is read only. */
#include "core/io/npy.h"

#include <math.h>
#include <string.h>

#define MAGIC "\x93NUMPY"
#define MAGIC_SIZE 6
#define MAX_HEADER 65536

typedef struct kind {
    ag_npy_type type;
    const char *code; /* in the header, without the byte order */
    const char *name;
    size_t size;
} kind;

static const kind kinds[] = {
    {AG_NPY_BOOL, "b1", "bool", 1},       {AG_NPY_INT8, "i1", "int8", 1},       {AG_NPY_INT16, "i2", "int16", 2},
    {AG_NPY_INT32, "i4", "int32", 4},     {AG_NPY_INT64, "i8", "int64", 8},     {AG_NPY_UINT8, "u1", "uint8", 1},
    {AG_NPY_UINT16, "u2", "uint16", 2},   {AG_NPY_UINT32, "u4", "uint32", 4},   {AG_NPY_UINT64, "u8", "uint64", 8},
    {AG_NPY_FLOAT16, "f2", "float16", 2}, {AG_NPY_FLOAT32, "f4", "float32", 4}, {AG_NPY_FLOAT64, "f8", "float64", 8},
};

/* What a foreign type is called, by its letter. */
static const struct {
    char letter;
    const char *name;
} foreign[] = {{'c', "complex numbers"},
               {'O', "Python objects"},
               {'S', "byte strings"},
               {'a', "byte strings"},
               {'U', "text"},
               {'V', "raw records"},
               {'M', "dates"},
               {'m', "time differences"},
               {'f', "floats of other than 2, 4 or 8 bytes"}};

const char *ag_npy_type_name(ag_npy_type type)
{
    return kinds[type].name;
}

size_t ag_npy_type_size(ag_npy_type type)
{
    return kinds[type].size;
}

/* The header's text under the cursor. */
typedef struct cursor {
    ag_str text;
    size_t at;
    const char *name;
    ag_err *err;
} cursor;

static int bad(const cursor *c, const char *what)
{
    return ag_fail_at(c->err, AG_EPARSE, c->name, 0, 0, "the .npy header has no %s at character %zu", what, c->at + 1);
}

static void skip_blanks(cursor *c)
{
    while (c->at < c->text.size && strchr(" \t\r\n", c->text.data[c->at]) && c->text.data[c->at]) c->at++;
}

/* Takes one character, blanks before it skipped. */
static bool take(cursor *c, char wanted)
{
    skip_blanks(c);
    if (c->at == c->text.size || c->text.data[c->at] != wanted) return false;
    c->at++;
    return true;
}

static bool take_word(cursor *c, const char *word)
{
    skip_blanks(c);
    size_t size = strlen(word);
    if (c->text.size - c->at < size || memcmp(c->text.data + c->at, word, size) != 0) return false;
    c->at += size;
    return true;
}

/* A Python string without escapes. */
static int take_text(cursor *c, ag_str *out)
{
    char quote = take(c, '\'') ? '\'' : '"';
    if (quote == '"' && !take(c, '"')) return bad(c, "text in quotes");
    size_t end = ag_str_find_char(c->text, quote, c->at);
    if (end == SIZE_MAX) return bad(c, "end of a text");
    *out = ag_str_slice(c->text, c->at, end - c->at);
    if (ag_str_find_char(*out, '\\', 0) != SIZE_MAX) return bad(c, "text without escapes");
    c->at = end + 1;
    return AG_OK;
}

static int refuse_type(const cursor *c, ag_str text)
{
    for (size_t i = 0; text.size > 1 && i < sizeof(foreign) / sizeof(*foreign); i++)
        if (text.data[1] == foreign[i].letter)
            return ag_fail_at(c->err, AG_EUNSUPPORTED, c->name, 0, 0, "the array's type '%.*s' (%s) is not supported",
                              AG_STR_ARG(text), foreign[i].name);
    return ag_fail_at(c->err, AG_EUNSUPPORTED, c->name, 0, 0, "the array's type '%.*s' is not supported",
                      AG_STR_ARG(text));
}

static int take_type(cursor *c, ag_npy *out)
{
    ag_str text;
    skip_blanks(c);
    if (c->at < c->text.size && c->text.data[c->at] == '[')
        return ag_fail_at(c->err, AG_EUNSUPPORTED, c->name, 0, 0,
                          "the array has named fields (records), which are not supported");
    int rc = take_text(c, &text);
    if (rc < 0) return rc;
    char order = text.size > 0 ? text.data[0] : '\0';
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (!ag_str_is(ag_str_slice(text, 1, text.size), kinds[i].code)) continue;
        if (!order || !strchr("<>=|", order) || (order == '|' && kinds[i].size > 1)) break;
        out->type = kinds[i].type;
        out->item_size = kinds[i].size;
        bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
        out->swapped = kinds[i].size > 1 && ((order == '<' && !little) || (order == '>' && little));
        return AG_OK;
    }
    return refuse_type(c, text);
}

static int take_order(cursor *c, ag_npy *out)
{
    out->fortran = take_word(c, "True");
    return out->fortran || take_word(c, "False") ? AG_OK : bad(c, "True or False");
}

static int take_number(cursor *c, uint64_t *out)
{
    skip_blanks(c);
    size_t from = c->at;
    while (c->at < c->text.size && c->text.data[c->at] >= '0' && c->text.data[c->at] <= '9') c->at++;
    ag_str digits = ag_str_slice(c->text, from, c->at - from);
    if (digits.size == 0 || (digits.size > 1 && digits.data[0] == '0') || !ag_str_to_uint(digits, out))
        return bad(c, "size of a dimension");
    if (c->at < c->text.size && c->text.data[c->at] == 'L') c->at++; /* Python 2 wrote its long integers so */
    return AG_OK;
}

/* "()", "(3,)", "(3, 4)". */
static int take_shape(cursor *c, ag_npy *out)
{
    bool comma = true;
    if (!take(c, '(')) return bad(c, "shape in parentheses");
    while (!take(c, ')')) {
        if (!comma) return bad(c, "',' in the shape");
        if (out->dimensions == AG_NPY_MAX_DIMENSIONS)
            return ag_fail_at(c->err, AG_ELIMIT, c->name, 0, 0, "the array has more than %d dimensions",
                              AG_NPY_MAX_DIMENSIONS);
        int rc = take_number(c, &out->shape[out->dimensions]);
        if (rc < 0) return rc;
        out->dimensions++;
        comma = take(c, ',');
    }
    return out->dimensions == 1 && !comma ? bad(c, "',' in a shape of one dimension") : AG_OK;
}

static int take_entry(cursor *c, ag_npy *out, bool seen[3])
{
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    static int (*const takers[])(cursor *, ag_npy *) = {take_type, take_order, take_shape};
    ag_str key;
    int rc = take_text(c, &key);
    if (rc < 0) return rc;
    for (size_t i = 0; i < 3; i++) {
        if (!ag_str_is(key, keys[i])) continue;
        if (seen[i]) return ag_fail_at(c->err, AG_EPARSE, c->name, 0, 0, "the .npy header has '%s' twice", keys[i]);
        seen[i] = true;
        return take(c, ':') ? takers[i](c, out) : bad(c, "':'");
    }
    return ag_fail_at(c->err, AG_EPARSE, c->name, 0, 0, "the .npy header has the unknown key '%.*s'", AG_STR_ARG(key));
}

static int take_dictionary(cursor *c, ag_npy *out)
{
    bool seen[3] = {false, false, false}, comma = true;
    if (!take(c, '{')) return bad(c, "'{'");
    while (!take(c, '}')) {
        if (!comma) return bad(c, "','");
        int rc = take_entry(c, out, seen);
        if (rc < 0) return rc;
        comma = take(c, ',');
    }
    skip_blanks(c);
    if (c->at != c->text.size) return bad(c, "end");
    if (!seen[0] || !seen[1] || !seen[2])
        return ag_fail_at(c->err, AG_EPARSE, c->name, 0, 0, "the .npy header lacks '%s'",
                          !seen[0]   ? "descr"
                          : !seen[1] ? "fortran_order"
                                     : "shape");
    return AG_OK;
}

/* A shape with a 0 in it has no items, however large its other dimensions are. */
static bool count_items(ag_npy *array)
{
    bool none = false;
    for (size_t i = 0; i < array->dimensions; i++) none |= array->shape[i] == 0;
    array->count = none ? 0 : 1;
    for (size_t i = 0; i < array->dimensions && !none; i++)
        if (__builtin_mul_overflow(array->count, array->shape[i], &array->count)) return false;
    return array->count <= PTRDIFF_MAX / array->item_size;
}

/* numpy.savez() packs arrays as a zip archive, whose every entry begins so. */
static int refuse_kind(ag_str bytes, const char *name, ag_err *err)
{
    if (!ag_str_starts(bytes, AG_STR("PK\3\4")))
        return ag_fail_at(err, AG_EPARSE, name, 0, 0, "this is not a .npy file");
    ag_fail_at(err, AG_EPARSE, name, 0, 0, "this is an archive of arrays (.npz), not a .npy file");
    return ag_err_hint(err, "unpack it: 'unzip FILE.npz' leaves a .npy for each array in it, as does Python's "
                            "numpy.save('NAME.npy', numpy.load('FILE.npz')['NAME'])");
}

/* Magic, version and length of the header; *at is then where its text starts. */
static int take_preamble(ag_str bytes, const char *name, size_t *at, size_t *size, ag_err *err)
{
    const uint8_t *b = (const uint8_t *)bytes.data;
    if (bytes.size < MAGIC_SIZE + 4 || memcmp(b, MAGIC, MAGIC_SIZE) != 0) return refuse_kind(bytes, name, err);
    if (b[6] < 1 || b[6] > 3 || b[7] != 0)
        return ag_fail_at(err, AG_EUNSUPPORTED, name, 0, 0, "version %u.%u of .npy is not supported", b[6], b[7]);
    *at = b[6] == 1 ? 10 : 12;
    *size = (size_t)b[8] | (size_t)b[9] << 8;
    if (b[6] > 1) {
        if (bytes.size < *at) return ag_fail_at(err, AG_ECORRUPT, name, 0, 0, "the .npy header is cut off");
        *size |= (size_t)b[10] << 16 | (size_t)b[11] << 24;
    }
    if (*size > MAX_HEADER)
        return ag_fail_at(err, AG_ELIMIT, name, 0, 0, "the .npy header is longer than %d bytes", MAX_HEADER);
    if (*size > bytes.size - *at) return ag_fail_at(err, AG_ECORRUPT, name, 0, 0, "the .npy header is cut off");
    return AG_OK;
}

int ag_npy_parse(ag_str bytes, const char *name, ag_npy *out, ag_err *err)
{
    size_t at = 0, size = 0;
    ag_npy array = {0};
    int rc = take_preamble(bytes, name, &at, &size, err);
    if (rc < 0) return rc;
    cursor c = {ag_str_slice(bytes, at, size), 0, name, err};
    if ((rc = take_dictionary(&c, &array)) < 0) return rc;
    if (!count_items(&array))
        return ag_fail_at(err, AG_ELIMIT, name, 0, 0, "the array's shape is too large for this machine");
    size_t wanted = array.count * array.item_size, present = bytes.size - at - size;
    if (present != wanted)
        return ag_fail_at(err, AG_ECORRUPT, name, 0, 0, "the array should have %zu bytes of data, the file has %zu",
                          wanted, present);
    array.data = bytes.data + at + size;
    *out = array;
    return AG_OK;
}

int ag_npy_open(const char *path, ag_npy_file *out, ag_err *err)
{
    ag_npy_file file = {0};
    int rc = ag_map_file(path, &file.mapping, err);
    if (rc < 0) return rc;
    rc = ag_npy_parse((ag_str){file.mapping.data, file.mapping.size}, path, &file.array, err);
    if (rc < 0) {
        ag_unmap_file(&file.mapping);
        return rc;
    }
    *out = file;
    return AG_OK;
}

void ag_npy_close(ag_npy_file *file)
{
    ag_unmap_file(&file->mapping);
    file->array = (ag_npy){0};
}

void ag_npy_passed(const ag_npy_file *file, size_t from, size_t count)
{
    const ag_npy *array = &file->array;
    if (array->fortran || from > array->count || count > array->count - from) return; /* there they lie everywhere */
    size_t begin = (size_t)((const char *)array->data - file->mapping.data);
    ag_mapping_passed(&file->mapping, begin + from * array->item_size, begin + (from + count) * array->item_size);
}

static void swap_items(char *items, size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++, items += size)
        for (size_t low = 0, high = size - 1; low < high; low++, high--) {
            char kept = items[low];
            items[low] = items[high];
            items[high] = kept;
        }
}

/* Items of a Fortran array in C order: the last index runs fastest, over the largest stride. */
static void gather(const ag_npy *array, size_t from, size_t count, char *out)
{
    size_t stride[AG_NPY_MAX_DIMENSIONS], index[AG_NPY_MAX_DIMENSIONS], position = 0, step = 1, rest = from;
    for (size_t d = 0; d < array->dimensions; d++) {
        stride[d] = step;
        step *= (size_t)array->shape[d];
    }
    for (size_t d = array->dimensions; d-- > 0;) {
        index[d] = rest % (size_t)array->shape[d];
        rest /= (size_t)array->shape[d];
        position += index[d] * stride[d];
    }
    for (size_t i = 0; i < count; i++, out += array->item_size) {
        memcpy(out, (const char *)array->data + position * array->item_size, array->item_size);
        for (size_t d = array->dimensions; d-- > 0;) {
            position += stride[d];
            if (++index[d] < array->shape[d]) break;
            position -= index[d] * stride[d];
            index[d] = 0;
        }
    }
}

int ag_npy_copy(const ag_npy *array, size_t from, size_t count, void *out, ag_err *err)
{
    if (from > array->count || count > array->count - from)
        return ag_fail(err, AG_EINVAL, "items %zu to %zu of an array that has %zu", from, from + count, array->count);
    if (count == 0) return AG_OK;
    if (array->fortran && array->dimensions > 1)
        gather(array, from, count, out);
    else
        memcpy(out, (const char *)array->data + from * array->item_size, count * array->item_size);
    if (array->swapped) swap_items(out, count, array->item_size);
    return AG_OK;
}

#define PIECE 512

/* Some items on the stack, as any of the types. */
typedef union piece {
    int8_t i1[PIECE];
    int16_t i2[PIECE];
    int32_t i4[PIECE];
    int64_t i8[PIECE];
    uint8_t u1[PIECE];
    uint16_t u2[PIECE];
    uint32_t u4[PIECE];
    uint64_t u8[PIECE];
    float f4[PIECE];
    double f8[PIECE];
} piece;

/* IEEE's half precision, exactly: all of its numbers are floats. */
static float half_of(uint16_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    float size = exponent == 31 ? (fraction ? NAN : INFINITY)
                 : exponent     ? ldexpf((float)(1024 + fraction), exponent - 25)
                                : ldexpf((float)fraction, -24);
    return bits & 0x8000 ? -size : size;
}

#define CONVERT(member)                                                                                                \
    for (size_t i = 0; i < count; i++) out[i] = (TARGET)p->member[i];                                                  \
    break
#define CONVERT_ALL                                                                                                    \
    switch (type) {                                                                                                    \
    case AG_NPY_BOOL:                                                                                                  \
        for (size_t i = 0; i < count; i++) out[i] = p->u1[i] != 0;                                                     \
        break;                                                                                                         \
    case AG_NPY_INT8: CONVERT(i1);                                                                                     \
    case AG_NPY_INT16: CONVERT(i2);                                                                                    \
    case AG_NPY_INT32: CONVERT(i4);                                                                                    \
    case AG_NPY_INT64: CONVERT(i8);                                                                                    \
    case AG_NPY_UINT8: CONVERT(u1);                                                                                    \
    case AG_NPY_UINT16: CONVERT(u2);                                                                                   \
    case AG_NPY_UINT32: CONVERT(u4);                                                                                   \
    case AG_NPY_UINT64: CONVERT(u8);                                                                                   \
    case AG_NPY_FLOAT16:                                                                                               \
        for (size_t i = 0; i < count; i++) out[i] = (TARGET)half_of(p->u2[i]);                                         \
        break;                                                                                                         \
    case AG_NPY_FLOAT32: CONVERT(f4);                                                                                  \
    case AG_NPY_FLOAT64: CONVERT(f8);                                                                                  \
    }

static void convert_to_float(const piece *p, ag_npy_type type, size_t count, float *out)
{
#define TARGET float
    CONVERT_ALL
#undef TARGET
}

static void convert_to_double(const piece *p, ag_npy_type type, size_t count, double *out)
{
#define TARGET double
    CONVERT_ALL
#undef TARGET
}

int ag_npy_to_float(const ag_npy *array, size_t from, size_t count, float *out, ag_err *err)
{
    piece p;
    if (array->type == AG_NPY_FLOAT32 || count == 0) return ag_npy_copy(array, from, count, out, err);
    for (size_t done = 0, some; done < count; done += some) {
        some = count - done < PIECE ? count - done : PIECE;
        int rc = ag_npy_copy(array, from + done, some, &p, err);
        if (rc < 0) return rc;
        convert_to_float(&p, array->type, some, out + done);
    }
    return AG_OK;
}

int ag_npy_to_double(const ag_npy *array, size_t from, size_t count, double *out, ag_err *err)
{
    piece p;
    if (array->type == AG_NPY_FLOAT64 || count == 0) return ag_npy_copy(array, from, count, out, err);
    for (size_t done = 0, some; done < count; done += some) {
        some = count - done < PIECE ? count - done : PIECE;
        int rc = ag_npy_copy(array, from + done, some, &p, err);
        if (rc < 0) return rc;
        convert_to_double(&p, array->type, some, out + done);
    }
    return AG_OK;
}
