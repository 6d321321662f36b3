"""What is installed, what is missing, and the exact remedy: `rad doctor`.

Each check is a function that returns a Finding. Nothing is imported before its check, so that `rad doctor` also works
in a broken installation.
"""

from collections.abc import Iterator

from rad.doctor.machine import MACHINE_CHECKS
from rad.doctor.packages import Check, Finding, one_line, package_checks
from rad.doctor.suites import suite_checks
from rad.envs.suites import SUITES

__all__ = ["Finding", "examine", "findings"]

FRESH = "make a fresh environment and install again: python3.11 -m venv .venv && .venv/bin/pip install 'rad-rl[dmc]'"


def examine(suite: str) -> int:
    """Print what every check finds; return 0 if `suite` can run, else 1.

    Raises:
        ValueError: the suite is unknown.
    """
    if suite not in SUITES:
        raise ValueError(f"unknown suite '{suite}'; known: {', '.join(SUITES)}")
    able = True
    for finding in findings(suite):
        word = "ok" if finding.ok else "FAILED" if finding.needed else "note"
        remedy = "" if finding.ok else f"\n{'':26}-> {finding.remedy}"
        print(f"{word:8}{finding.name:18}{finding.text}{remedy}", flush=True)
        able = able and (finding.ok or not finding.needed)
    print(f"suite {suite}: {'can run' if able else 'cannot run'}")
    return 0 if able else 1


def findings(suite: str) -> Iterator[Finding]:
    """Yield the finding of every check; those of the suite depend on each other and end with the first that fails."""
    for check in (*package_checks(suite), *MACHINE_CHECKS):
        yield attempt(check)
    for check in suite_checks(suite):
        finding = attempt(check)
        yield finding
        if finding.needed and not finding.ok:
            return


def attempt(check: Check) -> Finding:
    """Run a check; an unexpected error of importing or loading is a finding too."""
    try:
        return check()
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        name = getattr(check, "func", check).__name__.removeprefix("check_")
        return Finding(name, False, one_line(error), FRESH)
