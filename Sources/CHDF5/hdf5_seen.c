#include "hdf5_seen.h"

#include <stdlib.h>
#include <string.h>

// A hash table with open addressing, never more than half full. Its capacity is a power of two. Addresses that collide
// on purpose could make it slow, but no slower than the limit of processor time allows.
static struct ingot_h5_seen_entry *slot(struct ingot_h5_seen_entry *entries, size_t capacity, haddr_t address) {
  size_t index = (size_t)((unsigned long long)address * 0x9e3779b97f4a7c15ULL >> 20) & (capacity - 1);
  while (entries[index].name && entries[index].address != address) index = (index + 1) & (capacity - 1);
  return &entries[index];
}

static int grow(struct ingot_h5_seen *seen) {
  size_t capacity = seen->capacity ? seen->capacity * 2 : 256;
  struct ingot_h5_seen_entry *entries = calloc(capacity, sizeof *entries);
  if (!entries) return -1;
  for (size_t index = 0; index < seen->capacity; index++) {
    const struct ingot_h5_seen_entry *entry = &seen->entries[index];
    if (entry->name) *slot(entries, capacity, entry->address) = *entry;
  }
  free(seen->entries);
  seen->entries = entries;
  seen->capacity = capacity;
  return 0;
}

const char *ingot_h5_see(struct ingot_h5_seen *seen, haddr_t address, const char *name) {
  if (seen->count * 2 >= seen->capacity && grow(seen) != 0) return NULL;
  struct ingot_h5_seen_entry *entry = slot(seen->entries, seen->capacity, address);
  if (entry->name) return entry->name;
  entry->address = address;
  entry->name = strdup(name);
  if (!entry->name) return NULL;
  seen->count++;
  return name;
}

void ingot_h5_forget(struct ingot_h5_seen *seen) {
  for (size_t index = 0; index < seen->capacity; index++) free(seen->entries[index].name);
  free(seen->entries);
}
