# The two commands of the README: `make run` and `make test`. `make help` lists the rest.
.DEFAULT_GOAL := help
.PHONY: help run test check bench web lock picture stop clean
HATANG := .venv/bin/hatang

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run:  ## install what is missing, build, load the demo on the first run, serve on http://127.0.0.1:8000
	@scripts/setup run
	@$(HATANG) db migrate
	@$(HATANG) demo --if-empty
	@$(HATANG) serve

test:  ## install what is missing, then style, types, imports and every test
	@scripts/setup test
	@$(MAKE) --no-print-directory check
	.venv/bin/pytest

check:  ## style, types, one-way imports
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-cache

bench:  ## the benchmarks: ratios against the bare floor
	@scripts/setup test
	HATANG_BENCH=1 .venv/bin/pytest tests/benchmarks -n0 -s

web:  ## build the front end into app/web/dist
	@scripts/setup web

picture:  ## take the README's picture of the demo province again
	HATANG_SCREENSHOT=data/demo/map.png .venv/bin/pytest tests/browser -n0 -k picture

lock:  ## recompile the lock files: hashes, no addresses
	.venv/bin/uv pip compile --generate-hashes --no-emit-index-url --universal --no-header --no-annotate -q \
		--extra dev pyproject.toml -o scripts/requirements.lock
	.venv/bin/uv pip compile --generate-hashes --no-emit-index-url --universal --no-header --no-annotate -q \
		scripts/node.in -o scripts/node.lock
	.venv/bin/uv pip compile --generate-hashes --no-emit-index-url --universal --no-header --no-annotate -q \
		scripts/ogctests.in -o scripts/ogctests.lock

stop:  ## stop the private database
	@$(HATANG) db stop

clean:  ## remove what can be made again; the data under var/ stays
	rm -rf .venv app/web/dist app/web/node_modules .mypy_cache .ruff_cache .pytest_cache
