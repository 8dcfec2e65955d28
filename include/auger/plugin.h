// SPDX-License-Identifier: Apache-2.0
#pragma once
/* plugin.h: a training strategy of your own, as a shared object.
 *
 *     cc -shared -fPIC mean.c -o libmean.so $(pkg-config --cflags auger)
 *     auger train --strategy ./libmean.so --config c.yaml --data-dir D --output-dir out
 *
 * The object exports one function, auger_plugin_entry(), which gives a constant auger_plugin. Auger calls its functions
 * in the order prepare, train, validate, export_model, close, all by one thread. They see the training through an
 * opaque auger_job and the functions of auger_host; they link against nothing of Auger. A function returns 0, or a
 * negative number, best by `return host->fail(job, AUGER_EINVAL, "what is wrong", "what to do")`.
 *
 * The border: a struct begins with its size as its maker knows it. What one side does not know of the other's is not
 * touched, so that structs grow at their ends without a new ABI. Another AUGER_PLUGIN_ABI is refused. An object is
 * code: Auger loads what the user names, and never what a model or a data set names. */
#include <stddef.h>
#include <stdint.h>

#include "auger/error.h"

#ifdef __cplusplus
extern "C" {
#endif

#define AUGER_PLUGIN_ABI 1
#define AUGER_PLUGIN_SYMBOL "auger_plugin_entry"

typedef struct auger_job auger_job; /* one training or evaluation, on Auger's side */

/* An epoch as monitor and ledger show it. What is not known is NaN. */
typedef struct auger_epoch {
    size_t size;   /* sizeof(auger_epoch) */
    int64_t epoch; /* from 1 */
    int64_t step;  /* steps taken in all */
    double train_loss, val_loss;
    double learning_rate, gradient_norm;
} auger_epoch;

/* What a plug-in may call. Texts are borrowed: they live as long as the job. */
typedef struct auger_host {
    size_t size;
    uint32_t abi;
    const char *(*data_dir)(const auger_job *job);       /* a directory, or one file */
    const char *(*model_dir)(const auger_job *job);      /* of an evaluation: where the model lies; else NULL */
    const char *(*checkpoint_dir)(const auger_job *job); /* made; kept between a stop and --resume; NULL: none */
    const char *(*configuration)(const auger_job *job);  /* the effective one as JSON; NULL before prepare has ended */
    int (*resume)(const auger_job *job);                 /* 1: go on from the checkpoint, if there is one */
    unsigned (*jobs)(const auger_job *job);              /* threads it may use */
    uint64_t (*seed)(const auger_job *job);
    int64_t (*epochs)(const auger_job *job); /* training_config.epochs */
    /* Keys of data_config, as the plug-in has described them: their value or their default. A key of another type, or
     * one that was not described, gives NULL or NaN. */
    const char *(*text)(const auger_job *job, const char *key);
    double (*number)(const auger_job *job, const char *key); /* of flags 0 or 1 */
    int (*cancelled)(const auger_job *job);                  /* 1: keep what you have and return AUGER_ECANCELLED */
    void (*remark)(auger_job *job, const char *text);        /* one line for people */
    void (*progress)(auger_job *job, double share);          /* of all, 0 to 1 */
    int (*step)(auger_job *job, int64_t step, double loss);
    int (*epoch)(auger_job *job, const auger_epoch *epoch);
    int (*metric)(auger_job *job, const char *name, double value, int64_t step); /* step 0: a result of the whole */
    int (*fail)(auger_job *job, int code, const char *text, const char *hint);   /* returns `code`; hint may be NULL */
} auger_host;

typedef enum auger_key_type { AUGER_KEY_TEXT, AUGER_KEY_REAL, AUGER_KEY_INT, AUGER_KEY_FLAG } auger_key_type;

/* A key of data_config. Other keys are refused, with the nearest of these. */
typedef struct auger_key {
    const char *name;
    auger_key_type type;
    const char *fallback; /* the default, as a user would write it; NULL: 0, false, or no text */
    int required;
    double min, max; /* of numbers; both 0: any */
    const char *doc; /* one sentence */
} auger_key;

/* A drilled hole. Arrays hold `count` numbers; what was not measured is NaN, a channel that was not is NULL. */
typedef struct auger_plugin_hole {
    size_t size;
    const char *file; /* where it is from; may be NULL */
    double rate;      /* samples per second */
    size_t count;
    const double *depth;  /* mm of the tool along the feed axis, growing into the part */
    const double *torque; /* A above idle */
    const double *thrust; /* A above idle */
    const double *step;   /* of the program */
} auger_plugin_hole;

enum { /* outcomes */
       AUGER_HOLE_UNKNOWN,
       AUGER_HOLE_FOUND,
       AUGER_HOLE_NO_EXIT, /* it seized, or the recording ends inside */
       AUGER_HOLE_EMPTY,   /* nothing was cut */
};

typedef struct auger_plugin_point { /* mm of the tool's tip; NaN: there is none, or it is not known */
    double mm;
    double low, high;  /* holds the truth nine times of ten */
    double confidence; /* 0 to 1 */
} auger_plugin_point;

/* predict() fills it: it comes with AUGER_HOLE_UNKNOWN, every number NaN, and no reason. */
typedef struct auger_plugin_answer {
    size_t size;
    int outcome;
    int grip_code; /* 0: none */
    auger_plugin_point entry, transition, exit;
    double confidence; /* of the whole; NaN: that of its worst point */
    char reason[248];  /* why it is not known, or is doubtful; UTF-8 */
} auger_plugin_answer;

typedef struct auger_plugin {
    size_t size;           /* sizeof(auger_plugin) */
    uint32_t abi;          /* AUGER_PLUGIN_ABI */
    uint32_t key_size;     /* sizeof(auger_key) */
    const char *name;      /* "mean": letters, digits, - and _ */
    const char *version;   /* "1.2": kept with the model */
    const char *doc;       /* one sentence */
    const auger_key *keys; /* may be NULL */
    size_t key_count;
    /* prepare() reads what it needs and refuses what is wrong, before anything is trained. *state is the plug-in's own
     * and NULL at first; close() gets it in any case, after a failure too. */
    int (*prepare)(auger_job *job, const auger_host *host, void **state);                            /* required */
    int (*train)(auger_job *job, const auger_host *host, void *state);                               /* required */
    int (*validate)(auger_job *job, const auger_host *host, void *state);                            /* optional */
    int (*export_model)(auger_job *job, const auger_host *host, void *state, const char *directory); /* required */
    void (*close)(void *state); /* required; NULL is fine */
    /* Optional: a model of its own (model_dir) looked at with other data (data_dir); metric() tells the scores. */
    int (*evaluate)(auger_job *job, const auger_host *host);
    /* Optional, since 0.1: a model of its own asked about holes, by `auger predict`, `auger evaluate` and the C API.
     * load() opens the model that lies in model_dir, *model is the plug-in's own; predict() answers for a hole;
     * unload() gets *model at the end, also when load() failed. One thread at a time, none of them always the same.
     * Without load() `model` is NULL. A plug-in that predicts is examined by its answers, and its evaluate() is not
     * asked. */
    int (*load)(auger_job *job, const auger_host *host, void **model);
    int (*predict)(auger_job *job, const auger_host *host, void *model, const auger_plugin_hole *hole,
                   auger_plugin_answer *answer);
    void (*unload)(void *model);
} auger_plugin;

/* What the object exports, under the name AUGER_PLUGIN_SYMBOL. */
typedef const struct auger_plugin *(*auger_plugin_function)(void);
#ifdef AUGER_PLUGIN_BUILD
__attribute__((visibility("default"))) const auger_plugin *auger_plugin_entry(void);
#endif

#ifdef __cplusplus
}
#endif
