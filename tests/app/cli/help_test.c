// SPDX-License-Identifier: Apache-2.0
#include "frame/test.h"

#include <stdlib.h>
#include <string.h>

#include "app/cli/complete.h"
#include "app/cli/help.h"
#include "app/cli/sample.h"
#include "core/io/file.h"

static char *help_of(const char *path, size_t columns)
{
    static char text[65536];
    ag_err err = {0};
    ag_topic topic;
    ag_output output;
    ag_output_init(&output, -1, "output");
    output.columns = columns;
    AG_EXPECT_OK(ag_topic_find(sample_commands(), path, &topic, &err));
    ag_help_text(&topic, &output);
    assert_int_equal(output.failure.code, AG_OK);
    ag_format(text, sizeof(text), "%.*s", AG_STR_ARG(ag_buf_str(&output.buf)));
    ag_output_deinit(&output);
    return text;
}

AG_TEST(test_help__a_command_as_it_stands_on_a_terminal)
{
    assert_string_equal(help_of("train", 80),
                        "Usage: auger train [OPTIONS] --config PATH DATA [MORE...]\n"
                        "\n"
                        "Trains a model on data.\n"
                        "\n"
                        "It's long; see \\fB and -.\n"
                        "\n"
                        "Arguments:\n"
                        "  DATA                   The data (required)\n"
                        "  MORE...                More data (may be repeated)\n"
                        "\n"
                        "Options:\n"
                        "  -j, --jobs N           Threads (1 to 64; default 0)\n"
                        "      --rate X           Learning rate (at least 0)\n"
                        "  -n, --name TEXT        A name\n"
                        "  -c, --config PATH      The configuration (required)\n"
                        "      --device CHOICE    Where (one of auto, cpu, cuda; default auto)\n"
                        "      --cache SIZE       Cache (1k to 1T; default 64MB)\n"
                        "      --timeout TIME     Limit (1s to 3600s; else $SAMPLE_TIMEOUT)\n"
                        "      --set KEY=VALUE    Overrides (may be repeated)\n"
                        "      --fold N           Which folds (may be repeated)\n"
                        "  -r, --resume           Go on\n"
                        "  -v, --no-validate      Validate at the end\n"
                        "  -d, --dry              Only say what would be done (else $SAMPLE_DRY)\n"
                        "\n"
                        "Options of every command:\n"
                        "  -h, --help             Show the help of the command and do nothing else\n"
                        "      --json             Print JSON for machines instead of text, also for\n"
                        "                         errors\n"
                        "  -q, --quiet            No remarks and no progress on standard error\n"
                        "      --log-level LEVEL  How much the program tells about itself on standard\n"
                        "                         error (one of debug, info, warn, error, off; else\n"
                        "                         $AUGER_LOG; default info)\n"
                        "      --home DIR         Where the database and the stored files live (else\n"
                        "                         $AUGER_HOME; default ./.auger)\n"
                        "      --color WHEN       Colours: on a terminal, always, or never (one of auto,\n"
                        "                         always, never; default auto)\n"
                        "\n"
                        "Examples:\n"
                        "  auger train --config a.yaml data\n"
                        "      Train on a folder\n");
}

AG_TEST(test_help__no_line_is_wider_than_the_terminal)
{
    const char *const paths[] = {"", "data", "train", "runs"};
    for (size_t columns = 50; columns <= 120; columns += 5)
        for (size_t i = 0; i < 4; i++) {
            ag_str rest = ag_str_of(help_of(paths[i], columns)), line;
            while (rest.data && ag_str_next(&rest, '\n', &line))
                if (line.size > columns && !ag_str_starts(line, AG_STR("Usage")) && !ag_str_starts(line, AG_STR("'")))
                    fail_msg("%zu columns: '%.*s'", columns, AG_STR_ARG(line));
        }
}

AG_TEST(test_help__a_group_lists_its_commands)
{
    const char *text = help_of("data", 80);
    assert_non_null(strstr(text, "Usage: auger data COMMAND [OPTIONS]"));
    assert_non_null(strstr(text, "  add   Add data\n  list  List data\n"));
    assert_null(strstr(text, "train"));
    ag_topic topic;
    ag_err err = {0};
    AG_EXPECT_ERROR(ag_topic_find(sample_commands(), "dato", &topic, &err), AG_EINVAL, "no command 'dato'");
}

AG_TEST(test_help__wrapping_counts_cells_not_bytes)
{
    ag_buf out;
    ag_buf_init(&out, 4096);
    ag_help_wrap(&out, "\xc3\xa4\xc3\xb6\xc3\xbc \xc3\xa4\xc3\xb6\xc3\xbc \xc3\xa4", 2, 0, 7);
    assert_string_equal(out.data, "\xc3\xa4\xc3\xb6\xc3\xbc \xc3\xa4\xc3\xb6\xc3\xbc\n  \xc3\xa4\n");
    ag_buf_clear(&out);
    ag_help_wrap(&out, "", 2, 0, 7);
    assert_string_equal(out.data, "\n");
    ag_buf_clear(&out);
    ag_help_wrap(&out, "muchtoolongword x", 1, 0, 5);
    assert_string_equal(out.data, "muchtoolongword\n x\n");
    ag_buf_deinit(&out);
}

AG_TEST(test_help__man_pages_escape_roff)
{
    ag_err err = {0};
    ag_topic topic;
    ag_buf out;
    ag_buf_init(&out, 65536);
    AG_EXPECT_OK(ag_topic_find(sample_commands(), "train", &topic, &err));
    ag_help_man(&topic, "1.2.3", &out);
    assert_non_null(strstr(out.data, ".TH \"AUGER\\-TRAIN\" 1 \"\" \"Auger 1.2.3\""));
    assert_non_null(strstr(out.data, "It\\(aqs long; see \\efB and \\-."));
    assert_non_null(strstr(out.data, ".B \\-j, \\-\\-jobs N\n"));
    ag_buf_deinit(&out);
}

AG_TEST(test_help__markdown_of_all_commands_is_the_committed_file)
{
    const char *source = getenv("AUGER_SOURCE");
    if (!source) ag_test_skip("AUGER_SOURCE is not set");
    char path[4096];
    ag_err err = {0};
    ag_buf file, page;
    ag_buf_init(&file, 1 << 20);
    ag_buf_init(&page, 1 << 20);
    ag_format(path, sizeof(path), "%s/docs/cli.md", source);
    AG_EXPECT_OK(ag_file_read(path, 1 << 20, &file, &err));
    ag_help_markdown(ag_commands(), &page);
    if (!ag_str_equal(ag_buf_str(&file), ag_buf_str(&page)))
        fail_msg("docs/cli.md is old: run 'build/auger help --markdown > docs/cli.md'");
    ag_buf_deinit(&file);
    ag_buf_deinit(&page);
}

static void add_line(void *context, const char *path)
{
    ag_buf_addf(context, "[%s]", path);
}

AG_TEST(test_complete__paths_and_the_words_behind_them)
{
    ag_buf out;
    ag_buf_init(&out, 4096);
    ag_complete_paths(sample_commands(), add_line, &out);
    assert_string_equal(out.data, "[][data][data add][data list][fail][misread][runs][runs show][status][train]");
    ag_buf_clear(&out);
    ag_complete_words(sample_commands(), "", &out);
    assert_string_equal(out.data, "data fail misread runs status train");
    ag_buf_clear(&out);
    ag_complete_words(sample_commands(), "data", &out);
    assert_string_equal(out.data, "add list");
    ag_buf_clear(&out);
    ag_complete_words(sample_commands(), "train", &out);
    assert_int_equal(out.size, 0);
    ag_buf_deinit(&out);
}

AG_TEST(test_complete__quoting_survives_the_shell)
{
    ag_buf out;
    ag_buf_init(&out, 4096);
    ag_complete_quote(&out, "it's \\ $x", false);
    assert_string_equal(out.data, "'it'\\''s \\ $x'");
    ag_buf_clear(&out);
    ag_complete_quote(&out, "it's \\ $x", true);
    assert_string_equal(out.data, "'it\\'s \\\\ $x'");
    ag_buf_deinit(&out);
}
