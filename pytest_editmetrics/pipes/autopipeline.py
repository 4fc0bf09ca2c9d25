"""Names of AutoPipeline (GEditBench v2) that are not provided here: its files load as they stand.

Read from its documentation at commit 5c6772bf927aae6c922aa134df21bd250cc1022f. A metric of a pipe
that is registered, here or by a conftest, is measured; the others load as *not provided*.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

# what its files have at the top, besides what is used here
KEYS = (
    "user_config",
    "name",
    "support_task",
    "parser_grounder_config",
    "expert_configs",
    "experts_default",
    "client_config",
    "model_paths",
)
# its pipes, each with the metrics that it computes; judges, parsers and grounders compute none
PIPES: Mapping[str, tuple[str, ...]] = {
    "body-appearance-pipe": ("body_appearance_dino_cosine_sim",),
    "body-pose-and-shape-pipe": ("body_shape_iou", "body_pose_position_error"),
    "default_llm_config": (),
    "default_vlm_config": (),
    "depth-anything-v2-pipe": ("depth_ssim",),
    "face-geometry-pipe": ("L2_distance",),
    "face-identity-pipe": ("face_ID_sim", "bg_faceID_sim", "max_match_face_ID_sim"),
    "face-texture-pipe": ("high_frequency_diff", "color_similarity", "energy_ratio"),
    "general_grounder": (),
    "hair-consistency-pipe": ("color_distance", "texture_energy_diff", "high_frequency_diff"),
    "instruction_parser": (),
    "pairwise-judge": (),
    "parser-grounder": (),
    "ssim-pipe": (),
    "viescore": (),
}


def pipes_of(metric: str) -> tuple[str, ...]:
    """Return the pipes of AutoPipeline that compute ``metric`` there.

    >>> pipes_of("depth_ssim"), pipes_of("lpips")
    (('depth-anything-v2-pipe',), ())
    """
    return tuple(pipe for pipe, metrics in PIPES.items() if metric in metrics)


def metrics() -> Iterable[str]:
    """Return every metric that is not provided, by name."""
    return dict.fromkeys(metric for names in PIPES.values() for metric in names)


def not_provided(metric: str, pipes: Iterable[str]) -> str:
    """Return what the error says that asks for a metric which is not provided."""
    named = " or ".join(pipes)
    return (
        f"{metric} is a metric of AutoPipeline's {named}, which is not provided here: register a"
        " pipe for it in a conftest.py (hook pytest_editmetrics_register_pipes), or leave it out"
    )
