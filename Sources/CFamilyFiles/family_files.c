#include "family_files.h"

// #embed (C23) keeps schemas/families the only copy of each file; the compiler tracks them as dependencies.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char blip_vqa[] = {
#embed "../../schemas/families/blip-vqa.json"
};

static const unsigned char vit_imagenet[] = {
#embed "../../schemas/families/vit-imagenet.json"
};

const ingot_family_file ingot_family_files[] = {
    {blip_vqa, sizeof blip_vqa},
    {vit_imagenet, sizeof vit_imagenet},
};
const size_t ingot_family_file_count = sizeof ingot_family_files / sizeof ingot_family_files[0];
