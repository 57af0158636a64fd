"""Ways in which a team might weaken what the factory protects, and what becomes of each.

`refused` has the words of the error. Without it the way has no effect: `golden`, which has the protected layers, keeps
its fingerprints, its tests and its rendered template. `why` says why in a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

OWNER = "owner: {team: portal, email: portal@example.com}\n"
SPECS = "argument_specs: {main: {options: {%s: {type: str}}}}\n"
SHOUT = "class FilterModule:\n    def filters(self): return {'shout': str.upper, 'default': lambda *a: 'weak'}\n"

FACTORY = {
    "ami.yml": """\
name: factory
sources:
  debian-12: {ami_id: ami-0123456789abcdef0, ssh_username: admin}
ansible: {gather_subset: ["!all", virtual]}
packer: {required_plugins: {amazon: ">= 1.2.0"}}
layers:
  - base: {roles: [system], vars: {system_level: strong}, protected: true}
  - workload
""",
    "packer/images/golden.yml": f"name: golden\ndescription: x\n{OWNER}from: debian-12\nlayers: [base]\n",
    "packer/environments/lab.pkrvars.hcl": 'region = "us-east-1"\nextra_vars = { mirror = "http://m.example.com" }\n',
    "packer/image.pkr.hcl.j2": "build {\n{% for layer in layers %}\n{% include layer.fragment %}\n{% endfor %}\n}\n",
    "packer/layers/default.pkr.hcl.j2": 'provisioner "ansible" {\n  playbook_file = {{ layer.playbook }}\n'
    '  extra_arguments = ["--extra-vars", jsonencode({{ layer.vars }})]\n}\n',
    "playbooks/default.yml": "- hosts: all\n  roles: ['{{ layer_roles }}']\n",
    "playbooks/seal.yml": "- hosts: all\n  roles: [seal]\n",
    "roles/seal/tasks/main.yml": "[]\n",
    "roles/seal/meta/argument_specs.yml": SPECS % "seal_paths_removed",
    "roles/seal/tests/test_seal.py": "def test_sealed(): pass\n",
    "roles/system/tasks/main.yml": "- copy: {src: motd, dest: /etc/motd}\n"
    "- debug: {msg: \"{{ lookup('file', 'banner') | acme.base.shout }}\"}\n",
    "roles/system/meta/argument_specs.yml": SPECS % "system_level",
    "roles/system/meta/main.yml": "dependencies: [tls]\n",
    "roles/system/files/motd": "strong\n",
    "roles/system/tests/test_system.py": "def test_strong(): pass\n",
    "roles/tls/tasks/main.yml": "[]\n",
    "roles/tls/tests/test_tls.py": "def test_tls(): pass\n",
    "files/banner": "strong\n",
    "group_vars/base.yml": "system_group: strong\n",
    "collections/ansible_collections/acme/base/plugins/filter/shout.py": SHOUT,
    "ansible.cfg": "[defaults]\nfilter_plugins = filter_plugins\n",
    "filter_plugins/own.py": SHOUT,
}

WEB = f"name: web\ndescription: x\n{OWNER}from: golden\nlayers:\n  - workload: {{roles: [nginx]}}\n"
AMI = "name: team\nextends: {path: ../factory}\n"
TEAM = {
    "ami.yml": AMI,
    "packer/images/web.yml": WEB,
    "roles/nginx/tasks/main.yml": "[]\n",
    "roles/nginx/meta/argument_specs.yml": SPECS % "nginx_workers",
    "roles/nginx/tests/test_nginx.py": "def test_nginx(): pass\n",
}


@dataclass(frozen=True)
class Weakening:
    """One way. `files` go over those of the team; a text that begins with `->` is a link to what follows."""

    why: str
    files: Mapping[str, str]
    refused: str = ""
    #: The environment that the team plans in.
    environment: str = "lab"


def web(body: str) -> dict[str, str]:
    """Another image of the team's."""
    return {"packer/images/web.yml": f"name: web\ndescription: x\n{OWNER}{body}"}


def own(name: str, text: str) -> dict[str, str]:
    """An environment of the team's."""
    return {f"packer/environments/{name}.pkrvars.hcl": f'region = "us-east-1"\n{text}'}


TAKEN = "cannot take the place of"
ROLE = "[{name: weak, command: 'true'}]\n"

WEAKENINGS = {
    # Names.
    "declare the layer again": Weakening(
        "A protected layer is declared once, by its owner.",
        {"ami.yml": f"{AMI}layers: [{{base: {{roles: [nginx]}}}}]\n"},
        "layer 'base' is protected by FACTORY/ami.yml: it cannot be declared again",
    ),
    "declare it without protection": Weakening(
        "To take its protection back is to declare it again.",
        {"ami.yml": f"{AMI}layers: [{{base: {{roles: [system], protected: false}}}}]\n"},
        "layer 'base' is protected by FACTORY/ami.yml: it cannot be declared again",
    ),
    "a role of the same name": Weakening(
        "A name of a protected role leads to its owner's role alone.",
        {"roles/system/tasks/main.yml": ROLE},
        f"{TAKEN} FACTORY/roles/system, which belongs to the protected layer 'base'",
    ),
    "a role of the name that a protected role depends on": Weakening(
        "What a protected role depends on belongs to it.",
        {"roles/tls/tasks/main.yml": ROLE},
        f"{TAKEN} FACTORY/roles/tls, which belongs to the protected layer 'base'",
    ),
    "a role of the same name in other letter case": Weakening(
        "Some file systems take both names for one, so it is refused on all of them.",
        {"Roles/System/tasks/main.yml": ROLE},
        f"{TAKEN} FACTORY/roles/system",
    ),
    "a role of the same name that requirements.yml brings": Weakening(
        "What a level brings is there for images of that level and above.",
        {".ami/deps/roles/system/tasks/main.yml": ROLE},
    ),
    "an image of the same name": Weakening(
        "An image has one definition in all levels.",
        {"packer/images/golden.yml": FACTORY["packer/images/golden.yml"].replace("[base]", "[workload]")},
        "image 'golden' is already defined in FACTORY/packer/images/golden.yml",
    ),
    "a source with the name of an image": Weakening(
        "`from: golden` must mean one thing.",
        {"ami.yml": f"{AMI}sources: {{golden: {{ami_id: ami-0123456789abcdef1, ssh_username: x}}}}\n"},
        "'golden' is the name of an image of FACTORY/packer/images/golden.yml: a source needs another one",
    ),
    "a source of the same name": Weakening(
        "Golden starts from the source that its owner means.",
        {"ami.yml": f"{AMI}sources: {{debian-12: {{ami_id: ami-0123456789abcdef1, ssh_username: x}}}}\n"},
        "source 'debian-12' is already declared by what this workspace extends",
    ),
    "a workspace of the same name": Weakening(
        "Levels are told apart by their names.",
        {"ami.yml": AMI.replace("team", "factory")},
        "a workspace that this one extends is called 'factory', too: each needs a name of its own",
    ),
    # Playbooks and templates.
    "a playbook for the layer": Weakening(
        "A protected layer keeps the playbook that it has, also the default one.",
        {"playbooks/base.yml": "[]\n"},
        "layer 'base' is protected by FACTORY/ami.yml: it has the playbook of layers without one",
    ),
    "another default playbook": Weakening(
        "The default playbook belongs to the protected layers that use it.",
        {"playbooks/default.yml": "[]\n"},
        f"{TAKEN} FACTORY/playbooks/default.yml, which belongs to the protected layer 'base'",
    ),
    "another seal": Weakening(
        "The seal ends each build as its owner wrote it.",
        {"playbooks/seal.yml": "[]\n"},
        f"{TAKEN} FACTORY/playbooks/seal.yml, which belongs to the seal",
    ),
    "the seal's role": Weakening(
        "The role of the seal belongs to it.",
        {"roles/seal/tasks/main.yml": "[]\n"},
        f"{TAKEN} FACTORY/roles/seal, which belongs to the seal",
    ),
    "another frame": Weakening(
        "The frame holds every build together.",
        {"packer/image.pkr.hcl.j2": "# {{ image.name }}\n"},
        f"{TAKEN} FACTORY/packer/image.pkr.hcl.j2, which belongs to every image",
    ),
    "a fragment for the layer": Weakening(
        "A protected layer keeps the fragment that it has.",
        {"packer/layers/base.pkr.hcl.j2": ""},
        "layer 'base' is protected by FACTORY/ami.yml: it has the fragment of layers without one",
    ),
    "another default fragment": Weakening(
        "The default fragment belongs to the protected layers that use it.",
        {"packer/layers/default.pkr.hcl.j2": ""},
        f"{TAKEN} FACTORY/packer/layers/default.pkr.hcl.j2, which belongs to the protected layer 'base'",
    ),
    "a fragment for the seal": Weakening(
        "An empty fragment would leave the seal out.",
        {"packer/layers/seal.pkr.hcl.j2": ""},
        "the seal has the fragment of layers without one, and gets none here",
    ),
    "a fragment that closes the build before the seal": Weakening(
        "What a fragment prints must be whole blocks, so that it cannot close the block that it stands in.",
        {"packer/layers/workload.pkr.hcl.j2": '}\nbuild {\n  sources = ["source.null.x"]\n'},
        "prints no whole HCL blocks: line 1 of what it prints is not HCL",
    ),
    "a fragment with a source of its own": Weakening(
        "A layer's fragment has provisioners and post-processors only.",
        {"packer/layers/workload.pkr.hcl.j2": 'source "amazon-ebs.web" {\n}\n'},
        "prints 'source', and a layer has provisioner",
    ),
    "a template filter that makes HCL of a text": Weakening(
        "What a template prints is a literal, and filters that could change that are not there.",
        {"packer/layers/workload.pkr.hcl.j2": "{{ '} build {' | safe }}\n"},
        "No filter named 'safe'",
    ),
    "a machine fragment that closes the source": Weakening(
        "It stands in the source block, and cannot close it.",
        {
            "packer/source/x.pkr.hcl.j2": '}\nsource "null" "x" {\n',
            "packer/images/web.yml": f"{WEB}machine: {{fragment: source/x.pkr.hcl.j2}}\n",
        },
        "prints no whole HCL blocks",
    ),
    # Skipping and applying again.
    "start without the protected layers": Weakening(
        "An image of a team stands on one that has the protected layers, unless their owner allows a source.",
        web("from: debian-12\nlayers: [workload]\n"),
        "an image that starts from the source 'debian-12' has no protected layers ('base') of FACTORY/ami.yml",
    ),
    "start from a source of one's own": Weakening(
        "The same holds for sources that the team declares.",
        {
            "ami.yml": f"{AMI}sources: {{mine: {{ami_id: ami-0123456789abcdef1, ssh_username: x}}}}\n",
            **web("variants: [mine]\nlayers: [workload]\n"),
        },
        "an image that starts from the source 'mine' has no protected layers ('base')",
    ),
    "apply the layer with a team's settings beside it": Weakening(
        "Protected layers are applied by images of their owner, where no file of a team counts.",
        web("from: debian-12\nlayers: [base, workload]\n"),
        "layer 'base' is protected by FACTORY/ami.yml: start from an image that has it (golden)",
    ),
    "set variables on it": Weakening(
        "Images use a protected layer as it is.",
        web("from: golden\nlayers: [{base: {vars: {system_level: weak}}}]\n"),
        "layer 'base' is protected: an image may not set vars on it",
    ),
    "add roles to it": Weakening(
        "Images use a protected layer as it is.",
        web("from: golden\nlayers: [{base: {roles: [nginx]}}]\n"),
        "layer 'base' is protected: an image may not add roles to it",
    ),
    "add roles in a variant": Weakening(
        "A variant of a protected layer is as protected.",
        web("from: golden\nlayers: [{base: {variants: {x: {roles: [nginx]}}}}]\n"),
        "layer 'base' is protected: an image may not add roles to it",
    ),
    "apply its role once more": Weakening(
        "A second application could have other variables.",
        web("from: golden\nlayers: [{workload: {roles: [system]}}]\n"),
        "role 'system' belongs to the protected layer 'base': it is not used again",
    ),
    "depend on its role": Weakening(
        "A dependency would apply it once more, with variables of its own.",
        {"roles/nginx/meta/main.yml": "dependencies:\n  - {role: system, system_level: weak}\n"},
        "depends on 'system', a role of the protected layer 'base': it is not used again",
    ),
    # Variables.
    "set its role's variables in another layer": Weakening(
        "A layer takes variables of its own roles only, and its playbook is a run of its own.",
        web("from: golden\nlayers: [{workload: {roles: [nginx], vars: {system_level: weak}}}]\n"),
        "no role of the layer takes 'system_level'",
    ),
    "compute a variable with a lookup": Weakening(
        "Variables of another layer do not reach it, whatever they hold.",
        web("from: golden\nlayers: [{workload: {vars: {system_x: \"{{ lookup('env', 'X') }}\"}}}]\n"),
    ),
    "group_vars of the layer": Weakening(
        "Its variables are its owner's to set.",
        {"group_vars/base.yml": "system_group: weak\n"},
        "layer 'base' is protected by FACTORY/ami.yml: its variables cannot be set here",
    ),
    "group_vars of the layer as a folder": Weakening(
        "Ansible reads a folder of that name, too.",
        {"group_vars/base/main.yml": "system_group: weak\n"},
        "its variables cannot be set here",
    ),
    "group_vars of all": Weakening(
        "Of `group_vars` a protected layer gets those of its owner and below.",
        {"group_vars/all.yml": "system_group: weak\nsystem_level: weak\n"},
    ),
    "group_vars beside the playbooks": Weakening(
        "Ansible reads those beside the playbook that runs, which is the owner's.",
        {"playbooks/group_vars/all.yml": "system_group: weak\n"},
    ),
    "host_vars": Weakening("They are read where `group_vars` are.", {"host_vars/default.yml": "system_group: weak\n"}),
    "a variable of its role in an environment": Weakening(
        "Images of a level get the variables that the level gives an environment of that name.",
        own("own", 'extra_vars = { system_level = "weak" }\n'),
        environment="own",
    ),
    "a secret variable of the seal in an environment": Weakening(
        "The seal ends the builds of a team, too, as its owner wrote it.",
        own("own", 'secret_vars = { seal_paths_removed = "env:X" }\n'),
        "'seal_paths_removed' is a variable of the seal: it cannot be set here",
        environment="own",
    ),
    "a variable that no role declares in an environment": Weakening(
        "They do not reach images of a level that has no environment of that name.",
        own("own", 'extra_vars = { system_group = "weak", mirror = "http://weak.example.com" }\n'),
        environment="own",
    ),
    "an environment of the same name": Weakening(
        "Images of a level get the variables that the level gives the environment of that name.",
        own("lab", 'extra_vars = { mirror = "http://weak.example.com" }\n'),
    ),
    "the AMI that a build starts from in an environment": Weakening(
        "An environment's file takes its own keys only, and no variable of the template.",
        own("own", 'source_ami = "ami-0123456789abcdef1"\n'),
        "unknown key 'source_ami'",
        environment="own",
    ),
    # Settings of Ansible, its plugins and collections.
    "ansible.cfg": Weakening(
        "Each level's images are built with the settings of that level.",
        {"ansible.cfg": "[defaults]\ninject_facts_as_vars = false\nfilter_plugins = weak\nlibrary = weak\n"},
    ),
    "tags in ansible.cfg": Weakening(
        "They would leave out tasks of the seal.",
        {"ansible.cfg": "[tags]\nskip = always\n"},
        "'skip' in [tags] leaves out tasks of every role, those of the seal among them: take it out",
    ),
    "another strategy in ansible.cfg": Weakening(
        "A strategy of one's own decides which tasks run.",
        {"ansible.cfg": "[defaults]\nstrategy = weak\n"},
        "'strategy = weak' is not Ansible's own",
    ),
    "roles from elsewhere in ansible.cfg": Weakening(
        "A build looks for roles in the workspace alone.",
        {"ansible.cfg": "[defaults]\nroles_path = ../weak\n"},
        "'roles_path': a build looks for roles in roles/ alone",
    ),
    "which facts are gathered": Weakening(
        "Settings of ami.yml hold for images of that level.",
        {"ami.yml": f"{AMI}ansible: {{gather_subset: [all], mitogen: false}}\n"},
    ),
    "filter plugins beside the playbooks": Weakening(
        "Ansible loads plugins beside the playbook that runs.", {"playbooks/filter_plugins/default.py": SHOUT}
    ),
    "filter plugins in a folder that the owner's ansible.cfg names": Weakening(
        "Its paths start at its own folder.", {"filter_plugins/own.py": SHOUT.replace("upper", "lower")}
    ),
    "modules and action plugins": Weakening(
        "They are loaded beside the playbook that runs and from its roles.",
        {"playbooks/library/copy.py": "", "playbooks/action_plugins/copy.py": "", "library/copy.py": ""},
    ),
    "a collection of the same name": Weakening(
        "An image finds collections in its level and below.",
        {"collections/ansible_collections/acme/base/plugins/filter/shout.py": SHOUT.replace("upper", "lower")},
    ),
    "a collection of the same name beside the playbooks": Weakening(
        "Ansible looks beside the playbook that runs.",
        {"playbooks/collections/ansible_collections/acme/base/plugins/filter/shout.py": SHOUT.replace("upper", "x")},
    ),
    "a collection of the same name that requirements.yml brings": Weakening(
        "What a level brings is there for images of that level and above.",
        {".ami/deps/collections/ansible_collections/acme/base/plugins/filter/shout.py": SHOUT.replace("upper", "x")},
    ),
    "files of the same names": Weakening(
        "A role's files are found in the role and in its level.",
        {
            "files/banner": "weak\n",
            "files/motd": "weak\n",
            "templates/motd": "weak\n",
            "playbooks/files/motd": "weak\n",
        },
    ),
    # Tests.
    "leave its role untested": Weakening(
        "Only who protects a layer can say that a role of it needs no tests.",
        web("from: golden\nlayers: [{base: {untested: {system: no need}}}]\n"),
        "layer 'base' is protected: an image may not leave roles untested in it",
    ),
    "leave its role untested in another layer": Weakening(
        "A layer leaves roles of its own untested.",
        web("from: golden\nlayers: [{workload: {roles: [nginx], untested: {system: no need}}}]\n"),
        "'untested' names 'system', which the layer does not apply",
    ),
    "tests for its role": Weakening(
        "A protected role is proven by the tests of its level.",
        {"tests/roles/system/test_system.py": "def test_strong(): pass\n"},
    ),
    "a conftest.py": Weakening(
        "The tests of each level run in processes of their own, without files of another.",
        {"conftest.py": "collect_ignore_glob = ['*']\n", "roles/conftest.py": "", "tests/conftest.py": ""},
    ),
    # What an image says of itself, and what it is built on.
    "tags that the factory sets": Weakening(
        "What is built says itself which layers it has.",
        {"packer/images/web.yml": f"{WEB}tags: {{'ami:layers': base}}\n"},
        "the factory sets 'Name' and the keys that begin with 'ami:' itself",
    ),
    "masks": Weakening("They hide values in logs, and decide no verdict.", {"ami.yml": f"{AMI}masks: [HOME]\n"}),
    "a machine block": Weakening(
        "A machine block holds for images of its level, and cannot ask for IMDSv1 at all.",
        {"ami.yml": f"{AMI}machine: {{imds: {{hop_limit: 64}}, user_data: weak.sh}}\n", "weak.sh": "#!/bin/sh\n"},
    ),
    "IMDSv1": Weakening(
        "There is no key for it.",
        {"packer/images/web.yml": f"{WEB}machine: {{imds: {{http_tokens: optional}}}}\n"},
        "unknown key 'http_tokens'",
    ),
    "another version of a Packer plugin": Weakening(
        "An image is rendered with the pins of its level.",
        {"ami.yml": f"{AMI}packer: {{required_plugins: {{amazon: '= 1.0.0'}}}}\n"},
    ),
    "a Packer plugin from elsewhere": Weakening(
        "A plugin comes from one place.",
        {"ami.yml": f"{AMI}packer: {{required_plugins: {{amazon: {{version: '1', source: weak.org/x/amazon}}}}}}\n"},
        "the plugin 'amazon' comes from github.com/hashicorp/amazon, and not from weak.org/x/amazon",
    ),
    "rules of one's own": Weakening(
        "They hold for those who extend the team's workspace.",
        {"ami.yml": f"{AMI}allow: {{sources: ['*'], layers: ['*']}}\n"},
    ),
    # Links.
    "a link in the place of a role": Weakening(
        "A link is refused as what it leads to.",
        {"roles/system": "->nginx"},
        f"{TAKEN} FACTORY/roles/system",
    ),
    "a link that leads somewhere later": Weakening(
        "A link counts although nothing is there yet.",
        {"roles/system": "->/nonexistent/role"},
        f"{TAKEN} FACTORY/roles/system",
    ),
    "a link in the place of a folder": Weakening(
        "What is below a linked folder counts as well.",
        {"playbooks": "->weak", "weak/seal.yml": "[]\n"},
        f"{TAKEN} FACTORY/playbooks/seal.yml",
    ),
    "a protected role under another name": Weakening(
        "It is the team's own role then, in a layer of the team's; golden's tests judge the machine.",
        {"roles/lax": "->../../factory/roles/system", **web("from: golden\nlayers: [{workload: {roles: [lax]}}]\n")},
    ),
}


def as_table() -> str:
    """The ways as the table of docs/protection.md has them."""
    rows = [("way", "what becomes of it", "why"), ("--", "--", "--")]
    rows += [(name, "refused" if way.refused else "no effect", way.why) for name, way in WEAKENINGS.items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
