"""The fixtures. Asking for one loads no weights; the first measurement does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from pytest_editmetrics.session.state import session_of

if TYPE_CHECKING:
    from pytest_editmetrics.checks.edit_gate import EditGate
    from pytest_editmetrics.checks.golden_image import GoldenImage
    from pytest_editmetrics.measurement import Measurement
    from pytest_editmetrics.pipes.clip.pipe import CLIPPipe
    from pytest_editmetrics.pipes.dino.pipe import DINOPipe
    from pytest_editmetrics.pipes.lpips.pipe import LPIPSPipe
    from pytest_editmetrics.pipes.sam.pipe import SAMPipe
    from pytest_editmetrics.session.record import TestRecord

Helper: TypeAlias = "Callable[..., Measurement]"


@pytest.fixture(scope="session")
def lpips_pipe(pytestconfig: pytest.Config) -> LPIPSPipe:
    """LPIPS, as configured; weights load at the first measurement, release() frees them."""
    pipe: LPIPSPipe = session_of(pytestconfig).default_pipe("lpips-pipe")
    return pipe


@pytest.fixture(scope="session")
def sam_pipe(pytestconfig: pytest.Config) -> SAMPipe:
    """SAM, which isolates objects; weights load at the first use, release() frees them."""
    pipe: SAMPipe = session_of(pytestconfig).default_pipe("sam-pipe")
    return pipe


@pytest.fixture(scope="session")
def clip_pipe(pytestconfig: pytest.Config, sam_pipe: Any) -> CLIPPipe:
    """CLIP, for emd and object similarity; weights load at the first measurement."""
    pipe: CLIPPipe = session_of(pytestconfig).default_pipe("clip-pipe", sam_pipe)
    return pipe


@pytest.fixture(scope="session")
def dino_v3_pipe(pytestconfig: pytest.Config, sam_pipe: Any) -> DINOPipe:
    """DINO, for structure and object similarity; weights load at the first measurement."""
    pipe: DINOPipe = session_of(pytestconfig).default_pipe("dino-v3-pipe", sam_pipe)
    return pipe


@pytest.fixture
def edit_gate(request: pytest.FixtureRequest) -> EditGate:
    """Checks an edited image against its reference: edit_gate.check(reference, edited, coords)."""
    from pytest_editmetrics.checks.edit_gate import EditGate

    return EditGate(_asked(request))


@pytest.fixture
def golden_image(request: pytest.FixtureRequest) -> GoldenImage:
    """Compares an image with the one approved for the test: golden_image.check(image)."""
    from pytest_editmetrics.checks.golden_image import GoldenImage

    return GoldenImage(_asked(request))


@pytest.fixture
def assert_unedit_emd_below(request: pytest.FixtureRequest) -> Helper:
    """Asserts that CLIP sees the same content outside the edit boxes (emd, lower is better)."""
    from pytest_editmetrics.plugin import helpers

    _asked(request)
    return helpers.assert_unedit_emd_below


@pytest.fixture
def assert_unedit_lpips_below(request: pytest.FixtureRequest) -> Helper:
    """Asserts that the pixels outside the edit boxes look the same (lpips, lower is better)."""
    from pytest_editmetrics.plugin import helpers

    _asked(request)
    return helpers.assert_unedit_lpips_below


@pytest.fixture
def assert_object_sim_above(request: pytest.FixtureRequest) -> Helper:
    """Asserts that objects stayed the same objects (cosine of CLIP tokens, higher is better)."""
    from pytest_editmetrics.plugin import helpers

    _asked(request)
    return helpers.assert_object_sim_above


def _asked(request: pytest.FixtureRequest) -> TestRecord:
    """Return the record of the test that has a gate fixture now, however it came to it."""
    from pytest_editmetrics.session.record import record_key, start_attempt

    item = request.node
    record = item.stash.get(record_key, None) or start_attempt(item)
    record.asked = record.given = not record.wanted.excused
    return record
