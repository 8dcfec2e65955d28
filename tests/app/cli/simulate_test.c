// SPDX-License-Identifier: Apache-2.0
/* The command that simulates: its refusals, its list beside the documentation, one whole call. */
#include "frame/test.h"

#include <stdlib.h>
#include <string.h>

#include "app/cli/program.h"
#include "app/cli/sample.h"
#include "core/doc/json.h"
#include "core/io/file.h"
#include "core/io/path.h"

static ag_output out, err_out;

static int call_of(const char *const *words)
{
    ag_output_deinit(&out);
    ag_output_deinit(&err_out);
    ag_output_init(&out, -1, "standard output");
    ag_output_init(&err_out, -1, "standard error");
    ag_program program = {.commands = ag_commands(),
                          .profile = "test",
                          .environment = sample_no_environment,
                          .out = &out,
                          .err = &err_out};
    return ag_program_run(&program, sample_count(words), words);
}

#define AUGER(...) call_of(SAMPLE_WORDS(__VA_ARGS__))

static bool remarked(const char *part)
{
    return ag_str_find(ag_buf_str(&err_out.buf), ag_str_of(part), 0) != SIZE_MAX;
}

AG_TEST(test_simulate_drilling__refuses_what_it_does_not_know)
{
    const char *dir = ag_test_dir();
    assert_int_equal(AUGER("simulate", "drilling"), 2);
    assert_true(remarked("--output-dir is missing"));
    assert_int_equal(AUGER("simulate", "drilling", "-o", dir, "--regime", "cfrp-ti-strok"), 2);
    assert_true(remarked("did you mean 'cfrp-ti-stroke'?"));
    assert_int_equal(AUGER("simulate", "drilling", "-o", dir, "--version", "5"), 2);
    assert_true(remarked("known are 4, 7, 8, 9 and 11"));
    assert_int_equal(AUGER("simulate", "drilling", "-o", dir, "--faults", "crlf,spikes"), 2);
    assert_true(remarked("did you mean 'spike'?"));
}

AG_TEST(test_simulate_drilling__writes_holes_and_says_so)
{
    ag_arena *arena = ag_arena_new(0);
    ag_err err = {0};
    const char *dir = ag_path_join(arena, ag_test_dir(), "holes");
    assert_int_equal(AUGER("simulate", "drilling", "-o", dir, "--holes", "3", "--seed", "9", "--faults", "crlf,spike",
                           "--faults", "all", "--json", "--quiet"),
                     0);
    const ag_value *value = NULL;
    AG_EXPECT_OK(ag_json_parse(arena, ag_buf_str(&out.buf), NULL, &value, &err));
    int64_t holes = 0;
    assert_true(ag_value_int(ag_value_at(value, "holes"), &holes));
    assert_int_equal(holes, 3);
    assert_true(ag_file_exists(ag_path_join(arena, dir, "truth.csv")));
    assert_true(ag_file_exists(ag_path_join(arena, dir, "crlf")));
    assert_true(ag_file_exists(ag_path_join(arena, dir, "spike")));
    ag_arena_free(arena);
}

AG_TEST(test_simulate_drilling__the_documentation_has_the_tables_as_they_are)
{
    const char *source = getenv("AUGER_SOURCE");
    if (!source) ag_test_skip("AUGER_SOURCE is not set");
    ag_arena *arena = ag_arena_new(0);
    ag_err err = {0};
    ag_buf page;
    ag_buf_init(&page, 1 << 20);
    AG_EXPECT_OK(ag_file_read(ag_path_join(arena, source, "docs/simulator.md"), page.max, &page, &err));
    assert_int_equal(AUGER("simulate", "drilling", "--list"), 0);
    ag_str rest = ag_buf_str(&out.buf), line;
    while (rest.data && ag_str_next(&rest, '\n', &line))
        if (ag_str_find(ag_buf_str(&page), line, 0) == SIZE_MAX)
            fail_msg("docs/simulator.md lacks a line of 'auger simulate drilling --list': %.*s", AG_STR_ARG(line));
    ag_buf_deinit(&page);
    ag_arena_free(arena);
}
