# The environment is made once, from requirements.lock, and used again until the lock changes.
PYTHON ?= python3
RUN     = .venv/bin/python
UV     := $(shell command -v uv 2>/dev/null)

.PHONY: setup setup-gpu book test unit chapters pages bench lint sync serve colab lock clean
.DEFAULT_GOAL := book

setup: .venv/.installed

.venv/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 11) <= v <= (3, 13) or sys.exit(f"This course needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is {v[0]}.{v[1]}: try make PYTHON=python3.12")'
# Compiled at once, as pip does: else each import of TensorFlow takes twenty seconds where no bytecode may be written.
ifdef UV
	uv venv --quiet --allow-existing --python $(PYTHON) .venv
	uv pip install --quiet --compile-bytecode --python $(RUN) --require-hashes -r requirements.lock
	uv pip install --quiet --python $(RUN) --no-deps --no-build-isolation -e .
else
	$(PYTHON) -m venv .venv
	$(RUN) -m pip install --quiet --require-hashes -r requirements.lock
	$(RUN) -m pip install --quiet --no-deps --no-build-isolation -e .
endif
	@touch $@

setup-gpu: setup  ## JAX for an NVIDIA GPU beside it: KERAS_BACKEND=jax
ifdef UV
	uv pip install --quiet --python $(RUN) --no-build-isolation -e ".[jax]"
else
	$(RUN) -m pip install --quiet --no-build-isolation -e ".[jax]"
endif

book: setup  ## execute the chapters that changed, render the book
	$(RUN) -m book.builder $(ARGS)

test: unit chapters pages  ## all tests; the chapters in smoke, unless BOOK_BUILD names the folder of another build

unit: setup  ## the package and the builder, on all cores
	$(RUN) -m pytest -n auto --dist loadfile tests/musiclib tests/builder $(ARGS)

chapters: setup  ## what each chapter's run put on its page; each on a folder of music by papermill
	$(RUN) -m pytest tests/chapters $(ARGS)

pages: setup  ## the built pages, in a browser where there is one
	$(RUN) -m pytest -n auto --dist loadgroup tests/pages $(ARGS)

bench: setup  ## speed, memory and determinism at full size, printed; a plain pytest runs them small
	BENCH=full $(RUN) -m pytest tests/benchmarks -s $(ARGS)

lint: setup
	$(RUN) -m ruff check . && $(RUN) -m ruff format --check . && $(RUN) -m mypy

sync: setup  ## bring pairs of Markdown and notebook, and the repository's address, into step
	$(RUN) -m book.builder.sync

serve: book  ## read the book on this machine
	$(RUN) -m http.server --bind 127.0.0.1 --directory _build/html 8000

colab: setup  ## every chapter in smoke on Colab's versions, from an empty folder; needs Python 3.13
	bash .ci/colab

lock:  ## the newest versions inside the ranges of pyproject.toml; needs uv
	uv pip compile pyproject.toml --extra book --extra models --extra test --universal --python-version 3.11 --generate-hashes --no-header --upgrade -o requirements.lock

clean:
	rm -rf _build .venv
