// SPDX-License-Identifier: Apache-2.0
#include "learn/nn/checkpoint/config.h"

#include <math.h>
#include <string.h>

#include "frame/test.h"
#include "learn/nn/models/patchtsmixer.h"

static ag_arena *arena;

static int setup(const char *json, const char *tensors, ag_model_config *out, ag_err *err)
{
    /* One empty tensor per name: enough for the choice of the head. */
    static char bytes[2048];
    ag_safetensors *file = NULL;
    ag_buf header;
    ag_buf_init(&header, 2000);
    ag_buf_add_text(&header, "{");
    ag_str rest = ag_str_of(tensors ? tensors : ""), name;
    for (int i = 0; tensors && ag_str_next(&rest, ' ', &name); i++)
        ag_buf_addf(&header, "%s\"%.*s\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}", i ? "," : "",
                    AG_STR_ARG(name));
    ag_buf_add_text(&header, "}");
    uint64_t size = header.size;
    memcpy(bytes, &size, 8);
    memcpy(bytes + 8, header.data, header.size);
    ag_buf_deinit(&header);
    if (tensors && ag_safetensors_parse((ag_str){bytes, 8 + (size_t)size}, NULL, &file, err) < 0)
        fail_msg("the tensors of the test: %s", err->text);
    ag_arena_free(arena);
    arena = ag_arena_new(0);
    int rc = ag_model_config_read(arena, ag_str_of(json), "config.json", file, out, err);
    ag_safetensors_free(file);
    return rc;
}

#define MIXER "{\"model_type\":\"patchtsmixer\""

static ag_patchtsmixer read(const char *json, const char *tensors)
{
    ag_err err = {0};
    ag_model_config config = {0};
    AG_EXPECT_OK(setup(json, tensors, &config, &err));
    return *(const ag_patchtsmixer *)config.values;
}

AG_TEST(test_config__defaults_are_those_of_hugging_face)
{
    ag_patchtsmixer c = read(MIXER "}", NULL);
    assert_int_equal(c.task, AG_MIXER_FORECAST);
    assert_int_equal(c.context_length, 32);
    assert_int_equal(c.patch_length, 8);
    assert_int_equal(c.d_model, 8);
    assert_int_equal(c.num_layers, 3);
    assert_int_equal(c.mode, 0);
    assert_true(c.gated_attn && !c.self_attn && !c.use_positional_encoding);
    assert_int_equal(c.scaling, AG_MIXER_STD);
    assert_int_equal(c.loss, AG_MIXER_MSE);
    assert_int_equal(c.head_aggregation, 2);
    assert_true(c.minimum_scale == 0.0 && !(c.default_scale > 0.0));
    assert_int_equal(c.num_forecast_mask_patches.count, 1);
}

AG_TEST(test_config__spellings_that_mean_the_same)
{
    assert_int_equal(read(MIXER ",\"hidden_size\":12,\"num_hidden_layers\":5}", NULL).d_model, 12);
    assert_int_equal(read(MIXER ",\"hidden_size\":12,\"num_hidden_layers\":5}", NULL).num_layers, 5);
    assert_int_equal(read(MIXER ",\"hidden_size\":12,\"d_model\":12}", NULL).d_model, 12);
    assert_int_equal(read(MIXER ",\"scaling\":true}", NULL).scaling, AG_MIXER_STD);
    assert_int_equal(read(MIXER ",\"scaling\":\"mean\"}", NULL).scaling, AG_MIXER_MEAN);
    assert_int_equal(read(MIXER ",\"scaling\":false}", NULL).scaling, AG_MIXER_UNSCALED);
    assert_int_equal(read(MIXER ",\"scaling\":null}", NULL).scaling, AG_MIXER_UNSCALED);
    assert_int_equal(read(MIXER ",\"scaling\":\"other\"}", NULL).scaling, AG_MIXER_UNSCALED);
    assert_int_equal(read(MIXER ",\"head_aggregation\":null}", NULL).head_aggregation, 0);
    assert_int_equal(read(MIXER ",\"mode\":\"anything\"}", NULL).mode, 0);
    assert_int_equal(read(MIXER ",\"mode\":\"mix_channel\"}", NULL).mode, 1);
    ag_patchtsmixer c = read(MIXER ",\"num_forecast_mask_patches\":7,\"minimum_scale\":0,\"default_scale\":0}", NULL);
    assert_int_equal(*(const int64_t *)c.num_forecast_mask_patches.items, 7);
    assert_int_equal(read(MIXER ",\"num_forecast_mask_patches\":null}", NULL).num_forecast_mask_patches.count, 0);
    assert_true(c.minimum_scale > 0.0 && c.minimum_scale < 1e-300);
    assert_true(c.default_scale > 0.0 && c.default_scale < 1e-300);
}

AG_TEST(test_config__the_tensors_choose_task_head_and_loss)
{
    static const char stock[] = "head.base_forecast_block.weight";
    static const char stacked[] = "head.base_forecast_block.weight head.base_forecast_block1.weight";
    static const char nll[] = "head.base_forecast_block.proj.0.weight";
    assert_int_equal(read(MIXER "}", stock).head, 0);
    assert_int_equal(read(MIXER "}", stock).loss, AG_MIXER_MSE);
    assert_int_equal(read(MIXER "}", stacked).head, 1);
    assert_int_equal(read(MIXER "}", stacked).loss, AG_MIXER_FOCAL);
    assert_int_equal(read(MIXER ",\"auger\":{\"loss\":\"mse\"}}", stacked).loss, AG_MIXER_MSE);
    assert_int_equal(read(MIXER ",\"prediction_channel_indices\":[0]}", stacked).loss, AG_MIXER_MSE);
    assert_int_equal(read(MIXER "}", nll).loss, AG_MIXER_NLL);
    assert_int_equal(read(MIXER ",\"loss\":\"nll\"}", nll).loss, AG_MIXER_NLL);
    assert_int_equal(read(MIXER "}", "head.base_pt_block.weight").task, AG_MIXER_PRETRAINING);
    assert_int_equal(read(MIXER "}", "encoder.patcher.weight").task, AG_MIXER_BACKBONE);
    assert_int_equal(read(MIXER ",\"architectures\":[\"PatchTSMixerForRegression\"]}", "head.projection.weight").task,
                     AG_MIXER_REGRESSION);
    assert_int_equal(
        read(MIXER ",\"architectures\":[\"PatchTSMixerForTimeSeriesClassification\"]}", "head.projection.weight").task,
        AG_MIXER_CLASSIFICATION);
    assert_int_equal(
        read(MIXER ",\"architectures\":[\"PatchTSMixerForRegression\"]}", "head.projection.proj.0.weight").loss,
        AG_MIXER_NLL);
}

AG_TEST(test_config__of_an_unknown_type_the_known_ones_are_told)
{
    ag_err err = {0};
    size_t count;
    ag_model_config config;
    const ag_architecture *const *all = ag_architecture_all(&count);
    AG_EXPECT_ERROR(setup("{\"model_type\":\"bert\"}", NULL, &config, &err), AG_EUNSUPPORTED, "'bert'");
    for (size_t i = 0; i < count; i++) assert_non_null(strstr(err.hint, all[i]->name));
}

AG_TEST(test_config__refuses_by_name)
{
    static const struct {
        const char *json, *tensors, *part;
        int code;
    } cases[] = {
        {"[]", NULL, "object", AG_EPARSE},
        {"{}", NULL, "model_type", AG_EINVAL},
        {"{\"architectures\":[\"BertModel\"]}", NULL, "model_type", AG_EINVAL},
        {"{\"architectures\":[\"PatchTSMixerModel\"],\"d_modle\":true,\"dropout\":2}", NULL, "dropout", AG_EINVAL},
        {"{\"model_type\":\"bert\"}", NULL, "'bert'", AG_EUNSUPPORTED},
        {MIXER ",\"seq_len\":3}", NULL, "before the release", AG_EUNSUPPORTED},
        {MIXER ",\"revin\":true}", NULL, "'revin'", AG_EUNSUPPORTED},
        {MIXER ",\"architectures\":[\"PatchTSMixerForForecast\"]}", NULL, "PatchTSMixerForForecast", AG_EUNSUPPORTED},
        {MIXER ",\"architectures\":3}", NULL, "list of names", AG_EINVAL},
        {MIXER ",\"hidden_size\":12,\"d_model\":13}", NULL, "hidden_size and d_model", AG_EINVAL},
        {MIXER ",\"d_model\":\"x\"}", NULL, "d_model", AG_EINVAL},
        {MIXER ",\"d_model\":-1}", NULL, "d_model", AG_EINVAL},
        {MIXER ",\"positional_encoding_type\":\"other\"}", NULL, "positional_encoding_type", AG_EINVAL},
        {MIXER ",\"loss\":\"focal_mse\"}", NULL, "mse or nll", AG_EINVAL},
        {MIXER ",\"loss\":\"mae\"}", NULL, "loss", AG_EINVAL},
        {MIXER ",\"scaling_dim\":2}", NULL, "scaling_dim", AG_EINVAL},
        {MIXER ",\"keepdim\":false}", NULL, "keepdim", AG_EINVAL},
        {MIXER ",\"prediction_channel_indices\":[]}", NULL, "empty", AG_EINVAL},
        {MIXER ",\"output_range\":[1]}", NULL, "output_range", AG_EINVAL},
        {MIXER ",\"auger\":{\"lost\":1}}", NULL, "auger", AG_EINVAL},
        {MIXER ",\"auger\":1}", NULL, "auger", AG_EINVAL},
        {MIXER ",\"loss\":\"nll\"}", "head.base_forecast_block.weight", "loss is 'nll'", AG_EINVAL},
        {MIXER ",\"loss\":\"mse\"}", "head.base_forecast_block.proj.0.weight", "loss is 'mse'", AG_EINVAL},
        {MIXER "}", "head.projection.weight", "regression from a classification", AG_EINVAL},
        {MIXER "}", "head.projection.weight head.base_pt_block.weight", "more than one head", AG_EINVAL},
        {MIXER ",\"architectures\":[\"PatchTSMixerForPretraining\"]}", "head.base_forecast_block.weight",
         "PatchTSMixerForPretraining, but the tensors are those of a forecast", AG_EINVAL},
        {MIXER ",\"d_model\":8,\"d_model\":8}", NULL, "d_model", AG_EPARSE},
    };
    ag_err err = {0};
    ag_model_config config;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AG_EXPECT_ERROR(setup(cases[i].json, cases[i].tensors, &config, &err), cases[i].code, cases[i].part);
        assert_string_equal(err.file, "config.json");
    }
}

AG_TEST(test_config__a_wrong_value_has_a_place)
{
    ag_err err = {0};
    ag_model_config config;
    AG_EXPECT_ERROR(setup("{\n  \"model_type\": \"patchtsmixer\",\n  \"dropout\": 2\n}", NULL, &config, &err),
                    AG_EINVAL, "dropout");
    assert_int_equal(err.line, 3);
}

AG_TEST(test_config__other_keys_are_kept_and_named)
{
    ag_err err = {0};
    ag_model_config config = {0};
    AG_EXPECT_OK(setup(MIXER ",\"patch_last\":true,\"site\":{\"line\":[1,2]},\"transformers_version\":\"4.37.2\"}",
                       NULL, &config, &err));
    assert_int_equal(config.unknown_count, 1);
    assert_string_equal(config.unknown[0], "site");
    assert_int_equal(config.ignored_count, 2);
    ag_buf text;
    ag_buf_init(&text, 1 << 16);
    AG_EXPECT_OK(ag_model_config_write(&config, &text, &err));
    assert_non_null(strstr(text.data, "\"site\": {\n    \"line\": ["));
    assert_non_null(strstr(text.data, "\"transformers_version\": \"4.37.2\""));
    assert_non_null(strstr(text.data, "\"patch_last\": true"));
    ag_buf_deinit(&text);
}

static void write_and_compare(const char *json, const char *tensors, const char *part)
{
    ag_err err = {0};
    ag_model_config config = {0}, again = {0};
    ag_buf first, second;
    ag_buf_init(&first, 1 << 16);
    ag_buf_init(&second, 1 << 16);
    AG_EXPECT_OK(setup(json, tensors, &config, &err));
    AG_EXPECT_OK(ag_model_config_write(&config, &first, &err));
    if (!strstr(first.data, part)) fail_msg("no %s in %s", part, first.data);
    AG_EXPECT_OK(setup(first.data, tensors, &again, &err));
    AG_EXPECT_OK(ag_model_config_write(&again, &second, &err));
    assert_string_equal(first.data, second.data);
    ag_buf_deinit(&first);
    ag_buf_deinit(&second);
}

AG_TEST(test_config__written_and_read_again_it_is_the_same)
{
    write_and_compare(MIXER "}", NULL, "\"num_patches\": 4,");
    write_and_compare(MIXER "}", NULL, "\"PatchTSMixerForPrediction\"");
    write_and_compare(MIXER ",\"mask_value\":-1.0}", NULL, "\"mask_value\": -1,");
    write_and_compare(MIXER ",\"scaling\":null}", NULL, "\"scaling\": null");
    write_and_compare(MIXER ",\"minimum_scale\":0.5,\"default_scale\":2}", NULL, "\"default_scale\": 2.0");
    write_and_compare(MIXER ",\"prediction_channel_indices\":[2,0]}", NULL, "\"prediction_channel_indices\": [\n");
    write_and_compare(MIXER ",\"auger\":{\"loss\":\"focal_mse\",\"pretrain_terms\":true}}", NULL, "\"focal_mse\"");
    write_and_compare(MIXER "}", "head.base_forecast_block.weight head.base_forecast_block1.weight",
                      "\"loss\": \"mse\"");
    write_and_compare(MIXER ",\"auger\":{\"loss\":\"mse\"}}",
                      "head.base_forecast_block.weight head.base_forecast_block1.weight", "\"auger\": {");
    write_and_compare(MIXER ",\"architectures\":[\"PatchTSMixerModel\"]}", NULL, "\"PatchTSMixerModel\"");
}

static int read_and_write(void *context, ag_err *err)
{
    (void)context;
    ag_model_config config;
    ag_buf text;
    ag_buf_init(&text, 1 << 16);
    ag_arena *own = ag_arena_new(0);
    int rc =
        own ? ag_model_config_read(own, AG_STR(MIXER ",\"site\":1,\"num_forecast_mask_patches\":7,\"hidden_size\":4}"),
                                   "config.json", NULL, &config, err)
            : ag_fail_memory(err, 1);
    if (rc >= 0) rc = ag_model_config_write(&config, &text, err);
    ag_buf_deinit(&text);
    ag_arena_free(own);
    return rc;
}

AG_TEST(test_config__every_failing_allocation_is_reported)
{
    if (ag_fault_available()) assert_true(ag_test_fail_at_n(AG_FAULT_ALLOC, read_and_write, NULL, NULL) > 20);
    ag_arena_free(arena);
    arena = NULL;
}
