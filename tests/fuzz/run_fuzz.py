"""Fuzz each target for some seconds and keep what reached new code: ``run_fuzz.py SECONDS [TARGET]``.

What crashes lies in ``build/fuzz/TARGET/crashes`` afterwards, and the exit status is 1.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "fixtures" / "fuzz"
ONE = Path(__file__).with_name("fuzz_one.py")
LIMITS = {"yaml": 4096, "image": 4096}
MOST_KEPT = 400_000


def fuzz(target: str, seconds: str) -> int:
    """Fuzz one target; return how many inputs crashed, hung or took too much memory."""
    work = ROOT / "build" / "fuzz" / target
    found, crashes = work / "found", work / "crashes"
    for folder in (found, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    print(f"{target}: {seconds} s", flush=True)
    libfuzzer(
        target, f"-max_total_time={seconds}", f"-max_len={LIMITS[target]}", "-timeout=20",
        "-rss_limit_mb=4096", "-print_final_stats=1", f"-artifact_prefix={crashes}/",
        str(found), str(KEPT / target),
    )  # fmt: skip
    libfuzzer(target, "-merge=1", str(KEPT / target), str(found))
    prune(KEPT / target)
    crashed = sorted(crashes.iterdir())
    for path in crashed:
        print(f"{target}: crashed on {path}")
    return len(crashed)


def libfuzzer(target: str, *arguments: str) -> None:
    """Run the fuzzer's process; an input that crashes is its status and no error here."""
    env = {**os.environ, "FUZZ_TARGET": target}
    subprocess.run([sys.executable, str(ONE), *arguments], env=env, check=False)


def prune(folder: Path) -> None:
    """Keep the smallest of what was found, as much as the repository should hold; and all seeds."""
    kept = 0
    for path in sorted(folder.iterdir(), key=lambda path: path.stat().st_size):
        kept += path.stat().st_size
        if kept > MOST_KEPT and not path.suffix:
            path.unlink()


if __name__ == "__main__":
    seconds, *targets = sys.argv[1:]
    crashed = sum(fuzz(target, seconds) for target in targets or LIMITS)
    sys.exit(crashed > 0)
