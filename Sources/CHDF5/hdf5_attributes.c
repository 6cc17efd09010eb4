#include "hdf5_attributes.h"

#include <string.h>

#include "hdf5_text.h"

/// Whether there is exactly one element.
static int is_scalar(hid_t attribute) {
  hid_t space = ingot_h5.Aget_space(attribute);
  if (space < 0) return 0;
  int result = ingot_h5.Sget_simple_extent_type(space) == H5S_SCALAR;
  ingot_h5.Sclose(space);
  return result;
}

static int read_variable(hid_t attribute, hid_t datatype, char *string) {
  char *read = NULL;
  if (ingot_h5.Aread(attribute, datatype, &read) < 0 || !read) return 0;
  size_t count = strnlen(read, INGOT_HDF5_MAX_STRING + 1);
  int fits = count <= INGOT_HDF5_MAX_STRING;
  if (fits) memcpy(string, read, count + 1);
  ingot_h5.free_memory(read);
  return fits;
}

static int read_fixed(hid_t attribute, hid_t datatype, char *string) {
  size_t size = ingot_h5.Tget_size(datatype);
  if (size == 0 || size > INGOT_HDF5_MAX_STRING) return 0;
  if (ingot_h5.Aread(attribute, datatype, string) < 0) return 0;
  string[size] = 0;
  if (ingot_h5.Tget_strpad(datatype) == H5T_STR_SPACEPAD) {
    for (size_t end = strlen(string); end > 0 && string[end - 1] == ' '; end--) string[end - 1] = 0;
  }
  return 1;
}

int ingot_h5_read_string(hid_t object, const char *name, char string[INGOT_HDF5_MAX_STRING + 1]) {
  hid_t attribute = ingot_h5.Aopen(object, name, H5P_DEFAULT);
  if (attribute < 0) return 0;
  hid_t stored = ingot_h5.Aget_type(attribute);
  // A copy is what the library reads into without converting: the elements come as they are stored.
  hid_t datatype = stored < 0 ? -1 : ingot_h5.Tcopy(stored);
  int result = 0;
  if (datatype >= 0 && ingot_h5.Tget_class(datatype) == H5T_STRING && is_scalar(attribute)) {
    htri_t is_variable = ingot_h5.Tis_variable_str(datatype);
    if (is_variable > 0) {
      result = read_variable(attribute, datatype, string);
    } else if (is_variable == 0) {
      result = read_fixed(attribute, datatype, string);
    }
  }
  if (datatype >= 0) ingot_h5.Tclose(datatype);
  if (stored >= 0) ingot_h5.Tclose(stored);
  ingot_h5.Aclose(attribute);
  return result && ingot_h5_is_utf8(string);
}
