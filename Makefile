.PHONY: lock
lock:  ## recompile requirements.lock: hashes, no addresses
	.venv/bin/uv pip compile --generate-hashes --no-emit-index-url --universal --no-header --no-annotate -q --extra dev pyproject.toml -o requirements.lock
