// Attentions: who computes which rows of which head.
#include "operations.h"
#include "pool.h"

/// Products to be worth waking another thread, and rows worth packing the keys and values of a head for.
enum { least_shared_work = 50000, least_rows_per_task = 100 };

typedef struct part {
  const ck_attention *attention;
  size_t heads_before; // of the attentions before, to tell heads apart
  size_t parts;        // of the rows of each head
  const ck_attention_operations *operations;
} part;

typedef struct plan {
  ck_pool *pool;
  const ck_operations *operations;
  part *parts;
  size_t count;
  // Per thread: 1 + the head whose keys and values its scratch holds.
  size_t *holds;
} plan;

static void attend_task(void *context, size_t index, int thread) {
  plan *plan = context;
  part *part = plan->parts;
  while (index >= part->attention->heads * part->parts) {
    index -= part->attention->heads * part->parts;
    part++;
  }
  size_t head = index / part->parts, at = index % part->parts, rows = part->attention->q_rows;
  size_t from = rows * at / part->parts, count = rows * (at + 1) / part->parts - from;
  if (count == 0) return;
  size_t name = 1 + part->heads_before + head;
  size_t *holds = &plan->holds[(size_t)thread * 8];
  part->operations->attend(part->attention, head, from, count, ck_pool_own(plan->pool, thread), *holds == name);
  // Few rows are computed without packing, over what was there.
  *holds = count > plan->operations->few ? name : 0;
}

static const ck_attention_operations *operations_of(const ck_operations *operations, const ck_attention *a) {
  const ck_attention_operations *rounded = NULL;
  if (a->rounds && !a->causal && a->weights == NULL && a->q_rows > operations->few)
    rounded = ck_rounded_attention_of(operations);
  return rounded != NULL ? rounded : &operations->attention;
}

int ck_attention_run(ck_pool *pool, const ck_attention *attentions, size_t count) {
  plan plan = {.pool = pool, .operations = ck_pool_operations(pool)};
  size_t threads = (size_t)ck_pool_threads(pool), heads = 0, scratch = 0;
  double work = 0;
  for (size_t i = 0; i < count; i++) {
    const ck_attention *a = &attentions[i];
    if (a->q_rows == 0 || a->heads == 0) continue;
    heads += a->heads;
    work += (double)a->heads * (double)a->q_rows * (double)a->k_rows * (double)a->head_size;
    scratch = ck_most(scratch, operations_of(plan.operations, a)->scratch(a));
  }
  if (heads == 0) return 0;
  size_t holds_size = threads * 8 * sizeof(size_t);
  char *memory = ck_pool_shared(pool, ck_scratch_plan, holds_size + count * sizeof(part));
  if (memory == NULL || ck_pool_reserve(pool, scratch * sizeof(float)) != 0) return -1;
  plan.holds = (size_t *)memory;
  plan.parts = (part *)(memory + holds_size);
  for (size_t i = 0; i < threads * 8; i++) plan.holds[i] = 0;

  // Whole heads if they are many, so that keys and values are packed once.
  size_t tasks = 0, before = 0, wanted = ck_parts(threads * 10, heads);
  for (size_t i = 0; i < count; i++) {
    const ck_attention *a = &attentions[i];
    if (a->q_rows == 0 || a->heads == 0) continue;
    // A row's result doesn't depend on the division, as long as the way of computing it doesn't.
    size_t parts = ck_least(wanted, ck_most(a->q_rows / least_rows_per_task, 1));
    plan.parts[plan.count++] = (part){
        .attention = a, .heads_before = before, .parts = parts, .operations = operations_of(plan.operations, a)};
    tasks += parts * a->heads;
    before += a->heads;
  }
  if (work < least_shared_work) {
    for (size_t i = 0; i < tasks; i++) attend_task(&plan, i, 0);
  } else {
    ck_pool_run(pool, attend_task, &plan, tasks);
  }
  return 0;
}
