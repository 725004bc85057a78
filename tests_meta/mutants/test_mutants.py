"""The data of mutation testing: the document is current, and what is accepted is among the survivors, with a reason."""

from __future__ import annotations

import tomllib

from service_down.tests_meta.mutants.document import FILE, document
from service_down.tests_meta.mutants.measured import Accepted, Measured, accepted, measured_modules, unaccepted
from service_down.tests_meta.mutants.mutating import GROUPS, Mutant, selections_for
from service_down.tests_meta.suite_run import ROOT


def test_document_is_current() -> None:
    assert FILE.read_text(encoding="utf-8") == document(measured_modules())


def test_every_accepted_mutant_survived_and_has_a_reason() -> None:
    measured = measured_modules()
    for entry in accepted():
        assert entry.reason
        survivors = measured[entry.module].survivors
        assert any(entry.covers(entry.module, mutant) for mutant in survivors), entry


def test_only_the_named_mutant_is_accepted() -> None:
    first, second = Mutant("judge", "a < b", "a <= b"), Mutant("judge", "a < b", "a > b")
    entry = Accepted("checks/x.py", "judge", "equal times do not occur", "a < b", "a <= b")
    assert [entry.covers("checks/x.py", mutant) for mutant in (first, second)] == [True, False]
    assert not entry.covers("checks/y.py", first)
    assert Accepted("checks/x.py", "judge", "a text").covers("checks/x.py", second)


def test_what_is_measured_exists() -> None:
    for module, entry in measured_modules().items():
        assert (ROOT / module).is_file()
        assert len(unaccepted(module, Measured(entry.date, entry.command, entry.states, ()))) == 0


def test_every_group_names_tests_that_exist() -> None:
    for folder in tomllib.loads(GROUPS.read_text(encoding="utf-8")):
        assert (ROOT / folder).is_dir()
        words = [word for selection in selections_for(folder) for word in selection]
        named = [word for word in words if word.startswith("tests_meta/")]
        assert named
        assert [word for word in named if not (ROOT / word).exists()] == []
