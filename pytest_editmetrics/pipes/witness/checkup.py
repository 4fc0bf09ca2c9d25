"""One pipe's model, loaded both ways, on public-domain photos: what differs, and the time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.cache.features import FeatureCache
from pytest_editmetrics.errors import EditMetricsError, MissingResourceError
from pytest_editmetrics.images.load import Array, load_image
from pytest_editmetrics.images.regions import Box, Mask
from pytest_editmetrics.pipes.objects import overlap
from pytest_editmetrics.pipes.with_model import ModelPipe, Using

Status = Literal["same", "differs", "missing", "broken", "unchecked"]

# the largest difference of a token, as a share of the largest token; of a mask, as a share of the
# photo; of a score, as a share of the metric's margin. The second is of bfloat16 and float16.
TOKENS = (1e-4, 0.1)
MASKS = (0.002, 0.02)
SCORES = (0.1, 1.0)

PHOTOS = {"astronaut": (170, 0, 330, 230), "chelsea": (120, 50, 330, 250)}


@dataclass(frozen=True)
class Difference:
    """How far what the two ways give lies apart, and how far it may."""

    what: str
    largest: float
    allowed: float

    @property
    def within(self) -> bool:
        """Whether it may be so; NaN may not."""
        return self.largest <= self.allowed


@dataclass(frozen=True)
class Checkup:
    """What came of one model. ``seconds`` are of loading and computing, ours and theirs.

    ``status``: ``same`` within what is allowed, ``differs`` beyond it; ``missing`` or ``broken``
    weights; ``unchecked`` where the other library cannot load them. ``problem`` says why, and what
    to do; ``through`` what of ours runs through the other library itself; ``fetch`` is what
    ``editmetrics weights fetch`` takes for missing weights.
    """

    pipe: str
    model: str
    status: Status
    differences: tuple[Difference, ...] = ()
    problem: str | None = None
    sha256: str | None = None
    configuration: str | None = None
    path: str | None = None
    device: str | None = None
    dtype: str | None = None
    seconds: tuple[float, float] | None = None
    through: str | None = None
    fetch: tuple[str, ...] = ()

    @property
    def well(self) -> bool:
        """Whether the model was compared, and differs by no more than is allowed."""
        return self.status == "same"


@dataclass(frozen=True)
class Photo:
    """A photo, the same with a box inverted, and that box."""

    image: Array
    edited: Array
    box: Box


def photos() -> list[Photo]:
    """Return the astronaut (NASA, public domain) and the cat (CC0) that scikit-image carries.

    Raises:
        EditMetricsError: they are not there.
    """
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise EditMetricsError(
            "the photos are part of scikit-image, which is not installed; reinstall with: pip"
            " install --upgrade pytest-editmetrics"
        )
    found = []
    for name, (x1, y1, x2, y2) in PHOTOS.items():
        image = load_image(Path(spec.origin).parent / "data" / f"{name}.png")
        edited = image.copy()
        edited[y1:y2, x1:x2] = 255 - edited[y1:y2, x1:x2]
        found.append(Photo(image, edited, (x1, y1, x2, y2)))
    return found


def check_up(pipe: ModelPipe[Any], taken: Sequence[Photo]) -> Checkup:
    """Load the model of a pipe both ways, and compare what they make of photos.

    The pipe keeps its features in a cache of its own from now on, so that they are computed.
    """
    pipe.share(FeatureCache())
    try:
        using = pipe.use()
        used = pipe.used()
    except EditMetricsError as error:
        missing = isinstance(error, MissingResourceError)
        status: Status = "missing" if missing else "broken"
        fetch = error.fetch if isinstance(error, MissingResourceError) else ()
        return Checkup(pipe.key, _named(pipe), status, (), str(error), fetch=fetch)
    found = Checkup(
        pipe.key,
        using.found.name,
        "broken",
        sha256=using.found.sha256,
        configuration=used[1].sha256 if len(used) > 1 else None,
        path=str(using.found.path),
        device=using.device,
        dtype=using.dtype,
    )
    try:
        began = time.perf_counter()
        ours = _OURS[pipe.key](pipe, taken)
        ours_took = time.perf_counter() - began
    except EditMetricsError as error:
        return replace(found, problem=str(error))
    found = replace(found, through=_through(pipe))
    try:
        began = time.perf_counter()
        theirs = _THEIRS[pipe.key](pipe, taken)
        theirs_took = time.perf_counter() - began
    except Exception as error:  # whatever the other library raises
        problem = f"nothing to compare with: {type(error).__name__}: {error}"
        return replace(found, status="unchecked", problem=problem)
    differences = _differences(pipe, using, ours, theirs)
    same = all(one.within for one in differences)
    return replace(
        found,
        status="same" if same else "differs",
        differences=differences,
        problem=None if same else _beyond(differences),
        seconds=(ours_took, theirs_took),
    )


Made = dict[str, list[Any]]


def _named(pipe: Any) -> str:
    kind = {"clip-pipe": "clip", "dino-v3-pipe": "dino", "lpips-pipe": "lpips"}.get(pipe.key, "sam")
    path = getattr(pipe, "model_path", None)
    return f"{kind}:{path or getattr(pipe, 'model_type', getattr(pipe, 'net', ''))}"


def _beyond(differences: Sequence[Difference]) -> str:
    worst = [one.what for one in differences if not one.within]
    return f"{' and '.join(worst)} differ by more than is allowed: do not trust this model's gates"


def _through(pipe: Any) -> str | None:
    found = getattr(pipe.load().model, "input", None)
    return None if found is None else found.through


def _photos_of(pipe: Any, taken: Sequence[Photo]) -> list[Photo]:
    """Return the photos; as squares for a model that takes images of any aspect otherwise."""
    found = getattr(pipe.load().model, "input", None)
    if found is None or found.model_class != "Siglip2VisionModel":
        return list(taken)
    edge = min(min(photo.image.shape[:2]) for photo in taken)
    return [
        Photo(photo.image[:edge, :edge], photo.edited[:edge, :edge], photo.box) for photo in taken
    ]


def _vision_ours(pipe: Any, taken: Sequence[Photo]) -> Made:
    model = pipe.load().model
    pairs = _photos_of(pipe, taken)
    images = [image for photo in pairs for image in (photo.image, photo.edited)]
    scores = [pipe.measure(photo.image, photo.edited).value for photo in pairs]
    tokens = [model.tokens([image], pipe.framing)[0].astype(np.float64) for image in images]
    return {"tokens": tokens, "scores": scores}


def _vision_theirs(pipe: Any, taken: Sequence[Photo]) -> Made:
    from pytest_editmetrics.pipes.clip.transport import emd
    from pytest_editmetrics.pipes.dino.pipe import similarity, structure_distance
    from pytest_editmetrics.pipes.witness.theirs import tokens

    pairs = _photos_of(pipe, taken)
    found = tokens(pipe, [image for photo in pairs for image in (photo.image, photo.edited)])
    compare: Callable[[Any, Any], float] = emd
    if pipe.key == "dino-v3-pipe":

        def compare(one: Any, other: Any) -> float:
            return similarity(structure_distance(one, other))

    both = zip(found[::2], found[1::2], strict=True)
    return {"tokens": found, "scores": [compare(one[1:], other[1:]) for one, other in both]}


def _sam_ours(pipe: Any, taken: Sequence[Photo]) -> Made:
    found = [pipe.mask_of(image, photo.box) for photo in taken for image in _both(photo)]
    return {"masks": found, "scores": _overlaps(found, taken)}


def _sam_theirs(pipe: Any, taken: Sequence[Photo]) -> Made:
    from pytest_editmetrics.pipes.witness.theirs import masks

    found: list[Mask] = []
    for photo in taken:
        x1, y1, x2, y2 = photo.box
        whole = masks(pipe, _both(photo), photo.box)
        found += [mask[y1:y2, x1:x2] for mask in whole]
    return {"masks": found, "scores": _overlaps(found, taken)}


def _both(photo: Photo) -> list[Array]:
    return [photo.image, photo.edited]


def _overlaps(found: Sequence[Mask], taken: Sequence[Photo]) -> list[float]:
    pairs = zip(found[::2], found[1::2], taken, strict=True)
    return [overlap(one, photo.box, other, photo.box) for one, other, photo in pairs]


def _lpips_ours(pipe: Any, taken: Sequence[Photo]) -> Made:
    return {"scores": [pipe.measure(photo.image, photo.edited).value for photo in taken]}


def _lpips_theirs(pipe: Any, taken: Sequence[Photo]) -> Made:
    from pytest_editmetrics.pipes.witness.theirs import distance

    return {"scores": [distance(pipe, photo.image, photo.edited) for photo in taken]}


_OURS: dict[str, Callable[[Any, Sequence[Photo]], Made]] = {
    "clip-pipe": _vision_ours,
    "dino-v3-pipe": _vision_ours,
    "sam-pipe": _sam_ours,
    "lpips-pipe": _lpips_ours,
}
_THEIRS: dict[str, Callable[[Any, Sequence[Photo]], Made]] = {
    "clip-pipe": _vision_theirs,
    "dino-v3-pipe": _vision_theirs,
    "sam-pipe": _sam_theirs,
    "lpips-pipe": _lpips_theirs,
}


def _differences(
    pipe: ModelPipe[Any], using: Using, ours: Made, theirs: Made
) -> tuple[Difference, ...]:
    reduced = using.dtype != "float32"
    found = []
    if "tokens" in ours:
        found.append(
            Difference("tokens", _apart(ours["tokens"], theirs["tokens"]), TOKENS[reduced])
        )
    if "masks" in ours:
        pairs = zip(ours["masks"], theirs["masks"], strict=True)
        share = max(float((one != other).mean()) for one, other in pairs)
        found.append(Difference("masks", share, MASKS[reduced]))
    metric = pipe.spec.metrics[0]
    scores = zip(ours["scores"], theirs["scores"], strict=True)
    values = np.array([(one, other) for one, other in scores], np.float64)
    allowed = SCORES[reduced] * min(metric.margin.around(float(one)) for one, _ in values)
    largest = float(np.abs(values[:, 0] - values[:, 1]).max())
    found.append(Difference(metric.name, largest, allowed))
    return tuple(found)


def _apart(ours: Sequence[NDArray[Any]], theirs: Sequence[NDArray[Any]]) -> float:
    """Return the largest difference as a share of the largest value; infinite of other shapes."""
    if any(one.shape != other.shape for one, other in zip(ours, theirs, strict=True)):
        return float("inf")
    pairs = list(zip(ours, theirs, strict=True))
    largest = max(float(np.abs(other).max()) for _, other in pairs)
    return max(float(np.abs(one - other).max()) for one, other in pairs) / (largest or 1.0)
