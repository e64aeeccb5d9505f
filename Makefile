# The commands of a new machine: `make train`, `make test`, for the heaviest tests `make test-slow`, and `make lint`.
# Each makes .venv and installs what is missing.

PYTHON ?= python3
ARGS ?=
INSTALL = .venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock

.PHONY: train test test-slow lint lock clean

train: .venv/installed
	.venv/bin/python train.py $(ARGS)

test: .venv/installed-test
	.venv/bin/python -m pytest -n 2 -m "not slow" $(ARGS)

# Every net beside its copies, on JAX, of keras.applications and of torchvision; killed runs; and what else is long.
test-slow: .venv/installed-test
	.venv/bin/python -m pytest -n 2 -m slow $(ARGS)

lint: .venv/installed-lint
	.venv/bin/python -m ruff check .
	.venv/bin/python -m mypy

.venv/installed: requirements.txt requirements.lock
	$(PYTHON) -m venv .venv
	$(INSTALL) --requirement requirements.txt
	touch $@

.venv/installed-test: .venv/installed requirements-test.txt requirements-convert.txt requirements-tensorboard.txt \
		requirements-tune.txt
	$(INSTALL) --requirement requirements-test.txt --requirement requirements-convert.txt \
		--requirement requirements-tensorboard.txt --requirement requirements-tune.txt
	touch $@

.venv/installed-lint: .venv/installed requirements-lint.txt
	$(INSTALL) --requirement requirements-lint.txt
	touch $@

# Write down the versions that were tested, from the newest that the ranges allow.
lock:
	rm -rf .venv-lock
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet --requirement requirements.txt \
		--requirement requirements-test.txt --requirement requirements-convert.txt \
		--requirement requirements-tensorboard.txt --requirement requirements-tune.txt \
		--requirement requirements-lint.txt
	.venv-lock/bin/python -m pip freeze > requirements.lock
	rm -rf .venv-lock

clean:
	rm -rf .venv .venv-lock build dist *.egg-info
