"""What a checkout holds: files, pins, and the distributions that a requirement brings with it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@dataclass(frozen=True)
class Archives:
    """What a release consists of: the source archive, and the wheel that was built from it."""

    source: Path
    wheel: Path


def tracked(root: Path) -> list[Path]:
    """The files that are under version control, or would be: all but those that git ignores."""
    listing = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    )
    names = {name for name in listing.stdout.split("\0") if name}
    return sorted(root / name for name in names if (root / name).is_file())


def pins(root: Path) -> dict[str, str]:
    """The version of each distribution in the lock that this platform needs."""
    lines = (root / "requirements.lock").read_text("utf8").splitlines()
    wanted = [Requirement(line) for line in lines if line and not line.startswith("#")]
    here = [r for r in wanted if r.marker is None or r.marker.evaluate()]
    return {canonicalize_name(r.name): str(r.specifier).removeprefix("==") for r in here}


def active(requirements: Iterable[str], extras: Iterable[str] = ()) -> list[Requirement]:
    """Those that hold on this platform, for any of the extras or for none."""
    chosen = [{"extra": extra} for extra in ("", *extras)]
    parsed = [Requirement(text) for text in requirements]
    return [r for r in parsed if not r.marker or any(map(r.marker.evaluate, chosen))]


def closure(requirements: Iterable[str]) -> list[metadata.Distribution]:
    """The installed distributions that the requirements ask for, and all that these ask for."""
    waiting, found = active(requirements), {}
    while waiting:
        requirement = waiting.pop()
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key not in found:
            found[key] = metadata.distribution(requirement.name)
            waiting += active(found[key].requires or [], requirement.extras)
    return list({name: one for (name, _), one in found.items()}.values())
