// SPDX-License-Identifier: Apache-2.0
#include "frame/test.h"
#include "ledger/run.h"

static const ag_run_input inputs[] = {
    {.name = "drilling@v3", .digest = "4d007a4f9f74", .source_type = "local", .source = "drilling@v3"},
    {.name = "drilling", .digest = "af724ba3c4e8", .source_type = AG_INPUT_VERSION, .source = "auger:drilling@v3"},
    {.name = "waves.csv", .digest = "1f3a77b04d00", .source_type = "local", .source = "data/waves.csv"},
    {.name = "drilling", .digest = "00ff00ff00ff", .source_type = "s3", .source = "auger:drilling@v3"},
};

static void expect_written(size_t count, bool taken, const char *expected)
{
    ag_buf text;
    const ag_run run = {.inputs = inputs, .input_count = count};
    ag_buf_init(&text, 1000);
    ag_run_inputs_write(&run, 4, taken, ", ", &text);
    assert_string_equal(text.data ? text.data : "", expected);
    ag_buf_deinit(&text);
}

AG_TEST(test_run_input__a_version_stands_once)
{
    expect_written(0, false, "");
    expect_written(1, false, "drilling@v3@4d00"); /* as runs of others may have it: there is no version */
    expect_written(2, false, "drilling@v3@af72");
    expect_written(2, true, "drilling@v3@af72 (read as 4d00)");
    expect_written(4, false, "drilling@v3@af72, waves.csv@1f3a, drilling@00ff");
}
