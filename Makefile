# Needs make and Python 3.11 or newer; everything else comes by pip into .venv.
VENV := .venv
PYTHON := $(VENV)/bin/python
# Exactly what a lock names, by its hashes, and nothing that would have to be built here.
INSTALL := -m pip install --quiet --disable-pip-version-check --require-hashes -r
LOCK := $(VENV)/tools/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url
COMPILE := $(VENV)/tools/bin/uv pip compile --quiet --no-deps --only-binary :all:

# The language of the messages of `make run`, chosen as in core/embedded/language.py.
KOREAN := $(filter ko% KO%,$(firstword $(LC_ALL) $(LC_MESSAGES) $(LANG)))
PYTHON_NEEDED := $(if $(KOREAN),Python 3.11 이상이 필요해요.,Python 3.11 or newer is needed.)
# With a dot every two seconds, as pip says nothing for a minute; the dots end with this shell at the latest.
INSTALL_SHOWN = printf '%s ' "$(if $(KOREAN),$< 설치 중,Installing $<)"; \
	(while sleep 2; kill -0 $$$$ 2>/dev/null; do printf .; done) & dots=$$!; \
	$(PYTHON) $(INSTALL) $<; code=$$?; kill $$dots; echo; exit $$code

# For `make test-distros`. Unstable (sid) is run by hand: what breaks there must not fail this project.
SUITES := bookworm trixie
# What every pin has a wheel for; the image runs the newest.
PYTHONS := 3.11 3.12 3.13 3.14
PLATFORMS := x86_64-manylinux_2_28 aarch64-manylinux_2_28 aarch64-apple-darwin x86_64-apple-darwin

# Of `make chaos`; without SEED it takes one at random and says which.
SECONDS := 600
TOPOLOGY := one
REPORT := .local/chaos

.DEFAULT_GOAL := help
.PHONY: help run test test-bare test-browser chromium test-faults clocks test-stack test-kubernetes test-ha test-ha-smoke ha-programs test-traces test-clients programs chaos bench messages openapi settings check locks wheels test-distros debootstrap audit-deps stop reset password

help:  ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/installed  ## Open the whole shop on this machine (PORT=8000), until Ctrl-C
	@$(PYTHON) -m local

test: $(VENV)/installed-dev  ## Run the tests, or some: make test ARGS="orders -k coupon"
	@$(PYTHON) -m pytest -n 3 --dist loadscope -m "not long" $(ARGS)

test-bare: $(VENV)/installed-dev  ## Run what speaks HTTP without Redis, every optional setting unset
	@$(PYTHON) -m pytest -n 3 --dist loadscope -p tests.bare --ds=tests.bare.settings $(ARGS)

test-browser: chromium $(VENV)/browser/node_modules $(VENV)/installed-dev  ## Do in the admin what staff do, in Chromium; pictures in .local/screenshots
	@$(if $(ARGS),:,$(PYTHON) -m pytest -n 3 -m long tests/admin backoffice)
	@$(PYTHON) -m pytest -n 2 --dist loadfile tests/browser $(ARGS)

# With a font that has Korean, for the pictures.
chromium:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
		apt-get install -qq --no-install-recommends chromium fonts-nanum >/dev/null; } || \
	{ echo "Missing: chromium; on Debian: apt install chromium fonts-nanum"; exit 1; }

# Linux alone: faketime, namespaces and /proc; as test-stack, test-distros and the benchmarks are. The longest
# tests come first; others wait most of the time.
test-faults: clocks $(VENV)/installed-dev  ## Kill, freeze and starve what the shop runs on, and see that nothing is lost
	@EXAMPLES=120 $(PYTHON) -m pytest -n 4 --dist loadscope --no-loadscope-reorder --hypothesis-profile=model-long \
		$(if $(ARGS),,tests/model tests/contract/test_openapi.py::test_shop_does_what_the_document_says) \
		tests/faults tests/chaos tests/starts $(ARGS)

# A clock that goes wrong, and certificates.
clocks:
	@{ command -v faketime && command -v openssl; } >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends faketime openssl >/dev/null; } || \
	{ echo "Missing: faketime or openssl; on Debian and Ubuntu: apt install faketime openssl"; exit 1; }

test-stack: programs $(VENV)/tools/installed $(VENV)/image/installed $(VENV)/installed-dev  ## Run the services of docker-compose.yml without containers
	@$(PYTHON) -m pytest tests/house/test_production_stack.py tests/stack $(ARGS)

test-kubernetes: programs $(VENV)/tools/installed $(VENV)/image/installed $(VENV)/installed-dev  ## Check and run the manifests of deploy/kubernetes without a cluster
	@$(PYTHON) -m pytest tests/kubernetes $(ARGS)

# In network namespaces, as root: some 15 minutes, of the smoke 4. Without them it says so and skips.
test-ha: ha-programs clocks $(VENV)/ha/installed $(VENV)/installed-dev  ## Lose machines of deploy/ha one after the other, as root, and see that nothing is lost
	@$(PYTHON) -m pytest tests/ha $(ARGS)

test-ha-smoke: ha-programs $(VENV)/ha/installed $(VENV)/installed-dev  ## The first three of these
	@$(PYTHON) -m pytest tests/ha -m smoke $(ARGS)

test-traces: $(VENV)/traces/installed $(VENV)/installed-dev  ## Follow an order from its client to the platform by its trace
	@$(PYTHON) -m pytest tests/traces $(ARGS)

test-clients: $(VENV)/clients/node_modules $(VENV)/installed-dev  ## Generate clients from the OpenAPI document and buy with each
	@$(PYTHON) -m pytest tests/clients $(ARGS)

test-distros: debootstrap $(VENV)/installed-dev  ## Run the shop on fresh Debian systems, as root: SUITES="sid", ARGS="--test" for make test there
	@$(PYTHON) -m tests.distros $(ARGS) $(SUITES)

# Where there is none, tests.distros says so.
debootstrap:
	@PATH=$$PATH:/usr/sbin command -v debootstrap >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends debootstrap >/dev/null; } || :

# What it needs beside Python's packages.
programs:
	@for program in nginx pgbouncer prometheus promtool redis-cli openssl wget curl; do \
		PATH=$$PATH:/usr/sbin command -v $$program >/dev/null || missing="$$missing $$program"; \
	done; \
	[ -z "$$missing" ] || { [ "$$(id -u)" = 0 ] && apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
		apt-get install -qq --no-install-recommends nginx pgbouncer prometheus redis-tools openssl wget curl >/dev/null; } || \
	{ echo "Missing:$$missing; on Debian and Ubuntu: apt install nginx pgbouncer prometheus redis-tools openssl wget curl"; exit 1; }

# Redis with its Sentinel is the embedded one.
ha-programs:
	@for program in etcd haproxy pgbouncer ip setpriv openssl; do \
		PATH=$$PATH:/usr/sbin:/sbin command -v $$program >/dev/null || missing="$$missing $$program"; \
	done; \
	[ -z "$$missing" ] || { [ "$$(id -u)" = 0 ] && apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
		apt-get install -qq --no-install-recommends etcd-server haproxy pgbouncer iproute2 util-linux openssl >/dev/null; } || \
	{ echo "Missing:$$missing; on Debian and Ubuntu: apt install etcd-server haproxy pgbouncer iproute2 util-linux openssl"; exit 1; }

chaos: $(if $(filter ha,$(TOPOLOGY)),ha-programs $(VENV)/ha/installed) $(VENV)/installed-dev  ## Let clients and faults loose on a shop of its own: make chaos SECONDS=600 SEED=1; TOPOLOGY=ha for deploy/ha, as root
	@$(PYTHON) -m tests.chaos --topology $(TOPOLOGY) --seconds $(SECONDS) $(if $(SEED),--seed $(SEED)) --report $(REPORT)

bench: $(VENV)/installed-dev  ## Measure the shop beside what its database could do: make bench ARGS="--only orders"
	@$(PYTHON) -m benchmarks $(ARGS)

messages: $(VENV)/installed-dev  ## Compile the texts of locale/ after an edit
	@$(VENV)/bin/pybabel --quiet compile --domain 'django djangojs' --directory locale

openapi: $(VENV)/installed-dev  ## Generate docs/openapi.yaml
	@DEBUG=1 $(PYTHON) manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

settings: $(VENV)/installed-dev  ## Generate .env.example and docs/settings.md from config/settings.toml
	@$(PYTHON) -m tests.house.settings

check: $(VENV)/installed-dev  ## Check style, types, imports, migrations and the compose file
	@$(PYTHON) -m ruff check
	@$(PYTHON) -m ruff format --check
	@DEBUG=1 $(PYTHON) -m mypy .
	@$(VENV)/bin/lint-imports
	@DEBUG=1 $(PYTHON) manage.py makemigrations --check --dry-run
	@$(PYTHON) manage.py lintmigrations --settings=tests.settings --no-cache --warnings-as-errors \
		--quiet ok ignore --include-apps seeding refusals staff users products points coupons orders rankings
	@DEBUG=0 SECRET_KEY=$$($(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(50))') GATEWAY_SECRET=x \
		ALLOWED_HOSTS=shop.example CSRF_TRUSTED_ORIGINS=https://shop.example DATABASE_URL=postgresql://db/shop REDIS_URL=redis://redis \
		$(PYTHON) manage.py check --deploy --fail-level WARNING
	@$(VENV)/bin/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	@# It remarks on stderr that a line's excuse is not needed by each part of the line.
	@$(VENV)/bin/bandit --quiet --recursive --configfile pyproject.toml . 2>$(VENV)/bandit.log || { cat $(VENV)/bandit.log; exit 1; }
	@$(PYTHON) -m tests.kit.dependencies locked
	@$(PYTHON) -m tests.kit.dependencies installed
	@$(PYTHON) -m pip check

# The widest first: the others take their versions from it.
locks: export UV_CUSTOM_COMPILE_COMMAND := make locks
locks: $(VENV)/tools/installed  ## Rebuild locks/ from requirements*.txt; needs the internet (ARGS="--upgrade" for the newest)
	@$(LOCK) $(ARGS) requirements-dev.txt --output-file locks/test.txt
	@$(LOCK) $(ARGS) requirements.txt --constraints locks/test.txt --output-file locks/run.txt
	@$(LOCK) $(ARGS) requirements.txt --constraints locks/test.txt --output-file locks/image.txt --excludes locks/not-in-image.txt
	@$(LOCK) $(ARGS) requirements-tools.txt --constraints locks/test.txt --output-file locks/tools.txt
	@$(LOCK) $(ARGS) requirements-clients.txt --constraints locks/test.txt --output-file locks/clients.txt
	@$(LOCK) $(ARGS) requirements-ha.txt --constraints locks/test.txt --output-file locks/ha.txt
	@$(LOCK) $(ARGS) requirements-traces.txt --constraints locks/test.txt --output-file locks/traces.txt

# locks/test.txt holds the pins of image and run; the tools' are for Linux, as what runs them is.
# The index is asked once for each pin; then its answers are judged for each pair.
wheels: $(VENV)/tools/installed  ## See that every pin has a wheel for each Python and platform; needs the internet
	@echo "uv" | $(COMPILE) --refresh - >/dev/null 2>&1 || \
		{ echo "Skipped: no package index can be reached, so nobody knows which wheels there are."; exit 0; }; \
	for lock in locks/test.txt locks/traces.txt locks/tools.txt; do \
		$(COMPILE) --refresh --universal $$lock >/dev/null || exit 1; \
		for python in $(PYTHONS); do for platform in $(PLATFORMS); do \
			case $$lock$$platform in *tools*darwin) continue;; esac; \
			$(COMPILE) --offline --python-version $$python --python-platform $$platform $$lock >/dev/null || \
				{ echo "$$lock: not for Python $$python on $$platform"; exit 1; }; \
		done; done; \
	done; echo "Every pin has a wheel for Python $(PYTHONS) on $(PLATFORMS)."

audit-deps: $(VENV)/tools/installed $(VENV)/installed-dev  ## Ask for known weaknesses of every pin; needs the internet
	@$(PYTHON) -m tests.kit.dependencies audited

stop:  ## Close the shop, from another terminal
	@[ ! -x $(PYTHON) ] || $(PYTHON) -m local stop

password: $(VENV)/installed  ## Give the administrator of make run a new password
	@$(PYTHON) -m local password

reset:  ## Close the shop and forget its database, events and logs (.local)
	@[ ! -x $(PYTHON) ] || $(PYTHON) -m local reset

$(VENV)/made:
	@command -v python3 >/dev/null || { echo "$(PYTHON_NEEDED) $(if $(KOREAN),PATH에 python3이 없어요.,python3 is not on PATH.)"; exit 1; }
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON_NEEDED) python3: $$(python3 --version)"; exit 1; }
	@echo "$(if $(KOREAN),$(VENV)에 가상 환경을 만들어요 ...,Making a virtual environment in $(VENV) ...)"
	@python3 -m venv $(VENV) || { echo "$(if $(KOREAN),python3이 가상 환경을 만들지 못해요. Debian과 Ubuntu에서는:,python3 cannot make one; on Debian and Ubuntu:) apt install python3-venv"; exit 1; }
	@touch $@

$(VENV)/installed: locks/run.txt $(VENV)/made
	@$(INSTALL_SHOWN)
	@touch $@

$(VENV)/installed-dev: locks/test.txt $(VENV)/installed
	@$(INSTALL_SHOWN)
	@touch $@

# Without npm what needs it is skipped, by name: the clients in TypeScript, the linters, axe.
$(VENV)/clients/node_modules: $(VENV)/clients/installed
$(VENV)/%/node_modules: tests/%/package.json tests/%/package-lock.json
	@echo "Installing tests/$*/package-lock.json ..."
	@mkdir -p $(VENV)/$* && cp tests/$*/package.json tests/$*/package-lock.json $(VENV)/$*
	@cd $(VENV)/$* && npm ci --silent --ignore-scripts || { echo "npm packages cannot be had: what needs them is skipped."; mkdir -p node_modules; }
	@touch $@

# Environments beside: programs that nothing imports (tools, clients), what the Dockerfile installs (image), and what
# the shop imports where it is traced (traces).
$(VENV)/%/installed: locks/%.txt $(VENV)/made
	@echo "Installing $< in $(VENV)/$* ..."
	@$(PYTHON) -m venv --clear $(VENV)/$*
	@$(VENV)/$*/bin/python $(INSTALL) $<
	@touch $@
