"""What a rendered build says, and that Packer takes it as it is."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hcl2
import pytest
from hcl2.utils import SerializationOptions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.definition.environment import Environment
from orchestrator.definition.image import Owner
from orchestrator.definition.roles.entry import RoleEntry
from orchestrator.definition.source import Source
from orchestrator.errors import DefinitionError
from orchestrator.process import run
from orchestrator.render.packer import Renderer, render
from orchestrator.render.packer_set import PackerSet
from orchestrator.tags import Tag
from tests.unit.render.sets import LEGACY, PLUGINS, SETS

if TYPE_CHECKING:
    from orchestrator.plan.segment import SegmentOutline
    from tests.unit.render.conftest import Project

#: Tags and descriptions may not hold two opening braces, and HCL is in NFC; ASCII here, any text in test_packer_reads.
PRINTED = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20).filter(lambda text: "{{" not in text)


def parsed(text: str) -> dict[str, Any]:
    return hcl2.loads(text, serialization_options=SerializationOptions(strip_string_quotes=True, with_comments=False))


def variables(text: str) -> dict[str, Any]:
    return {name: block.get("default") for each in parsed(text)["variable"] for name, block in each.items()}


def start(project: Project, **source: Any) -> tuple[Any, Any, Any]:
    segment = project.segment(source=Source.model_validate({"name": "it", "ssh_username": "admin", **source}))
    given_ = variables(render(project.workspace, segment, LEGACY))
    return given_["source_ami"], given_["source_filters"], given_["source_owners"]


def test_a_source_by_filter_is_looked_up_by_packer(shipped: Project) -> None:
    written = {"name": "x-*", "owner": "123456789012", "architecture": "arm64", "product_code": "abc"}
    filters = {"name": "x-*", "architecture": "arm64", "product-code": "abc"}
    assert start(shipped, filter=written) == ("", filters, ["123456789012"])


def test_a_source_by_id_is_pinned(shipped: Project) -> None:
    assert start(shipped, ami_id="ami-0123456789abcdef0") == ("ami-0123456789abcdef0", {}, [])


def test_a_source_by_parameter_is_left_to_whoever_builds_and_said_so(shipped: Project) -> None:
    source = Source(name="al", ssm_parameter="/aws/service/al2023", ssh_username="ec2-user")
    text = render(shipped.workspace, shipped.segment(source=source), LEGACY)
    assert variables(text)["source_filters"] == {}
    assert "-var source_ami=" in text
    assert '# "/aws/service/al2023".' in text


def test_an_image_on_another_starts_from_its_newest_validated_version(shipped: Project) -> None:
    text = render(shipped.workspace, shipped.segment(parent="stone"), LEGACY)
    given_ = variables(text)
    assert given_["source_filters"] == {"tag:ami:image": "stone", "tag:ami:state": "validated"}
    assert given_["source_owners"] == ["self"]
    assert '"ami:parent"  = "{{ .SourceAMI }}"' in text


def test_a_workspaces_own_frame_may_spell_the_keys_of_tags(shipped: Project, project: Project) -> None:
    """Frames did before keys came with the values that a frame prints."""
    expected = render(shipped.workspace, shipped.segment(), LEGACY)
    frame = project.root / "packer/image.pkr.hcl.j2"
    text, count = re.subn(
        r"\{\{ tag_keys\.(\w+) \}\}", lambda found: f'"{Tag[found[1].upper()]}"', frame.read_text(encoding="utf-8")
    )
    assert count == 12
    frame.write_text(text, encoding="utf-8")
    assert render(project.workspace, project.segment(), LEGACY) == expected


def test_the_variables_of_an_environment_are_declared(shipped: Project) -> None:
    declared = variables(render(shipped.workspace, shipped.segment(), LEGACY))
    assert set(Environment.model_fields) - {"name", "path"} <= declared.keys()
    assert declared["region"] is None


def test_layers_stand_in_their_order_and_the_seal_last(shipped: Project) -> None:
    base = shipped.segment().layers[0]
    two = replace(shipped.segment(), layers=(base, replace(base, name="more", roles=("b", "a"))))
    built = parsed(render(shipped.workspace, two, LEGACY))["build"][0]["provisioner"]
    kinds = [kind for provisioner in built for kind in provisioner]
    assert kinds == ["shell", "ansible", "ansible", "ansible"]
    arguments = [provisioner["ansible"]["extra_arguments"][1] for provisioner in built[1:]]
    assert ['"layer_name" = "base"' in arguments[0], '"layer_roles" = ["b", "a"]' in arguments[1]] == [True, True]
    assert '"layer_name" = "seal"' in arguments[2]


def test_what_a_team_extends_is_named_as_seen_from_its_workspace(project: Project, tmp_path: Path) -> None:
    team = project.extended_by(tmp_path / "team")
    text = render(team.workspace, team.segment(), LEGACY)
    assert 'join("/", [var.workspace, "../workspace/playbooks/base.yml"])' in text
    assert '[for path in ["roles", "../workspace/roles"] :' in text


@pytest.mark.parametrize("packers", SETS.values(), ids=SETS)
def test_the_same_definitions_give_the_same_bytes_wherever_they_lie(
    project: Project, shipped: Project, packers: PackerSet
) -> None:
    one = render(project.workspace, project.segment(vars_={"b": 1, "a": {"z": 1, "y": 2}}), packers)
    other = render(shipped.workspace, shipped.segment(vars_={"a": {"y": 2, "z": 1}, "b": 1}), packers)
    assert one == other
    assert str(project.root) not in one


def test_only_the_newer_generation_asks_for_plugins_and_tokens(shipped: Project) -> None:
    legacy, plugins = (render(shipped.workspace, shipped.segment(), packers) for packers in (LEGACY, PLUGINS))
    assert ("required_plugins" in legacy, "metadata_options" in legacy) == (False, False)
    assert set(parsed(plugins)["packer"][0]["required_plugins"][0]) > {"amazon", "ansible"}
    assert 'http_tokens   = "required"' in plugins


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(PRINTED, PRINTED, max_size=3), PRINTED, PRINTED)
def test_any_text_stays_in_its_place(shipped: Project, tags: dict[str, str], description: str, team: str) -> None:
    owner = Owner.model_construct(team=team, email="a@example.com")
    segment = shipped.segment(tags=tags, description=description, owner=owner)
    text = render(shipped.workspace, segment, LEGACY)
    (local,) = parsed(text[text.index("locals {") : text.index("source ")])["locals"]
    assert {key: value for key, value in local["image_tags"].items() if key != "__is_block__"} == tags
    assert local["ami_tags"]["ami:owner"] == f"{team} <a@example.com>"
    described = render(shipped.workspace, segment, PackerSet("1.16", "1.8.2", "1.1.6"))
    assert parsed(line(described, "ami_description")) == {"ami_description": description}


def line(text: str, attribute: str) -> str:
    (found,) = (line for line in text.splitlines() if line.split()[:1] == [attribute])
    return found + "\n"


def test_odd_text_stays_in_its_place_in_the_whole_file(shipped: Project) -> None:
    odd = '${file("/etc/passwd")} "} %{ if true } \\ \n é # //'
    segment = shipped.segment(tags={odd: odd}, description=odd, vars_={odd: odd})
    read = parsed(render(shipped.workspace, segment, PLUGINS))
    assert set(read) == {"packer", "variable", "locals", "source", "build"}
    assert read["locals"][0]["image_tags"] == {odd: odd}
    assert read["source"][0]["amazon-ebs"]["golden"]["ami_description"] == odd


@pytest.mark.parametrize(
    ("image", "place"),
    [
        ({"description": "a {{ b"}, "description"),
        ({"tags": {"k": "{{{"}}, "tags.k"),
        ({"owner": Owner.model_construct(team="t", email="{{@example.com")}, "owner.email"),
    ],
)
def test_when_packer_would_take_a_text_for_its_template_then_that_is_said(
    project: Project, image: dict[str, Any], place: str
) -> None:
    path = project.add("packer/images/golden.yml", "")
    with pytest.raises(DefinitionError) as caught:
        render(project.workspace, project.segment(**image), LEGACY)
    (problem,) = caught.value.problems
    assert problem.path == path
    assert problem.what.startswith(f"{place}: Packer takes '{{{{' for a template")


@pytest.mark.parametrize("name", ["{{odd}}", "o:dd"])
def test_when_the_workspace_lies_in_such_a_place_then_that_is_said(project: Project, tmp_path: Path, name: str) -> None:
    odd = tmp_path / name
    shutil.move(project.root, odd)
    moved = replace(project, workspace=replace(project.workspace, root=odd))
    with pytest.raises(DefinitionError, match="a workspace's path"):
        render(moved.workspace, moved.segment(), LEGACY)


def test_when_a_layer_sets_what_the_factory_sets_then_that_is_said(shipped: Project) -> None:
    with pytest.raises(DefinitionError, match=r"golden\.yml: layer 'base': the variable 'layer_roles' is set"):
        render(shipped.workspace, shipped.segment(vars_={"layer_roles": []}), LEGACY)


def with_entry(segment: SegmentOutline, **variables: Any) -> SegmentOutline:
    """The same build, whose one role has variables of its own."""
    (layer,) = segment.layers
    changed = replace(layer, entries=(RoleEntry(role="system", vars={"port": 1}),), vars=variables)
    return replace(segment, layers=(changed,), stack=(changed,))


def test_entries_when_they_say_more_than_a_name(project: Project) -> None:
    """Tasks of theirs go to the playbook, in which a variable of the entry is no extra variable."""
    project.add("playbooks/base.yml", '- include_tasks: "{{ layer_tasks }}"\n')
    text = render(project.workspace, with_entry(project.segment(), port=2, name="n"), LEGACY)
    assert "layer_role_tasks = base64encode(jsonencode([" in text
    assert '"port" = 1' in text
    assert '"port" = 2' not in text


def test_entries_when_they_cannot_be_applied(project: Project) -> None:
    """A playbook must take them, and what a rendered file holds is no secret."""
    with pytest.raises(DefinitionError, match=r"base\.yml: layer 'base' says more of single roles .*layer_tasks"):
        render(project.workspace, with_entry(project.segment()), LEGACY)
    project.add("playbooks/base.yml", '- include_tasks: "{{ layer_tasks }}"\n')
    with pytest.raises(DefinitionError, match="'port' holds a secret"):
        render(project.workspace, with_entry(project.segment(), port={"secret": "env:PORT"}), LEGACY)


def test_group_vars_when_a_layer_has_some(project: Project) -> None:
    """The machine is in its groups, and the workspace is an inventory for its group_vars alone."""
    plain = render(project.workspace, project.segment(), LEGACY)
    assert "ANSIBLE_INVENTORY_IGNORE_REGEX" not in plain
    (layer,) = (segment := project.segment()).layers
    changed = replace(layer, groups=("base", "golden"), group_folders=(project.root,))
    text = render(project.workspace, replace(segment, layers=(changed,), stack=(changed,)), LEGACY)
    assert '"-i", join("/", [var.workspace, "."]),' in text
    assert '"ANSIBLE_INVENTORY_IGNORE_REGEX=.",' in text
    group = r"[golden]\n{{ .HostAlias }}\n[golden:vars]\nansible_group_priority=2\n"
    assert group in text


def test_text_when_a_template_is_edited_after_the_plan(project: Project) -> None:
    """A build gets what was rendered for its plan; another build of the plan is rendered from the same templates."""
    renderer = Renderer(project.workspace, LEGACY)
    before = renderer.text(project.segment())
    frame = project.root / "packer" / "image.pkr.hcl.j2"
    frame.write_text("# edited\n" + frame.read_text())
    assert renderer.text(project.segment()) == before
    assert "# edited" not in renderer.text(project.segment(name="web"))
    assert "# edited" in render(project.workspace, project.segment(), LEGACY)


def test_check_when_only_values_differ(project: Project) -> None:
    """Each build is checked by itself, also when another one of its shape was rendered."""
    renderer = Renderer(project.workspace, LEGACY)
    renderer.text(project.segment())
    with pytest.raises(DefinitionError, match="description: Packer takes"):
        renderer.check(project.segment(name="web", description="{{"))


def test_a_build_that_was_rendered_elsewhere_is_taken_as_it_is(shipped: Project, tmp_path: Path) -> None:
    """A worker gets the text that belongs to the plan; others of the same renderer are rendered as ever."""
    segment = shipped.segment()
    renderer = Renderer(shipped.workspace, LEGACY, {segment.name: "# from the plan\n"})
    assert renderer.write(segment, tmp_path).read_text() == "# from the plan\n"
    other = Renderer(shipped.workspace, LEGACY, {"another": "# from the plan\n"})
    assert other.text(segment) == render(shipped.workspace, segment, LEGACY)


def test_write_names_the_file_after_the_image(shipped: Project, tmp_path: Path) -> None:
    path = Renderer(shipped.workspace, LEGACY).write(shipped.segment(), tmp_path)
    assert path == tmp_path / "golden.pkr.hcl"
    assert path.read_text() == render(shipped.workspace, shipped.segment(), LEGACY)


@pytest.mark.parametrize("packers", SETS.values(), ids=SETS)
def test_packer_fmt_has_nothing_to_add(project: Project, packers: PackerSet) -> None:
    odd = {"é": "${a}", "a" * 30: ["}", {"y = 1": "#"}], "": {"x": 1, "yyy": [{}]}}
    tags = {"k" * 30: "v", "k": '"'}
    path = Renderer(project.workspace, packers).write(project.segment(vars_=odd, tags=tags), project.root)
    assert run(["packer", "fmt", "-check", "-diff", str(path)], check=False).out == ""


def test_packer_validate_takes_it_with_the_labs_environment(project: Project) -> None:
    odd: dict[str, Any] = {"text": '{{ x }} ${file("/etc/passwd")} "}'}
    description = 'a ${file("/etc/passwd")} "}\\'
    segment = project.segment(vars_=odd, description=description, tags={'"}${a}': "%{b}"})
    path = Renderer(project.workspace, LEGACY).write(segment, project.root)
    environment = Path(__file__).parents[3] / "packer" / "environments" / "lab.pkrvars.hcl"
    run(
        ["packer", "validate", f"-var-file={environment}", str(path)], cwd=project.root, env={"CHECKPOINT_DISABLE": "1"}
    )
