// Linear maps: which way each is computed, in what blocks, and who computes which.
//
// Many rows: x is packed once for all threads (and once for all maps of the same x); then each task packs some panels of
// the weights into its thread's own scratch and multiplies all rows by them. Few rows: weights are read in place.
#include "operations.h"
#include "pool.h"

/// Products to be worth waking another thread, inputs at once, and weights packed at once (in floats): these must stay in
/// the second-level cache together with the rows multiplied.
enum { least_shared_work = 100000, most_depth = 3072, weights_at_once = 128 * 768, rows_packed_per_task = 64 };
/// Packed x above this (in floats) is made and used in several parts.
static const size_t most_packed = (size_t)8 << 20;

/// Rows of a map that are packed and multiplied together.
typedef struct job {
  const ck_linear *map;
  size_t first_row, rows, row_panels, output_panels;
  float *packed;
  int packs; // whether packed isn't another job's
} job;

/// Some row panels × some output panels of a job.
typedef struct piece {
  const job *job;
  size_t first_row_panel, row_panels, first_output_panel, output_panels;
} piece;

typedef struct plan {
  ck_pool *pool;
  const ck_operations *operations;
  job *jobs;
  piece *pieces;
} plan;

static size_t depths_of(size_t inputs) { return ck_parts(inputs, most_depth); }
/// Where part `index` of `parts` begins: they differ by 1 at most.
static size_t start_of(size_t total, size_t index, size_t parts) {
  return total / parts * index + total % parts * index / parts;
}

static void pack_task(void *context, size_t index, int thread) {
  (void)thread;
  const plan *plan = context;
  const piece *piece = &plan->pieces[index];
  const job *job = piece->job;
  const ck_linear *map = job->map;
  size_t height = plan->operations->panel_rows, depths = depths_of(map->inputs);
  for (size_t panel = piece->first_row_panel; panel < piece->first_row_panel + piece->row_panels; panel++) {
    size_t from = start_of(job->rows, panel, job->row_panels), to = start_of(job->rows, panel + 1, job->row_panels);
    const float *x = map->x + (job->first_row + from) * map->x_stride;
    for (size_t d = 0; d < depths; d++) {
      size_t k = start_of(map->inputs, d, depths), depth = start_of(map->inputs, d + 1, depths) - k;
      float *target = job->packed + job->row_panels * height * k + panel * height * depth;
      plan->operations->pack_rows(x + k, map->x_stride, to - from, depth, target);
    }
  }
}

static void multiply_task(void *context, size_t index, int thread) {
  const plan *plan = context;
  const ck_operations *operations = plan->operations;
  const piece *piece = &plan->pieces[index];
  const job *job = piece->job;
  const ck_linear *map = job->map;
  size_t height = operations->panel_rows, width = operations->panel_outputs;
  size_t depths = depths_of(map->inputs), element = ck_type_size(map->type);
  size_t first_output = piece->first_output_panel * width;
  size_t outputs = ck_least(piece->output_panels * width, map->outputs - first_output);
  float *packed_w = ck_pool_own(plan->pool, thread);
  for (size_t d = 0; d < depths; d++) {
    size_t k = start_of(map->inputs, d, depths), depth = start_of(map->inputs, d + 1, depths) - k;
    const char *w = (const char *)map->weight + (first_output * map->inputs + k) * element;
    for (size_t j = 0; j < outputs; j += width)
      operations->pack_outputs(w + j * map->inputs * element, map->type,
                               map->type == ck_int8 ? map->scales + first_output + j : NULL, map->inputs,
                               ck_least(width, outputs - j), depth, packed_w + j * depth);
    const float *packed_x = job->packed + job->row_panels * height * k;
    for (size_t panel = piece->first_row_panel; panel < piece->first_row_panel + piece->row_panels; panel++) {
      size_t from = start_of(job->rows, panel, job->row_panels), to = start_of(job->rows, panel + 1, job->row_panels);
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
  plan->operations->few_rows(piece->job->map, piece->first_output_panel, piece->output_panels);
}

static int is_few(const ck_operations *operations, const ck_linear *map) {
  return map->rows <= operations->most_few_rows;
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

/// Maps of few rows, all at once.
static int run_few(plan *plan, const ck_linear *maps, size_t count) {
  int threads = ck_pool_threads(plan->pool);
  size_t pieces = 0, jobs = 0;
  double work = 0;
  for (size_t i = 0; i < count; i++) {
    if (maps[i].rows == 0 || !is_few(plan->operations, &maps[i])) continue;
    jobs++;
    work += (double)maps[i].rows * (double)maps[i].inputs * (double)maps[i].outputs;
  }
  if (jobs == 0) return 0;
  // Pieces of a few hundred kilobytes of weights, or a small part of all.
  double share = ck_most(1, (size_t)(work / (8.0 * threads)));
  for (int pass = 0; pass < 2; pass++) {
    if (pass == 1) {
      char *memory = ck_pool_shared(plan->pool, ck_scratch_plan, jobs * sizeof(job) + pieces * sizeof(piece));
      if (memory == NULL) return -1;
      plan->jobs = (job *)memory;
      plan->pieces = (piece *)(memory + jobs * sizeof(job));
    }
    pieces = jobs = 0;
    for (size_t i = 0; i < count; i++) {
      if (maps[i].rows == 0 || !is_few(plan->operations, &maps[i])) continue;
      if (pass == 1) plan->jobs[jobs] = (job){.map = &maps[i]};
      size_t each = (size_t)(share / ((double)maps[i].rows * (double)maps[i].inputs));
      each = ck_least(ck_most((each + 23) / 24 * 24, 24), ck_few_outputs / 24 * 24);
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

static size_t packed_size(const ck_operations *operations, size_t rows, size_t inputs) {
  return ck_parts(rows, operations->panel_rows) * operations->panel_rows * inputs;
}

/// Rows of a map whose packed x isn't too large.
static size_t rows_at_once(const ck_operations *operations, const ck_linear *map) {
  size_t parts = ck_parts(packed_size(operations, map->rows, map->inputs), most_packed);
  return ck_most(ck_parts(map->rows, parts), 1);
}

static int has_same_x(const job *a, const job *b) {
  return a->map->x == b->map->x && a->map->x_stride == b->map->x_stride && a->map->inputs == b->map->inputs &&
         a->first_row == b->first_row && a->rows == b->rows;
}

/// Packs x of some jobs.
static int pack(plan *plan, job *jobs, size_t count) {
  const ck_operations *operations = plan->operations;
  size_t size = 0, pieces = 0;
  double work = 0;
  for (size_t i = 0; i < count; i++) {
    jobs[i].packs = i == 0 || !has_same_x(&jobs[i], &jobs[i - 1]);
    if (!jobs[i].packs) continue;
    size += packed_size(operations, jobs[i].rows, jobs[i].map->inputs);
  }
  float *packed = ck_pool_shared(plan->pool, ck_scratch_packed, size * sizeof(float));
  if (packed == NULL) return -1;
  size_t each = ck_most(rows_packed_per_task / operations->panel_rows, 1);
  for (size_t i = 0; i < count; i++) {
    jobs[i].packed = jobs[i].packs ? packed : jobs[i - 1].packed;
    if (!jobs[i].packs) continue;
    packed += packed_size(operations, jobs[i].rows, jobs[i].map->inputs);
    work += (double)jobs[i].rows * (double)jobs[i].map->inputs;
    for (size_t j = 0; j < jobs[i].row_panels; j += each)
      plan->pieces[pieces++] =
          (piece){.job = &jobs[i], .first_row_panel = j, .row_panels = ck_least(each, jobs[i].row_panels - j)};
  }
  run(plan, pack_task, pieces, work * 4);
  return 0;
}

/// Multiplies jobs whose x is packed.
static int multiply(plan *plan, const job *jobs, size_t count) {
  const ck_operations *operations = plan->operations;
  int threads = ck_pool_threads(plan->pool);
  size_t panels = 0, depth = 1;
  double work = 0;
  for (size_t i = 0; i < count; i++) {
    panels += jobs[i].output_panels;
    depth = ck_most(depth, ck_least(jobs[i].map->inputs, most_depth));
    work += (double)jobs[i].rows * (double)jobs[i].map->inputs * (double)jobs[i].output_panels;
  }
  size_t most = ck_most(weights_at_once / (operations->panel_outputs * depth), 1);
  if (ck_pool_reserve(plan->pool, most * operations->panel_outputs * depth * sizeof(float)) != 0) return -1;
  // With many threads and few outputs, rows are divided too, though that packs weights several times.
  size_t row_parts = ck_parts((size_t)threads * 4, panels);
  double left = work, total = work * (double)operations->panel_outputs;
  size_t pieces = 0;
  for (size_t i = 0; i < count; i++) {
    double panel_work = (double)jobs[i].rows * (double)jobs[i].map->inputs;
    size_t parts = ck_least(row_parts, jobs[i].row_panels);
    for (size_t j = 0; j < jobs[i].output_panels;) {
      size_t n = next_share(left / panel_work, jobs[i].output_panels - j, most, threads);
      for (size_t part = 0; part < parts; part++) {
        size_t from = start_of(jobs[i].row_panels, part, parts);
        plan->pieces[pieces++] = (piece){.job = &jobs[i],
                                         .first_row_panel = from,
                                         .row_panels = start_of(jobs[i].row_panels, part + 1, parts) - from,
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

/// Maps of many rows.
static int run_many(plan *plan, const ck_linear *maps, size_t count) {
  const ck_operations *operations = plan->operations;
  int threads = ck_pool_threads(plan->pool);
  size_t jobs = 0, pieces = 0;
  for (size_t i = 0; i < count; i++) {
    if (is_few(operations, &maps[i])) continue;
    size_t rows = rows_at_once(operations, &maps[i]), parts = ck_parts(maps[i].rows, rows);
    size_t row_panels = parts * ck_parts(rows, operations->panel_rows);
    jobs += parts;
    // At least as many as either phase needs.
    pieces += row_panels + ck_parts(maps[i].outputs, operations->panel_outputs) * parts *
                               ck_least((size_t)threads * 4, ck_parts(rows, operations->panel_rows));
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
    if (is_few(operations, &maps[i])) continue;
    while (next < count && maps[next].x == maps[i].x && maps[next].x_stride == maps[i].x_stride &&
           maps[next].inputs == maps[i].inputs && maps[next].rows == maps[i].rows)
      next++;
    size_t rows = rows_at_once(operations, &maps[i]);
    for (size_t row = 0; row < maps[i].rows; row += rows)
      for (size_t j = i; j < next; j++) {
        size_t n = ck_least(rows, maps[i].rows - row);
        plan->jobs[jobs++] = (job){.map = &maps[j],
                                   .first_row = row,
                                   .rows = n,
                                   .row_panels = ck_parts(n, operations->panel_rows),
                                   .output_panels = ck_parts(maps[j].outputs, operations->panel_outputs)};
      }
  }
  for (size_t i = 0, next; i < jobs; i = next) {
    size_t size = 0;
    for (next = i; next < jobs; next++) {
      if (next > i && has_same_x(&plan->jobs[next], &plan->jobs[next - 1])) continue;
      size += packed_size(operations, plan->jobs[next].rows, plan->jobs[next].map->inputs);
      if (next > i && size > most_packed) break;
    }
    if (pack(plan, plan->jobs + i, next - i) != 0 || multiply(plan, plan->jobs + i, next - i) != 0) return -1;
  }
  return 0;
}

int ck_linear_run(ck_pool *pool, const ck_linear *maps, size_t count) {
  plan plan = {.pool = pool, .operations = ck_pool_operations(pool)};
  if (run_few(&plan, maps, count) != 0) return -1;
  return run_many(&plan, maps, count);
}
