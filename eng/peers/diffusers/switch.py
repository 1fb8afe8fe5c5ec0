"""Times how diffusers with PEFT switches LoRA adapters: load, fuse, unfuse, unload; the counterpart of 'batchgen bench switch'."""
import argparse
import importlib.util
import json
import sys
import time

missing = [name for name in ("torch", "diffusers", "peft", "transformers") if importlib.util.find_spec(name) is None]
if missing:
    print(f"diffusers: not measured (Python has no {', '.join(missing)})")
    sys.exit(0)

import diffusers
import peft
import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

parser = argparse.ArgumentParser()
parser.add_argument("--rank", type=int, default=16)
parser.add_argument("--cycles", type=int, default=10)
parser.add_argument("--type", choices=["float32", "bfloat16"], default="float32")
arguments = parser.parse_args()
torch.manual_seed(1)
compute_type = getattr(torch, arguments.type)

# The published dimensions of SD 1.5; random weights, nothing is downloaded. What switching does not touch is left out.
unet = UNet2DConditionModel(
    sample_size=64, in_channels=4, out_channels=4, layers_per_block=2, block_out_channels=(320, 640, 1280, 1280),
    down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
    up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
    cross_attention_dim=768, attention_head_dim=8).to(compute_type).eval()
text_encoder = CLIPTextModel(CLIPTextConfig(
    hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, projection_dim=768)).to(compute_type).eval()
pipeline = StableDiffusionPipeline(
    vae=None, text_encoder=text_encoder, tokenizer=None, unet=unet, scheduler=DDIMScheduler(), safety_checker=None, feature_extractor=None,
    requires_safety_checker=False)


def adapter(seed):
    """LoRA factors for the 176 attention projections that batchgen bench switch fuses: 128 in the UNet, 48 in the text encoder."""
    generator = torch.Generator().manual_seed(seed)
    factors = {}
    for prefix, model, names in (("unet", unet, (".to_q", ".to_k", ".to_v", ".to_out.0")),
                                 ("text_encoder", text_encoder, (".q_proj", ".k_proj", ".v_proj", ".out_proj"))):
        for name, module in model.named_modules():
            if isinstance(module, torch.nn.Linear) and name.endswith(names):
                height, width = module.weight.shape
                factors[f"{prefix}.{name}.lora_A.weight"] = (torch.randn(arguments.rank, width, generator=generator) * 0.02).half()
                factors[f"{prefix}.{name}.lora_B.weight"] = (torch.randn(height, arguments.rank, generator=generator) * 0.02).half()
    return factors


files = [adapter(2), adapter(3)]
times = {"load": [], "fuse": [], "unfuse": [], "unload": []}


def timed(step, action):
    begun = time.perf_counter()
    action()
    times[step].append(time.perf_counter() - begun)


with torch.no_grad():
    for cycle in range(arguments.cycles):
        factors = dict(files[cycle % 2])
        timed("load", lambda: pipeline.load_lora_weights(factors, adapter_name="one"))
        timed("fuse", lambda: pipeline.fuse_lora(lora_scale=0.8))
        timed("unfuse", pipeline.unfuse_lora)
        timed("unload", pipeline.unload_lora_weights)

best = {f"{step}_ms": round(min(seconds) * 1000, 1) for step, seconds in times.items()}
print(json.dumps({
    "peer": "diffusers", "version": diffusers.__version__, "peft": peft.__version__, "torch": torch.__version__, "type": arguments.type, "rank": arguments.rank,
    "projections": len(files[0]) // 2, "best_of": arguments.cycles, **best, "together_ms": round(sum(best.values()), 1)}))
