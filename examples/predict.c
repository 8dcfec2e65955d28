// SPDX-License-Identifier: Apache-2.0
/* predict.c: the smallest program that predicts with a trained model.
 *
 *     cc predict.c -o predict $(pkg-config --cflags --libs auger)
 *     ./predict MODEL_DIR
 *
 * Fills one window with a sine per channel and prints the first row of the forecast. */
#include <auger/model.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int complain(const auger_error *error)
{
    fprintf(stderr, "%s\n%s%s", error->text, error->hint, *error->hint ? "\n" : "");
    return 1;
}

int main(int argc, char **argv)
{
    auger_error error;
    auger_model *model = NULL;
    auger_context *context = NULL;
    if (argc != 2) {
        fprintf(stderr, "usage: predict MODEL_DIR\n");
        return 2;
    }
    if (auger_model_load(argv[1], &model, &error) < 0) return complain(&error);
    if (auger_context_new(model, NULL, &context, &error) < 0) return complain(&error);

    const auger_port *in = auger_model_input(model, 0), *out = auger_model_output(model, 0);
    float *window = calloc((size_t)in->size, sizeof *window);
    float *forecast = calloc((size_t)out->size, sizeof *forecast);
    if (!window || !forecast) return 1;
    int64_t channels = in->shape[in->axes - 1];
    for (int64_t i = 0; i < in->size; i++)
        window[i] = (float)sin(0.05 * (double)(i / channels) * (1.0 + 0.1 * (double)(i % channels)));

    int status = auger_predict(context, window, 1, forecast, &error) < 0 ? complain(&error) : 0;
    for (int64_t i = 0; status == 0 && i < out->shape[out->axes - 1]; i++) printf("%g\n", (double)forecast[i]);

    free(window);
    free(forecast);
    auger_context_free(context);
    auger_model_free(model);
    return status;
}
