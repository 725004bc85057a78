"""`dependencies.md`: every package that is installed, from `pyproject.toml`, the locks and the installed metadata.

It needs the checkout, and the packages of both locks: `make reference` installs them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import metadata
from pathlib import Path

from service_down.reports.reference.markdown import code, document, table

ROOT = Path(__file__).resolve().parents[2]
RUN_LOCK, DEV_LOCK, MUTANTS_LOCK = "requirements.lock", "requirements-dev.lock", "requirements-mutants.lock"
REQUIRED_HERE = re.compile(r"service-down \(pyproject\.toml(?::(\w+))?\)")  # group 1: a dependency group
DEV_GROUP, MUTANTS_GROUP = "dev", "mutants"
_PIN = re.compile(r"(?P<name>[a-z0-9.-]+)==(?P<version>[^\s;]+)(?: ; (?P<marker>.+?))? \\")
_PURPOSE = re.compile(r'^\s*"([a-z0-9-]+)[^"]*",?\s*#\s*(.+)$', re.MULTILINE)
_HEADER = ("package", "version", "licence", "purpose")
_INTRODUCTION = (
    "# Dependencies",
    f"`make setup` installs what a run needs, as pinned with hashes in `{RUN_LOCK}`. `make test`, `make lint`,"
    f" `make bench` and `make reference` also install what is pinned in `{DEV_LOCK}`. `make mutants` also installs"
    f" what is pinned in `{MUTANTS_LOCK}`. `make lock` makes all three from `pyproject.toml`.",
    "Licences are SPDX expressions, from the packages' metadata. A test allows in a run's lock only MIT, BSD,"
    " Apache-2.0, PSF, ISC, MPL-2.0, and LGPL for psycopg. `psycopg-binary` also brings PostgreSQL's libpq and the"
    " libraries that libpq needs, among them OpenSSL and Kerberos, each under its own licence.",
)
_LICENCE_OF_TEXT = {  # the words of older metadata
    "Apache Software License": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
_LICENCES = {  # of packages that not every platform installs, or whose metadata names none
    "async-timeout": "Apache-2.0",
    "axe-playwright-python": "MIT",
    "colorama": "BSD-3-Clause",
    "mutmut": "BSD-3-Clause",  # only `make mutants` installs it
    "pywin32": "PSF-2.0",
    "tzdata": "Apache-2.0",
}


@dataclass(frozen=True)
class Package:
    """A package in a lock."""

    name: str
    version: str
    marker: str  # where it is installed: a Python version, a platform; empty: everywhere
    hashes: frozenset[str]
    required_by: tuple[str, ...]

    @property
    def groups(self) -> set[str]:
        """The dependency groups of `pyproject.toml` that name it; an empty name stands for the project itself."""
        return {match[1] or "" for name in self.required_by if (match := REQUIRED_HERE.fullmatch(name))}


def locked(file_name: str) -> dict[str, Package]:
    """Return the packages of a lock by name."""
    lines = (ROOT / file_name).read_text(encoding="utf-8").splitlines()
    starts = [index for index, line in enumerate(lines) if not line.startswith(" ")]
    packages = (_package(lines[start:end]) for start, end in zip(starts, [*starts[1:], len(lines)], strict=True))
    return {package.name: package for package in packages}


def _package(lines: Sequence[str]) -> Package:
    pin = _PIN.fullmatch(lines[0])
    if not pin:
        raise ValueError(f"not a pinned package with hashes: {lines[0]}")
    hashes = frozenset(line.split("--hash=")[1].rstrip(" \\") for line in lines if "--hash=" in line)
    comments = (line.strip().removeprefix("#").strip().removeprefix("via").strip() for line in lines if "#" in line)
    return Package(pin["name"], pin["version"], pin["marker"] or "", hashes, tuple(filter(None, comments)))


def licence(name: str) -> str:
    """Return the licence of a package. Raises PackageNotFoundError when it is not installed."""
    if name in _LICENCES:
        return _LICENCES[name]
    found = metadata(name)
    classifiers = [line.rpartition(":: ")[2] for line in found.get_all("Classifier") or [] if "License ::" in line]
    texts = [*(found.get_all("License-Expression") or []), *(found.get_all("License") or []), *classifiers]
    if not texts:
        raise ValueError(f"the metadata of {name} names no licence: read its files and add it to {Path(__file__).name}")
    text: str = texts[0]
    return _LICENCE_OF_TEXT.get(text, text)


def dependencies_document() -> str:
    """Return the document."""
    run, dev, mutants = locked(RUN_LOCK), locked(DEV_LOCK).values(), locked(MUTANTS_LOCK).values()
    return document(
        [
            *_INTRODUCTION,
            f"## A run: {len(run)} packages",
            "### Required by the suite",
            table(_HEADER, _rows([package for package in run.values() if package.groups])),
            "### Required by these",
            table(_HEADER, _rows([package for package in run.values() if not package.groups])),
            "## Tests and tools",
            f"Besides these, `{DEV_LOCK}` holds what they require, and all packages of a run.",
            table(
                _HEADER, _rows([package for package in dev if DEV_GROUP in package.groups and package.name not in run])
            ),
            "## Mutation testing",
            f"Besides these, `{MUTANTS_LOCK}` holds what it requires, and all packages of tests and tools.",
            table(_HEADER, _rows([package for package in mutants if package.groups == {MUTANTS_GROUP}])),
        ]
    )


def _rows(packages: Sequence[Package]) -> Iterator[tuple[str, ...]]:
    purposes = dict(_PURPOSE.findall((ROOT / "pyproject.toml").read_text(encoding="utf-8")))
    for package in packages:
        purpose = purposes[package.name] if package.groups else "for " + ", ".join(package.required_by)
        where = f"; only if {code(package.marker)}" if package.marker else ""
        yield code(package.name), package.version, licence(package.name), purpose + where
