// How OpenBLAS is loaded, and what it computes: linear maps of many rows, and the products of an attention.
#include "openblas.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "loading.h"

/// CBLAS's numbers.
enum { rows_adjacent = 101, as_it_is = 111, transposed = 112 };

/// The part of a map that is one task. Sizes don't depend on the number of threads: so neither do results.
enum { rows_per_task = 320, outputs_per_task = 256 };
/// Rows of one head whose scores are held at once.
enum { rows_per_block = 64 };

static ck_sgemm *sgemm;
static ck_operations operations;
static const ck_operations *own; // the processor's own level
static char problem[300];
static pthread_once_t loaded = PTHREAD_ONCE_INIT;

static size_t attention_scratch(const ck_attention *attention) {
  return ck_most(own->attention.scratch(attention), rows_per_block * attention->k_rows);
}

/// As the levels' own: the scores of some rows, softmax, products with the values.
static void attend(const ck_attention *attention, size_t head, size_t first_row, size_t rows, float *scratch, int is_packed) {
  size_t size = attention->head_size, keys = attention->k_rows;
  if (rows <= operations.few || ck_most(ck_most(attention->q_stride, attention->k_stride), keys) > INT_MAX ||
      ck_most(attention->v_stride, attention->out_stride) > INT_MAX) {
    // What was packed is overwritten by blocks of scores.
    own->attention.attend(attention, head, first_row, rows, scratch, 0);
    return;
  }
  (void)is_packed;
  const float *k = attention->k + head * size, *v = attention->v + head * size;
  for (size_t from = first_row; from < first_row + rows; from += rows_per_block) {
    size_t count = ck_least(rows_per_block, first_row + rows - from);
    size_t hidden = attention->causal ? attention->q_rows - from - count : 0, seen = keys - hidden;
    sgemm(rows_adjacent, as_it_is, transposed, (int)count, (int)seen, (int)size, attention->scale,
          attention->q + from * attention->q_stride + head * size, (int)attention->q_stride, k, (int)attention->k_stride, 0,
          scratch, (int)keys);
    for (size_t i = 0; i < count; i++) {
      float *row = scratch + i * keys;
      size_t visible = attention->causal ? keys - attention->q_rows + from + i + 1 : keys;
      float factor = 1 / own->exponentials(row, visible, seen);
      for (size_t j = 0; j < visible; j++) row[j] *= factor;
      if (attention->weights == NULL) continue;
      float *written = attention->weights + (head * attention->q_rows + from + i) * keys;
      memcpy(written, row, visible * sizeof(float));
      memset(written + visible, 0, (keys - visible) * sizeof(float));
    }
    sgemm(rows_adjacent, as_it_is, as_it_is, (int)count, (int)size, (int)seen, 1, scratch, (int)keys, v,
          (int)attention->v_stride, 0, attention->out + from * attention->out_stride + head * size,
          (int)attention->out_stride);
  }
}

// The name that every release of it has; with 64-bit integers it is called otherwise.
#define SONAME "libopenblas.so.0"
INGOT_LOADS(openblas, "matrices on processors that Ingot has no kernels for", SONAME);

static void load(void) {
  void *library = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    const char *error = dlerror();
    snprintf(problem, sizeof problem, "%s", error != NULL ? error : SONAME " can't be loaded");
    return;
  }
  void (*set_threads)(int) = (void (*)(int))dlsym(library, "openblas_set_num_threads");
  ck_sgemm *product = (ck_sgemm *)dlsym(library, "cblas_sgemm");
  if (set_threads == NULL || product == NULL) {
    snprintf(problem, sizeof problem, SONAME ": it has no %s", product == NULL ? "cblas_sgemm" : "openblas_set_num_threads");
    dlclose(library);
    return;
  }
  set_threads(1);
  sgemm = product;
  own = ck_operations_of(ck_level_of_processor());
  operations = *own;
  operations.int8 = ck_int8_operations_of(own);
  operations.is_openblas = 1;
  operations.attention = (ck_attention_operations){.scratch = attention_scratch, .attend = attend};
}

const ck_operations *ck_openblas_operations(void) {
  pthread_once(&loaded, load);
  return sgemm != NULL ? &operations : NULL;
}

const char *ck_openblas_problem(void) {
  return ck_openblas_operations() != NULL ? NULL : problem;
}

int ck_openblas_takes(const ck_operations *chosen, const ck_linear *map) {
  return chosen->is_openblas && !ck_is_quantized(map) && map->rows > operations.most_few_rows &&
         ck_most(map->inputs, ck_most(map->x_stride, map->y_stride)) <= INT_MAX;
}

typedef struct task {
  const ck_linear *map;
  size_t row, rows, output, outputs;
} task;

typedef struct tasks {
  ck_pool *pool;
  task *all;
} tasks;

static void linear_task(void *context, size_t index, int thread) {
  const tasks *tasks = context;
  const task *task = &tasks->all[index];
  const ck_linear *map = task->map;
  size_t first = task->output * map->inputs, weights = task->outputs * map->inputs;
  const float *w = (const float *)map->weight + first;
  if (map->type != ck_float32) {
    float *floats = ck_pool_own(tasks->pool, thread);
    own->widen((const char *)map->weight + first * ck_type_size(map->type), map->type, weights, floats);
    for (size_t j = 0; map->type == ck_int8 && j < task->outputs; j++)
      for (size_t i = 0; i < map->inputs; i++) floats[j * map->inputs + i] *= map->scales[task->output + j];
    w = floats;
  }
  float *y = map->y + task->row * map->y_stride + task->output;
  sgemm(rows_adjacent, as_it_is, transposed, (int)task->rows, (int)task->outputs, (int)map->inputs, 1,
        map->x + task->row * map->x_stride, (int)map->x_stride, w, (int)map->inputs, map->finish == ck_finish_add ? 1 : 0, y,
        (int)map->y_stride);
  ck_finish last = map->finish == ck_finish_add ? ck_finish_plain : map->finish;
  if (map->bias != NULL || last != ck_finish_plain)
    own->finish_rows(y, map->y_stride, task->rows, task->outputs, y, map->y_stride,
                     map->bias != NULL ? map->bias + task->output : NULL, 0, last);
}

int ck_openblas_linear_run(ck_pool *pool, const ck_linear *maps, size_t count) {
  tasks tasks = {.pool = pool};
  size_t own_bytes = 0, total = 0;
  for (int pass = 0; pass < 2; pass++) {
    if (pass == 1) {
      if (total == 0) return 0;
      tasks.all = ck_pool_shared(pool, ck_scratch_plan, total * sizeof(task));
      if (tasks.all == NULL || ck_pool_reserve(pool, own_bytes) != 0) return -1;
    }
    total = 0;
    for (size_t i = 0; i < count; i++) {
      const ck_linear *map = &maps[i];
      if (!ck_openblas_takes(&operations, map)) continue;
      size_t row_parts = ck_parts(map->rows, rows_per_task), width = ck_least(outputs_per_task, map->outputs);
      if (map->type != ck_float32) own_bytes = ck_most(own_bytes, width * map->inputs * sizeof(float));
      for (size_t j = 0; j < map->outputs; j += width)
        for (size_t part = 0; part < row_parts; part++, total++) {
          if (pass == 0) continue;
          size_t from = map->rows * part / row_parts;
          tasks.all[total] = (task){.map = map, .row = from, .rows = map->rows * (part + 1) / row_parts - from, .output = j,
                                    .outputs = ck_least(width, map->outputs - j)};
        }
    }
  }
  ck_pool_run(pool, linear_task, &tasks, total);
  return 0;
}
