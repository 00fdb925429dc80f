# The two commands of the README: make demo, make test. Both install into .venv first where that is needed.

PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready

.PHONY: demo test lint benchmark docs pictures clean

demo: $(READY)
	$(VENV)/bin/opportunistic-bmd demo
	$(VENV)/bin/opportunistic-bmd-lab public-cts demo

test: $(READY)
	$(VENV)/bin/python -m pytest --numprocesses auto --dist loadfile

pictures: $(READY)
	$(VENV)/bin/python Testing/render_panel.py

lint: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/mypy --strict OpportunisticBMDLib/core
	PYTHONPATH=OpportunisticBMD:Testing $(VENV)/bin/lint-imports
	$(VENV)/bin/vulture

benchmark: $(READY)
	$(VENV)/bin/python -m Testing.benchmark $(BENCHMARK)

docs: $(READY)
	$(VENV)/bin/mkdocs build --strict

$(READY): pyproject.toml
	@$(PYTHON) -m venv $(VENV) || { \
	    rm -rf $(VENV); \
	    echo "No virtual environment could be made: install Python 3.10 or newer with venv" \
	         "(Debian, Ubuntu: apt-get install -y python3-venv)." >&2; \
	    exit 1; }
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(VENV)/bin/uv pip install --python $(VENV)/bin/python --editable '.[dicom,pacs,cohort,training,dev]'
	@touch $@

clean:
	rm -rf $(VENV) build dist site *.egg-info
