# For a fresh Linux machine with Python 3.11 or newer: `make demo` and `make test` install what they need by themselves.
PYTHON ?= python3
FUZZ_SECONDS ?= 600
TESTED = cpu,score,media,report,train,data,serve,redis,ray,tensorrt-rtx,docs,dev
UV := $(shell command -v uv 2>/dev/null)

.PHONY: demo test chromium redis-server page docs lint format bench bench-load bench-archive soak fuzz kills extras check-release picture dialogue clean

demo: .venv-demo/ready  ## diarize the sample recording and print who speaks when
	.venv-demo/bin/fastdiar diarize examples/dialogue.flac

test: .venv/ready chromium redis-server  ## run the tests
	.venv/bin/python -m pytest -q

chromium redis-server:  ## what the tests of the page and of jobs in Redis need; without it they are skipped
	@command -v $@ >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	    apt-get update -qq && apt-get install -qq -y --no-install-recommends $@ >/dev/null; } || \
	    echo "$@ is not here: tests that need it will be skipped"

page:  ## build the page from web/ (needs Node 20 or newer); what it makes is kept in fastdiar/page
	cd web && npm ci --no-audit --no-fund && npm run build

docs: .venv/ready  ## build the documentation as a site: .venv/docs/site/index.html
	.venv/bin/python docs/site/build.py .venv/docs

lint: .venv/ready  ## check style, layout, types, and which part imports which
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

format: .venv/ready  ## lay the code out
	.venv/bin/ruff check --fix-only .
	.venv/bin/ruff format .

bench: .venv-bench/ready  ## measure speed; tables and a picture of it; BENCH="-k fast" measures a part
	.venv-bench/bin/python -m pytest -q benchmarks --benchmark-json=.venv-bench/benchmarks.json $(BENCH)
	.venv-bench/bin/python benchmarks/report.py .venv-bench/benchmarks.json --group "10 minutes, from samples to turns" \
	    --accuracy docs/pictures/accuracy.json --picture .venv-bench/latency.png

bench-load: .venv/ready  ## measure how many requests a second the server answers, how fast, and four live streams
	.venv/bin/python benchmarks/load/run.py --paths /v1/embed --rates 10 --seconds 120
	.venv/bin/python benchmarks/load/run.py --paths /v1/embed
	.venv/bin/python benchmarks/load/run.py --model quickstart --paths /v1/classify --rates 10 --seconds 120
	.venv/bin/python benchmarks/load/run.py --model quickstart --paths /v1/classify
	.venv/bin/python benchmarks/streams.py examples/dialogue.flac --streams 4

bench-archive: .venv/ready  ## measure how fast an archive is heard: processes of this machine, and nodes of a Ray cluster
	.venv/bin/python benchmarks/archive.py

soak: .venv/ready  ## twenty minutes of clips and recordings: the server's memory, and what failed, minute by minute
	.venv/bin/python benchmarks/load/run.py --soak 20 --rates 1 --workers 1

fuzz: .venv/ready  ## read broken recordings, turns, recipes and messages for ten minutes
	FASTDIAR_FUZZ_SECONDS=$(FUZZ_SECONDS) .venv/bin/python -m pytest -q tests/test_fuzz.py

kills: .venv/ready  ## kill a worker under load, the server, and what runs its jobs, twenty times each
	FASTDIAR_KILLS=20 .venv/bin/python -m pytest -q tests/serving -k killed

extras: .venv/ready  ## ask the package registry whether every extra can be installed
	.venv/bin/python -m pytest -q -m network

check-release:  ## build the wheel, look into it, and test it alone with the newest and the lowest versions that are allowed
	PYTHON=$(PYTHON) .ci/check-release $(TESTED)

picture: .venv/ready  ## draw docs/pictures/dialogue.png
	.venv/bin/fastdiar diarize examples/dialogue.flac -o .venv/dialogue.rttm
	.venv/bin/python docs/pictures/timeline.py examples/dialogue.rttm .venv/dialogue.rttm docs/pictures/dialogue.png

dialogue: .venv/ready  ## make the sample recording anew; needs `apt-get install flite`
	.venv/bin/python examples/make_dialogue.py

clean:  ## remove the environments
	rm -rf .venv .venv-bench .venv-demo .venv-release

.venv-demo/ready: EXTRAS = cpu
.venv/ready: EXTRAS = $(TESTED)
.venv-bench/ready: EXTRAS = $(TESTED),bench

.venv-bench/ready .venv-demo/ready .venv/ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "fastdiar needs Python 3.11 or newer: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
ifdef UV
	$(UV) venv --quiet --clear --seed --python $(PYTHON) $(@D)
	$(UV) pip install --quiet --python $(@D)/bin/python --editable '.[$(EXTRAS)]'
else
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[$(EXTRAS)]'
endif
	@touch $@
