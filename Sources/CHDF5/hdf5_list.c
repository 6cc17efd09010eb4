// Lists what HDF5 data consist of, as JSON.

#include <stdlib.h>
#include <string.h>

#include "hdf5_attributes.h"
#include "hdf5_dataset.h"
#include "hdf5_limits.h"
#include "hdf5_seen.h"
#include "hdf5_text.h"

struct listing {
  struct ingot_h5_source source;
  struct ingot_h5_refusal why;
  struct ingot_h5_text json, aside;
  struct ingot_h5_seen seen;
  /// `again` are the bytes of further names of datasets.
  unsigned long long objects, arrays, leftovers, bytes, again;
  /// Name of the object at hand with those of its groups.
  char path[INGOT_HDF5_MAX_NAME + 1];
  size_t path_count;
  /// Groups from the root to the one at hand.
  haddr_t groups[INGOT_HDF5_MAX_DEPTH + 1];
  int depth;
};

/// The members of one group, while they are gone through.
struct members {
  struct listing *listing;
  /// Number of bytes of the group's own name in the path.
  size_t group_count;
  char *previous;
};

static int refuse(struct listing *listing, const char *reason) {
  return ingot_h5_refuse(
      &listing->why, INGOT_H5_BAD_DATA, listing->path_count ? listing->path : "/", "%s", reason);
}

static int refuse_read(struct listing *listing, const char *reason) {
  return ingot_h5_refuse_read(&listing->source, &listing->why, listing->path_count ? listing->path : "/", reason);
}

/// Whether the group at `address` is one of those on the path.
static int is_ancestor(const struct listing *listing, haddr_t address) {
  for (int index = 0; index <= listing->depth; index++) {
    if (listing->groups[index] == address) return 1;
  }
  return 0;
}

static void append_array(struct listing *listing, const struct ingot_h5_dataset *facts, const char *first) {
  struct ingot_h5_text *json = &listing->json;
  ingot_h5_append_format(json, "%s\n{\"name\":", listing->arrays++ ? "," : "");
  ingot_h5_append_string(json, listing->path);
  ingot_h5_append_format(json, ",\"type\":\"%s\",\"shape\":[", facts->type->name);
  for (int index = 0; index < facts->rank; index++) {
    ingot_h5_append_format(json, "%s%llu", index ? "," : "", (unsigned long long)facts->shape[index]);
  }
  ingot_h5_append_format(json, "],\"bytes\":%llu,\"offset\":", facts->bytes);
  ingot_h5_append_format(json, facts->offset ? "%llu" : "null", facts->offset);
  ingot_h5_append_format(json, ",\"order\":\"%s\"", facts->is_big_endian ? "big" : "little");
  if (first != listing->path) {
    ingot_h5_append_format(json, ",\"same\":");
    ingot_h5_append_string(json, first);
  }
  ingot_h5_append_format(json, "}");
}

/// Lists a dataset that was first met as `first`.
static void list_dataset(struct listing *listing, hid_t dataset, const char *first) {
  struct ingot_h5_dataset facts;
  if (ingot_h5_examine(&listing->source, dataset, listing->path, &facts, &listing->why)) return;
  if (first == listing->path) {
    // Can't overflow: so many datasets of so many bytes are fewer than 2⁶⁰.
    listing->bytes += facts.bytes;
    if (ingot_h5_check_total(&listing->source, listing->bytes, listing->path, &listing->why)) return;
  } else {
    listing->again += facts.bytes;
    if (ingot_h5_check_names(&listing->source, listing->bytes + listing->again, listing->path, &listing->why)) return;
  }
  append_array(listing, &facts, first);
  if (listing->json.failed) refuse(listing, "the list of arrays is too long (limit hdf5-list)");
}

static herr_t list_member(hid_t group, const char *name, const struct ingot_h5_link_info *info, void *context);

static void list_group(struct listing *listing, hid_t group, haddr_t address) {
  if (listing->depth > INGOT_HDF5_MAX_DEPTH) {
    ingot_h5_set_aside(
        &listing->why, listing->path, "groups are nested more than %d deep: this one isn't looked into",
        INGOT_HDF5_MAX_DEPTH);
    return;
  }
  listing->groups[listing->depth] = address;
  struct members members = {.listing = listing, .group_count = listing->path_count};
  hsize_t position = 0;
  herr_t result = ingot_h5.Literate(group, H5_INDEX_NAME, H5_ITER_INC, &position, list_member, &members);
  free(members.previous);
  if (result < 0 && !listing->why.status) refuse_read(listing, "the members of this group can't be read");
}

/// Lists the object that is open as `object` and stands at the path.
static void list_object(struct listing *listing, hid_t object) {
  struct ingot_h5_object_info info = {.type = H5O_TYPE_UNKNOWN};
  if (ingot_h5.Oget_info(object, &info, H5O_INFO_BASIC) < 0) {
    refuse_read(listing, "the object's header can't be read");
    return;
  }
  if (info.type == H5O_TYPE_NAMED_DATATYPE) {
    ingot_h5_set_aside(&listing->why, listing->path, "an element type, no array");
    return;
  }
  const char *first = ingot_h5_see(&listing->seen, info.address, listing->path);
  if (!first) {
    refuse(listing, "there is not enough memory for so many objects (limit hdf5-memory)");
  } else if (info.type == H5O_TYPE_DATASET) {
    list_dataset(listing, object, first);
  } else if (info.type != H5O_TYPE_GROUP) {
    ingot_h5_set_aside(&listing->why, listing->path, "neither a group nor a dataset");
  } else if (is_ancestor(listing, info.address)) {
    ingot_h5_set_aside(&listing->why, listing->path, "a further name of the group %.200s, in which it stands", first);
  } else {
    // A group that has several names is listed by each: the limit of links bounds what comes of many.
    listing->depth++;
    list_group(listing, object, info.address);
    listing->depth--;
  }
}

/// Makes `name` the last part of the path. What has a name that can't be printed is set aside, with all that is in it.
static int enter(struct members *members, const char *name) {
  struct listing *listing = members->listing;
  const char *fault = ingot_h5_name_fault(name), *text_fault = ingot_h5_text_fault(name);
  if (fault && fault != text_fault) {
    return ingot_h5_refuse(
        &listing->why, INGOT_H5_BAD_DATA, listing->path_count ? listing->path : "/", "the name of a member %s", fault);
  }
  size_t count = strlen(name), slash = members->group_count > 0;
  if (members->group_count + slash + count > INGOT_HDF5_MAX_NAME) {
    return ingot_h5_refuse(
        &listing->why, INGOT_H5_BAD_DATA, listing->path_count ? listing->path : "/",
        "the name of a member, with those of its groups, is longer than %d bytes", INGOT_HDF5_MAX_NAME);
  }
  // Names out of order are what a damaged or forged group has; one that is there twice would be found once only.
  if (members->previous && strcmp(members->previous, name) >= 0) {
    return refuse(listing, "the names of the members are not in order, or one is there twice");
  }
  free(members->previous);
  members->previous = strdup(name);
  if (!members->previous) return refuse(listing, "there is not enough memory (limit hdf5-memory)");
  if (slash) listing->path[members->group_count] = '/';
  memcpy(listing->path + members->group_count + slash, name, count + 1);
  listing->path_count = members->group_count + slash + count;
  return text_fault ? ingot_h5_set_aside(&listing->why, listing->path, "its name %s", text_fault) : 0;
}

/// Says why a soft link leads nowhere.
static void refuse_target(struct listing *listing, hid_t group, const char *name) {
  char message[INGOT_H5_MESSAGE], target[201] = "";
  ingot_h5_innermost_message(message);
  if (listing->source.error) {
    refuse_read(listing, "the object can't be opened");
    return;
  }
  if (ingot_h5.Lget_val(group, name, target, sizeof target, H5P_DEFAULT) < 0) target[0] = 0;
  target[sizeof target - 1] = 0;
  const char *why = strstr(message, "too many") ? "which leads on through too many links" : "where there is nothing";
  if (!strstr(message, "too many") && !strstr(message, "doesn't exist") && !strstr(message, "not found")) {
    ingot_h5_set_aside(
        &listing->why, listing->path, "a soft link to %s, which can't be followed%s%s%s", target,
        message[0] ? " (libhdf5: " : "", message, message[0] ? ")" : "");
    return;
  }
  ingot_h5_set_aside(&listing->why, listing->path, "a soft link to %s, %s", target, why);
}

/// Says why an object can't be opened: the library is too old for it, which costs that object only, or it is damaged.
static void refuse_object(struct listing *listing) {
  char message[INGOT_H5_MESSAGE];
  ingot_h5_innermost_message(message);
  if (!listing->source.error && ingot_h5_is_too_old(message)) {
    ingot_h5_set_aside(
        &listing->why, listing->path, "may need a newer libhdf5 than %u.%u.%u (libhdf5: %s)", ingot_h5.major,
        ingot_h5.minor, ingot_h5.release, message);
  } else {
    refuse_read(listing, "the object can't be opened");
  }
}

/// Lists what a link leads to.
static void list_link(struct listing *listing, hid_t group, const char *name, int type) {
  if (ingot_h5_check_link(type, listing->path, &listing->why)) return;
  // By a soft link the library goes on itself, through 16 of them at most. It has no way out of the file: links to
  // others have no class any more.
  hid_t object = ingot_h5.Oopen(group, name, H5P_DEFAULT);
  if (object >= 0) {
    list_object(listing, object);
    ingot_h5.Oclose(object);
  } else if (type == H5L_TYPE_SOFT) {
    refuse_target(listing, group, name);
  } else {
    refuse_object(listing);
  }
}

/// Tells of an object that is set aside, and goes on.
static void keep_aside(struct listing *listing) {
  struct ingot_h5_text *aside = &listing->aside;
  ingot_h5_append_format(aside, "%s\n{\"name\":", listing->leftovers++ ? "," : "");
  ingot_h5_append_string(aside, listing->path);
  ingot_h5_append_format(aside, ",\"what\":");
  ingot_h5_append_string(aside, listing->why.reason);
  ingot_h5_append_format(aside, "}");
  listing->why = (struct ingot_h5_refusal){0};
  if (aside->failed) refuse(listing, "the list of arrays is too long (limit hdf5-list)");
}

static void leave(struct members *members) {
  members->listing->path_count = members->group_count;
  members->listing->path[members->group_count] = 0;
}

/// Called by the library for every link of a group. A negative result ends that.
static herr_t list_member(hid_t group, const char *name, const struct ingot_h5_link_info *info, void *context) {
  struct members *members = context;
  struct listing *listing = members->listing;
  if (++listing->objects > ingot_h5_limits.objects) {
    ingot_h5_refuse(
        &listing->why, INGOT_H5_BAD_DATA, "/", "there are more than %llu objects (limit arrays)", ingot_h5_limits.objects);
    return -1;
  }
  if (!enter(members, name)) list_link(listing, group, name, info->type);
  if (listing->why.is_aside) keep_aside(listing);
  // The path stays what the refusal, if there is one, has copied already.
  leave(members);
  return listing->why.status ? -1 : 0;
}

static herr_t list_attribute(hid_t root, const char *name, const H5A_info_t *info, void *context) {
  (void)info;
  struct members *members = context;
  struct ingot_h5_text *json = &members->listing->json;
  if (++members->listing->objects > INGOT_HDF5_MAX_ATTRIBUTES) return 1;
  if (members->previous && strcmp(members->previous, name) >= 0) return 0;
  char string[INGOT_HDF5_MAX_STRING + 1];
  if (strlen(name) > INGOT_HDF5_MAX_NAME || ingot_h5_name_fault(name) || !ingot_h5_read_string(root, name, string)) {
    return 0;
  }
  ingot_h5_append_format(json, members->previous ? "," : "");
  ingot_h5_append_string(json, name);
  ingot_h5_append(json, ":", 1);
  ingot_h5_append_string(json, string);
  free(members->previous);
  members->previous = strdup(name);
  return members->previous && !json->failed ? 0 : -1;
}

static void list_attributes(struct listing *listing, hid_t root) {
  struct members members = {.listing = listing};
  hsize_t position = 0;
  listing->objects = 0;
  herr_t result = ingot_h5.Aiterate2(root, H5_INDEX_NAME, H5_ITER_INC, &position, list_attribute, &members);
  free(members.previous);
  if (result < 0) refuse_read(listing, "the attributes can't be read");
}

static void list_all(struct listing *listing) {
  hid_t root = ingot_h5.Gopen2(listing->source.file, "/", H5P_DEFAULT);
  struct ingot_h5_object_info info;
  if (root < 0 || ingot_h5.Oget_info(root, &info, H5O_INFO_BASIC) < 0) {
    refuse_read(listing, "the root group can't be opened");
  } else {
    ingot_h5_append_format(&listing->json, "{\"arrays\":[");
    ingot_h5_see(&listing->seen, info.address, "/");
    list_group(listing, root, info.address);
    ingot_h5_append_format(&listing->json, "],\n\"leftovers\":[");
    ingot_h5_append(&listing->json, listing->aside.bytes, listing->aside.count);
    ingot_h5_append_format(&listing->json, "],\n\"attributes\":{");
    if (!listing->why.status) list_attributes(listing, root);
    ingot_h5_append_format(&listing->json, "}}\n");
    if (listing->json.failed) refuse(listing, "the list of arrays is too long (limit hdf5-list)");
  }
  if (root >= 0) ingot_h5.Gclose(root);
}

/// Writes the list, or what was refused instead of it.
static int write_result(struct listing *listing, int output) {
  struct ingot_h5_text error = {.limit = 1 << 20}, *json = &listing->json;
  if (listing->why.status) {
    json = &error;
    ingot_h5_append_format(json, "{\"error\":{\"place\":");
    ingot_h5_append_string(json, listing->why.place);
    ingot_h5_append_format(json, ",\"reason\":");
    ingot_h5_append_string(json, listing->why.reason);
    ingot_h5_append_format(json, "}}\n");
  }
  int status = listing->why.status;
  if (ingot_h5_write_all(output, json->bytes, json->count) != 0) status = INGOT_H5_IO;
  free(error.bytes);
  return status;
}

int ingot_hdf5_list(const char *path, unsigned long long base, unsigned long long length, int output) {
  struct listing *listing = calloc(1, sizeof *listing);
  if (!listing) return INGOT_H5_BAD_DATA;
  listing->json.limit = listing->aside.limit = ingot_h5_limits.list;
  if (!ingot_h5_open_source(&listing->source, path, base, length, output, &listing->why)) list_all(listing);
  ingot_h5_close_source(&listing->source);
  int status = write_result(listing, output);
  ingot_h5_forget(&listing->seen);
  free(listing->json.bytes);
  free(listing->aside.bytes);
  free(listing);
  return status;
}
