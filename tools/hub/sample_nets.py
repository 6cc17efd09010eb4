"""Names and shapes of the sample repositories' tensors, and their configurations."""

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "cat", "dog", "is", "red", "sits", "the", "##s", ".", "?"]


def linear(name, outputs, inputs):
    return {f"{name}.weight": [outputs, inputs], f"{name}.bias": [outputs]}


def norm(name, size):
    return {f"{name}.weight": [size], f"{name}.bias": [size]}


def bert_layers(prefix, layers, hidden, inner, context=None):
    """BERT's layers; with `context`, the size of what they attend over, each has cross attention too."""
    found = {}
    for layer in range(layers):
        base = f"{prefix}encoder.layer.{layer}."
        for attention, inputs in (("attention", hidden), ("crossattention", context)):
            if inputs:
                found |= linear(f"{base}{attention}.self.query", hidden, hidden)
                found |= linear(f"{base}{attention}.self.key", hidden, inputs)
                found |= linear(f"{base}{attention}.self.value", hidden, inputs)
                found |= linear(f"{base}{attention}.output.dense", hidden, hidden)
                found |= norm(f"{base}{attention}.output.LayerNorm", hidden)
        found |= linear(f"{base}intermediate.dense", inner, hidden)
        found |= linear(f"{base}output.dense", hidden, inner)
        found |= norm(f"{base}output.LayerNorm", hidden)
    return found


def blip_vqa(hidden=768, inner=3072, layers=12, vocabulary=30524, positions=512, side=384, patch=16):
    """BLIP for visual question answering, by default of the published size: 1,538,812,384 bytes."""
    vision = "vision_model."
    found = {
        f"{vision}embeddings.class_embedding": [1, 1, hidden],
        f"{vision}embeddings.position_embedding": [1, (side // patch) ** 2 + 1, hidden],
        f"{vision}embeddings.patch_embedding.weight": [hidden, 3, patch, patch],
        f"{vision}embeddings.patch_embedding.bias": [hidden],
    }
    for layer in range(layers):
        base = f"{vision}encoder.layers.{layer}."
        found |= linear(f"{base}self_attn.qkv", 3 * hidden, hidden) | linear(
            f"{base}self_attn.projection", hidden, hidden
        )
        found |= norm(f"{base}layer_norm1", hidden) | norm(f"{base}layer_norm2", hidden)
        found |= linear(f"{base}mlp.fc1", inner, hidden) | linear(f"{base}mlp.fc2", hidden, inner)
    found |= norm(f"{vision}post_layernorm", hidden)
    for prefix in ("text_encoder.", "text_decoder.bert."):
        found[f"{prefix}embeddings.word_embeddings.weight"] = [vocabulary, hidden]
        found[f"{prefix}embeddings.position_embeddings.weight"] = [positions, hidden]
        found |= norm(f"{prefix}embeddings.LayerNorm", hidden) | bert_layers(prefix, layers, hidden, inner, hidden)
    head = "text_decoder.cls.predictions."
    found |= {f"{head}bias": [vocabulary]} | linear(f"{head}transform.dense", hidden, hidden)
    found |= norm(f"{head}transform.LayerNorm", hidden) | linear(f"{head}decoder", vocabulary, hidden)
    return {name: ("F32", shape) for name, shape in found.items()}


def blip_files():
    """The small JSON files beside such weights, by name."""
    text = {
        "model_type": "blip_text_model",
        "encoder_hidden_size": 768,
        "num_attention_heads": 12,
        "vocab_size": 30524,
        "bos_token_id": 30522,
        "eos_token_id": 2,
        "pad_token_id": 0,
        "sep_token_id": 102,
    }
    vision = {"model_type": "blip_vision_model", "image_size": 384}
    processor = {
        "image_processor_type": "BlipImageProcessor",
        "do_convert_rgb": True,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
        "resample": 3,
        "rescale_factor": 1 / 255,
        "size": {"height": 384, "width": 384},
    }
    nets = {"architectures": ["BlipForQuestionAnswering"], "model_type": "blip"}
    tokens = {name.lower() + "_token": f"[{name}]" for name in ("CLS", "MASK", "PAD", "SEP", "UNK")}
    tokenizer = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 512, **tokens}
    return {
        "config.json": nets | {"text_config": text, "vision_config": vision},
        "preprocessor_config.json": processor,
        "tokenizer_config.json": tokenizer,
    }


def blip_words():
    """As many words as BERT's vocabulary has, with its special tokens at their places; the others are made up."""
    special = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]"}
    pieces = list("abcdefghijklmnopqrstuvwxyz0123456789?.,'")
    ordinary = iter(pieces + [f"##{piece}" for piece in pieces] + [f"word{number}" for number in range(30522)])
    return [special.get(place) or (f"[unused{place}]" if place < 104 else next(ordinary)) for place in range(30522)]


def bert(hidden=32, inner=64, layers=2, positions=40):
    """A small BERT with its pooler."""
    found = {
        "embeddings.word_embeddings.weight": [len(WORDS), hidden],
        "embeddings.position_embeddings.weight": [positions, hidden],
        "embeddings.token_type_embeddings.weight": [2, hidden],
        **norm("embeddings.LayerNorm", hidden),
        **bert_layers("", layers, hidden, inner),
        **linear("pooler.dense", hidden, hidden),
    }
    return {name: ("F32", shape) for name, shape in found.items()}


def bert_configuration():
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 40,
        "vocab_size": len(WORDS),
        "dtype": "float32",
    }


def llama(layers=126, hidden=8, inner=16, vocabulary=64):
    """As many tensors, of the same names, as Llama 3.1 405B has; each is very small."""
    found = {"model.embed_tokens.weight": [vocabulary, hidden]}
    for layer in range(layers):
        base = f"model.layers.{layer}."
        found |= {f"{base}self_attn.{part}_proj.weight": [hidden, hidden] for part in "qkvo"}
        found |= {f"{base}mlp.{part}_proj.weight": [inner, hidden] for part in ("gate", "up")}
        found |= {f"{base}mlp.down_proj.weight": [hidden, inner]}
        found |= {f"{base}{part}_layernorm.weight": [hidden] for part in ("input", "post_attention")}
    found |= {"model.norm.weight": [hidden], "lm_head.weight": [vocabulary, hidden]}
    return {name: ("BF16", shape) for name, shape in found.items()}


def llama_configuration(layers=126):
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": 8,
        "intermediate_size": 16,
        "num_hidden_layers": layers,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "vocab_size": 64,
        "dtype": "bfloat16",
    }
