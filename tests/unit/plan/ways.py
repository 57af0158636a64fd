"""Ways in which a playbook reaches a file: for each the files that it takes, and the tasks that go it."""

from __future__ import annotations

from dataclasses import dataclass, field

COPY = "- ansible.builtin.copy: {src: %s, dest: '{{ out }}/'}\n"
SAY = "- ansible.builtin.debug: {msg: %s}\n"
AT = "at: '{{ playbook_dir }}/../shared/by_variable.txt'\n"
PLUGIN = "class FilterModule:\n    def filters(self):\n        return {'twice': lambda x: x + x}\n"
WORDS = "- ansible.builtin.debug: {msg: words}\n"


@dataclass(frozen=True)
class Way:
    """`tasks` are put into the role `app`, `play` into the playbook; `links` are made after the files.

    `could_be` are files of NEVER that a name which is computed could be.
    """

    files: dict[str, str] = field(default_factory=dict)
    tasks: str = ""
    play: str = ""
    links: dict[str, str] = field(default_factory=dict)
    could_be: tuple[str, ...] = ()


WAYS = {
    "a role that a task includes": Way(
        {"roles/inner/tasks/main.yml": WORDS, "roles/inner/defaults/main.yml": "inner: 1\n"},
        "- ansible.builtin.include_role: {name: inner}\n",
    ),
    "a part of a role, which depends on another": Way(
        {
            "roles/parts/tasks/some.yml": WORDS,
            "roles/parts/meta/main.yaml": "dependencies: [{role: below}]\n",
            "roles/below/tasks/main.yml": WORDS,
        },
        "- import_role: {name: parts, tasks_from: some}\n",
    ),
    "roles of a loop": Way(
        {"roles/first/tasks/main.yml": WORDS, "roles/second/tasks/main.yml": WORDS},
        "- include_role: {name: '{{ item }}'}\n  loop: [first, second]\n",
    ),
    "a role of a computed name": Way(
        {"roles/by_name/tasks/main.yml": WORDS},
        "- include_role: {name: \"{{ ['by', 'name'] | join('_') }}\"}\n",
        could_be=("roles/unused/tasks/main.yml",),
    ),
    "a role that is a link": Way(
        {"vendor/linked/tasks/main.yml": WORDS},
        "- include_role: {name: linked}\n",
        links={"roles/linked": "../vendor/linked"},
    ),
    "a role of a collection": Way(
        {"playbooks/collections/ansible_collections/acme/kit/roles/thing/tasks/main.yml": WORDS},
        "- include_role: {name: acme.kit.thing}\n",
    ),
    "a file outside of the role": Way({"shared/file.txt": "1"}, COPY % "../../../shared/file.txt"),
    "arguments in one line": Way(
        {"shared/in_line/a.txt": "1", "roles/lined/tasks/main.yml": WORDS},
        "- include_role: name={{ 'lin' ~ 'ed' }}\n"
        "- copy: src=../../../shared/in_line/{{ 'a' }}.txt dest={{ out }}/line\n",
        could_be=("roles/unused/tasks/main.yml",),
    ),
    "a lookup of a file": Way(
        {"shared/looked.txt": "1"}, SAY % "\"{{ lookup('file', playbook_dir ~ '/../shared/looked.txt') }}\""
    ),
    "a lookup by a variable": Way(
        {"shared/by_variable.txt": "1", "roles/app/vars/main.yml": AT},
        SAY % "\"{{ lookup('file', at) }}\"",
        could_be=("playbooks/notes/words.txt", "roles/app/made/never.bin"),
    ),
    "a glob": Way(
        {"shared/conf.d/one.conf": "1", "shared/conf.d/two.conf": "2"},
        COPY % "'{{ item }}'" + "  with_fileglob: '{{ role_path }}/../../shared/conf.d/*.conf'\n",
    ),
    "variables outside of the role": Way(
        {"shared/more.yml": "more: 1\n"}, "- include_vars: '{{ role_path }}/../../shared/more.yml'\n"
    ),
    "variables that a play names": Way(
        {"settings/site.yml": "site: 1\n"},
        play="  vars_files: [../settings/site.yml]\n",
    ),
    "tasks outside of the role, and what they take": Way(
        {"shared/tasks/extra.yml": COPY % "'{{ playbook_dir }}/../shared/deep.txt'", "shared/deep.txt": "1"},
        "- include_tasks: ../../../shared/tasks/extra.yml\n",
    ),
    "a template in a template": Way(
        {"roles/app/templates/tests/outer.j2": "{% include 'README.md' %}\n", "roles/app/templates/README.md": "1\n"},
        "- template: {src: tests/outer.j2, dest: '{{ out }}/outer'}\n",
    ),
    "a folder with what is left in it": Way(
        {"roles/app/files/site/README.md": "1", "roles/app/files/site/.DS_Store": "1", "roles/app/files/site/a~": "1"},
        COPY % "site",
    ),
    "what git ignores": Way({"roles/app/files/made/app.bin": "1"}, COPY % "made/app.bin"),
    "variables that git ignores": Way({"roles/app/defaults/main.yml": "given: 1\n"}),
    "a link to a file": Way(
        {"shared/there.txt": "1"}, COPY % "here", links={"roles/app/files/here": "../../../shared/there.txt"}
    ),
    "what lies beside the playbook": Way(
        {"playbooks/group_vars/all.yml": "all_of_them: 1\n", "playbooks/files/beside.txt": "1"}, COPY % "beside.txt"
    ),
    "a plugin beside the playbook": Way(
        {"playbooks/filter_plugins/twice.py": PLUGIN},
        SAY % "\"{{ 'a' | twice }}\"",
    ),
    "the first of several files": Way(
        {"roles/app/vars/family_one.yml": "one: 1\n"},
        "- include_vars: \"{{ lookup('first_found', files) }}\"\n"
        "  vars: {family: one, files: {files: ['family_{{ family }}.yml'], paths: [vars]}}\n",
        could_be=("playbooks/notes/words.txt", "roles/app/made/never.bin"),
    ),
}

#: Files that no run opens, whatever way is gone.
NEVER = {
    "roles/app/README.md": "words",
    "roles/app/tests/test_app.py": "words",
    "roles/app/molecule/default/converge.yml": "words",
    "roles/app/meta/.galaxy_install_info": "install_date: today",
    "roles/app/tasks/.main.yml.swp": "words",
    "roles/app/tasks/main.yml~": "words",
    "roles/app/.DS_Store": "words",
    "roles/app/made/never.bin": "words",
    "roles/unused/tasks/main.yml": "[]\n",
    "shared/unused.txt": "words",
    "playbooks/other.yml": "- hosts: all\n  tasks: []\n",
    "playbooks/notes/words.txt": "words",
}
