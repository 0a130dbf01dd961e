# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := build/demo

.PHONY: demo man test fuzz soak survival check coverage results ablations figures screenshots tables wheels clean

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# The build of torch for processors is 0.2 GB; that for CUDA cards, which pip would take by itself, comes with 3 GB.
CPU_TORCH := --no-deps --extra-index-url https://download.pytorch.org/whl/cpu --retries 1
USABLE := $(VENV)/.usable

$(USABLE): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) $(CPU_TORCH) torch
	$(PIP) -e .
	touch $@

$(READY): $(USABLE) pyproject.toml zoo/pyproject.toml constraints.txt
	$(PIP) -e ./zoo -e '.[dev,export,perceptual]'
	touch $@

demo: $(USABLE)
	@mkdir -p $(DEMO)
	$(BIN)/unshrink down examples/circuit.png $(DEMO)/circuit.x4.png --overwrite
	$(BIN)/unshrink info $(DEMO)/circuit.x4.png
	$(BIN)/unshrink up $(DEMO)/circuit.x4.png $(DEMO)/circuit.restored.png --overwrite
	$(BIN)/unshrink roundtrip examples/circuit.png -s 4
	@echo && echo "Written: " && ls -l $(DEMO)

# The manual page: man build/unshrink.1
man: $(USABLE)
	@mkdir -p build
	$(BIN)/python -m unshrink.cli.man > build/unshrink.1

check: $(READY)
	$(BIN)/ruff check src lab zoo tests
	$(BIN)/ruff format --check src lab zoo tests
	$(BIN)/mypy
	$(BIN)/lint-imports

# The page's tests drive chromium; they skip, and say so, where there is none.
test: check
	# Two workers, one thread each: more threads than cores make torch wait for itself.
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --durations=15

# Every reader for a minute with bytes that go where code has not been; atheris has wheels for Linux.
fuzz: $(READY)
	$(BIN)/python -c 'import atheris' 2>/dev/null || $(PIP) --only-binary :all: atheris
	@mkdir -p build/fuzz
	$(BIN)/python tests/fuzz/readers.py build/fuzz tests/fuzz/corpus -max_total_time=60 -max_len=4096

# Faults while writing, fifty times as often as `make test` tries them; a batch of 1,000 pictures; damage of every kind,
# whose numbers go into docs/security.md.
soak: $(READY)
	UNSHRINK_SOAK=50 $(BIN)/python -m pytest -q tests/files/test_faults.py tests/cli/test_large_batch.py
	$(BIN)/python -m lab.trust

# What LR files survive in other programs; those that pip does not have (ImageMagick, Chromium) are left out where absent.
survival: $(READY)
	$(PIP) --prefer-binary opencv-python-headless 'pyvips[binary]' pyoxipng
	$(BIN)/python -m lab.survival

coverage: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --cov --cov-report=term:skip-covered

# Both distributions, into dist/.
wheels: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check build
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python -m build --outdir dist zoo

# Tables and pictures of the docs, made anew from the reports beside the weights.
BASELINES = $(wildcard $(foreach kind,avif bicubic jpeg webp,docs/results/$(kind)-*.json))
results: $(READY)
	{ echo "# Results"; echo; cat docs/results/intro.md; echo; \
	  $(BIN)/python -m lab.table $(BASELINES) src/unshrink/models/zoo/*/*/eval*.json zoo/unshrink_zoo/*/*/eval*.json; } > docs/results.md

# The page of ablations from the studies' JSON. With DATA=FOLDER of pictures the studies are run first, which takes hours;
# STUDIES names some of them. What is in the JSON already is not trained again.
ablations: $(READY)
	$(if $(DATA),OMP_NUM_THREADS=1 $(BIN)/python -m lab.ablation $(or $(STUDIES),$(ALL_STUDIES)) --data $(DATA))
	$(BIN)/python -m lab.ablation --table > docs/ablations.md

ALL_STUDIES = $(basename $(notdir $(wildcard lab/studies/*.yaml)))

# Tables inside pages, with the shipped weights. SETS holds Set5, DATA the pictures that training held some out of.
tables: $(READY)
	$(BIN)/python -m lab.carriers $(SETS)/Set5
	$(BIN)/python -m lab.blocks irn-q-x2 irn-q-x4 --photos $(DATA) --most 8

# The page of `unshrink serve`; needs chromium.
screenshots: $(READY)
	$(BIN)/python -m lab.screenshots

figures: $(READY)
	$(BIN)/python -m lab.figure examples/circuit.png docs/images/circuit.png --corner 30 20

clean:
	rm -rf build dist $(VENV)
