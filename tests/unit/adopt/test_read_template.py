"""What is read of templates: values, what has none, and what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.adopt.block import TemplateAttribute, Unknown
from orchestrator.adopt.reading.template import read_template
from orchestrator.errors import AmiError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HEAD = """\
variable "name" {
  default = "web"
}

variable "size" {
  default = 3
}

variable "secret" {
  default   = "hush"
  sensitive = true
}

locals {
  first  = local.second
  second = "${var.name}-2"
  circle = local.circle
  map    = { a = [1, 2], "b c" = timestamp() }
}

"""


def read_one(folder: Path, expression: str) -> TemplateAttribute:
    path = folder / "one.pkr.hcl"
    path.write_text(f'{HEAD}source "null" "one" {{\n  value = {expression}\n}}\n')
    (source,) = read_template(path, {}).all("source")
    (attribute,) = source.attributes
    return attribute


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('"a\\tb\\u00e9 $${x} %%{y}"', "a\tbé ${x} %{y}"),
        ("var.size", 3),
        ('"${var.size}"', 3),
        ('"${var.size} of ${var.name}"', "3 of web"),
        ("local.first", "web-2"),
        ("local.map.a[1]", 2),
        ('local.map["a"]', [1, 2]),
        ('var.size > 2 && var.name != "x" ? upper(var.name) : null', "WEB"),
        ("!true", False),
        ("-var.size + 1", -2),
        ('join("/", concat(["a"], ["b", var.size]))', "a/b/3"),
        ('merge({ a = 1 }, { a = 2, "b" : true })', {"a": 2, "b": True}),
        ('lookup({ a = 1 }, "b", 4)', 4),
        ("[<<-END\n    one\n      ${var.name} $${two}\n    END\n  ]", ["one\n  web ${two}\n"]),
        ("path.root", "FOLDER"),
    ],
)
def test_value_when_it_depends_on_constants_alone(tmp_path: Path, expression: str, value: Any) -> None:
    expected = str(tmp_path) if value == "FOLDER" else value
    assert read_one(tmp_path, expression).value == expected


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("timestamp()", "it calls timestamp()"),
        ('"x-${local.map["b c"]}"', "it calls timestamp()"),
        ("local.circle", "local 'circle' is not known here: local 'circle' depends on itself"),
        ("var.nmae", "the template declares no variable 'nmae' (did you mean 'name'?)"),
        ("var.secret", "it uses the sensitive variable 'secret', whose value is written into no file"),
        ("[for one in [1] : one]", "it has a `for tuple expr` expression"),
        ("data.http.one.body", "data.http is known only while Packer runs"),
        ('"%{ if true }x%{ endif }"', "it has a template directive (%{ })"),
        ("merge([], {})", "merge() does not take what it is given"),
    ],
)
def test_why_when_it_has_no_value(tmp_path: Path, expression: str, why: str) -> None:
    assert read_one(tmp_path, expression).value == Unknown(why)


@pytest.mark.parametrize(
    ("expression", "hcl"),
    [
        ('["echo a", # kept\n  "b"]', '["echo a", # kept\n  "b"]'),
        ('"${var.name}"', '"web"'),
        ('["ID=${build.ID} ${var.name}"]', '["ID=${build.ID} web"]'),
        ('["${build.ID}", var.name]', '["${build.ID}", "web"]'),
        ('"${build.ID} ${source.name}"', ""),
        ('"${build.ID} ${var.secret}"', ""),
        ('templatefile("x", { a = var.name })', ""),
        ("timestamp()", ""),
    ],
)
def test_text_for_a_fragment(tmp_path: Path, expression: str, hcl: str) -> None:
    """What is known only to the template is replaced by its value, or the text is empty."""
    assert read_one(tmp_path, expression).hcl == hcl


GOOD = '{"builders": [{"type": "amazon-ebs"}]}'


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"t.json": '{\n "builders": [],\n}'}, "t.json:3: is not JSON: "),
        ({"t.json": '{"builder": []}'}, "t.json:1: is no Packer template: it has no 'builders'"),
        ({"t.json": '{"source": {}, "build": {}}'}, "t.json:1: is HCL2 in JSON syntax, which is not read"),
        (
            {"t.json": '{"builders": [],\n "provisioner": []}'},
            "t.json:2: unknown key 'provisioner' (did you mean 'provisioners'?)",
        ),
        ({"t.json": '{"builders": [\n {"name": "x"}]}'}, "t.json:2: entry 1 of 'builders' has no 'type'"),
        ({"t.json": '{"builders": ["amazon-ebs"]}'}, "t.json:1: entry 1 of 'builders' must be a mapping"),
        ({"t.json": '{"variables": {\n"x": null}, "builders": []}'}, "t.json:2: variable 'x' has no value"),
        ({"t.json": "[]"}, "t.json:1: must be a mapping"),
        ({"t.pkr.hcl": 'source "x" "y" {\n  a = \n}\n'}, "t.pkr.hcl:2: is not HCL"),
        ({"t.pkr.hcl": "a = 1\n"}, "t.pkr.hcl:1: 'a': only blocks stand at the top of a template"),
        (
            {"t.pkr.hcl": '\nvariable "x" {\n  type = string\n}\n'},
            "t.pkr.hcl:2: variable 'x' has no default, and no value",
        ),
        ({"t.json": '{"builders": [],\n "variables": []}'}, "t.json:2: 'variables' must be a mapping"),
        ({"t.pkr.hcl": '\nsource "x" {\n}\n'}, "t.pkr.hcl:2: `source` takes two names before its brace, and has 1"),
        ({"t.pkr.hcl": "variable {\n}\n"}, "t.pkr.hcl:1: `variable` takes one name before its brace, and has none"),
        (
            {"t.pkr.hcl": "build {\n  provisioner {\n  }\n}\n"},
            "t.pkr.hcl:2: `provisioner` takes one name before its brace, and has none",
        ),
        ({"t.pkr.hcl": "\xff"}, "t.pkr.hcl:1: is not UTF-8 text"),
        ({"t.yml": ""}, "t.yml is no Packer template"),
        ({}, "t.json is missing"),
    ],
)
def test_mistakes_are_told_with_their_lines(tmp_path: Path, files: Mapping[str, str], message: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_bytes(text.encode("latin-1"))
    with pytest.raises(AmiError) as refused:
        read_template(tmp_path / next(iter(files), "t.json"), {})
    assert message in str(refused.value)
    assert refused.value.exit_code == 2


def test_a_variable_that_is_given_must_be_declared(tmp_path: Path) -> None:
    path = tmp_path / "t.pkr.hcl"
    path.write_text(HEAD)
    with pytest.raises(
        AmiError, match=r"--var nmae: the template declares no variable 'nmae' \(did you mean 'name'\?\)"
    ):
        read_template(path, {"nmae": "x"})


def test_values_that_are_given_go_over_files_and_files_over_defaults(tmp_path: Path) -> None:
    path = tmp_path / "t.pkr.hcl"
    path.write_text(HEAD + 'source "null" "one" {\n  a = "${var.name} ${var.size}"\n}\n')
    (tmp_path / "x.auto.pkrvars.hcl").write_text('name = "auto"\nsize = 1\n')
    (tmp_path / "x.pkrvars.hcl").write_text("size = 2\n")

    def value(given: dict[str, str], *files: Path) -> Any:
        (source,) = read_template(path, given, files).all("source")
        return source.attributes[0].value

    assert value({}) == "auto 1"
    assert value({}, tmp_path / "x.pkrvars.hcl") == "auto 2"
    assert value({"size": "3"}, tmp_path / "x.pkrvars.hcl") == "auto 3"


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        ("string", "3", "3"),
        ("number", "3", 3),
        ("list(string)", '["a"]', ["a"]),
        ("bool", "true", True),
        ("any", "a b", "a b"),
    ],
)
def test_values_that_are_given_have_the_type_of_their_variable(
    tmp_path: Path, kind: str, given: str, value: Any
) -> None:
    path = tmp_path / "t.pkr.hcl"
    path.write_text(f'variable "x" {{\n  type = {kind}\n}}\nsource "null" "one" {{\n  a = var.x\n}}\n')
    (source,) = read_template(path, {"x": given}).all("source")
    assert source.attributes[0].value == value
