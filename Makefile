# Two commands matter: `make test` and `make book`. Each does all it needs on a machine with make and Python 3.11 or
# later, and little when nothing has changed. `make help` lists the rest.

PYTHON ?= python3
BIN    := .venv/bin

# What a result depends on. Times only decide whether to look; `steering_core.publishing.executed` then compares contents.
package   := $(shell find steering_core -type f -not -path '*/__pycache__/*')
chapters  := $(shell find book -name '*.ipynb' -not -path '*/.ipynb_checkpoints/*')
pages     := $(shell find book -type f -not -path '*/.ipynb_checkpoints/*') _config.yml _toc.yml

installed := .venv/.installed
executed  := _build/.jupyter_cache/executed.json
built     := _build/.built

export MPLBACKEND ?= agg
# Threads that wait let others run: torch processes side by side otherwise slow each other many times.
export OMP_WAIT_POLICY ?= passive
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help book test lint unit execute web bench bench-peers dist lock clean

book: $(built)  ## build the book into _build/html

test: lint unit execute web  ## everything that must hold: style, types, units, chapters, the built book

lint: $(installed)  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

unit: $(installed)  ## the package, its parts and the machinery of the book
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests --ignore=tests/web --ignore=tests/benchmarks \
	  --numprocesses=2 --dist=loadfile --no-loadscope-reorder

execute: $(executed)  ## run the chapters, once, for the tests and for the book

web: $(built)  ## read the built book in a browser
	$(BIN)/python -m pytest tests/web --numprocesses=2 --dist=loadgroup

bench: $(installed)  ## side by side with the usual way
	$(BIN)/python -m pytest tests/benchmarks

peers := saelens dictionary_learning steering_vectors
bench-peers: $(installed) $(peers:%=_build/peers/%/.installed)  ## beside SAELens and others, in environments of their own
	$(BIN)/python tests/benchmarks/peers/compare.py

study-%: $(installed)  ## study-NAME: make the table of a study again (long; stops and resumes)
	$(BIN)/python -m steering_core.publishing.studies $*

again-%: $(installed)  ## again-NAME: compute a study anew and say what differs from its table (long)
	$(BIN)/python -m steering_core.publishing.studies $* --again

dist: $(installed)  ## the wheel and the source archive of the last commit, in dist/
	rm -rf dist build/source && mkdir -p build/source
	git archive HEAD | tar -x -C build/source
	$(BIN)/python -m build --no-isolation --outdir dist build/source

# The version of torch stays until this line is changed: of the newest there may be no build without CUDA.
# Newer soupsieves ask for Python 3.11.5.
TORCH := 2.13.0
lock: $(installed)  ## work out requirements.lock anew from pyproject.toml
	printf 'torch==$(TORCH)\nsoupsieve<3\n' > .venv/pins.txt
	$(BIN)/pip-compile --quiet --upgrade --all-extras --allow-unsafe --strip-extras --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --constraint=.venv/pins.txt --output-file=.venv/lock.txt pyproject.toml
	@{ echo '# Made by `make lock` from pyproject.toml; see CONTRIBUTING.md. Do not edit.'; \
	   sed -E '/^(#|--|$$|pip==)/d; s/^(torch==[0-9.]+)\+.*/\1/' .venv/lock.txt; } > requirements.lock

clean:  ## remove what was built; keep the environment
	rm -rf _build .executed build dist .pytest_cache .ruff_cache .hypothesis

help:
	@grep -E '^[a-z%-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(installed): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or later is needed; try make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

_build/peers/%/.installed: tests/benchmarks/peers/%.txt
	test -x _build/peers/$*/bin/python || $(PYTHON) -m venv _build/peers/$*
	_build/peers/$*/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r $<
	@touch $@

$(executed): $(installed) requirements.lock $(package) $(chapters)
	$(BIN)/python -m steering_core.publishing.executed

$(built): $(executed) $(pages)
	$(BIN)/jupyter-book build . -n -W --keep-going
	@touch $@
