#include "hdf5_types.h"

#include <string.h>

#include "hdf5_attributes.h"

static const struct ingot_h5_type types[] = {
    {"float64", 8, INGOT_H5_FLOAT, 11, 52}, {"float32", 4, INGOT_H5_FLOAT, 8, 23},
    {"float16", 2, INGOT_H5_FLOAT, 5, 10},  {"bfloat16", 2, INGOT_H5_FLOAT, 8, 7},
    {"int64", 8, INGOT_H5_INTEGER, 0, 0},   {"int32", 4, INGOT_H5_INTEGER, 0, 0},
    {"int16", 2, INGOT_H5_INTEGER, 0, 0},   {"int8", 1, INGOT_H5_INTEGER, 0, 0},
    {"uint64", 8, INGOT_H5_UNSIGNED, 0, 0}, {"uint32", 4, INGOT_H5_UNSIGNED, 0, 0},
    {"uint16", 2, INGOT_H5_UNSIGNED, 0, 0}, {"uint8", 1, INGOT_H5_UNSIGNED, 0, 0},
    {"bool", 1, INGOT_H5_BOOL, 0, 0},       {"complex128", 16, INGOT_H5_COMPLEX, 11, 52},
    {"complex64", 8, INGOT_H5_COMPLEX, 8, 23}, {"complex32", 4, INGOT_H5_COMPLEX, 5, 10},
};
enum { type_count = sizeof types / sizeof types[0] };

const struct ingot_h5_type *ingot_h5_type_named(const char *name) {
  for (int index = 0; index < type_count; index++) {
    if (strcmp(types[index].name, name) == 0) return &types[index];
  }
  return NULL;
}

enum { own_complex = 11 };  // H5T_COMPLEX, which headers have since release 2.0

unsigned ingot_h5_number_size(const struct ingot_h5_type *type) {
  return type->kind == INGOT_H5_COMPLEX ? type->size / 2 : type->size;
}

static const char *class_name(H5T_class_t class) {
  return class == H5T_INTEGER ? "integer" : class == H5T_FLOAT ? "float" : class == H5T_ENUM ? "enum" : "opaque";
}

/// The bias of an IEEE 754 exponent.
static size_t bias(const struct ingot_h5_type *type) { return ((size_t)1 << (type->exponent - 1)) - 1; }

/// Whether sign, exponent and fraction stand where IEEE 754 (and bfloat16) has them.
static int is_float(hid_t datatype, const struct ingot_h5_type *type) {
  size_t sign, exponent, exponent_size, fraction, fraction_size;
  return type->kind == INGOT_H5_FLOAT &&
         ingot_h5.Tget_fields(datatype, &sign, &exponent, &exponent_size, &fraction, &fraction_size) >= 0 &&
         fraction == 0 && fraction_size == type->fraction && exponent == type->fraction &&
         exponent_size == type->exponent && sign == type->fraction + type->exponent &&
         ingot_h5.Tget_ebias(datatype) == bias(type) && ingot_h5.Tget_norm(datatype) == H5T_NORM_IMPLIED;
}

static int is_integer(hid_t datatype, const struct ingot_h5_type *type) {
  H5T_sign_t sign = ingot_h5.Tget_sign(datatype);
  return (type->kind == INGOT_H5_INTEGER && sign == H5T_SGN_2) ||
         (type->kind == INGOT_H5_UNSIGNED && sign == H5T_SGN_NONE);
}

static int has_member(hid_t datatype, unsigned index, const char *wanted, signed char value) {
  char *name = ingot_h5.Tget_member_name(datatype, index);
  if (!name) return 0;
  int result = strcmp(name, wanted) == 0;
  ingot_h5.free_memory(name);
  signed char stored = -1;
  return result && ingot_h5.Tget_member_value(datatype, index, &stored) >= 0 && stored == value;
}

/// Whether this is what h5py makes of bool: an enumeration FALSE, TRUE in one byte.
static int is_bool(hid_t datatype) {
  if (ingot_h5.Tget_size(datatype) != 1) return 0;
  hid_t base = ingot_h5.Tget_super(datatype);
  if (base < 0) return 0;
  int is_byte = ingot_h5.Tget_class(base) == H5T_INTEGER && ingot_h5.Tget_size(base) == 1;
  ingot_h5.Tclose(base);
  return is_byte && ingot_h5.Tget_nmembers(datatype) == 2 && has_member(datatype, 0, "FALSE", 0) &&
         has_member(datatype, 1, "TRUE", 1);
}

/// Whether this is what Keras 3 makes of bfloat16: two bytes that mean nothing to HDF5, and an attribute "dtype".
static int is_marked_bfloat16(hid_t datatype, hid_t dataset) {
  if (ingot_h5.Tget_size(datatype) != 2 || ingot_h5.Aexists(dataset, "dtype") <= 0) return 0;
  char mark[INGOT_HDF5_MAX_STRING + 1];
  return ingot_h5_read_string(dataset, "dtype", mark) && strcmp(mark, "bfloat16") == 0;
}

/// Whether the member of a compound has this name and is a float.
static int is_float_member(hid_t datatype, unsigned index, const char *wanted) {
  char *name = ingot_h5.Tget_member_name(datatype, index);
  if (!name) return 0;
  int result = strcmp(name, wanted) == 0;
  ingot_h5.free_memory(name);
  return result && ingot_h5.Tget_member_class(datatype, index) == H5T_FLOAT;
}

/// Whether this is what h5py makes of complex numbers: a compound of the floats r and i.
static int is_complex(hid_t datatype) {
  return ingot_h5.Tget_nmembers(datatype) == 2 && is_float_member(datatype, 0, "r") &&
         is_float_member(datatype, 1, "i");
}

/// What elements are that are no numbers.
static const char *kind_name(hid_t datatype, H5T_class_t class) {
  switch ((int)class) {
  case H5T_TIME: return "times";
  case H5T_STRING: return ingot_h5.Tis_variable_str(datatype) > 0 ? "texts of variable length" : "texts";
  case H5T_BITFIELD: return "bit fields";
  case H5T_COMPOUND: return "compound elements";
  case H5T_REFERENCE: return "references";
  case H5T_VLEN: return "lists of variable length";
  case H5T_ARRAY: return "elements that are arrays themselves";
  default: return "elements of an unknown class";
  }
}

static int refuse_type(struct ingot_h5_refusal *why, const char *place, hid_t datatype, const char *what) {
  H5T_class_t class = ingot_h5.Tget_class(datatype);
  // For the other classes the library tells how large its own structures are.
  if (class == H5T_INTEGER || class == H5T_FLOAT || class == H5T_ENUM || class == H5T_OPAQUE) {
    size_t size = ingot_h5.Tget_size(datatype);
    if (size == 0) return ingot_h5_refuse(why, INGOT_H5_BAD_DATA, place, "its elements take no bytes");
    return ingot_h5_set_aside(why, place, "element type not read: %zu-byte %s%s", size, class_name(class), what);
  }
  return ingot_h5_set_aside(why, place, "%s, which aren't read", kind_name(datatype, class));
}

/// The plain integer or float of this size and layout. NULL if it isn't one that is read; then `what` says what is odd.
static const struct ingot_h5_type *match_number(
    hid_t datatype, H5T_class_t class, int *is_big_endian, const char **what) {
  size_t size = ingot_h5.Tget_size(datatype);
  H5T_order_t order = ingot_h5.Tget_order(datatype);
  if (ingot_h5.Tget_precision(datatype) != size * 8 || ingot_h5.Tget_offset(datatype) != 0) {
    *what = " with unused bits";
    return NULL;
  }
  if (order != H5T_ORDER_LE && order != H5T_ORDER_BE) {
    *what = " in an unknown byte order";
    return NULL;
  }
  *is_big_endian = order == H5T_ORDER_BE && size > 1;
  for (int index = 0; index < type_count; index++) {
    const struct ingot_h5_type *candidate = &types[index];
    if (candidate->size != size) continue;
    if (class == H5T_FLOAT ? is_float(datatype, candidate) : is_integer(datatype, candidate)) return candidate;
  }
  *what = "";
  return NULL;
}

/// The float type of a part of complex numbers, which is closed; NULL if it isn't one that is read.
static const struct ingot_h5_type *match_part(hid_t part, int *is_big_endian) {
  if (part < 0) return NULL;
  const char *what;
  const struct ingot_h5_type *type = NULL;
  if (ingot_h5.Tget_class(part) == H5T_FLOAT) type = match_number(part, H5T_FLOAT, is_big_endian, &what);
  ingot_h5.Tclose(part);
  return type;
}

/// Finds complex numbers: h5py's, a compound of the floats r and i, or those of the library's own class, in which both
/// parts have one type.
static int find_complex(
    hid_t datatype, int is_own, const char *place, const struct ingot_h5_type **type, int *is_big_endian,
    struct ingot_h5_refusal *why) {
  int order = 0, other_order = 0;
  hid_t first = is_own ? ingot_h5.Tget_super(datatype) : ingot_h5.Tget_member_type(datatype, 0);
  const struct ingot_h5_type *real = match_part(first, &order), *imaginary = real;
  if (is_own) {
    other_order = order;
  } else {
    imaginary = match_part(ingot_h5.Tget_member_type(datatype, 1), &other_order);
  }
  if (!real || !imaginary) {
    return ingot_h5_set_aside(
        why, place, "complex numbers of parts that are no floats of 2, 4 or 8 bytes, which aren't read");
  }
  if (real != imaginary || order != other_order) {
    return ingot_h5_set_aside(why, place, "complex numbers of two different parts, which aren't read");
  }
  if (ingot_h5.Tget_size(datatype) != 2 * real->size ||
      (!is_own && (ingot_h5.Tget_member_offset(datatype, 0) != 0 ||
                   ingot_h5.Tget_member_offset(datatype, 1) != real->size))) {
    return ingot_h5_set_aside(why, place, "complex numbers with unused bytes, which aren't read");
  }
  for (int index = 0; index < type_count; index++) {
    const struct ingot_h5_type *candidate = &types[index];
    if (candidate->kind != INGOT_H5_COMPLEX || candidate->exponent != real->exponent) continue;
    if (candidate->fraction != real->fraction) continue;
    *type = candidate;
    *is_big_endian = order;
    return 0;
  }
  return ingot_h5_set_aside(why, place, "complex numbers of bfloat16, which aren't read");
}

int ingot_h5_find_type(
    hid_t datatype, hid_t dataset, const char *place, const struct ingot_h5_type **type, int *is_big_endian,
    struct ingot_h5_refusal *why) {
  *is_big_endian = 0;
  H5T_class_t class = ingot_h5.Tget_class(datatype);
  if (class == H5T_INTEGER || class == H5T_FLOAT) {
    const char *what = "";
    *type = match_number(datatype, class, is_big_endian, &what);
    return *type ? 0 : refuse_type(why, place, datatype, what);
  }
  int is_own = (int)class == own_complex;
  if (is_own || (class == H5T_COMPOUND && is_complex(datatype))) {
    return find_complex(datatype, is_own, place, type, is_big_endian, why);
  }
  if (class == H5T_ENUM && is_bool(datatype)) {
    *type = ingot_h5_type_named("bool");
    return 0;
  }
  if (class == H5T_OPAQUE && is_marked_bfloat16(datatype, dataset)) {
    *type = ingot_h5_type_named("bfloat16");
    return 0;
  }
  return refuse_type(why, place, datatype, "");
}

static hid_t make_float(const struct ingot_h5_type *type) {
  if (type->size == 8) return ingot_h5.Tcopy(*ingot_h5.T_IEEE_F64LE);
  hid_t datatype = ingot_h5.Tcopy(*ingot_h5.T_IEEE_F32LE);
  if (datatype < 0 || type->size == 4) return datatype;
  size_t sign = type->fraction + type->exponent;
  // Fields before size: they have to fit at every step.
  if (ingot_h5.Tset_fields(datatype, sign, type->fraction, type->exponent, 0, type->fraction) < 0 ||
      ingot_h5.Tset_size(datatype, type->size) < 0 || ingot_h5.Tset_ebias(datatype, bias(type)) < 0) {
    ingot_h5.Tclose(datatype);
    return -1;
  }
  return datatype;
}

static hid_t make_bool(void) {
  hid_t datatype = ingot_h5.Tenum_create(*ingot_h5.T_STD_I8LE);
  const signed char no = 0, yes = 1;
  if (datatype >= 0 && (ingot_h5.Tenum_insert(datatype, "FALSE", &no) < 0 ||
                        ingot_h5.Tenum_insert(datatype, "TRUE", &yes) < 0)) {
    ingot_h5.Tclose(datatype);
    return -1;
  }
  return datatype;
}

/// As h5py makes it, which every release of the library reads.
static hid_t make_complex(const struct ingot_h5_type *type) {
  const struct ingot_h5_type part = {"", type->size / 2, INGOT_H5_FLOAT, type->exponent, type->fraction};
  hid_t number = make_float(&part), datatype = ingot_h5.Tcreate(H5T_COMPOUND, type->size);
  int is_made = number >= 0 && datatype >= 0 && ingot_h5.Tinsert(datatype, "r", 0, number) >= 0 &&
                ingot_h5.Tinsert(datatype, "i", part.size, number) >= 0;
  if (number >= 0) ingot_h5.Tclose(number);
  if (is_made) return datatype;
  if (datatype >= 0) ingot_h5.Tclose(datatype);
  return -1;
}

hid_t ingot_h5_make_datatype(const struct ingot_h5_type *type) {
  if (type->kind == INGOT_H5_FLOAT) return make_float(type);
  if (type->kind == INGOT_H5_BOOL) return make_bool();
  if (type->kind == INGOT_H5_COMPLEX) return make_complex(type);
  const hid_t *const integers[2][4] = {
      {ingot_h5.T_STD_I8LE, ingot_h5.T_STD_I16LE, ingot_h5.T_STD_I32LE, ingot_h5.T_STD_I64LE},
      {ingot_h5.T_STD_U8LE, ingot_h5.T_STD_U16LE, ingot_h5.T_STD_U32LE, ingot_h5.T_STD_U64LE},
  };
  int log = type->size == 1 ? 0 : type->size == 2 ? 1 : type->size == 4 ? 2 : 3;
  return ingot_h5.Tcopy(*integers[type->kind == INGOT_H5_UNSIGNED][log]);
}
