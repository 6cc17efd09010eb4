// Linear maps: which way each is computed, in what blocks, and who computes which.
//
// Many rows: x is packed once for all threads (and once for all maps of the same x); then each task packs some panels of
// the weights into its thread's own scratch and multiplies all rows by them. Few rows: weights are read in place.
//
// With int8 weights x is quantized first, once for all maps of the same x, and then goes the same two ways. At the level
// of OpenBLAS, floats of many rows go there instead.
#include "openblas.h"

/// Products to be worth waking another thread, and weights packed at once (in units of 4 bytes): these
/// must stay in the second-level cache together with the rows multiplied.
enum { least_shared_work = 100000, weights_at_once = 128 * 768, rows_packed_per_task = 64 };
/// Packed x above this (in bytes) is made and used in several parts.
static const size_t most_packed = (size_t)32 << 20;

/// Rows of a map that are packed and multiplied together.
typedef struct job {
  const ck_linear *map;
  size_t first_row, rows, row_panels, output_panels;
  char *packed;   // panels; of few rows that are quantized: those rows
  ck_row *x_rows; // of x that is quantized
  int packs;      // whether these aren't another job's
} job;

/// Some row panels × some output panels of a job.
typedef struct piece {
  const job *job;
  size_t first_row_panel, row_panels, first_output_panel, output_panels;
} piece;

typedef struct plan {
  ck_pool *pool;
  const ck_operations *operations;
  const ck_int8_operations *int8;
  job *jobs;
  piece *pieces;
} plan;

static size_t panel_rows(const plan *plan, const ck_linear *map) {
  return ck_is_quantized(map) ? plan->int8->panel_rows : plan->operations->panel_rows;
}
static size_t panel_outputs(const plan *plan, const ck_linear *map) {
  return ck_is_quantized(map) ? plan->int8->panel_outputs : plan->operations->panel_outputs;
}
/// Bytes of one row or output of a panel.
static size_t row_bytes(const plan *plan, const ck_linear *map) {
  return ck_is_quantized(map) ? plan->int8->row_bytes(map->inputs) : map->inputs * sizeof(float);
}

/// Quantizes `count` rows of a job to adjacent ones.
static void quantize(const plan *plan, const job *job, size_t first, size_t count, char *target) {
  const ck_linear *map = job->map;
  size_t bytes = plan->int8->row_bytes(map->inputs);
  for (size_t i = 0; i < count; i++) {
    size_t at = (job->first_row + first + i) * map->x_stride;
    ck_row *row = &job->x_rows[first + i];
    if ((int)map->finish == ck_finish_sums)
      plan->int8->take((const int8_t *)(const void *)map->x + at, map->inputs, target + i * bytes, row);
    else plan->int8->quantize(map->x + at, map->inputs, target + i * bytes, row);
  }
}

static void quantize_task(void *context, size_t index, int thread) {
  (void)thread;
  const plan *plan = context;
  const piece *piece = &plan->pieces[index];
  size_t bytes = plan->int8->row_bytes(piece->job->map->inputs);
  quantize(plan, piece->job, piece->first_row_panel, piece->row_panels,
           piece->job->packed + piece->first_row_panel * bytes);
}

static void quantize_and_pack(const plan *plan, const piece *piece, char *quantized) {
  const job *job = piece->job;
  size_t inputs = job->map->inputs, panel_bytes = plan->int8->panel_rows * plan->int8->row_bytes(inputs);
  for (size_t panel = piece->first_row_panel; panel < piece->first_row_panel + piece->row_panels; panel++) {
    size_t from = ck_start(job->rows, panel, job->row_panels), to = ck_start(job->rows, panel + 1, job->row_panels);
    quantize(plan, job, from, to - from, quantized);
    plan->int8->pack_rows(quantized, to - from, inputs, job->packed + panel * panel_bytes);
  }
}

static void pack_task(void *context, size_t index, int thread) {
  const plan *plan = context;
  const piece *piece = &plan->pieces[index];
  const job *job = piece->job;
  const ck_linear *map = job->map;
  if (ck_is_quantized(map)) {
    quantize_and_pack(plan, piece, ck_pool_own(plan->pool, thread));
    return;
  }
  size_t height = plan->operations->panel_rows, depths = ck_depths(map->inputs);
  for (size_t panel = piece->first_row_panel; panel < piece->first_row_panel + piece->row_panels; panel++) {
    size_t from = ck_start(job->rows, panel, job->row_panels), to = ck_start(job->rows, panel + 1, job->row_panels);
    const float *x = map->x + (job->first_row + from) * map->x_stride;
    for (size_t d = 0; d < depths; d++) {
      size_t k = ck_start(map->inputs, d, depths), depth = ck_start(map->inputs, d + 1, depths) - k;
      float *target = (float *)job->packed + job->row_panels * height * k + panel * height * depth;
      plan->operations->pack_rows(x + k, map->x_stride, to - from, depth, target);
    }
  }
}

static void multiply_quantized(const plan *plan, const piece *piece, char *packed_w) {
  const ck_int8_operations *int8 = plan->int8;
  const job *job = piece->job;
  const ck_linear *map = job->map;
  size_t width = int8->panel_outputs, bytes = int8->row_bytes(map->inputs), first_output = piece->first_output_panel * width;
  size_t outputs = ck_least(piece->output_panels * width, map->outputs - first_output);
  const int8_t *w = (const int8_t *)map->weight + first_output * map->inputs;
  // Sums of weights stand behind them.
  int32_t *w_sums = (int32_t *)(packed_w + piece->output_panels * width * bytes);
  for (size_t j = 0; j < outputs; j += width)
    int8->pack_outputs(w + j * map->inputs, map->inputs, ck_least(width, outputs - j), packed_w + j * bytes, w_sums + j);
  for (size_t panel = piece->first_row_panel; panel < piece->first_row_panel + piece->row_panels; panel++) {
    size_t from = ck_start(job->rows, panel, job->row_panels), to = ck_start(job->rows, panel + 1, job->row_panels);
    for (size_t j = 0; j < outputs; j += width)
      int8->multiply(map, job->packed + panel * int8->panel_rows * bytes, job->x_rows + from, packed_w + j * bytes,
                     w_sums + j, job->first_row + from, to - from, first_output + j, ck_least(width, outputs - j));
  }
}

static void multiply_task(void *context, size_t index, int thread) {
  const plan *plan = context;
  const ck_operations *operations = plan->operations;
  const piece *piece = &plan->pieces[index];
  const job *job = piece->job;
  const ck_linear *map = job->map;
  if (ck_is_quantized(map)) {
    multiply_quantized(plan, piece, ck_pool_own(plan->pool, thread));
    return;
  }
  size_t height = operations->panel_rows, width = operations->panel_outputs;
  size_t depths = ck_depths(map->inputs), element = ck_type_size(map->type);
  size_t first_output = piece->first_output_panel * width;
  size_t outputs = ck_least(piece->output_panels * width, map->outputs - first_output);
  float *packed_w = ck_pool_own(plan->pool, thread);
  for (size_t d = 0; d < depths; d++) {
    size_t k = ck_start(map->inputs, d, depths), depth = ck_start(map->inputs, d + 1, depths) - k;
    const char *w = (const char *)map->weight + (first_output * map->inputs + k) * element;
    for (size_t j = 0; j < outputs; j += width)
      operations->pack_outputs(w + j * map->inputs * element, map->type,
                               map->type == ck_int8 ? map->scales + first_output + j : NULL, map->inputs,
                               ck_least(width, outputs - j), depth, packed_w + j * depth);
    const float *packed_x = (const float *)job->packed + job->row_panels * height * k;
    for (size_t panel = piece->first_row_panel; panel < piece->first_row_panel + piece->row_panels; panel++) {
      size_t from = ck_start(job->rows, panel, job->row_panels), to = ck_start(job->rows, panel + 1, job->row_panels);
      float *y = map->y + (job->first_row + from) * map->y_stride + first_output;
      for (size_t j = 0; j < outputs; j += width)
        operations->multiply(packed_x + panel * height * depth, packed_w + j * depth, depth, to - from,
                             ck_least(width, outputs - j), y + j, map->y_stride,
                             map->bias != NULL ? map->bias + first_output + j : NULL, map->finish, d == 0,
                             d + 1 == depths);
    }
  }
}

static void few_task(void *context, size_t index, int thread) {
  (void)thread;
  const plan *plan = context;
  const piece *piece = &plan->pieces[index];
  const job *job = piece->job;
  if (ck_is_quantized(job->map))
    plan->int8->few_rows(job->map, job->packed, job->x_rows, piece->first_output_panel, piece->output_panels);
  else plan->operations->few_rows(job->map, piece->first_output_panel, piece->output_panels);
}

static int is_few(const plan *plan, const ck_linear *map) {
  return map->rows <= (ck_is_quantized(map) ? plan->int8->most_few_rows : plan->operations->most_few_rows);
}

/// Whether a map is computed from packed panels.
static int is_packed(const plan *plan, const ck_linear *map) {
  return !is_few(plan, map) && !ck_openblas_takes(plan->operations, map);
}

static void run(plan *plan, ck_task *task, size_t count, double work) {
  if (work < least_shared_work) {
    for (size_t i = 0; i < count; i++) task(plan, i, 0);
  } else {
    ck_pool_run(plan->pool, task, plan, count);
  }
}

/// How many of `panels` the next piece takes, of work left in units of a panel: pieces become smaller towards the end, so
/// that threads end at about the same time.
static size_t next_share(double work_left, size_t panels, size_t most, int threads) {
  double share = work_left / (3.0 * threads);
  size_t count = share >= (double)most ? most : (size_t)share;
  return ck_least(ck_most(count, 1), panels);
}

static int has_same_x(const job *a, const job *b) {
  return a->map->x == b->map->x && a->map->x_stride == b->map->x_stride && a->map->inputs == b->map->inputs &&
         a->first_row == b->first_row && a->rows == b->rows && ck_is_quantized(a->map) == ck_is_quantized(b->map);
}

/// Of a scratch buffer: space for `count` things of one kind, a cache line apart from the next.
static size_t spaced(size_t bytes) { return ck_parts(bytes, 64) * 64; }

/// Quantizes x of those jobs of few rows whose maps say so. Needs a piece for every one of them and every 8 rows.
static int quantize_few(plan *plan, size_t count) {
  enum { rows_each = 8 };
  size_t size = 0, pieces = 0;
  double work = 0;
  for (size_t i = 0; i < count; i++) {
    job *job = &plan->jobs[i];
    if (!ck_is_quantized(job->map)) continue;
    job->packs = i == 0 || !has_same_x(job, job - 1);
    if (job->packs) size += spaced(job->rows * row_bytes(plan, job->map)) + spaced(job->rows * sizeof(ck_row));
  }
  if (size == 0) return 0;
  char *memory = ck_pool_shared(plan->pool, ck_scratch_packed, size);
  if (memory == NULL) return -1;
  for (size_t i = 0; i < count; i++) {
    job *job = &plan->jobs[i];
    if (!ck_is_quantized(job->map)) continue;
    if (!job->packs) {
      job->packed = job[-1].packed;
      job->x_rows = job[-1].x_rows;
      continue;
    }
    job->packed = memory;
    memory += spaced(job->rows * row_bytes(plan, job->map));
    job->x_rows = (ck_row *)memory;
    memory += spaced(job->rows * sizeof(ck_row));
    work += (double)job->rows * (double)job->map->inputs;
    for (size_t row = 0; row < job->rows; row += rows_each)
      plan->pieces[pieces++] =
          (piece){.job = job, .first_row_panel = row, .row_panels = ck_least(rows_each, job->rows - row)};
  }
  run(plan, quantize_task, pieces, work * 2);
  return 0;
}

/// Maps of few rows, all at once.
static int run_few(plan *plan, const ck_linear *maps, size_t count) {
  int threads = ck_pool_threads(plan->pool);
  size_t pieces = 0, jobs = 0, rows = 0;
  double work = 0;
  for (size_t i = 0; i < count; i++) {
    if (maps[i].rows == 0 || !is_few(plan, &maps[i])) continue;
    jobs++;
    rows += maps[i].rows;
    work += (double)maps[i].rows * (double)maps[i].inputs * (double)maps[i].outputs;
  }
  if (jobs == 0) return 0;
  // Pieces of a few hundred kilobytes of weights, or a small part of all.
  double share = ck_most(1, (size_t)(work / (8.0 * threads)));
  for (int pass = 0; pass < 2; pass++) {
    if (pass == 1) {
      char *memory = ck_pool_shared(plan->pool, ck_scratch_plan,
                                    jobs * sizeof(job) + ck_most(pieces, rows) * sizeof(piece));
      if (memory == NULL) return -1;
      plan->jobs = (job *)memory;
      plan->pieces = (piece *)(memory + jobs * sizeof(job));
      jobs = 0;
      for (size_t i = 0; i < count; i++)
        if (maps[i].rows != 0 && is_few(plan, &maps[i]))
          plan->jobs[jobs++] = (job){.map = &maps[i], .rows = maps[i].rows};
      if (quantize_few(plan, jobs) != 0) return -1;
    }
    pieces = jobs = 0;
    for (size_t i = 0; i < count; i++) {
      if (maps[i].rows == 0 || !is_few(plan, &maps[i])) continue;
      size_t each = (size_t)(share / ((double)maps[i].rows * (double)maps[i].inputs));
      // Whole groups of what is taken at once.
      size_t unit = ck_is_quantized(&maps[i]) ? 24 : 32;
      each = ck_least(ck_most(ck_parts(each, unit) * unit, unit), ck_few_outputs / unit * unit);
      for (size_t j = 0; j < maps[i].outputs; j += each, pieces++)
        if (pass == 1)
          plan->pieces[pieces] = (piece){.job = &plan->jobs[jobs],
                                         .first_output_panel = j,
                                         .output_panels = ck_least(each, maps[i].outputs - j)};
      jobs++;
    }
  }
  run(plan, few_task, pieces, work);
  return 0;
}

/// Bytes of some rows of a map, packed.
static size_t packed_size(const plan *plan, const ck_linear *map, size_t rows) {
  size_t height = panel_rows(plan, map), size = ck_parts(rows, height) * height * row_bytes(plan, map);
  return ck_is_quantized(map) ? spaced(size) + spaced(rows * sizeof(ck_row)) : size;
}

/// Rows of a map whose packed x isn't too large.
static size_t rows_at_once(const plan *plan, const ck_linear *map) {
  size_t parts = ck_parts(packed_size(plan, map, map->rows), most_packed);
  return ck_most(ck_parts(map->rows, parts), 1);
}

/// Packs x of some jobs.
static int pack(plan *plan, job *jobs, size_t count) {
  size_t size = 0, own = 0, pieces = 0;
  double work = 0;
  for (size_t i = 0; i < count; i++) {
    jobs[i].packs = i == 0 || !has_same_x(&jobs[i], &jobs[i - 1]);
    if (!jobs[i].packs) continue;
    size += packed_size(plan, jobs[i].map, jobs[i].rows);
    if (ck_is_quantized(jobs[i].map))
      own = ck_most(own, plan->int8->panel_rows * plan->int8->row_bytes(jobs[i].map->inputs));
  }
  char *packed = ck_pool_shared(plan->pool, ck_scratch_packed, size);
  if (packed == NULL || ck_pool_reserve(plan->pool, own) != 0) return -1;
  for (size_t i = 0; i < count; i++) {
    if (!jobs[i].packs) {
      jobs[i].packed = jobs[i - 1].packed;
      jobs[i].x_rows = jobs[i - 1].x_rows;
      continue;
    }
    jobs[i].packed = packed;
    packed += packed_size(plan, jobs[i].map, jobs[i].rows);
    if (ck_is_quantized(jobs[i].map)) jobs[i].x_rows = (ck_row *)(packed - spaced(jobs[i].rows * sizeof(ck_row)));
    work += (double)jobs[i].rows * (double)jobs[i].map->inputs;
    size_t each = ck_most(rows_packed_per_task / panel_rows(plan, jobs[i].map), 1);
    for (size_t j = 0; j < jobs[i].row_panels; j += each)
      plan->pieces[pieces++] =
          (piece){.job = &jobs[i], .first_row_panel = j, .row_panels = ck_least(each, jobs[i].row_panels - j)};
  }
  run(plan, pack_task, pieces, work * 4);
  return 0;
}

/// Multiplies jobs whose x is packed.
static int multiply(plan *plan, const job *jobs, size_t count) {
  int threads = ck_pool_threads(plan->pool);
  size_t panels = 0, panel_bytes = 4;
  double work = 0, total = 0;
  for (size_t i = 0; i < count; i++) {
    const ck_linear *map = jobs[i].map;
    size_t bytes = row_bytes(plan, map);
    if (ck_is_quantized(map)) bytes += sizeof(int32_t); // the sum of its weights
    else bytes = ck_least(bytes, ck_most_depth * sizeof(float));
    panels += jobs[i].output_panels;
    panel_bytes = ck_most(panel_bytes, panel_outputs(plan, map) * bytes);
    double panel_work = (double)jobs[i].rows * (double)map->inputs * (double)jobs[i].output_panels;
    work += panel_work;
    total += panel_work * (double)panel_outputs(plan, map);
  }
  size_t most = ck_most(weights_at_once * sizeof(float) / panel_bytes, 1);
  if (ck_pool_reserve(plan->pool, most * panel_bytes) != 0) return -1;
  // With many threads and few outputs, rows are divided too, though that packs weights several times.
  size_t row_parts = ck_parts((size_t)threads * 4, panels);
  double left = work;
  size_t pieces = 0;
  for (size_t i = 0; i < count; i++) {
    double panel_work = (double)jobs[i].rows * (double)jobs[i].map->inputs;
    size_t parts = ck_least(row_parts, jobs[i].row_panels);
    for (size_t j = 0; j < jobs[i].output_panels;) {
      size_t n = next_share(left / panel_work, jobs[i].output_panels - j, most, threads);
      for (size_t part = 0; part < parts; part++) {
        size_t from = ck_start(jobs[i].row_panels, part, parts);
        plan->pieces[pieces++] = (piece){.job = &jobs[i],
                                         .first_row_panel = from,
                                         .row_panels = ck_start(jobs[i].row_panels, part + 1, parts) - from,
                                         .first_output_panel = j,
                                         .output_panels = n};
      }
      left -= panel_work * (double)n;
      j += n;
    }
  }
  run(plan, multiply_task, pieces, total);
  return 0;
}

/// Maps of many rows by our own kernels.
static int run_many(plan *plan, const ck_linear *maps, size_t count) {
  int threads = ck_pool_threads(plan->pool);
  size_t jobs = 0, pieces = 0;
  for (size_t i = 0; i < count; i++) {
    if (!is_packed(plan, &maps[i])) continue;
    size_t rows = rows_at_once(plan, &maps[i]), parts = ck_parts(maps[i].rows, rows);
    size_t row_panels = parts * ck_parts(rows, panel_rows(plan, &maps[i]));
    jobs += parts;
    // At least as many as either phase needs.
    pieces += row_panels + ck_parts(maps[i].outputs, panel_outputs(plan, &maps[i])) * parts *
                               ck_least((size_t)threads * 4, ck_parts(rows, panel_rows(plan, &maps[i])));
  }
  if (jobs == 0) return 0;
  char *memory = ck_pool_shared(plan->pool, ck_scratch_plan, jobs * sizeof(job) + pieces * sizeof(piece));
  if (memory == NULL) return -1;
  plan->jobs = (job *)memory;
  plan->pieces = (piece *)(memory + jobs * sizeof(job));

  // Maps of the same x side by side go through its parts together.
  jobs = 0;
  for (size_t i = 0, next; i < count; i = next) {
    next = i + 1;
    if (!is_packed(plan, &maps[i])) continue;
    while (next < count && maps[next].x == maps[i].x && maps[next].x_stride == maps[i].x_stride &&
           maps[next].inputs == maps[i].inputs && maps[next].rows == maps[i].rows &&
           ck_is_quantized(&maps[next]) == ck_is_quantized(&maps[i]))
      next++;
    size_t rows = rows_at_once(plan, &maps[i]);
    for (size_t row = 0; row < maps[i].rows; row += rows)
      for (size_t j = i; j < next; j++) {
        size_t n = ck_least(rows, maps[i].rows - row);
        plan->jobs[jobs++] = (job){.map = &maps[j],
                                   .first_row = row,
                                   .rows = n,
                                   .row_panels = ck_parts(n, panel_rows(plan, &maps[j])),
                                   .output_panels = ck_parts(maps[j].outputs, panel_outputs(plan, &maps[j]))};
      }
  }
  for (size_t i = 0, next; i < jobs; i = next) {
    size_t size = 0;
    for (next = i; next < jobs; next++) {
      if (next > i && has_same_x(&plan->jobs[next], &plan->jobs[next - 1])) continue;
      size += packed_size(plan, plan->jobs[next].map, plan->jobs[next].rows);
      if (next > i && size > most_packed) break;
    }
    if (pack(plan, plan->jobs + i, next - i) != 0 || multiply(plan, plan->jobs + i, next - i) != 0) return -1;
  }
  return 0;
}

int ck_linear_run(ck_pool *pool, const ck_linear *maps, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (ck_is_quantized(&maps[i]) && maps[i].inputs > ck_most_int8_inputs) return -1;
  const ck_operations *operations = ck_pool_operations(pool);
  plan plan = {.pool = pool, .operations = operations, .int8 = ck_int8_operations_of(operations)};
  if (run_few(&plan, maps, count) != 0) return -1;
  if (operations->is_openblas && ck_openblas_linear_run(pool, maps, count) != 0) return -1;
  return run_many(&plan, maps, count);
}

int ck_int8_sums(ck_pool *pool, const int8_t *x, size_t rows, size_t inputs, const int8_t *weight, size_t outputs,
                 int32_t *sums) {
  ck_linear map = {.x = (const void *)x, .x_stride = inputs, .weight = weight, .type = ck_int8, .y = (void *)sums,
                   .y_stride = outputs, .rows = rows, .inputs = inputs, .outputs = outputs,
                   .finish = (ck_finish)ck_finish_sums};
  return ck_linear_run(pool, &map, 1);
}
