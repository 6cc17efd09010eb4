"""PyTorch's nets for fixtures_layers.py, and what they consist of by the class of each module."""

import torch
import torchvision
import transformers
from torch import nn
from torch.nn.utils import parametrizations, prune

TYPES = [
    (nn.MultiheadAttention, "Attention"), (nn.Linear, "Linear"), (transformers.pytorch_utils.Conv1D, "Linear"),
    (nn.Conv1d, "Conv1d"), (nn.Conv2d, "Conv2d"), (nn.Conv3d, "Conv3d"), (nn.ConvTranspose1d, "ConvTranspose1d"),
    (nn.ConvTranspose2d, "ConvTranspose2d"), (nn.ConvTranspose3d, "ConvTranspose3d"),
    ((nn.Embedding, nn.EmbeddingBag), "Embedding"),
    ((nn.modules.batchnorm._BatchNorm, torchvision.ops.FrozenBatchNorm2d), "BatchNorm"),
    ((nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.modules.instancenorm._InstanceNorm), "Normalization"),
    ((nn.LSTM, nn.LSTMCell), "LSTM"), ((nn.GRU, nn.GRUCell), "GRU"), ((nn.RNN, nn.RNNCell), "RNN"),
]


def kind(module):
    if not list(module.parameters()) and not list(module.buffers()):
        return None  # Nothing of it is in a file.
    for classes, name in TYPES:
        if isinstance(module, classes):
            return name
    # transformers' own: LlamaRMSNorm, T5LayerNorm, MambaRMSNorm.
    is_norm = type(module).__name__.endswith("Norm") and list(module.parameters(recurse=False))
    return "Normalization" if is_norm else None


def facts(net, arrays=None):
    types = {}
    owners = {name: kind(module) for name, module in net.named_modules() if kind(module)}
    for type in owners.values():
        types.setdefault(type, {"layers": 0, "parameters": 0})["layers"] += 1
    # With names of tied parameters too: a state dict has each.
    for name, parameter in net.named_parameters(remove_duplicate=False):
        owner = name
        while owner and owner not in owners:
            owner = owner.rpartition(".")[0]
        if owner in owners:
            types[owners[owner]]["parameters"] += parameter.numel()
    state = arrays if arrays is not None else net.state_dict()
    return {"arrays": [[name, list(tensor.shape)] for name, tensor in state.items()], "types": types}


class Zoo(nn.Module):
    """A module of each class, under names that say what they are, as people's nets have them."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(12, 7)
        self.proj = nn.Linear(12, 7, bias=False)
        self.square = nn.Linear(9, 9)
        self.conv_line = nn.Conv1d(5, 8, 3)
        self.conv = nn.Conv2d(3, 8, (3, 5))
        self.depthwise = nn.Conv2d(8, 8, 3, groups=8, bias=False)
        self.grouped = nn.Conv2d(8, 12, 1, groups=4)
        self.conv_cube = nn.Conv3d(2, 4, 3)
        self.up_line = nn.ConvTranspose1d(8, 4, 4)
        self.up = nn.ConvTranspose2d(8, 4, 2)
        self.deconv = nn.ConvTranspose2d(6, 6, 2)
        self.conv_transpose = nn.ConvTranspose2d(8, 4, 2, bias=False)
        self.up_groups = nn.ConvTranspose2d(12, 6, 2, groups=3)
        self.up_cube = nn.ConvTranspose3d(3, 2, 2)
        self.token_embedding = nn.Embedding(50, 6)
        self.bag_emb = nn.EmbeddingBag(20, 6)
        self.genre_embeddings = nn.ModuleList([nn.Embedding(9, 4), nn.Embedding(11, 4)])
        self.bn = nn.BatchNorm2d(8)
        self.bn_plain = nn.BatchNorm1d(8, affine=False)
        self.bn3 = nn.BatchNorm3d(8)
        self.sync = nn.SyncBatchNorm(8)
        self.ln = nn.LayerNorm(12)
        self.ln_shift = nn.LayerNorm(12, bias=False)
        self.ln_map = nn.LayerNorm([4, 5, 6])
        self.gn = nn.GroupNorm(2, 8)
        self.rms_norm = nn.RMSNorm(12)
        self.instance_norm = nn.InstanceNorm2d(8, affine=True)
        self.attention = nn.MultiheadAttention(12, 3)
        self.cross = nn.MultiheadAttention(12, 3, kdim=5, vdim=7, add_bias_kv=True)
        self.lstm = nn.LSTM(6, 5, num_layers=2, bidirectional=True)
        self.lstm_projected = nn.LSTM(6, 8, proj_size=3)
        self.lstm_cell = nn.LSTMCell(6, 5)
        self.gru = nn.GRU(6, 5, bias=False)
        self.gru_cell = nn.GRUCell(6, 5)
        self.rnn = nn.RNN(6, 5)
        self.rnn_cell = nn.RNNCell(6, 5)
        self.slope = nn.PReLU(8)
        self.pair = nn.Bilinear(20, 30, 4)
        self.scale = nn.Parameter(torch.ones(12))
        self.cls_token = nn.Parameter(torch.ones(1, 1, 12))
        self.positional_embedding = nn.Parameter(torch.ones(9, 12))
        self.register_buffer("mask", torch.ones(4, 4))
        self.dropout = nn.Dropout()


class Parametrized(nn.Module):
    def __init__(self):
        super().__init__()
        self.new = parametrizations.weight_norm(nn.Conv1d(6, 4, 3))
        self.old = nn.utils.weight_norm(nn.Linear(6, 4))
        self.spectral = parametrizations.spectral_norm(nn.Conv2d(3, 4, 3))
        self.old_spectral = nn.utils.spectral_norm(nn.Linear(5, 4))
        self.orthogonal = parametrizations.orthogonal(nn.Linear(4, 4))
        self.pruned = nn.Linear(6, 4)
        prune.l1_unstructured(self.pruned, "weight", 5)


def generator():
    return nn.Sequential(
        nn.ConvTranspose2d(100, 64, 4, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 4, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
        nn.ConvTranspose2d(32, 3, 4, bias=False), nn.Tanh())


def classifier_of_texts():
    return nn.Sequential(nn.Embedding(40, 8), nn.Linear(8, 16, bias=False), nn.ReLU(), nn.Linear(16, 3))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(100, 16)
        self.encoder = nn.LSTM(16, 32, 2, batch_first=True, bidirectional=True)
        self.decoder = nn.GRU(64, 32)
        self.out = nn.Linear(32, 100)


def own_nets():
    yield "zoo", Zoo()
    yield "parametrized", Parametrized()
    yield "single linear", nn.Linear(8, 4)
    yield "single convolution", nn.Conv2d(3, 4, 3)
    yield "sequence", nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2, bias=False))
    yield "generator", generator()
    yield "texts", classifier_of_texts()
    yield "recurrent", Recurrent()
    yield "transformer", nn.Transformer(24, 4, 1, 1, 48)


def pictures():
    models = torchvision.models
    for name in ["resnet18", "vgg11_bn", "mobilenet_v3_small", "vit_b_16", "swin_t", "convnext_tiny", "squeezenet1_1"]:
        yield f"torchvision {name}", getattr(models, name)()
    yield "torchvision r3d_18", models.video.r3d_18()
    yield "torchvision fasterrcnn", models.detection.fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None)


def texts():
    small = dict(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=48, vocab_size=60)
    t = transformers
    yield "bert", t.BertForMaskedLM(t.BertConfig(**small))
    yield "gpt2", t.GPT2LMHeadModel(t.GPT2Config(n_embd=32, n_layer=1, n_head=2, vocab_size=60))
    yield "llama", t.LlamaForCausalLM(t.LlamaConfig(**small, num_key_value_heads=1))
    yield "qwen3", t.Qwen3ForCausalLM(t.Qwen3Config(**small, num_key_value_heads=1, head_dim=16))
    yield "t5", t.T5ForConditionalGeneration(t.T5Config(d_model=32, d_kv=16, d_ff=48, num_layers=1, num_heads=2, vocab_size=60))
    yield "albert", t.AlbertModel(t.AlbertConfig(**small, embedding_size=16))
    yield "gpt-neox", t.GPTNeoXForCausalLM(t.GPTNeoXConfig(**small))
    yield "mamba", t.MambaForCausalLM(t.MambaConfig(hidden_size=32, num_hidden_layers=1, vocab_size=60))
    yield "opt", t.OPTForCausalLM(t.OPTConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, ffn_dim=48, vocab_size=60,
                                             word_embed_proj_dim=16))
    vision = dict(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=48)
    yield "clip", t.CLIPModel(t.CLIPConfig(text_config=small, vision_config=vision, projection_dim=24))
    yield "whisper", t.WhisperForConditionalGeneration(t.WhisperConfig(
        d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=48,
        decoder_ffn_dim=48, vocab_size=60, pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=3))
    yield "wav2vec2", t.Wav2Vec2ForCTC(t.Wav2Vec2Config(**small, conv_dim=(16, 16), conv_stride=(2, 2), conv_kernel=(5, 3)))
    yield "segformer", t.SegformerForSemanticSegmentation(t.SegformerConfig(hidden_sizes=[16, 16, 16, 16], depths=[1, 1, 1, 1]))


def nets():
    found = {}
    with torch.device("cpu"):
        for name, net in own_nets():
            found[name] = facts(net)
    with torch.device("meta"):
        for name, net in pictures():
            found[name] = facts(net)
        for name, net in texts():
            found[f"transformers {name}"] = facts(net)
    return found
