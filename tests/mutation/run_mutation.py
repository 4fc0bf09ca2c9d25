"""Change a line of the code and see whether a test notices: ``run_mutation.py [--sample N] [--seed N]``.

cosmic-ray says what can be changed. A mutant never touches the disk: each is judged in a process
forked from this one, which has imported pytest, torch and what else is not under test, and finds
the changed source where it would find the module. A mutant is killed if its module's tests fail or
do not end in time. Changes of annotations and of what only a type checker reads are no mutants.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from fork_judge import Judge
from mutants import Mutant, places_in

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "pytest_editmetrics"
LIMITS = "config/test_limits.py"
REGIONS = ["images/test_regions.py", "images/test_shapes.py", "images/test_pixels.py"]
READER = ["config/test_reader.py", "config/test_settings.py"]
CASES = [
    *("config/test_cases.py", "pipes/test_aliases.py", "test_safe_loading.py"),
    *("plugin/suites/test_yaml_cases.py", "plugin/images/test_region_shapes.py"),
]
ROWS = ["config/test_manifest.py", "saved_runs/test_score_manifest.py"]
GOLDENS = ["goldens/test_file.py", "goldens/test_store.py", "goldens/test_audit.py"]
# what, after LIMITS, a change of a module must be noticed by, the likeliest first
TESTS = {
    "images/boxes": REGIONS,
    "images/regions": REGIONS,
    "images/masks": [*REGIONS, "plugin/images/test_region_shapes.py"],
    "images/shapes": [*REGIONS, "plugin/images/test_region_shapes.py"],
    "measurement": ["gates/test_review_band.py", "pipes/test_aliases.py", *GOLDENS, *READER],
    "config": READER,
    "config/expect": [*READER, "plugin/causes/test_expect.py"],
    "config/case_fields": CASES,
    "config/case_file": CASES,
    "config/golden_images": ["goldens/test_images.py", "config/test_settings.py"],
    "config/manifest": ROWS,
    "config/row_files": ROWS,
    "config/schema": ["cli/test_schema.py"],
    "config/suite": ["config/test_suite.py"],
    "goldens/file": GOLDENS,
    "goldens/lock": ["goldens/test_lock.py"],
    "goldens/provenance": ["goldens/test_images.py"],
    "goldens/recording": GOLDENS,
    "goldens/store": [*GOLDENS, "plugin/goldens/test_golden_flow.py"],
    "goldens/text": GOLDENS,
    "goldens/write": GOLDENS,
    "gates/verdict": [
        *("gates/test_review_band.py", "report/test_tally.py", "plugin/outcomes/test_outcomes.py"),
        *("plugin/models/test_other_weights.py", "plugin/goldens/test_golden_flow.py"),
    ],
}
MODULES = [name for name in TESTS if not name.startswith("config/")]


def tests_of(path: Path) -> list[str]:
    """Return the files of tests that a change of the module ``path`` is held to."""
    name = path.relative_to(PACKAGE).with_suffix("").as_posix()
    tests = [LIMITS, *TESTS.get(name, TESTS[name.split("/")[0]])]
    return [str(ROOT / "tests" / test) for test in tests]


def modules(wanted: list[str]) -> Iterator[Path]:
    """Yield the files of the modules and packages ``wanted``."""
    for name in wanted:
        folder = PACKAGE / name
        yield from sorted(folder.glob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


def report(verdicts: dict[Mutant, bool], survivors: Path) -> None:
    """Print the score of each module; write what no test noticed to ``survivors``."""
    scores: dict[str, list[bool]] = defaultdict(list)
    for mutant, killed in verdicts.items():
        scores[mutant.module].append(killed)
    print(f"\n{'module':40} mutants  killed  score")
    for name, killed in sorted(scores.items()):
        print(f"{name:40} {len(killed):7} {sum(killed):7}  {sum(killed) / len(killed):5.1%}")
    alive = sorted((m for m, killed in verdicts.items() if not killed), key=lambda m: m.key)
    total = len(verdicts)
    print(f"{'all':40} {total:7} {total - len(alive):7}  {1 - len(alive) / total:5.1%}")
    survivors.parent.mkdir(parents=True, exist_ok=True)
    survivors.write_text("\n".join(mutant.shown() for mutant in alive), encoding="utf-8")
    print(f"{len(alive)} survivors: {survivors}")


def main() -> None:
    """Judge a sample of the mutants of the wanted modules."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", default=MODULES, help="default: all")
    parser.add_argument("--sample", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--survivors", type=Path, default=ROOT / "build/mutation/survivors.txt")
    options = parser.parse_args()

    places = [place for path in modules(options.modules) for place in places_in(path)]
    random.Random(options.seed).shuffle(places)
    found = (mutant for place in places if (mutant := place.mutant(ROOT)) is not None)
    chosen = list(islice(found, options.sample))
    print(f"{len(chosen)} mutants of {len(places)} places, seed {options.seed}", flush=True)
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory(prefix="editmetrics-mutation-") as folder:
        judge = Judge(Path(folder), options.jobs)
        plain = {tuple(tests_of(mutant.path)) for mutant in chosen}
        failing = judge.baseline(plain)
        if failing:
            sys.exit(f"the tests fail without a mutant: {failing}")
        verdicts = judge.verdicts({mutant: tuple(tests_of(mutant.path)) for mutant in chosen})
    report(verdicts, options.survivors)


if __name__ == "__main__":
    main()
