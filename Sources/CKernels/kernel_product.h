// Products with a matrix whose rows are inputs, and softmax over rows: the two steps of an attention whose keys and
// values are never made, because its queries are few. Included once per level.

/// y (rows × some columns from `column`, at most panel_outputs) = x w, summed over the inputs one after the other.
static void product_columns(const ck_product *p, size_t column, size_t columns) {
  // Weights as floats, adjacent, and x times the scales of its inputs: where they don't stand so.
  enum { at_once = 32 };
  float weights[at_once * panel_outputs], scaled[panel_rows * at_once], sums[panel_rows * panel_outputs];
  int in_place = p->scales == NULL && columns == panel_outputs;
  size_t groups = ck_parts(p->rows, panel_rows);
  for (size_t group = 0; group < groups; group++) {
    size_t row = p->rows * group / groups, rows = p->rows * (group + 1) / groups - row;
    const float *x = p->x + row * p->x_stride;
    if (in_place) {
      row_tile(rows, x, p->x_stride, (const float *)p->w + column, p->w_stride, p->inputs, sums, panel_outputs, 0);
    } else {
      for (size_t v = 0; v < panel_outputs * panel_rows; v += lanes) v_store(sums + v, v_zero());
      for (size_t k = 0; k < p->inputs; k += at_once) {
        size_t n = ck_least(at_once, p->inputs - k);
        for (size_t i = 0; i < n; i++) {
          size_t start = (k + i) * p->w_stride + column;
          for (size_t j = 0; j < panel_outputs; j += lanes) {
            size_t some = columns > j ? ck_least(lanes, columns - j) : 0;
            vec w = p->scales != NULL ? v_int8_some((const int8_t *)p->w + start + (some > 0 ? j : 0), some)
                                      : v_load_some((const float *)p->w + start + (some > 0 ? j : 0), some);
            v_store(weights + i * panel_outputs + j, w);
          }
        }
        for (size_t r = 0; r < rows; r++)
          for (size_t i = 0; i < n; i++)
            scaled[r * at_once + i] = x[r * p->x_stride + k + i] * (p->scales != NULL ? p->scales[k + i] : 1);
        row_tile(rows, scaled, at_once, weights, panel_outputs, n, sums, panel_outputs, 1);
      }
    }
    for (size_t r = 0; r < rows; r++)
      memcpy(p->y + (row + r) * p->y_stride + column, sums + r * panel_outputs, columns * sizeof(float));
  }
}

static void product(const ck_product *p) {
  for (size_t column = 0; column < p->outputs; column += panel_outputs)
    product_columns(p, column, ck_least(panel_outputs, p->outputs - column));
}

static void softmax(float *row, size_t count) {
  float sum = exponentials(row, count, count);
  scaled_copy(row, count, 1 / sum, row);
}
