// SPDX-License-Identifier: Apache-2.0
/* products_bench.c: the matrix products of PatchTSMixer's drilling configuration, one window, on one core: our kernels,
 * and libxsmm and OpenBLAS where they are installed (Debian's libxsmm-dev when this is built, libopenblas0 when it
 * runs). The three take turns; printed is the best of many turns on the processor's time. C = A B with A [m, k] as it
 * lies or transposed, or C += A B^T, all row by row; whole, and as the tiles of mixers ask for them. What a product
 * does to its neighbours' cache is not seen here. See docs/decisions/0007-small-products.md. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "learn/nn/kernels/kernels.h"

enum { AS_IT_LIES, TURNED /* A is stored [k, m] */, DOTS /* B is stored [n, k], and C added to */ };

enum { STORED, ADDED, BIASED /* along m */ }; /* what becomes of C */

typedef struct product {
    const char *name;
    int64_t m, n, k;
    int form, end;
} product;

static const product products[] = {
    {"patch fc1", 272, 128, 64, AS_IT_LIES, STORED},
    {"patch fc2", 272, 64, 128, AS_IT_LIES, STORED},
    {"patch gate", 272, 64, 64, AS_IT_LIES, STORED},
    {"patch fc1, gradient", 128, 64, 272, TURNED, STORED},
    {"feature fc1", 1088, 32, 16, AS_IT_LIES, STORED},
    {"feature fc2", 1088, 16, 32, AS_IT_LIES, STORED},
    {"feature gate", 1088, 16, 16, AS_IT_LIES, STORED},
    {"feature fc1, gradient", 32, 16, 1088, TURNED, STORED},
    {"q, k and v", 1088, 48, 16, AS_IT_LIES, STORED},
    {"scores", 64, 64, 16, AS_IT_LIES, STORED},
    {"probabilities v", 64, 16, 64, AS_IT_LIES, STORED},
    {"gradient of k", 64, 16, 64, TURNED, STORED},
    {"channel fc1", 34, 1024, 17, AS_IT_LIES, STORED},
    {"channel fc2", 17, 1024, 34, AS_IT_LIES, STORED},
    {"channel gate", 17, 1024, 17, AS_IT_LIES, STORED},
    {"head, 1 window", 17, 512, 1024, AS_IT_LIES, STORED},
    {"head, 4 windows", 68, 512, 1024, AS_IT_LIES, STORED},
    {"head, gradient, 4", 512, 1024, 68, TURNED, STORED},
    {"head, 32 windows", 544, 512, 1024, AS_IT_LIES, STORED},
    /* as mixers call them, tile by tile */
    {"tile: patch fc1", 96, 128, 64, AS_IT_LIES, STORED},
    {"tile: patch fc2", 96, 64, 128, AS_IT_LIES, STORED},
    {"tile: patch gradient", 128, 64, 96, TURNED, ADDED},
    {"tile: feature fc1", 64, 32, 16, AS_IT_LIES, STORED},
    {"tile: feature fc2", 64, 16, 32, AS_IT_LIES, STORED},
    {"tile: feature gate", 64, 16, 16, AS_IT_LIES, STORED},
    {"tile: feature gradient", 32, 16, 64, TURNED, ADDED},
    {"tile: channel fc1", 34, 528, 17, AS_IT_LIES, BIASED},
    {"tile: channel fc2", 17, 528, 34, AS_IT_LIES, BIASED},
    {"tile: channel gate", 17, 528, 17, AS_IT_LIES, BIASED},
    {"tile: channel fc1, back", 17, 528, 34, TURNED, STORED},
    {"tile: channel fc2, back", 34, 528, 17, TURNED, STORED},
    {"tile: channel gradient", 34, 17, 528, DOTS, STORED},
    {"tile: gate's gradient", 17, 17, 528, DOTS, STORED},
    /* a model of holes: 32 patches, 24 features */
    {"holes: patch fc1", 96, 64, 32, AS_IT_LIES, STORED},
    {"holes: patch fc2", 96, 32, 64, AS_IT_LIES, STORED},
    {"holes: feature fc1", 96, 48, 24, AS_IT_LIES, STORED},
    {"holes: feature fc2", 96, 24, 48, AS_IT_LIES, STORED},
    {"holes: channel fc1", 34, 384, 17, AS_IT_LIES, BIASED},
    {"holes: channel gradient", 34, 17, 384, DOTS, STORED},
};

typedef void sgemm_fn(const char *ta, const char *tb, const int *m, const int *n, const int *k, const float *alpha,
                      const float *a, const int *lda, const float *b, const int *ldb, const float *beta, float *c,
                      const int *ldc);
typedef void xsmm_kernel(const float *a, const float *b, float *c);
typedef xsmm_kernel *xsmm_dispatch_fn(int m, int n, int k, const int *lda, const int *ldb, const int *ldc,
                                      const float *alpha, const float *beta, const int *flags, const int *prefetch);
/* Absent unless the build found the library, of which Debian has an archive only. */
extern xsmm_dispatch_fn libxsmm_smmdispatch __attribute__((weak));

typedef struct rivals {
    sgemm_fn *blas;
    xsmm_dispatch_fn *xsmm;
} rivals;

static void *symbol(const char *const *libraries, const char *name)
{
    for (; *libraries; libraries++) {
        void *library = dlopen(*libraries, RTLD_NOW | RTLD_LOCAL);
        void *found = library ? dlsym(library, name) : NULL;
        if (found) return found;
    }
    return NULL;
}

static double seconds(void)
{
    struct timespec at;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return (double)at.tv_sec + (double)at.tv_nsec * 1e-9;
}

typedef struct arrays {
    float *a, *b, *c;
} arrays;

static void ours(const product *p, const arrays *x)
{
    static const ag_kernels *kernels;
    if (!kernels) kernels = ag_kernels_best();
    if (p->form == DOTS) {
        kernels->matmul_nt(&(ag_matmul_nt){.m = p->m,
                                           .n = p->n,
                                           .k = p->k,
                                           .a = x->a,
                                           .a_row = p->k,
                                           .b = x->b,
                                           .b_row = p->k,
                                           .c = x->c,
                                           .c_row = p->n});
        return;
    }
    kernels->matmul(&(ag_matmul){.m = p->m,
                                 .n = p->n,
                                 .k = p->k,
                                 .a = x->a,
                                 .a_row = p->form == TURNED ? 1 : p->k,
                                 .a_column = p->form == TURNED ? p->m : 1,
                                 .b = x->b,
                                 .b_row = p->n,
                                 .c = x->c,
                                 .c_row = p->n,
                                 .add = p->end == ADDED,
                                 .bias_m = p->end == BIASED ? x->b : NULL});
}

/* Row by row is column by column of the transposed: C' = B' A'. */
static void blas(const rivals *r, const product *p, const arrays *x)
{
    const float one = 1.0F, onto = p->end == ADDED || p->form == DOTS ? 1.0F : 0.0F;
    int m = (int)p->m, n = (int)p->n, k = (int)p->k, lda = p->form == TURNED ? m : k, ldb = p->form == DOTS ? k : n;
    r->blas(p->form == DOTS ? "T" : "N", p->form == TURNED ? "T" : "N", &n, &m, &k, &one, x->b, &ldb, x->a, &lda, &onto,
            x->c, &n);
}

typedef struct best_rates {
    double ours, blas, xsmm;
} best_rates;

static void better(double *best, double start, int turns)
{
    double spent = (seconds() - start) / turns;
    if (spent < *best) *best = spent;
}

static best_rates measure(const rivals *r, const product *p, const arrays *x)
{
    const float one = 1.0F, zero = 0.0F;
    const int flags = 0;
    int m = (int)p->m, n = (int)p->n, k = (int)p->k;
    xsmm_kernel *kernel = r->xsmm && p->form == AS_IT_LIES && p->end != ADDED
                              ? r->xsmm(n, m, k, &n, &k, &n, &one, &zero, &flags, NULL)
                              : NULL;
    double flop = 2.0 * (double)(p->m * p->n * p->k);
    int turns = (int)(1e6 / flop) + 1;
    best_rates least = {1e9, 1e9, 1e9};
    for (int round = 0; round < 200; round++) {
        double start = seconds();
        for (int i = 0; i < turns; i++) ours(p, x);
        better(&least.ours, start, turns);
        start = seconds();
        for (int i = 0; r->blas && i < turns; i++) blas(r, p, x);
        better(&least.blas, start, turns);
        start = seconds();
        for (int i = 0; kernel && i < turns; i++) kernel(x->b, x->a, x->c);
        better(&least.xsmm, start, turns);
    }
    return (best_rates){flop / least.ours * 1e-9, r->blas ? flop / least.blas * 1e-9 : 0.0,
                        kernel ? flop / least.xsmm * 1e-9 : 0.0};
}

static void print_rate(double rate)
{
    if (rate > 0.0)
        printf(" %9.1f", rate);
    else
        printf(" %9s", "-");
}

int main(void)
{
    static const char *const blas_libraries[] = {"libopenblas.so.0", NULL};
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    rivals r = {.xsmm = libxsmm_smmdispatch};
    *(void **)&r.blas = symbol(blas_libraries, "sgemm_");
    enum { MOST = 1024 * 1024 };
    arrays x = {ag_alloc_aligned(64, MOST * sizeof(float)), ag_alloc_aligned(64, MOST * sizeof(float)),
                ag_alloc_aligned(64, MOST * sizeof(float))};
    if (!x.a || !x.b || !x.c) return 1;
    ag_rng rng = ag_rng_stream(1, "products");
    for (int i = 0; i < MOST; i++) x.a[i] = x.b[i] = (float)ag_rng_normal(&rng);
    printf("GFLOP/s on one core; kernels %s\n%-24s %5s %5s %5s %9s %9s %9s\n", ag_kernels_best()->name, "product", "m",
           "n", "k", "ours", "libxsmm", "OpenBLAS");
    for (size_t i = 0; i < sizeof products / sizeof *products; i++) {
        const product *p = &products[i];
        best_rates rate = measure(&r, p, &x);
        printf("%-24s %5d %5d %5d", p->name, (int)p->m, (int)p->n, (int)p->k);
        print_rate(rate.ours);
        print_rate(rate.xsmm);
        print_rate(rate.blas);
        printf("\n");
    }
    ag_free(x.a);
    ag_free(x.b);
    ag_free(x.c);
    return 0;
}
