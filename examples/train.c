// SPDX-License-Identifier: Apache-2.0
/* train.c: the smallest program that trains a model of holes and predicts with it.
 *
 *     cc train.c -o train $(pkg-config --cflags --libs auger)
 *     auger prepare --input-dir FILES --output-dir prepared --auto-label
 *     ./train prepared out FILES/HOLE.xls
 *
 * Ctrl-C stops it; called again, it goes on where it was. */
#include <auger/training.h>
#include <signal.h>
#include <stdio.h>

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

/* Whoever looks on may stop the training: by anything but 0. */
static int tell(void *context, const auger_event *event)
{
    (void)context;
    if (event->kind == AUGER_EVENT_PHASE) printf("%s\n", event->text);
    if (event->kind == AUGER_EVENT_EPOCH)
        printf("%s: epoch %lld of %lld, loss %g\n", event->training, (long long)event->epoch, (long long)event->epochs,
               event->train_loss);
    return stopped;
}

static int complain(const auger_error *error)
{
    fprintf(stderr, "%s\n%s%s", error->text, error->hint, *error->hint ? "\n" : "");
    return 1;
}

static int train(const char *data, const char *output, auger_result **result, auger_error *error)
{
    auger_builder *builder = NULL;
    int rc = auger_builder_new(&builder, error);
    if (rc == 0) rc = auger_builder_data(builder, data, error);
    if (rc == 0) rc = auger_builder_output(builder, output, error);
    if (rc == 0) rc = auger_builder_strategy(builder, "patchtsmixer_single", error);
    if (rc == 0) rc = auger_builder_set(builder, "training_config.epochs=2", error);
    if (rc == 0) rc = auger_builder_set(builder, "model_config={architecture: PatchTSMixer, d_model: 8}", error);
    if (rc == 0) rc = auger_builder_checkpoints(builder, 10, 1, error);
    if (rc == 0) rc = auger_builder_monitor(builder, tell, NULL, error);
    if (rc == 0) rc = auger_builder_build(builder, result, error);
    auger_builder_free(builder);
    return rc;
}

int main(int argc, char **argv)
{
    auger_error error;
    auger_result *result = NULL;
    auger_answer answer;
    if (argc != 4) {
        fprintf(stderr, "usage: train PREPARED OUTPUT HOLE\n");
        return 2;
    }
    signal(SIGINT, on_signal);
    if (train(argv[1], argv[2], &result, &error) < 0) return complain(&error);
    double value;
    const char *name;
    for (size_t i = 0; (name = auger_result_metric(result, i, &value)); i++) printf("%s %g\n", name, value);
    int status = auger_result_predict_file(result, argv[3], &answer, &error) < 0 ? complain(&error) : 0;
    if (status == 0 && answer.outcome == AUGER_OUTCOME_UNKNOWN) printf("it cannot tell: %s\n", answer.reason);
    if (status == 0 && answer.outcome != AUGER_OUTCOME_UNKNOWN)
        printf("entry %.3f mm, exit %.3f mm, confidence %.2f\n", answer.entry.mm, answer.exit.mm, answer.confidence);
    auger_result_free(result);
    return status;
}
