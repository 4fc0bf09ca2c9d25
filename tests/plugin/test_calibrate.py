"""From repeated runs of a suite to golden files that hold it."""

from __future__ import annotations

from pytest_editmetrics.cli.main import main


def test_seeds_to_goldens_and_a_run_that_passes(suite, capsys, monkeypatch):
    suite.makeini("[pytest]")
    suite.makepyfile(
        """
        import os
        def test_it(check):
            check(30 + int(os.environ["SEED"]) % 5)
        """
    )
    for seed in range(5):
        monkeypatch.setenv("SEED", str(seed))
        result = suite.runpytest(f"--editmetrics-run-dir=run{seed}")
        result.assert_outcomes(failed=1)
    runs = [f"run{seed}" for seed in range(5)]
    assert main(["calibrate", *runs, "--write"]) == 0
    out = capsys.readouterr().out
    # 0.30 to 0.34, a metric without a best value: mean 0.32, deviation 0.0158, factor 5.741
    assert "proposal  max 0.411" in out
    assert "values counted as they are" in out
    golden = suite.path / "goldens" / (next(suite.path.glob("test_*.py")).name + ".yaml")
    assert golden.read_text() == '"test_it":\n  score: {max: 0.411, measured: 0.32}\n'
    suite.runpytest().assert_outcomes(passed=1)
