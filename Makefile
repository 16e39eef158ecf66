# make demo    sets everything up and opens the demonstration office on http://127.0.0.1:8501
# make test    sets everything up and runs the tests
# make lock    writes the two lock files anew (needs the package registry)
SHELL := /bin/sh
PY := .venv/bin/python
PORT ?= 8501
LOCK := uv pip compile pyproject.toml --extra postgres --group build --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links

.PHONY: demo setup test test-long check lock clean

demo: setup
	@$(PY) -m retorno demo --port $(PORT)

setup: .venv/ready .venv/compiled

.venv/ready: requirements.lock
	@command -v python3 >/dev/null || { echo "make setup: python3 (3.11 or newer) is missing"; exit 1; }
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make setup: python3 is older than 3.11"; exit 1; }
	@python3 -c 'import ensurepip, venv' 2>/dev/null || { echo "make setup: python3-venv is missing"; exit 1; }
	@command -v git >/dev/null || { echo "make setup: git is missing"; exit 1; }
	python3 -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# The search is compiled here, so that no planning run spends its time limit on it.
.venv/compiled: .venv/ready $(wildcard retorno/optimizer/*.py)
	$(PY) -m retorno.optimizer.warm
	@touch $@

.venv/ready-dev: .venv/ready requirements-dev.lock
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

check: .venv/ready-dev
	.venv/bin/ruff format --check retorno ui tests benchmarks/*.py
	.venv/bin/ruff check retorno ui tests benchmarks/*.py
	.venv/bin/mypy

test: setup check
	$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-long: .venv/ready-dev
	$(PY) -m pytest -m long

lock:
	python3 -m venv .venv && .venv/bin/pip install --quiet uv
	.venv/bin/$(LOCK) -o requirements.lock >/dev/null
	.venv/bin/$(LOCK) --group dev -o requirements-dev.lock >/dev/null

clean:
	rm -rf .venv var artifacts
