// SPDX-License-Identifier: Apache-2.0
/* The commands on registered models, and those on the files of runs. */
#include "app/cli/calls.h"

#include "core/io/file.h"
#include "ledger/ledger.h"
#include "ledger/run.h"

static char place[600];

static void write_file(const char *path, const char *text)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_file_replace(path, text, strlen(text), &err));
}

static void expect_file(const char *path, const char *text)
{
    ag_err err = {0};
    ag_buf content;
    ag_buf_init(&content, 1 << 20);
    AG_EXPECT_OK(ag_file_read(path, 1 << 20, &content, &err));
    assert_string_equal(ag_buf_str(&content).data, text);
    ag_buf_deinit(&content);
}

/* A model "depth" with two versions that came from a directory. */
static void make_models(void)
{
    ag_err err = {0};
    char path[700];
    begin();
    ag_format(place, sizeof(place), "%s-files", home);
    ag_format(path, sizeof(path), "%s/deep/er", place);
    AG_EXPECT_OK(ag_dir_make(path, &err));
    ag_format(path, sizeof(path), "%s/deep/er/weights", place);
    write_file(path, "1234");
    ag_format(path, sizeof(path), "%s/MLmodel", place);
    write_file(path, "flavors: {}\n");
    assert_int_equal(AUGER("models", "register", "depth", place, "--tag", "a=b", "--description", "the first"), 0);
    expect_printed("depth/1\n");
    assert_int_equal(AUGER("models", "register", "depth", place, "--alias", "champion", "--json"), 0);
    expect_printed("\"version\":\"2\"");
}

AG_TEST(test_models__are_registered_listed_and_shown)
{
    make_models();
    assert_int_equal(AUGER("models", "list"), 0);
    expect_printed("@champion 2");
    assert_int_equal(AUGER("models", "list", "--csv", "--filter", "name LIKE 'dep%'"), 0);
    expect_printed("model,newest,stages,aliases,changed,description\ndepth,2,");
    assert_int_equal(AUGER("models", "list", "--filter", "name ="), 2);
    expect_remark("^");
    assert_int_equal(AUGER("models", "show", "depth"), 0);
    expect_printed("champion");
    assert_int_equal(AUGER("models", "show", "depth", "--csv"), 0);
    expect_printed("version,stage,aliases,created,run,source\n2,None,champion,");
    assert_int_equal(AUGER("models", "show", "depth", "--json"), 0);
    expect_printed("{\"model\":{\"registered_model\":{\"name\":\"depth\"");
    assert_int_equal(AUGER("models", "show", "depth/1"), 0);
    expect_printed("the first");
    expect_printed("mlflow-artifacts:/models/");
    assert_int_equal(AUGER("models", "show", "depth@champion", "--json"), 0);
    expect_printed("\"version\":\"2\"");
    assert_int_equal(AUGER("models", "show", "none"), 1);
    expect_remark("not found");
    assert_int_equal(AUGER("models", "show", "depth/9"), 1);
    assert_int_equal(AUGER("models", "show", "depth@none"), 2);
    end();
}

AG_TEST(test_models__move_between_stages_aliases_and_tags)
{
    make_models();
    assert_int_equal(AUGER("models", "stage", "depth/1", "production"), 0);
    assert_int_equal(AUGER("models", "stage", "depth/2", "production", "--archive-others"), 0);
    assert_int_equal(AUGER("models", "show", "depth/1"), 0);
    expect_printed("Archived");
    assert_int_equal(AUGER("models", "stage", "depth/1", "elsewhere"), 2);
    assert_int_equal(AUGER("models", "alias", "depth/1", "old"), 0);
    assert_int_equal(AUGER("models", "alias", "depth@old", "older"), 0);
    assert_int_equal(AUGER("models", "show", "depth@older"), 0);
    expect_printed("depth/1");
    assert_int_equal(AUGER("models", "alias", "--remove", "depth", "old"), 0);
    assert_int_equal(AUGER("models", "show", "depth@old"), 2);
    assert_int_equal(AUGER("models", "alias", "depth/1", "latest"), 2);
    assert_int_equal(AUGER("models", "tag", "depth", "owner=lab", "x=y=z"), 0);
    assert_int_equal(AUGER("models", "tag", "depth/1", "checked=yes", "--remove", "a"), 0);
    assert_int_equal(AUGER("models", "show", "depth"), 0);
    expect_printed("y=z");
    assert_int_equal(AUGER("models", "show", "depth/1"), 0);
    expect_printed("checked");
    assert_int_equal(AUGER("models", "compare", "depth/1", "depth@champion", "--csv"), 0);
    expect_printed("what,depth/1,depth/2");
    assert_int_equal(AUGER("models", "compare", "depth/1", "depth", "--json"), 0);
    expect_printed("\"versions\":[\"depth/1\",\"depth/2\"]");
    end();
}

AG_TEST(test_models__their_files_come_back)
{
    char to[700], path[800];
    make_models();
    ag_format(to, sizeof(to), "%s-out", home);
    assert_int_equal(AUGER("models", "download", "depth@champion", "--output-dir", to), 0);
    ag_format(path, sizeof(path), "%s/deep/er/weights", to);
    expect_file(path, "1234");
    assert_int_equal(AUGER("models", "download", "depth", "--output-dir", to, "--json"), 0);
    expect_printed("\"kept\":2");
    ag_format(path, sizeof(path), "%s/nothing-here", place);
    assert_int_equal(AUGER("models", "register", "depth", path), 1);
    ag_format(path, sizeof(path), "%s/MLmodel", place);
    assert_int_equal(AUGER("models", "register", "single", path), 0);
    ag_format(to, sizeof(to), "%s-single", home);
    assert_int_equal(AUGER("models", "download", "single/1", "-o", to), 0);
    ag_format(path, sizeof(path), "%s/MLmodel", to);
    expect_file(path, "flavors: {}\n");
    end();
}

AG_TEST(test_models__are_deleted)
{
    make_models();
    assert_int_equal(AUGER("models", "delete", "depth"), 1);
    expect_remark("--with-versions");
    assert_int_equal(AUGER("models", "delete", "depth/1"), 0);
    assert_int_equal(AUGER("models", "show", "depth/1"), 1);
    assert_int_equal(AUGER("models", "delete", "depth", "--with-versions"), 0);
    assert_int_equal(AUGER("models", "list", "--json"), 0);
    expect_printed("{\"registered_models\":[]}");
    end();
}

/* A run with a data set and a file. */
static const char *make_run(void)
{
    ag_err err = {0};
    ag_run run;
    char path[700];
    ag_ledger *ledger = NULL;
    ag_run_new wanted = {.experiment_id = AG_STR("0"), .name = AG_STR("maker")};
    ag_run_input input = {.name = "holes", .digest = "abc", .source_type = "local", .source = "{}"};
    begin();
    AG_EXPECT_OK(
        ag_ledger_open(&(ag_ledger_options){.home = home, .artifact_root = "mlflow-artifacts:/"}, &ledger, &err));
    AG_EXPECT_OK(ag_run_create(ledger, &wanted, arena, &run, &err));
    AG_EXPECT_OK(ag_run_log_inputs(ledger, ag_str_of(run.id), &input, 1, NULL, 0, &err));
    ag_ledger_close(ledger);
    ag_format(path, sizeof(path), "%s/artifacts/0/%s/artifacts/model", home, run.id);
    AG_EXPECT_OK(ag_dir_make(path, &err));
    ag_format(path, sizeof(path), "%s/artifacts/0/%s/artifacts/model/w", home, run.id);
    write_file(path, "9");
    return run.id;
}

AG_TEST(test_models__lineage_leads_back_to_the_data)
{
    char source[100];
    const char *id = make_run();
    ag_format(source, sizeof(source), "runs:/%s/model", id);
    assert_int_equal(AUGER("models", "register", "m", source, "--run", id), 0);
    assert_int_equal(AUGER("models", "lineage", "m/1"), 0);
    expect_printed("holes@abc");
    assert_int_equal(AUGER("models", "lineage", "m", "--way", "down", "--csv"), 0);
    assert_false(printed("holes"));
    assert_int_equal(AUGER("models", "lineage", "m", "--json"), 0);
    expect_printed("{\"kind\":\"data set\",\"id\":\"holes@abc\"");
    end();
}

AG_TEST(test_runs__their_files_are_listed_and_downloaded)
{
    char to[700], path[800];
    const char *id = make_run();
    assert_int_equal(AUGER("runs", "artifacts", id), 0);
    expect_printed("model/");
    assert_int_equal(AUGER("runs", "artifacts", id, "model", "--json"), 0);
    expect_printed("{\"files\":[{\"path\":\"w\",\"is_dir\":false,\"file_size\":1}]}");
    assert_int_equal(AUGER("runs", "artifacts", id, "../.."), 2);
    ag_format(to, sizeof(to), "%s-out", home);
    assert_int_equal(AUGER("runs", "download", id, "model/w", "-o", to), 0);
    ag_format(path, sizeof(path), "%s/w", to);
    expect_file(path, "9");
    assert_int_equal(AUGER("runs", "download", id, "-o", to), 0);
    ag_format(path, sizeof(path), "%s/model/w", to);
    expect_file(path, "9");
    assert_int_equal(AUGER("runs", "delete", id), 0);
    assert_int_equal(AUGER("runs", "restore", id), 0);
    assert_int_equal(AUGER("runs", "list", "--csv"), 0);
    expect_printed(id);
    end();
}
