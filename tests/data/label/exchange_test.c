// SPDX-License-Identifier: Apache-2.0
/* Labels out and in again: the same. Exports of Label Studio as it writes them. */
#include "data/label/exchange.h"

#include "data/label/dataset.h"

static ag_str write_all(const dataset *d, const char *format, const ag_exchange_options *options, ag_buf *out)
{
    ag_err err = {0};
    ag_writer *sink;
    ag_buf_init(out, 256 << 20);
    AG_EXPECT_OK(ag_writer_to_buf(out, &sink, &err));
    AG_EXPECT_OK(ag_label_format_find(format)->write(&d->set, options, sink, &err));
    AG_EXPECT_OK(ag_finish(sink, &err));
    ag_writer_close(sink);
    return ag_buf_str(out);
}

static int read_text(const dataset *d, const char *format, ag_str text, const ag_exchange_options *options,
                     ag_exchange_rows *rows, ag_err *err)
{
    *rows = (ag_exchange_rows){0};
    ag_vec_init(&rows->rows, sizeof(ag_exchange_row));
    return ag_label_format_find(format)->read(text, "file", options, d->arena, rows, err);
}

static void people_speak(dataset *d)
{
    ag_err err = {0};
    const ag_labelled *hole = dataset_hole(d, "cfrp-al-single", 0), *air = dataset_hole(d, "air-stroke", 0);
    ag_label_event events[4] = {dataset_event(hole, "anna@plant.example", 5.125, 15.5),
                                dataset_event(hole, "ben", 5, 15), dataset_event(air, "ben", NAN, NAN),
                                dataset_event(dataset_hole(d, "seized-stroke", 0), "ben", 5.001, NAN)};
    events[0].transition[0] = 9.999;
    events[0].transition_count = 1;
    events[0].full_exit = 17.25;
    events[0].comment = "by eye, \"twice\"";
    events[2].outcome = AG_LABEL_EMPTY;
    events[3].outcome = AG_LABEL_NO_EXIT;
    AG_EXPECT_OK(ag_labelled_add(d->dir, events, 4, false, NULL, &err));
    dataset_load(d);
}

static void round_trip(const char *format)
{
    ag_err err = {0};
    dataset d;
    ag_buf first, again;
    ag_exchange_options options = {.author = NULL};
    ag_exchange_rows rows;
    ag_label_event *events;
    size_t count, unknown, added;
    dataset_make(&d);
    people_speak(&d);
    ag_str text = write_all(&d, format, &options, &first);
    AG_EXPECT_OK(read_text(&d, format, text, &options, &rows, &err));
    assert_int_equal(rows.rows.count, 4);
    AG_EXPECT_OK(ag_exchange_bind(&d.set, &rows, false, d.arena, &events, &count, &unknown, &err));
    AG_EXPECT_OK(ag_labelled_add(d.dir, events, count, false, &added, &err));
    assert_int_equal(added, 0); /* all of it is there */
    char *labels = dataset_read(&d, "labels.csv");
    AG_EXPECT_OK(ag_file_remove(ag_path_join(d.arena, d.dir, "labels.jsonl"), &err));
    AG_EXPECT_OK(ag_labelled_add(d.dir, events, count, false, &added, &err));
    assert_int_equal(added, 4);
    assert_string_equal(dataset_read(&d, "labels.csv"), labels);
    dataset_load(&d);
    ag_str second = write_all(&d, format, &options, &again);
    assert_true(ag_str_equal(text, second));
    ag_vec_deinit(&rows.rows);
    ag_buf_deinit(&first);
    ag_buf_deinit(&again);
    dataset_free(&d);
}

AG_TEST(test_exchange__a_table_comes_back_exactly)
{
    round_trip("csv");
}

AG_TEST(test_exchange__tasks_of_label_studio_come_back_exactly)
{
    round_trip("label-studio");
}

AG_TEST(test_exchange__people_can_be_left_out)
{
    dataset d;
    ag_buf out;
    dataset_make(&d);
    people_speak(&d);
    const char *const names[] = {"csv", "label-studio"};
    for (size_t i = 0; i < 2; i++) {
        ag_str text = write_all(&d, names[i], &(ag_exchange_options){.leave_people_out = true}, &out);
        assert_int_equal(ag_str_find(text, AG_STR("anna"), 0), SIZE_MAX);
        ag_buf_deinit(&out);
    }
    dataset_free(&d);
}

/* As version 1.x writes an export: marks as instants and as a region, answers, a cancelled and an empty annotation,
 * people as numbers and as objects, predictions. */
#define TASK(path, annotations)                                                                                        \
    "{\"id\":5,\"annotations\":[" annotations "],\"file_upload\":\"1-tasks.json\",\"drafts\":[],\"predictions\":"      \
    "[{\"id\":1,\"result\":[{\"type\":\"timeserieslabels\",\"value\":{\"start\":1,\"end\":1,\"instant\":true,"         \
    "\"timeserieslabels\":[\"Entry\"]}}]}],\"data\":{\"path\":\"" path "\",\"ts\":{\"depth\":[0.02,0.06],"             \
    "\"torque\":[0,0.1],\"thrust\":[0,0]}},\"meta\":{},\"created_at\":\"2024-03-09T21:52:49.513742Z\","                \
    "\"inner_id\":1,\"total_annotations\":1,\"project\":3,\"updated_by\":1,\"comment_authors\":[]}"
#define ANNOTATION(by, time, results)                                                                                  \
    "{\"id\":9,\"completed_by\":" by ",\"result\":[" results "],\"was_cancelled\":false,\"ground_truth\":false,"       \
    "\"created_at\":\"2024-03-09T22:16:08.728353Z\",\"updated_at\":\"" time "\",\"draft_created_at\":null,"            \
    "\"lead_time\":4.288,\"prediction\":{},\"result_count\":1,\"unique_id\":\"00000000-1111-2222-3333-444444444444\"," \
    "\"last_action\":null,\"task\":5,\"project\":3,\"parent_prediction\":null,\"parent_annotation\":null}"
#define MARK(name, start, end, instant)                                                                                \
    "{\"id\":\"S1DkU7FSku\",\"from_name\":\"label\",\"to_name\":\"ts\",\"type\":\"timeserieslabels\",\"origin\":"      \
    "\"manual\",\"value\":{\"start\":" start ",\"end\":" end ",\"instant\":" instant ",\"timeserieslabels\":[\"" name  \
    "\"]}}"
#define CHOICE(name)                                                                                                   \
    "{\"id\":\"c\",\"from_name\":\"outcome\",\"to_name\":\"ts\",\"type\":\"choices\",\"origin\":\"manual\",\"value\":" \
    "{\"choices\":[\"" name "\"]}}"
#define TIME "2024-03-10T10:00:00.000001Z"

AG_TEST(test_exchange__an_export_of_label_studio_is_understood)
{
    ag_err err = {0};
    dataset d;
    ag_exchange_rows rows;
    dataset_make(&d);
    static const char text[] = "[" TASK(
        "a.xls",
        ANNOTATION(
            "7", TIME,
            MARK("Exit", "15.1234", "15.1234", "true") "," MARK("Transition", "10.5", "10.5", "true") "," MARK(
                "Transition", "8", "8",
                "true") "," MARK("Entry", "5.2", "6.9",
                                 "false") ",{\"type\":"
                                          "\"textarea\",\"value\":{\"text\":[\"so\"]}"
                                          "}") "," ANNOTATION("{\"id\":8,\"email\":"
                                                              "\"ben@plant.example\"}",
                                                              TIME,
                                                              CHOICE(
                                                                  "Empty"))) "," TASK("b.xls",
                                                                                      ANNOTATION(
                                                                                          "2", TIME,
                                                                                          "")) "," TASK("c.xls",
                                                                                                        "{\"completed_"
                                                                                                        "by\":1,\"was_"
                                                                                                        "cancelled\":"
                                                                                                        "true,"
                                                                                                        "\"result\":[{}"
                                                                                                        "]}") "]";
    ag_annotator anna = {"7", "anna"};
    ag_exchange_options options = {.annotators = &anna, .annotator_count = 1};
    AG_EXPECT_OK(read_text(&d, "label-studio", ag_str_of(text), &options, &rows, &err));
    assert_int_equal(rows.rows.count, 2);
    assert_int_equal(rows.skipped, 2);
    const ag_label_event *event = &((ag_exchange_row *)ag_vec_at(&rows.rows, 0))->event;
    assert_string_equal(event->author, "anna");
    assert_string_equal(event->path, "a.xls");
    assert_string_equal(event->comment, "so");
    assert_true(event->entry == 5.2 && event->exit == 15.123);
    assert_int_equal(event->transition_count, 2);
    assert_true(event->transition[0] == 8 && event->transition[1] == 10.5);
    assert_int_equal(event->time, INT64_C(1710064800000001));
    event = &((ag_exchange_row *)ag_vec_at(&rows.rows, 1))->event;
    assert_string_equal(event->author, "ben@plant.example");
    assert_int_equal(event->outcome, AG_LABEL_EMPTY);
    ag_vec_deinit(&rows.rows);
    dataset_free(&d);
}

AG_TEST(test_exchange__the_minimal_export_is_understood)
{
    ag_err err = {0};
    dataset d;
    ag_exchange_rows rows;
    dataset_make(&d);
    static const char text[] =
        "[{\"path\":\"a.xls\",\"ts\":{},\"id\":5,\"label\":[{\"start\":5.2,\"end\":5.2,\"instant\":true,"
        "\"timeserieslabels\":[\"Entry\"]}],\"outcome\":\"No exit\",\"comment\":\"stuck\",\"annotator\":3,"
        "\"annotation_id\":4,\"created_at\":\"2024-03-09T22:16:08Z\",\"lead_time\":3.1},"
        "{\"path\":\"b.xls\",\"id\":6,\"annotator\":3,\"annotation_id\":5}]";
    AG_EXPECT_OK(read_text(&d, "label-studio", ag_str_of(text), &(ag_exchange_options){.author = NULL}, &rows, &err));
    assert_int_equal(rows.rows.count, 1);
    assert_int_equal(rows.skipped, 1);
    const ag_label_event *event = &((ag_exchange_row *)ag_vec_at(&rows.rows, 0))->event;
    assert_string_equal(event->author, "label-studio:3");
    assert_int_equal(event->outcome, AG_LABEL_NO_EXIT);
    assert_string_equal(event->comment, "stuck");
    ag_vec_deinit(&rows.rows);
    dataset_free(&d);
}

AG_TEST(test_exchange__annotations_that_contradict_themselves_are_refused_with_their_place)
{
    static const struct {
        const char *text, *part;
    } bad[] = {
        {TASK("a", ANNOTATION("1", TIME, MARK("Entry", "5", "5", "true"))), "lacks the mark 'Exit'"},
        {TASK("a", ANNOTATION("1", TIME, MARK("Entry", "5", "5", "true") "," MARK("Entry", "6", "6", "true"))),
         "two marks 'Entry'"},
        {TASK("a", ANNOTATION("1", TIME, MARK("Hole", "5", "5", "true"))), "no mark that is known"},
        {TASK("a", ANNOTATION("1", TIME, MARK("Entry", "\"x\"", "5", "true"))), "has no start"},
        {TASK("a", ANNOTATION("1", TIME, CHOICE("Empty") "," CHOICE("No exit"))), "both"},
        {TASK("a", ANNOTATION("1", TIME, CHOICE("Maybe"))), "neither"},
        {TASK("a", ANNOTATION("1", TIME, CHOICE("Empty") "," MARK("Entry", "5", "5", "true"))), "no depths"},
        {TASK("a", ANNOTATION("null", TIME, CHOICE("Empty"))), "nobody is named"},
        {TASK("a", ANNOTATION("1", TIME, MARK("Entry", "9", "9", "true") "," MARK("Exit", "5", "5", "true"))),
         "is not behind"},
        {TASK("", ANNOTATION("1", TIME, CHOICE("Empty"))), "neither 'path' nor 'sha256'"},
        {"[5]", "is no object"},
        {"[{\"data\":3}]", "no data"},
        {"[{\"data\":{},\"annotations\":3}]", "no list"},
        {"[", ""},
    };
    dataset d;
    dataset_make(&d);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ag_err err = {0};
        ag_exchange_rows rows;
        int rc =
            read_text(&d, "label-studio", ag_str_of(bad[i].text), &(ag_exchange_options){.author = NULL}, &rows, &err);
        assert_true(rc < 0);
        if (!strstr(err.text, bad[i].part)) fail_msg("%s: %s", bad[i].part, err.text);
        assert_true(err.line > 0);
        ag_vec_deinit(&rows.rows);
    }
    dataset_free(&d);
}

AG_TEST(test_exchange__labels_of_unknown_holes_are_refused_by_name_or_left_out)
{
    ag_err err = {0};
    dataset d;
    ag_exchange_rows rows;
    ag_label_event *events;
    size_t count, unknown;
    dataset_make(&d);
    const char *path = dataset_hole(&d, "cfrp-al-single", 0)->hole->path;
    char *text =
        ag_arena_printf(d.arena, "path;entry_mm;exit_mm;transitions_mm\n%s;5;15;8|10\nother.xls;5;15;\n", path);
    ag_exchange_options options = {.author = "gauge", .time = 5};
    AG_EXPECT_OK(read_text(&d, "csv", ag_str_of(text), &options, &rows, &err));
    AG_EXPECT_ERROR(ag_exchange_bind(&d.set, &rows, false, d.arena, &events, &count, &unknown, &err), AG_ENOTFOUND,
                    "other.xls");
    AG_EXPECT_OK(ag_exchange_bind(&d.set, &rows, true, d.arena, &events, &count, &unknown, &err));
    assert_int_equal(count, 1);
    assert_int_equal(unknown, 1);
    assert_int_equal(events[0].transition_count, 2);
    assert_string_equal(events[0].author, "gauge");
    ag_vec_deinit(&rows.rows);
    dataset_free(&d);
}

AG_TEST(test_exchange__the_simulators_truth_is_a_table_of_labels)
{
    ag_err err = {0};
    dataset d;
    ag_exchange_rows rows;
    ag_label_event *events;
    ag_buf text;
    size_t count, unknown;
    dataset_make(&d);
    ag_buf_init(&text, 1 << 20);
    AG_EXPECT_OK(ag_file_read(ag_path_join(d.arena, d.input, "truth.csv"), 1 << 20, &text, &err));
    AG_EXPECT_OK(read_text(&d, "csv", ag_buf_str(&text), &(ag_exchange_options){.author = "truth"}, &rows, &err));
    AG_EXPECT_OK(ag_exchange_bind(&d.set, &rows, false, d.arena, &events, &count, &unknown, &err));
    assert_int_equal(count, 9);
    AG_EXPECT_OK(ag_labelled_add(d.dir, events, count, false, NULL, &err));
    dataset_load(&d);
    assert_int_equal(dataset_hole(&d, "air-stroke", 1)->present->outcome, AG_LABEL_EMPTY);
    assert_int_equal(dataset_hole(&d, "seized-stroke", 1)->present->outcome, AG_LABEL_NO_EXIT);
    ag_buf_deinit(&text);
    ag_vec_deinit(&rows.rows);
    dataset_free(&d);
}

AG_TEST(test_exchange__a_table_with_a_wrong_cell_is_refused_with_its_place)
{
    static const struct {
        const char *text, *part;
    } bad[] = {{"name,entry_mm\na,5\n", "'path' or 'sha256'"},
               {"path,exit_mm\na,5\n", "'entry_mm'"},
               {"path,entry_mm,exit_mm\na,x,9\n", "'x' is no depth"},
               {"path,entry_mm,exit_mm\na,9,5\n", "is not behind"},
               {"path,outcome\na,perhaps\n", "is no outcome"},
               {"path,entry_mm,exit_mm,transitions_mm\na,1,9,2|3|4|5|6\n", "list of depths"},
               {"path,outcome,time\na,empty,noon\n", "is no time"}};
    dataset d;
    dataset_make(&d);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ag_err err = {0};
        ag_exchange_rows rows;
        assert_true(read_text(&d, "csv", ag_str_of(bad[i].text), &(ag_exchange_options){.author = "a"}, &rows, &err) <
                    0);
        if (!strstr(err.text, bad[i].part)) fail_msg("%s: %s", bad[i].part, err.text);
        ag_vec_deinit(&rows.rows);
    }
    dataset_free(&d);
}
