"""What a person reads of a changed input."""

from __future__ import annotations

import pytest

from orchestrator.plan.explaining.change import Change, InputKind, InputState, changes

VALUE = InputKind.VALUE


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("2", "4", "n: 2 -> 4"),
        ("2", '"2"', 'n: 2 -> "2"'),
        ('"www-data"', '"nginx"', "n: www-data -> nginx"),
        ('""', '" a"', 'n: "" -> " a"'),
        ('["a","b"]', '["a","c"]', "n: + c, - b"),
        ('["a","b"]', '["b","a"]', "n: in another order"),
        ('["a"]', '["a","a"]', 'n: ["a"] -> ["a", "a"]'),
        ('{"site":{"port":80,"tls":true}}', '{"site":{"port":81},"x":1}', "n.site.port: 80 -> 81"),
        ('[{"name":"a"},{"name":"b"}]', '[{"name":"a"},{"name":"c"}]', "n[1].name: b -> c"),
        (None, "4", "vars: n changed: it is 4 now"),
        ("2", None, "vars: n changed: it was 2"),
        (None, None, "vars: n changed"),
        ("1", f'"{"x" * 100}"', "n: 1 -> " + '"' * 0 + "x" * 45 + "..."),
    ],
)
def test_lines_when_a_value_differs(before: str | None, after: str | None, said: str) -> None:
    """Old and new stand side by side, at the place in a value where they differ; what is not known is not shown."""
    first, *_ = Change("workload", "vars: n", "changed", VALUE, before, after).lines
    assert first.replace(" (layer workload)", "") == said


def test_lines_when_several_places_differ() -> None:
    """Each has a line of its own, with the layer."""
    before, after = '{"site":{"port":80,"tls":true}}', '{"site":{"port":81},"x":1}'
    assert Change("base", "vars: n", "changed", VALUE, before, after).lines == (
        "n.site.port: 80 -> 81 (layer base)",
        "n.site.tls: true, removed (layer base)",
        "n.x: 1, added (layer base)",
    )


def test_lines_when_an_input_is_new_or_gone() -> None:
    """The value that it has, or had, is shown; a file is named."""
    assert Change("base", "vars: n", "added", VALUE, None, "4").lines == ("n: 4, added (layer base)",)
    assert Change("base", "vars: n", "removed", VALUE, "4", None).lines == ("n: 4, removed (layer base)",)
    assert Change("start", "roles/seal/tasks/main.yml", "removed").lines == ("roles/seal/tasks/main.yml removed",)


def test_diff_when_a_file_differs() -> None:
    """It is as `diff -u` has it, with the file as it is called."""
    change = Change("base", "roles/a/f", "changed", InputKind.FILE, "one\ntwo\n", "one\nthree\n")
    assert change.lines == ("roles/a/f changed (layer base)",)
    assert change.diff == ("--- a/roles/a/f", "+++ b/roles/a/f", "@@ -1,2 +1,2 @@", " one", "-two", "+three")
    assert change.as_json(diff=True)["diff"] == "\n".join(change.diff)
    new = Change("base", "roles/a/f", "added", InputKind.FILE, None, "one\n")
    assert new.diff == ("--- /dev/null", "+++ b/roles/a/f", "@@ -0,0 +1 @@", "+one")
    assert Change("base", "roles/a/f", "changed", InputKind.FILE, None, "one\n").diff == ()
    many = Change("base", "f", "changed", InputKind.FILE, "", "\n".join(map(str, range(1000))))
    assert many.diff[-1] == "... and 804 more lines"


def test_diff_when_a_value_is_short() -> None:
    """Its line says it all; a long one is shown line by line."""
    assert Change("base", "vars: n", "changed", VALUE, "1", "2").diff == ()
    long = Change("base", "vars: n", "changed", VALUE, '["a"]', f'["a",{"x" * 60!r}]'.replace("'", '"'))
    assert '+  "' + "x" * 60 + '"' in long.diff


def test_changes_when_only_digests_are_known() -> None:
    """What differs is found by digests alone; contents decide nothing."""
    before = {("base", "a"): InputState("1", text="x"), ("base", "b"): InputState("2")}
    after = {("base", "a"): InputState("1", text="y"), ("base", "c"): InputState("3")}
    assert changes(before, after) == (Change("base", "c", "added"), Change("base", "b", "removed"))
