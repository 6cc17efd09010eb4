#include "family_files.h"

// #embed (C23) keeps schemas/families the only copy of each file; the compiler tracks them as dependencies.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char blip_vqa[] = {
#embed "../../schemas/families/blip-vqa.json"
};

static const unsigned char blip_caption[] = {
#embed "../../schemas/families/blip-caption.json"
};

static const unsigned char blip_match[] = {
#embed "../../schemas/families/blip-match.json"
};

static const unsigned char vit_imagenet[] = {
#embed "../../schemas/families/vit-imagenet.json"
};

static const unsigned char deit[] = {
#embed "../../schemas/families/deit.json"
};

static const unsigned char dinov2[] = {
#embed "../../schemas/families/dinov2.json"
};

static const unsigned char text_embedding[] = {
#embed "../../schemas/families/text-embedding.json"
};

static const unsigned char clip[] = {
#embed "../../schemas/families/clip.json"
};

static const struct {
  const unsigned char *bytes;
  size_t count;
} files[] = {
    {blip_vqa, sizeof blip_vqa},
    {blip_caption, sizeof blip_caption},
    {blip_match, sizeof blip_match},
    {vit_imagenet, sizeof vit_imagenet},
    {deit, sizeof deit},
    {dinov2, sizeof dinov2},
    {text_embedding, sizeof text_embedding},
    {clip, sizeof clip},
};

size_t ingot_family_file_count(void) { return sizeof files / sizeof files[0]; }

const unsigned char *ingot_family_file(size_t index, size_t *count) {
  *count = files[index].count;
  return files[index].bytes;
}
