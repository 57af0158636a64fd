# Everything that a fresh Debian 12 machine needs is installed by `setup`, which every other target asks for.

VENV     := .venv
PYTHON   ?= python3
READY    := $(VENV)/.ready
PROGRAMS := packer podman runc mmdebstrap git openssh-client iproute2 python3-venv ca-certificates zsh fish haproxy
PROSE    := README.md CHANGELOG.md docs packer playbooks roles orchestrator/builtin

# Programs of the virtual environment first, so that Packer finds ansible-playbook there.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# Tests start `ami` hundreds of times: Python shall keep what it has compiled, whatever the caller's shell says.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup programs demo demo-variants test test-thorough test-systems test-demo bench check check-types check-ansible check-imports \
        check-words check-python reference fmt lab clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: programs $(READY) ## install what is missing: Debian packages, and the Python packages into .venv

programs:
	@missing=""; for name in $(PROGRAMS); do \
	  dpkg-query -W -f='$${db:Status-Status}' $$name 2>/dev/null | grep -qx installed || missing="$$missing $$name"; \
	done; \
	if [ -n "$$missing" ]; then \
	  echo "installing$$missing"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing >/dev/null; \
	fi

# A path to this folder is all that Python then reads at each start; setuptools' own way is a program that takes 0.04 s.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --config-settings editable_mode=compat -c constraints.txt \
	  -e '.[dev]'
	touch $@

# A lab that is up already is used as it is. This one answers Run Command at once, to keep the demo short; `ami lab up` by
# itself takes AWS's second for each command.
demo: setup ## the whole pipeline on this machine: a lab, three images built, validated and listed
	ami lab up --command-delay 0
	ami build --yes
	ami list
	@printf '%s\n' "" "Three validated images, and no AWS account. What to try next (after: . $(VENV)/bin/activate):" \
	  "  ami show web                   what is in it, and which tests prove it" \
	  "  ami render web                 the Packer file that built it" \
	  "  ami validate analytics --keep  boot it, test it, and stay to look around" \
	  "  ami lab status                 the machines and images of the local AWS" \
	  "  ami lab down                   leave nothing behind"

# QEMU runs the programs of the variant for arm64, which takes most of the time.
demo-variants: setup ## golden and web for Debian 12, Debian 13 and arm64, from one definition (takes half an hour)
	apt-get install -y -qq qemu-user-static >/dev/null
	ami lab up --command-delay 0 --with debian-13,debian-12-arm64
	ami build --yes -C docs/examples/variants golden-everywhere web-everywhere
	ami list -C docs/examples/variants

# Each worker has a lab of its own; most of the time is spent waiting for machines, so that there are more workers than cores.
# Files go to workers whole, for what their tests share, and in the order of their marks.
# PACKERS=DIR:DIR runs the build tests also with other Packers than the one on PATH: each DIR holds a program `packer` and a folder `plugins`.
test: setup ## the tests; those of the lab start labs of their own (PACKERS=DIR:DIR: also with these Packers)
	pytest -q -n 3 --durations=10 --dist loadfile --no-loadscope-reorder $(if $(PACKERS),--packers=$(PACKERS))

# Where time matters less than one variant more: at night, before a release.
test-thorough: setup ## all tests with all their variants, of which `make test` takes some
	AMI_TEST_THOROUGH=1 pytest -q -n 3 --durations=10 --dist loadfile --no-loadscope-reorder -m "not systems and not demo"

# QEMU runs arm64 programs here, some ten times as slowly as their own hardware would. The first time, it also makes the root.
test-systems: setup ## the tests of arm64 machines, which `make test` leaves out: QEMU makes them slow (an hour)
	apt-get install -y -qq qemu-user-static >/dev/null
	pytest -q -m systems tests/lab

test-demo: setup ## the demo by the builder's role of `ami bootstrap`, in a lab that enforces rights (some minutes)
	pytest -q -m demo tests/lab

# BENCH="plan makespan" runs these alone. LONG_ROUNDS is for the one that takes long, ROUNDS for the others.
ROUNDS      ?= 3
LONG_ROUNDS ?= 1
PARALLEL    ?= 2

bench: setup ## measure against Packer alone, in a lab of its own; takes up to an hour (BENCH="plan makespan", ROUNDS=1)
	python -m tests.bench $(BENCH) --rounds $(ROUNDS) --long-rounds $(LONG_ROUNDS) --parallel $(PARALLEL)

# Two at a time, the long ones first.
check: setup ## format, lint, types, import rules, Ansible, YAML and Markdown lint
	$(MAKE) --no-print-directory -j 2 --output-sync check-types check-ansible check-imports check-words check-python

check-types:
	mypy

check-ansible:
	ANSIBLE_ROLES_PATH=orchestrator/builtin/roles ansible-lint --offline --strict

check-imports:
	lint-imports

check-words:
	yamllint --strict .
	mdformat --check $(PROSE)

check-python:
	ruff format --check .
	ruff check .

reference: setup ## make docs/schema, docs/reference and docs/iam anew from the code
	ami schema --out docs/schema
	python -m orchestrator.cli.documents.reference docs/reference
	mdformat docs/reference
	python -m orchestrator.bootstrap.documented docs/iam

fmt: setup ## format Python and fix what the linter can
	ruff format .
	ruff check --fix .
	mdformat $(PROSE)

lab: setup ## start the local AWS
	ami lab up

clean: ## stop the lab and remove everything that was made here
	if [ -x $(VENV)/bin/ami ]; then $(VENV)/bin/ami lab down --cache; fi
	rm -rf $(VENV) .ami *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .ansible
