"""The earth mover's distance between two sets of tokens, and what each token adds to it."""

from __future__ import annotations

import warnings
from math import nan

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.cache.importing import importing
from pytest_editmetrics.errors import EditMetricsError

Tokens = NDArray[np.float64]

_MAX_ITERATIONS = 10_000_000


def emd(reference: Tokens, edited: Tokens) -> float:
    """Return the earth mover's distance between two sets of tokens.

    Args:
        reference: float64 (n, d).
        edited: float64 (m, d).

    Returns:
        The least cost of moving uniform mass from one set to the other, squared Euclidean distance
        per unit of mass; zero or greater, NaN if a token is not finite.

    Raises:
        EditMetricsError: the solver did not converge.

    >>> emd(np.zeros((2, 3)), np.ones((1, 3)))
    3.0
    """
    with importing("ot"):
        import ot

    if not (np.isfinite(reference).all() and np.isfinite(edited).all()):
        return nan
    cost, uniform = _problem(reference, edited)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        distance, log = ot.emd2(*uniform, cost, numItermax=_MAX_ITERATIONS, log=True)
    if log["warning"] is not None:
        raise EditMetricsError(
            f"the earth mover's distance of {len(reference)} to {len(edited)} patches was not "
            f"found: {log['warning']}"
        )
    return max(float(distance), 0.0)


def transport_costs(reference: Tokens, edited: Tokens) -> NDArray[np.float64]:
    """Return what moving its mass to each edited token costs: float64 (m,), adding up to ``emd``.

    Arguments as in ``emd``. NaN for every token if one is not finite.

    >>> transport_costs(np.zeros((1, 3)), np.array([[0.0, 0, 0], [2, 0, 0]])).tolist()
    [0.0, 2.0]
    """
    import ot

    if not (np.isfinite(reference).all() and np.isfinite(edited).all()):
        return np.full(len(edited), nan)
    cost, uniform = _problem(reference, edited)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plan = ot.emd(*uniform, cost, numItermax=_MAX_ITERATIONS)
    costs: NDArray[np.float64] = (plan * cost).sum(axis=0)
    return costs


def _problem(reference: Tokens, edited: Tokens) -> tuple[NDArray[np.float64], list[Tokens]]:
    """Return the cost of each pair and the mass of each token, on either side."""
    from scipy.spatial.distance import cdist

    cost = cdist(reference, edited, "sqeuclidean")
    return cost, [np.full(count, 1 / count) for count in cost.shape]
