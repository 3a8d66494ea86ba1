"""Reads a gate's JUnit file with junitparser: junit_read.py FILE passed|failure|error|skipped."""

import sys

from junitparser import Error, Failure, JUnitXml, Skipped

path, outcome = sys.argv[1:]
kinds = {"failure": Failure, "error": Error, "skipped": Skipped}
suites = list(JUnitXml.fromfile(path))
assert len(suites) == 1, suites
suite = suites[0]
cases = list(suite)
assert suite.tests == len(cases) == 1, (suite.tests, len(cases))
case = cases[0]
assert case.classname.startswith("loxeval.gate."), case.classname
assert {p.name for p in suite.properties()} == {"run", "confidence", "outcome"}
if outcome == "passed":
    assert case.is_passed, case.result
else:
    assert [type(r) for r in case.result] == [kinds[outcome]], case.result
    assert case.result[0].message, "expected a message"
counts = {"failure": suite.failures, "error": suite.errors, "skipped": suite.skipped}
assert counts == {kind: int(kind == outcome) for kind in kinds}, counts
