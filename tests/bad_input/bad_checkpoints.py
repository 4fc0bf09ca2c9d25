"""Bad input of checkpoints: configurations, preprocessors and layouts that cannot be measured with."""

from __future__ import annotations

from bad_input import Case


def clip(what: str, made: str, names: str) -> Case:
    return Case(what, f"CLIPPipe({made}, device='cpu')(before, after)", names=names)


CHECKPOINTS = [
    clip(
        "preprocessor with a field that is not known",
        "checkpoint(preprocessor={'crop_pct': 0.9})",
        "the field 'crop_pct' may change every number",
    ),
    clip(
        "preprocessor with a field misspelt",
        "checkpoint(preprocessor={'image_men': [0.5] * 3})",
        "did you mean 'image_mean'?",
    ),
    clip(
        "preprocessor with code of its own",
        "checkpoint(preprocessor={'image_processor_type': None, 'auto_map': {'AutoImageProcessor': 'x.Y'}})",
        "the field 'auto_map'",
    ),
    clip(
        "preprocessor of an unknown class",
        "checkpoint(preprocessor={'image_processor_type': 'ClipImageProcessor'})",
        "which the installed transformers does not have",
    ),
    clip(
        "preprocessor with a filter by name",
        "checkpoint(preprocessor={'resample': 'bicubic'})",
        "resample is 'bicubic'",
    ),
    clip(
        "preprocessor that divides by zero",
        "checkpoint(preprocessor={'image_std': [0.2, 0, 0.2]})",
        "image_std holds 0",
    ),
    clip(
        "preprocessor with a mean of NaN",
        "checkpoint(preprocessor={'image_mean': [nan, 0.5, 0.5]})",
        "not three finite numbers",
    ),
    clip(
        "preprocessor with a switch that is text",
        "checkpoint(preprocessor={'do_resize': 'yes'})",
        "do_resize is 'yes'",
    ),
    clip(
        "preprocessor whose input is not the model's, where the checkpoint's crop is asked for",
        "checkpoint(preprocessor={'size': 256, 'crop_size': 256}), framing='center-crop'",
        "only framing 'stretch'",
    ),
    clip(
        "configuration of another model",
        "checkpoint(config={'model_type': 'vit'})",
        "clip-pipe takes CLIP and SigLIP models",
    ),
    clip(
        "configuration of more layers than the weights have",
        "checkpoint(config={'num_hidden_layers': 9})",
        "no encoder.layers.2.",
    ),
    clip(
        "index whose shard is not there",
        "checkpoint(shards={'a': 'model-00001-of-00001.safetensors'})",
        "lacks model-00001-of-00001.safetensors",
    ),
    clip(
        "index that names a file elsewhere",
        "checkpoint(shards={'a': '../model.safetensors'})",
        "lists no shards",
    ),
]
