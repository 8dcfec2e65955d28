// SPDX-License-Identifier: Apache-2.0
/* faults_bytes.c: planted defects of the file's bytes: what a broken transfer, an editor or a spreadsheet makes of a
 * good file. */
#include "data/simulate/simulate.h"

/* Where the samples begin, and the end of their first line of names. */
static size_t names_at(const ag_buf *file)
{
    size_t at = ag_str_find(ag_buf_str(file), AG_STR("*** Datas ***"), 0);
    return ag_str_find_char(ag_buf_str(file), '\n', at) + 1;
}

static size_t rows_at(const ag_buf *file)
{
    return ag_str_find_char(ag_buf_str(file), '\n', names_at(file)) + 1;
}

/* Puts `with` in the place of `size` bytes. */
static int splice(ag_buf *file, size_t at, size_t size, ag_str with, ag_err *err)
{
    ag_buf copy;
    ag_buf_init(&copy, file->max);
    ag_buf_add(&copy, file->data, at);
    ag_buf_add_str(&copy, with);
    ag_buf_add(&copy, file->data + at + size, file->size - at - size);
    int rc = ag_buf_check(&copy, "bytes of a simulated file", err);
    if (rc < 0) {
        ag_buf_deinit(&copy);
        return rc;
    }
    ag_buf_deinit(file);
    *file = copy;
    return AG_OK;
}

/* The begin of a line among the samples. */
static size_t some_row(const ag_buf *file, ag_rng *rng)
{
    size_t from = rows_at(file), at = from + (size_t)ag_rng_below(rng, (file->size - from) * 3 / 4);
    return ag_str_find_char(ag_buf_str(file), '\n', at) + 1;
}

/* The bounds of a cell of the line at `at`. */
static ag_str cell_at(const ag_buf *file, size_t at, size_t index)
{
    ag_str line = ag_str_slice(ag_buf_str(file), at, ag_str_find_char(ag_buf_str(file), '\n', at) - at), part = line;
    for (size_t i = 0; i <= index; i++) ag_str_next(&line, '\t', &part);
    return part;
}

static int replace_cell(ag_buf *file, size_t at, size_t index, ag_str with, ag_err *err)
{
    ag_str cell = cell_at(file, at, index);
    return splice(file, (size_t)(cell.data - file->data), cell.size, with, err);
}

/* The value below a name of the header: the line of values is the next one. */
static int replace_value(ag_buf *file, const char *name, ag_str with, ag_err *err)
{
    ag_str all = ag_buf_str(file);
    size_t at = ag_str_find(all, ag_str_of(name), 0), line = at;
    while (line > 0 && all.data[line - 1] != '\n') line--;
    size_t index = 0;
    for (size_t i = line; i < at; i++) index += all.data[i] == '\t';
    return replace_cell(file, ag_str_find_char(all, '\n', at) + 1, index, with, err);
}

static int truncate_row(ag_buf *file, ag_rng *rng, ag_err *err)
{
    size_t row = some_row(file, rng);
    ag_str cell = cell_at(file, row, 2);
    return splice(file, (size_t)(cell.data - file->data) + 2, file->size - (size_t)(cell.data - file->data) - 2,
                  AG_STR(""), err);
}

static int truncate_header(ag_buf *file, ag_rng *rng, ag_err *err)
{
    size_t header = ag_str_find(ag_buf_str(file), AG_STR("*** Datas ***"), 0);
    size_t at = 200 + (size_t)ag_rng_below(rng, header - 250);
    return splice(file, at, file->size - at, AG_STR(""), err);
}

static int no_last_line_feed(ag_buf *file, ag_rng *rng, ag_err *err)
{
    (void)rng;
    return splice(file, file->size - 1, 1, AG_STR(""), err);
}

/* Copies the file with every `from` in [begin, end) written as `to`. */
static int exchange(ag_buf *file, size_t begin, char from, ag_str to, ag_err *err)
{
    ag_buf copy;
    ag_buf_init(&copy, file->max);
    for (size_t i = 0; i < file->size; i++) {
        if (i >= begin && file->data[i] == from)
            ag_buf_add_str(&copy, to);
        else
            ag_buf_add_char(&copy, file->data[i]);
    }
    int rc = ag_buf_check(&copy, "bytes of a simulated file", err);
    if (rc < 0) {
        ag_buf_deinit(&copy);
        return rc;
    }
    ag_buf_deinit(file);
    *file = copy;
    return AG_OK;
}

static int crlf(ag_buf *file, ag_rng *rng, ag_err *err)
{
    (void)rng;
    return exchange(file, 0, '\n', AG_STR("\r\n"), err);
}

static int byte_order_mark(ag_buf *file, ag_rng *rng, ag_err *err)
{
    (void)rng;
    return splice(file, 0, 0, AG_STR("\357\273\277"), err);
}

static int semicolons(ag_buf *file, ag_rng *rng, ag_err *err)
{
    (void)rng;
    return exchange(file, 0, '\t', AG_STR(";"), err);
}

static int swapped_separators(ag_buf *file, ag_rng *rng, ag_err *err)
{
    (void)rng;
    return exchange(file, rows_at(file), ',', AG_STR("."), err);
}

static int nan_cell(ag_buf *file, ag_rng *rng, ag_err *err)
{
    return replace_cell(file, some_row(file, rng), 1, AG_STR("NaN"), err);
}

static int infinite_cell(ag_buf *file, ag_rng *rng, ag_err *err)
{
    return replace_cell(file, some_row(file, rng), 2, AG_STR("Inf"), err);
}

static int empty_cell(ag_buf *file, ag_rng *rng, ag_err *err)
{
    return replace_cell(file, some_row(file, rng), (size_t)ag_rng_below(rng, 7), AG_STR(""), err);
}

static int short_row(ag_buf *file, ag_rng *rng, ag_err *err)
{
    ag_str cell = cell_at(file, some_row(file, rng), 3);
    return splice(file, (size_t)(cell.data - file->data), cell.size + 1, AG_STR(""), err);
}

/* Every row, and with `names` the names too, with its third cell so many times. */
static int edit_column(ag_buf *file, bool names, int times, ag_err *err)
{
    ag_buf copy;
    ag_buf_init(&copy, file->max);
    size_t begin = names ? names_at(file) : rows_at(file);
    ag_buf_add(&copy, file->data, begin);
    ag_str rest = ag_str_slice(ag_buf_str(file), begin, file->size - begin), line;
    while (rest.size > 0 && ag_str_next(&rest, '\n', &line)) {
        ag_str cell = {0};
        for (size_t i = 0; line.data && ag_str_next(&line, '\t', &cell); i++) {
            for (int k = i == 2 ? times : 1; k > 0; k--) {
                if (i > 0) ag_buf_add_char(&copy, '\t');
                ag_buf_add_str(&copy, cell);
            }
        }
        ag_buf_add_char(&copy, '\n');
    }
    int rc = ag_buf_check(&copy, "bytes of a simulated file", err);
    if (rc < 0) {
        ag_buf_deinit(&copy);
        return rc;
    }
    ag_buf_deinit(file);
    *file = copy;
    return AG_OK;
}

static int dropped_column(ag_buf *file, ag_rng *rng, ag_err *err)
{
    (void)rng;
    return edit_column(file, true, 0, err);
}

static int dropped_cells(ag_buf *file, ag_rng *rng, ag_err *err)
{
    (void)rng;
    return edit_column(file, false, 0, err);
}

static int duplicated_column(ag_buf *file, ag_rng *rng, ag_err *err)
{
    (void)rng;
    return edit_column(file, true, 2, err);
}

static int duplicated_cells(ag_buf *file, ag_rng *rng, ag_err *err)
{
    (void)rng;
    return edit_column(file, false, 3, err);
}

static int move_section(ag_buf *file, ag_str first, ag_str second, ag_str third, bool drop, ag_err *err)
{
    ag_str all = ag_buf_str(file);
    size_t a = ag_str_find(all, first, 0), b = ag_str_find(all, second, 0), c = ag_str_find(all, third, 0);
    ag_buf swapped;
    ag_buf_init(&swapped, file->max);
    ag_buf_add(&swapped, file->data + b, c - b);
    if (!drop) ag_buf_add(&swapped, file->data + a, b - a);
    int rc = ag_buf_check(&swapped, "bytes of a simulated file", err);
    if (rc == AG_OK) rc = splice(file, a, c - a, ag_buf_str(&swapped), err);
    ag_buf_deinit(&swapped);
    return rc;
}

static int shuffled_sections(ag_buf *file, ag_rng *rng, ag_err *err)
{
    (void)rng;
    return move_section(file, AG_STR("*** Motor Datas"), AG_STR("*** Head Datas"), AG_STR("*** Pset"), false, err);
}

static int missing_section(ag_buf *file, ag_rng *rng, ag_err *err)
{
    (void)rng;
    return move_section(file, AG_STR("*** Motor Datas"), AG_STR("*** Head Datas"), AG_STR("*** Pset"), true, err);
}

static int unknown_section(ag_buf *file, ag_rng *rng, ag_err *err)
{
    (void)rng;
    size_t at = ag_str_find(ag_buf_str(file), AG_STR("*** Results"), 0);
    return splice(file, at, 0, AG_STR("*** Spindle Datas ***\t\t\nSpindle Name\nS1\n\t\t\n"), err);
}

static int unknown_version(ag_buf *file, ag_rng *rng, ag_err *err)
{
    (void)rng;
    return replace_value(file, "Version\tDate", AG_STR("99"), err);
}

static int trailing_tabs(ag_buf *file, ag_rng *rng, ag_err *err)
{
    (void)rng;
    size_t twice = ag_str_find(ag_buf_str(file), AG_STR("\tGap Length (mm)\tGap Length (mm)"), 0);
    int rc = twice == SIZE_MAX ? AG_OK : splice(file, twice, 16, AG_STR(""), err);
    return rc < 0 ? rc : splice(file, rows_at(file) - 1, 0, AG_STR("\t\t\t\t\t\t"), err);
}

static int nul_bytes(ag_buf *file, ag_rng *rng, ag_err *err)
{
    (void)rng;
    return replace_value(file, "Motor Name", (ag_str){"SRA\0\0\0", 6}, err);
}

static int lost_letter(ag_buf *file, ag_rng *rng, ag_err *err)
{
    (void)rng;
    return replace_value(file, "Head Name", AG_STR("114\357\277\275V3"), err);
}

static int fused_names(ag_buf *file, ag_rng *rng, ag_err *err)
{
    (void)rng;
    size_t at = ag_str_find(ag_buf_str(file), AG_STR("Stroke Limit (A)\t"), 0);
    return splice(file, at + 16, 1, AG_STR(""), err);
}

static int no_motor_type(ag_buf *file, ag_rng *rng, ag_err *err)
{
    (void)rng;
    return replace_value(file, "Motor Type", AG_STR(""), err);
}

static int no_head(ag_buf *file, ag_rng *rng, ag_err *err)
{
    (void)rng;
    int rc = replace_value(file, "Head Name", AG_STR(""), err);
    return rc < 0 ? rc : replace_value(file, "Head TAG UID", AG_STR(""), err);
}

static int motor_zero(ag_buf *file, ag_rng *rng, ag_err *err)
{
    (void)rng;
    return replace_value(file, "Motor SN", AG_STR("0"), err);
}

static int slow_rate(ag_buf *file, ag_rng *rng, ag_err *err)
{
    (void)rng;
    return replace_value(file, "Sample Rate (Hz)", AG_STR("5"), err);
}

static int bad_date(ag_buf *file, ag_rng *rng, ag_err *err)
{
    (void)rng;
    return replace_value(file, "Date\t", AG_STR("2024-13-41:25:61:00"), err);
}

static int clock_never_set(ag_buf *file, ag_rng *rng, ag_err *err)
{
    (void)rng;
    return replace_value(file, "Date\t", AG_STR("1970-01-01:00:07:21"), err);
}

static const ag_sim_fault faults[] = {
    {"semicolons", "F1", "semicolons instead of tabs", 0, NULL, semicolons},
    {"truncated-header", "F2", "the file ends inside its header", 0, NULL, truncate_header},
    {"shuffled-sections", "F2", "two sections have changed places", 0, NULL, shuffled_sections},
    {"missing-section", "F2", "a mandatory section is missing", 0, NULL, missing_section},
    {"dropped-column", "F3", "a column is missing, with its name", 0, NULL, dropped_column},
    {"duplicated-column", "F3", "a column is there twice, with its name", 0, NULL, duplicated_column},
    {"short-row", "F4", "one row lacks a cell", 0, NULL, short_row},
    {"dropped-cells", "F5", "a column is missing, its name is there", 0, NULL, dropped_cells},
    {"duplicated-cells", "F5", "a column is there three times, its name once", 0, NULL, duplicated_cells},
    {"nan-cell", "F6", "a sample is NaN", 0, NULL, nan_cell},
    {"infinite-cell", "F6", "a sample is Inf", 0, NULL, infinite_cell},
    {"empty-cell", "F6", "a sample is empty", 0, NULL, empty_cell},
    {"swapped-separators", "F7", "decimal points where the machine writes commas", 0, NULL, swapped_separators},
    {"truncated-row", "F8", "the file ends inside a row", 0, NULL, truncate_row},
    {"no-last-line-feed", "F8", "the last line has no end", 0, NULL, no_last_line_feed},
    {"crlf", "F9", "lines end in CR LF", 0, NULL, crlf},
    {"byte-order-mark", "F10", "a byte order mark stands in front", 0, NULL, byte_order_mark},
    {"lost-letter", "F12", "an editor replaced a letter by U+FFFD", 0, NULL, lost_letter},
    {"nul-bytes", "F13", "a field of the header holds NUL bytes", 0, NULL, nul_bytes},
    {"unknown-section", "F15", "a section that nobody knows", 0, NULL, unknown_section},
    {"unknown-version", "F17", "a version that was never seen", 0, NULL, unknown_version},
    {"trailing-tabs", "F18", "empty names behind the last column", 7, NULL, trailing_tabs},
    {"slow-rate", "C1", "a sample rate that no machine has", 0, NULL, slow_rate},
    {"bad-date", "C8", "a date that does not exist", 0, NULL, bad_date},
    {"clock-never-set", "C10", "a date of 1970", 0, NULL, clock_never_set},
    {"no-motor-type", "M1", "a mandatory field is empty", 0, NULL, no_motor_type},
    {"no-head", "M2", "the head has neither name nor tag", 0, NULL, no_head},
    {"motor-zero", "M5", "the motor's serial number is 0", 0, NULL, motor_zero},
    {"fused-names", "M9", "two names of the program in one cell", 0, NULL, fused_names},
};

ag_sim_fault_table ag_sim_byte_faults(void)
{
    return (ag_sim_fault_table){faults, sizeof(faults) / sizeof(faults[0])};
}
