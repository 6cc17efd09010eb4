// Times float32 products of BLIP's shapes by our kernels beside OpenBLAS called directly, in turn. gemm.py builds
// and runs it; its README says what is measured.
//
//   gemm LEVEL THREADS ROUNDS
//
// Prints, per shape, tab-separated: rows, inputs, outputs, products of the group, medians in microseconds of us and of
// OpenBLAS, and the median of the quotients (OpenBLAS over us) of pairs of runs.
#define _GNU_SOURCE // dlmopen
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kernels.h"

typedef void sgemm_function(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);

typedef struct shape {
  const char *name;
  size_t rows, inputs, outputs, maps; // maps of the same x, run as one piece of work
} shape;

static const shape shapes[] = {
    {"image: patches", 576, 768, 768, 1},
    {"image: queries, keys, values", 577, 768, 768, 3},
    {"image: attention's output", 577, 768, 768, 1},
    {"image: first of the MLP", 577, 768, 3072, 1},
    {"image: second of the MLP", 577, 3072, 768, 1},
    {"text: keys and values of the image", 577, 768, 768, 2},
    {"question: queries, keys, values", 8, 768, 768, 3},
    {"question: attention's output", 8, 768, 768, 1},
    {"question: first of the MLP", 8, 768, 3072, 1},
    {"question: second of the MLP", 8, 3072, 768, 1},
    {"16 questions: first of the MLP", 128, 768, 3072, 1},
    {"16 questions: second of the MLP", 128, 3072, 768, 1},
    {"answer: queries, keys, values", 1, 768, 768, 3},
    {"answer: first of the MLP", 1, 768, 3072, 1},
    {"answer: second of the MLP", 1, 3072, 768, 1},
    {"answer: words", 1, 768, 30524, 1},
    {"3 beams: words", 3, 768, 30524, 1},
};

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static float *numbers(size_t count) {
  float *out = aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64);
  if (out == NULL) exit(74);
  uint32_t state = 1;
  for (size_t i = 0; i < count; i++) {
    state = state * 1664525 + 1013904223;
    out[i] = (float)(int32_t)state / 2147483648.0f;
  }
  return out;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static double median(double *values, int count) {
  qsort(values, (size_t)count, sizeof(double), ascending);
  return count % 2 != 0 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static int run_ours(ck_pool *pool, const shape *shape, const float *x, const float *w, float *y) {
  ck_linear maps[3];
  for (size_t m = 0; m < shape->maps; m++)
    maps[m] = (ck_linear){.x = x, .x_stride = shape->inputs, .weight = w + m * shape->inputs * shape->outputs,
                          .type = ck_float32, .y = y + m * shape->rows * shape->outputs, .y_stride = shape->outputs,
                          .rows = shape->rows, .inputs = shape->inputs, .outputs = shape->outputs};
  return ck_linear_run(pool, maps, shape->maps);
}

static void run_theirs(sgemm_function *sgemm, const shape *shape, const float *x, const float *w, float *y) {
  int rows = (int)shape->rows, inputs = (int)shape->inputs, outputs = (int)shape->outputs;
  for (size_t m = 0; m < shape->maps; m++)
    sgemm(101, 111, 112, rows, outputs, inputs, 1, x, inputs, w + m * shape->inputs * shape->outputs, inputs, 0,
          y + m * shape->rows * shape->outputs, outputs);
}

int main(int count, char **arguments) {
  static const char *const levels[] = {"portable", "avx2", "avx512", "openblas"};
  if (count != 4) return 64;
  ck_level level = ck_level_portable;
  for (int i = 0; i < 4; i++)
    if (strcmp(arguments[1], levels[i]) == 0) level = (ck_level)i;
  int threads = atoi(arguments[2]), rounds = atoi(arguments[3]);
  // A copy of its own, whose threads our use of the library doesn't switch off.
  void *library = dlmopen(LM_ID_NEWLM, "libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    fprintf(stderr, "gemm: %s\n", dlerror());
    return 69;
  }
  sgemm_function *sgemm = (sgemm_function *)dlsym(library, "cblas_sgemm");
  ((void (*)(int))dlsym(library, "openblas_set_num_threads"))(threads);
  const char *core = ((const char *(*)(void))dlsym(library, "openblas_get_corename"))();
  ck_pool *pool = ck_pool_create(threads, level);
  if (pool == NULL || rounds < 1) {
    fprintf(stderr, "gemm: no level %s here\n", arguments[1]);
    return 69;
  }
  fprintf(stderr, "%s beside OpenBLAS's %s, %d threads\n", arguments[1], core, threads);
  double *ours = calloc((size_t)rounds * 3, sizeof(double)), *theirs = ours + rounds, *quotients = theirs + rounds;
  if (ours == NULL) return 74;
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
    shape shape = shapes[s];
    size_t weights = shape.inputs * shape.outputs;
    // In a net other layers come between: weights are spread over more than the caches, as there.
    size_t copies = (size_t)96 * 1024 * 1024 / (weights * shape.maps * sizeof(float)) + 1;
    float *x = numbers(shape.rows * shape.inputs), *w = numbers(weights * shape.maps * copies);
    float *y = numbers(shape.rows * shape.outputs * shape.maps);
    size_t at = 0;
    for (int round = -2; round < rounds; round++) {
      double time[2];
      // Each goes first as often.
      for (int turn = 0; turn < 2; turn++) {
        int who = (turn + (round & 1)) % 2;
        // The other's threads spin for a while after their work. Then our own are woken and get a processor each, as they
        // have one in a net.
        usleep(40000);
        double start = now(), from = start;
        do {
          const float *weight = w + (at++ % copies) * weights * shape.maps;
          from = now();
          if (who == 0) {
            if (run_ours(pool, &shape, x, weight, y) != 0) return 74;
          } else {
            run_theirs(sgemm, &shape, x, weight, y);
          }
          time[who] = now() - from;
        } while (from < start + 15000);
      }
      if (round < 0) continue;
      ours[round] = time[0];
      theirs[round] = time[1];
      quotients[round] = time[1] / time[0];
    }
    printf("%s\t%zu\t%zu\t%zu\t%zu\t%.1f\t%.1f\t%.3f\n", shape.name, shape.rows, shape.inputs, shape.outputs, shape.maps,
           median(ours, rounds), median(theirs, rounds), median(quotients, rounds));
    fflush(stdout);
    free(x);
    free(w);
    free(y);
  }
  ck_pool_destroy(pool);
  return 0;
}
