"""What a test and a session end as, for the page of outcomes."""

from __future__ import annotations

HEAD = ("what happened", "outcome")
TESTS = (
    ("a value inside its bound", "passed"),
    (
        "a value inside its bound and beyond its `review`",
        "passed, and listed; `--editmetrics-review=fail` fails it",
    ),
    (
        "a value outside, NaN or infinite",
        "failed, with metric, value, bound, distance, region, picture",
    ),
    (
        "the region gives no valid comparison (a soft failure)",
        "xfailed with the reason; a later failure in the same test still fails it;"
        " `--editmetrics-strict=all` fails it",
    ),
    (
        "a soft failure where the golden has a measured value",
        "xfailed as `was 0.913 when approved`; `--editmetrics-strict=regressed` fails it, too",
    ),
    (
        "a background in which nothing can be matched, where `expect` rules that out",
        "failed",
    ),
    ("no bound and no golden", "failed, `missing-golden`, with the command that records it"),
    (
        "weights or a package missing, wrong hash, out of memory, bad input or configuration",
        "failed, `EditMetricsError`, and no xfail mark hides it; skipped and counted only for pipes"
        " named in `--editmetrics-skip-missing=sam-pipe`",
    ),
    (
        "an image of another size, mode or profile than its golden image",
        "failed, and no xfail mark hides it: nothing was compared; `--editmetrics-update=failed`"
        " records it",
    ),
    (
        "no bound and no golden, of a test that is marked `xfail`",
        "xfailed, and the session fails: nothing was judged; `editmetrics approve RUN -k` its whole"
        " id records it",
    ),
    (
        "a failing gate in a thread, or one whose exception the test caught",
        "failed all the same, also if it is skipped then; a test of such a failure is marked"
        " `xfail`",
    ),
    (
        "a test asked for gates (a gate fixture in its function or in a fixture that it requests,"
        " its own marker) and made none",
        'failed, unless `@pytest.mark.editmetrics(gates="none")` says that it may',
    ),
)
SESSIONS = (
    (
        "a test made no gate, and only a module's or class's marker, an autouse fixture or"
        " `getfixturevalue` asked for some",
        "named; `--editmetrics-strict=regressed` or `all`: exit status 1",
    ),
    (
        "a gate ended after its test's reports, in another process, or its report was made"
        " again by another plugin",
        "exit status 1, and the gate is named; in a forked process that the test waits for it"
        " counts for its test",
    ),
    (
        "not one gate of the session could be measured, or none was made where tests asked for"
        " some",
        "exit status 1",
    ),
    (
        "tests with gates were skipped, or xfailed before they made one",
        "named with what kept them; with nothing else measured,"
        " `--editmetrics-strict=regressed` or `all`: exit status 1",
    ),
    (
        "fewer gates were measured than `--editmetrics-require=40` (or `lpips=12`, or both) states",
        "exit status 1, with both numbers",
    ),
    (
        "a failing test has goldens that no gate was held to",
        "counted: as `not reached`, behind the gate that failed, or as `not measured`, of a check"
        " that measures other metrics now",
    ),
    (
        "a golden is of no test that exists, an image without an entry in `provenance.yaml` too",
        "named, with the test that it may be of now; exit status 1 with"
        " `--editmetrics-strict=regressed` or `all`, or if only a default bound let that test pass"
        " under a new name (not for another parameter, which other machines may have)",
    ),
    (
        "a gate of the whole suite fails, or cannot be judged",
        "exit status 1; a run of a part of the suite judges none and says so"
        " ([suite](../how-to/suite.md))",
    ),
    (
        "gates were judged on the random smoke weights",
        "said; with `CI` set exit status 1 unless `--editmetrics-allow-smoke` is given",
    ),
    ("a configuration cannot be used", "one usage error, exit status 4"),
)
