"""What was approved for one gate, and where that lies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_editmetrics.cache.precision import FULL
from pytest_editmetrics.images.resize_modes import NOT_RESIZED
from pytest_editmetrics.measurement import NO_WEIGHTS, Edit, Threshold, weights_text


@dataclass(frozen=True)
class GoldenAddress:
    """Where the golden of one gate lies: the file, the test's key, the gate's key.

    ``digest`` is of the parameters that the key names by their place; it is no part of the address.

    The file is relative to the rootdir where it lies inside: a run may be approved elsewhere.
    """

    file: Path
    test: str
    gate: str
    digest: str | None = field(default=None, compare=False)

    def to_dict(self) -> dict[str, str]:
        """Return the fields as text, for JSON; the file with ``/`` between its parts."""
        digest = {} if self.digest is None else {"digest": self.digest}
        return {"file": self.file.as_posix(), "test": self.test, "gate": self.gate, **digest}

    @classmethod
    def from_dict(cls, data: Mapping[str, str]) -> GoldenAddress:
        """Return the address that ``to_dict`` wrote."""
        return cls(Path(data["file"]), data["test"], data["gate"], data.get("digest"))


@dataclass(frozen=True)
class Approved:
    """What a golden says of one gate in one environment.

    ``threshold`` is ``None`` where nothing was recorded yet; ``env`` is the variant that a
    recording goes to (``None``: the top level of the entry); ``weights`` are those that gave
    ``measured``, ``None`` if the golden does not say; ``resize`` is the mode that brought the
    images to one size then, ``dtype`` the precision, ``share`` how much of the picture was
    measured, ``size`` its width and height, ``edit`` whether there was an edit. ``variants`` are
    the environments that the entry names; ``unstated`` tells that of these ``env`` states no bound,
    so that a less specific one or the top level holds; ``digest`` is of the parameter that it was
    recorded for. ``moved`` says that this was another value, ``found_under`` is the key of the test
    in another pytest, ``left_under`` where an earlier recording left a fixture's golden, under
    tests.
    """

    threshold: Threshold | None
    measured: float | None
    env: str | None
    weights: str | None = None
    variants: tuple[str, ...] = ()
    unstated: bool = False
    digest: str | None = None
    moved: str | None = None
    found_under: str | None = None
    left_under: str | None = None
    resize: str | None = None
    dtype: str | None = None
    share: float | None = None
    size: str | None = None
    edit: Edit | None = None

    def stricter_than(self, other: Approved) -> bool:
        """Tell whether a value that this bound lets pass passes the other's, both being there.

        >>> low, high = (Threshold("max", bound, "golden", "") for bound in (0.1, 0.2))
        >>> Approved(low, None, None).stricter_than(Approved(high, None, None))
        True
        """
        if self.threshold is None or other.threshold is None:
            return False
        sign = 1 if self.threshold.kind == "max" else -1
        return sign * self.threshold.bound < sign * other.threshold.bound

    def other_weights(self, hashes: Iterable[str]) -> bool:
        """Tell whether the golden was measured with other weights than those of these hashes.

        >>> Approved(None, None, None, "94bbe0919378").other_weights(["94bbe0919378" + 52 * "0"])
        False
        """
        today = list(hashes)
        if self.weights is None or weights_text(today) is None:
            return False
        stated = [] if self.weights == NO_WEIGHTS else self.weights.split()
        return len(stated) != len(today) or not all(map(str.startswith, today, stated))

    @property
    def resized(self) -> str | None:
        """How the images were brought to one size when it was measured, ``none`` if they were.

        ``None`` of a bound that somebody wrote: it says of no value how that was measured.
        """
        return self.resize or (None if self.measured is None else NOT_RESIZED)

    @property
    def computed_in(self) -> str | None:
        """The precision in which it was measured; ``None`` of a bound that somebody wrote."""
        return self.dtype or (None if self.measured is None else FULL)
