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
from diffusers import UNet2DConditionModel
from diffusers.loaders import StableDiffusionLoraLoaderMixin

arguments = argparse.ArgumentParser()
arguments.add_argument("--rank", type=int, default=16)
arguments.add_argument("--cycles", type=int, default=10)
arguments.add_argument("--type", choices=["float32", "bfloat16"], default="float32")
arguments = arguments.parse_args()
torch.manual_seed(1)

# The published dimensions of SD 1.5; random weights, nothing is downloaded.
unet = UNet2DConditionModel(
    sample_size=64, in_channels=4, out_channels=4, layers_per_block=2, block_out_channels=(320, 640, 1280, 1280),
    down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
    up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
    cross_attention_dim=768, attention_head_dim=8).to(getattr(torch, arguments.type)).eval()


def adapter(seed):
    """LoRA factors for the attention projections that batchgen bench switch fuses: q, k, v and out of every attention and the two of the block."""
    generator = torch.Generator().manual_seed(seed)
    factors = {}
    for name, module in unet.named_modules():
        if isinstance(module, torch.nn.Linear) and name.split(".")[-1] in ("to_q", "to_k", "to_v", "0") and ".attn" in name or name.endswith(("proj_in", "proj_out")):
            weight = module.weight
            shape = (arguments.rank, weight.shape[1]) + tuple(weight.shape[2:])
            factors[f"unet.{name}.lora_A.weight"] = torch.randn(shape, generator=generator) * 0.02
            factors[f"unet.{name}.lora_B.weight"] = torch.randn((weight.shape[0], arguments.rank) + (1,) * (weight.dim() - 2), generator=generator) * 0.02
    return factors


class Pipeline(StableDiffusionLoraLoaderMixin):
    """As little of a pipeline as loading an adapter needs."""

    def __init__(self):
        self.unet = unet
        self.components = {"unet": unet}
        self.hf_device_map = None


pipeline = Pipeline()
files = [adapter(2), adapter(3)]
times = {"load": [], "fuse": [], "unfuse": [], "unload": []}


def timed(step, action):
    begun = time.perf_counter()
    action()
    times[step].append(time.perf_counter() - begun)


with torch.no_grad():
    for cycle in range(arguments.cycles):
        factors = dict(files[cycle % 2])
        timed("load", lambda: pipeline.load_lora_into_unet(factors, network_alphas=None, unet=unet, adapter_name="one"))
        timed("fuse", lambda: unet.fuse_lora(lora_scale=0.8))
        timed("unfuse", lambda: unet.unfuse_lora())
        timed("unload", lambda: unet.unload_lora())

best = {f"{step}_ms": round(min(seconds) * 1000, 1) for step, seconds in times.items()}
print(json.dumps({
    "peer": "diffusers", "version": diffusers.__version__, "peft": peft.__version__, "torch": torch.__version__, "type": arguments.type, "rank": arguments.rank,
    "projections": len(files[0]) // 2, "best_of": arguments.cycles, **best, "together_ms": round(sum(best.values()), 1)}))
