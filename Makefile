# Every task of the project is a target here:
#   make            the daemon, build/heady-gateway, and the Worker's module, build/core.wasm
#   make dev        a whole cluster on this machine, at both hosts
#   make test       every test; node tools/test.mjs SUITE... runs some of them
#   make test-unit  the unit tests, natively and as wasm
#   make lint       format, clang-tidy, sizes, purity, includes, names, types, commits
#   make fmt        reformats the C
#   make dialects   docs/dialects.md, from the tables of translation
#   make matrix     docs/matrix.md, from what comes of each dialect x provider x feature
#   make cost       instructions and fuel of fixed calls, against tests/cost/expected;
#                   COST_UPDATE=1 writes it
#   make size       what each part of the Worker's module takes, against its budget
#   make bench      CPU, latency and memory, measured
#   make agents     coding agents, headless, before both hosts
#   make real       both hosts before real models: cuts, conversations, long prompts, bursts
#   make fuzz       FUZZ_SECONDS=600 for each target
#   make sim        SIM_SEEDS=100000 from SIM_SEED=1: simulated clusters in trouble
#   make wall       WALL_SEEDS=10 seeds of sixteen families of failures, at both hosts
#   make soak       SOAK_SECONDS=1800 of chaos under full load
#   make certs      certificates for a try-out of TLS
#   make deploy     the Worker to production
#   make install    the daemon, to PREFIX=/usr/local below DESTDIR
#   make clean      removes build/
# What is missing on a Debian machine is installed on the way (make deps). Sources are found by
# directory. V=1 shows the commands. WASI_SDK_PATH and MBEDTLS_DIR replace what would be installed
# or fetched.

FUZZ_SECONDS ?= 600
SOAK_SECONDS ?= 1800
WALL_SEEDS ?= 10
SIM_SEED ?= 1
SIM_SEEDS ?= 100000
PREFIX ?= /usr/local
# One more than there are cores, for what waits for a network.
MAKEFLAGS += --jobs=$(shell expr $$(nproc) + 1) --no-builtin-rules
unexport MAKEFLAGS MFLAGS MAKELEVEL
SYSTEM_PATH := $(PATH)
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

# ---------------------------------------------------------------- sources
PURE := $(wildcard src/base/*.c src/core/*/*.c src/format/*.c)
HTTP := $(wildcard src/http/*.c)
NATIVE := $(wildcard src/native/*/*.c)
BOX := $(filter-out wasm/offsets.c,$(wildcard wasm/*.c))
UNIT := $(wildcard tests/*/test_*.c)
UNIT_LIB := $(filter-out $(UNIT),$(wildcard tests/unit/*.c))
FUZZ := $(wildcard tests/fuzz/fuzz_*.c)
BENCH := $(wildcard tests/bench/*.c)
SIM := $(wildcard tests/sim/*.c)
LOOKS := $(wildcard tests/looks/*.c)
STORE := $(wildcard tests/store/*.c)

MBEDTLS_DIR ?= build/deps/mbedtls
KEPT := $(addprefix $(MBEDTLS_DIR)/library/,sha256.c platform_util.c)

# ---------------------------------------------------------------- compilers
# Constants are enums and times are doubles here, so the two meet; clang alone minds.
WARN := -Wall -Wextra -Wshadow -Wconversion -Wvla -Werror -Wno-enum-float-conversion
COMMON := -std=c11 -g -MMD -MP -Isrc -Ibuild/gen -isystem $(MBEDTLS_DIR)/include \
	-DMBEDTLS_CONFIG_FILE='"base/mbedtls_config.h"'
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
PACKAGES := libuv openssl libnghttp2 sqlite3
LIBS = $(shell pkg-config --libs $(PACKAGES)) -lm -pthread
HARDEN := -fstack-protector-strong -D_FORTIFY_SOURCE=2
CLANG := clang-19
WASM_CC := $(if $(WASI_SDK_PATH),$(WASI_SDK_PATH)/bin/clang,$(CLANG)) --target=wasm32-wasi
# Structures by value (gw_str) travel as scalars: a fifth less code than the default convention.
WASM_ABI := -mbulk-memory -mmultivalue -Xclang -target-abi -Xclang experimental-mv
# Without an -O, for with one clang would run a wasm-opt that it finds, in its own way.
WASM_LINK := $(WASM_CC) -Wl,--gc-sections -Wl,--stack-first
BOX_LINK := $(WASM_LINK) -mexec-model=reactor -Wl,-z,stack-size=65536 \
	-Wl,--max-memory=33554432 -Wl,--strip-all
# npm's is years ahead of Debian's, and makes 4 KiB less. The lowest KiB is the end of the stack, which nothing
# else uses. Control flow is built anew from flat code: 2.5 KiB less. Functions keep their order, in which those
# that are alike are near each other: by how often they are called the module is 2 KiB less, and as gzip 2 KiB more.
WASM_OPT := node_modules/.bin/node node_modules/.bin/wasm-opt -Oz --flatten --rereloop -Oz -Oz --converge \
	--low-memory-unused --enable-multivalue --enable-bulk-memory --enable-sign-ext --enable-mutable-globals \
	--enable-nontrapping-float-to-int

# A variant is a compiler with its flags; its objects live in build/<variant>/.
CC_native = $(CC) -O2 $(HARDEN)
CC_asan = $(CC) -O1 $(SANITIZE)
CC_fuzz = $(CLANG) -O1 $(SANITIZE) -fsanitize=fuzzer-no-link
# Each block of code counts itself when it runs.
CC_counted = $(CC) -O1 -fno-builtin -fsanitize-coverage=trace-pc
# Inlined is what gets smaller by it, less than -Oz would; nobody compares addresses of constants.
CC_wasm = $(WASM_CC) $(WASM_ABI) -Oz -mllvm -inline-threshold=-10 -fmerge-all-constants \
	-DMBEDTLS_SHA256_SMALLER -fno-builtin-malloc \
	-ffunction-sections -fdata-sections
CC_trap = $(CC_wasm) -DGW_TRAP_TEST
VARIANTS := native asan fuzz counted wasm trap

comma := ,
say = $(if $V,,@echo '  $1';)
objects = $(patsubst %.c,build/$1/%.o,$2)
pure = $(call objects,$1,$(PURE)) $(patsubst %.c,build/$1/kept/%.o,$(notdir $(KEPT)))

.DELETE_ON_ERROR:
.PHONY: agents build certs cost dev dialects fuzzers matrix real test test-unit wasm size lint fmt fuzz sim soak wall bench deploy install clean deps

build: build/heady-gateway build/core.wasm build/offsets.js
wasm: build/core.wasm build/offsets.js

# ---------------------------------------------------------------- what must be there first
TOOLS := build/deps/tools
KEPT_STAMP := build/deps/sources
NODE := node_modules/.package-lock.json
PYTHON := build/deps/python/installed
NODE_PACKAGE := node-linux-$(if $(filter aarch64,$(shell uname -m)),arm64,x64)

deps: $(TOOLS) $(KEPT_STAMP) $(NODE) $(PYTHON)
$(TOOLS): tools/install.sh
	@tools/install.sh
	@mkdir -p $(@D) && touch $@
$(KEPT_STAMP): tools/fetch-sources.sh tools/sources.sha256 | $(TOOLS)
	@MBEDTLS_DIR='$(MBEDTLS_DIR)' tools/fetch-sources.sh
	@touch $@
$(NODE): package-lock.json | $(TOOLS)
	@echo npm ci; PATH='$(SYSTEM_PATH)' npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@ln -sf ../$(NODE_PACKAGE)/bin/node node_modules/.bin/node # npm 9 leaves it out
	@node_modules/.bin/node --version && touch $@

$(PYTHON): tests/requirements.txt | $(TOOLS)
	@echo pip install; python3 -m venv $(@D)
	@$(@D)/bin/python3 -m pip install --quiet --disable-pip-version-check --require-hashes -r $< && touch $@

# What only tests and benches want, each apart from all else: a real model and its server, and LiteLLM. Where such
# cannot be had, those that want it say so.
define pip_apart
	@echo pip install $(notdir $(@D)); python3 -m venv $(@D)
	@rm -f $(@D)/missing; $(@D)/bin/python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
		--require-hashes -r $< 2>$(@D)/missing && rm $(@D)/missing || cat $(@D)/missing
	@touch $@
endef
REAL := build/deps/real/tried
LITELLM := build/deps/litellm/tried
$(REAL): tests/real/requirements.txt | $(TOOLS)
	$(pip_apart)
$(LITELLM): tests/bench/litellm.txt | $(TOOLS)
	$(pip_apart)

# Coding agents, as tests/agents pins them; the same holds for those.
AGENT_NAMES := $(notdir $(patsubst %/,%,$(dir $(wildcard tests/agents/*/requirements.txt tests/agents/*/package.json))))
AGENTS := $(AGENT_NAMES:%=build/agents/%/tried)
$(foreach a,$(AGENT_NAMES),$(eval build/agents/$a/tried: $(wildcard tests/agents/$a/*)))
$(AGENTS): build/agents/%/tried: tools/agent.sh | $(NODE)
	@tools/agent.sh $*
	@touch $@

# The compliance suite of Open Responses, and bun, which it runs with; the same holds for it.
OPEN := build/open/tried
$(OPEN): tools/open-responses.sh tests/open/package.json tests/open/package-lock.json | $(NODE)
	@tools/open-responses.sh
	@touch $@

# ---------------------------------------------------------------- objects
$(KEPT): | $(KEPT_STAMP) ;

# build/<variant>/flags holds the command line, so that other flags rebuild.
define variant
ifneq ($$(file <build/$1/flags),$$(CC_$1) $(WARN) $(COMMON))
  $$(shell mkdir -p build/$1)$$(file >build/$1/flags,$$(CC_$1) $(WARN) $(COMMON))
endif
build/$1/kept/%.o: $(MBEDTLS_DIR)/library/%.c build/$1/flags | $(KEPT_STAMP)
	@mkdir -p $$(@D)
	$$(call say,$1 $$(<F))$$(CC_$1) $(COMMON) -w -c $$< -o $$@
build/$1/src/native/%.o: src/native/%.c build/$1/flags | $(KEPT_STAMP)
	@mkdir -p $$(@D)
	$$(call say,$1 $$<)$$(CC_$1) $(COMMON) $(WARN) -D_GNU_SOURCE -pthread -c $$< -o $$@
build/$1/%.o: %.c build/$1/flags | $(KEPT_STAMP)
	@mkdir -p $$(@D)
	$$(call say,$1 $$<)$$(CC_$1) $(COMMON) $(WARN) -c $$< -o $$@
endef
$(foreach v,$(VARIANTS),$(eval $(call variant,$v)))

# The facts about models, as rows of C.
build/gen/models.inc: config/models.json tools/models.sh
	@mkdir -p $(@D)
	@tools/models.sh $< >$@.new
	@mv $@.new $@
$(foreach v,$(VARIANTS),build/$v/src/format/capability.o): build/gen/models.inc

# ---------------------------------------------------------------- the daemon
DAEMON := $(NATIVE) $(HTTP)
build/heady-gateway: $(call objects,native,$(DAEMON)) $(call pure,native)
	$(call say,link $@)$(CC_native) -Wl,-z,relro,-z,now -Wl,--as-needed $^ $(LIBS) -o $@
build/heady-gateway-asan: $(call objects,asan,$(DAEMON)) $(call pure,asan)
	$(call say,link $@)$(CC_asan) -Wl,--as-needed $^ $(LIBS) -o $@

# ---------------------------------------------------------------- the Worker's module
build/core.wasm build/wasm/map &: $(call objects,wasm,$(BOX)) $(call pure,wasm) | $(NODE)
	$(call say,link build/core.wasm)$(BOX_LINK) -Wl,-Map=build/wasm/map $^ -o build/wasm/linked
	@$(WASM_OPT) build/wasm/linked -o build/core.wasm
build/core-trap.wasm: $(call objects,trap,$(BOX)) $(call pure,trap) | $(NODE)
	$(call say,link $@)$(BOX_LINK) $^ -o build/trap/linked
	@$(WASM_OPT) build/trap/linked -o $@
# wasm/offsets.c leaves lines "@@ NAME VALUE" in its assembly: offsets as the compiler lays them out.
build/offsets.js: build/wasm/wasm/offsets.s
build/toy/offsets.js: build/toy/offsets.s
build/offsets.js build/toy/offsets.js:
	@sed -n 's/.*@@ \([A-Za-z0-9_]*\) \(-\{0,1\}[0-9][0-9]*\).*/export const \1 = \2;/p' $< > $@
build/wasm/wasm/offsets.s: wasm/offsets.c build/wasm/flags | $(KEPT_STAMP)
	@mkdir -p $(@D)
	$(call say,wasm $<)$(CC_wasm) $(COMMON) $(WARN) -S $< -o $@

# ---------------------------------------------------------------- tests
unit_objects = $(call objects,$1,$(UNIT_LIB) $(HTTP)) $(call pure,$1)
UNIT_NATIVE := $(patsubst %.c,build/asan/%,$(UNIT))
UNIT_WASM := $(patsubst %.c,build/wasm/%.wasm,$(UNIT))
$(UNIT_NATIVE): build/asan/%: build/asan/%.o $(call unit_objects,asan)
	$(call say,link $@)$(CC_asan) $^ -lm -o $@
$(UNIT_WASM): build/wasm/%.wasm: build/wasm/%.o $(call unit_objects,wasm)
	$(call say,link $@)$(WASM_LINK) -Wl,-z,stack-size=262144 $^ -o $@

REPLAY := build/asan/tests/traces/replay
$(REPLAY): build/asan/tests/traces/replay.o $(call pure,asan)
	$(call say,link $@)$(CC_asan) $^ -lm -o $@

# A dialect more and a question more, as CONTRIBUTING.md says: a file each, and lines in copies of ours. Nothing
# else is compiled anew.
TOY := tests/toy/toy_dialect.c
TOY_LINED := format/dialects core/call/ask core/call/call
build/toy/format/dialects.h: src/format/dialects.h
	@mkdir -p $(@D)
	@sed '0,/^DIALECT/s//DIALECT(toy)\n&/' $< >$@
build/toy/core/gw.h: src/core/gw.h
	@mkdir -p $(@D)
	@sed 's/^    GW_ASKS,/    GW_ASK_TOY,\n&/' $< >$@
build/toy/core/call/ask.c: src/core/call/ask.c
	@mkdir -p $(@D)
	@sed 's/^    \[GW_ASK_KEEP\]/    [GW_ASK_TOY] = toy_on_answer,\n&/' $< >$@
build/toy/core/call/call.c: src/core/call/call.c
	@mkdir -p $(@D)
	@sed 's/^    \[PHASE_CACHE\] = NULL,/    [PHASE_CACHE] = toy_ask,/' $< >$@
build/toy/format/dialects.c: src/format/dialects.c
	@mkdir -p $(@D)
	@cp $< $@
build/toy/toy_ask.c: tests/toy/toy_ask.c
	@mkdir -p $(@D)
	@cp $< $@
# Once for the daemon and the replay, once for the Worker.
TOY_C = -Ibuild/toy -Itests/toy $(COMMON) $(WARN) $(if $(findstring core,$@),-include tests/toy/toy_ask.h) -c $< -o $@
TOY_FROM := build/toy/format/dialects.h build/toy/core/gw.h tests/toy/toy_ask.h
build/toy/asan/%.o: build/toy/%.c $(TOY_FROM) $(REPLAY)
	@mkdir -p $(@D)
	$(call say,toy $<)$(CC_asan) $(TOY_C)
build/toy/wasm/%.o: build/toy/%.c $(TOY_FROM) build/core.wasm
	@mkdir -p $(@D)
	$(call say,toy wasm $<)$(CC_wasm) $(TOY_C)
toy_pure = $(TOY_LINED:%=build/toy/$1/%.o) build/toy/$1/toy_ask.o $(call objects,$1,$(TOY)) \
	$(filter-out $(TOY_LINED:%=\%/%.o),$(call pure,$1))
build/toy/replay: build/asan/tests/traces/replay.o $(call toy_pure,asan)
	$(call say,link $@)$(CC_asan) $^ -lm -o $@
build/toy/heady-gateway: $(call objects,asan,$(DAEMON)) $(call toy_pure,asan)
	$(call say,link $@)$(CC_asan) -Wl,--as-needed $^ $(LIBS) -o $@
build/toy/core.wasm: $(call objects,wasm,$(BOX)) $(call toy_pure,wasm)
	$(call say,link $@)$(BOX_LINK) $^ -o $@
build/toy/offsets.c: wasm/offsets.c
	@mkdir -p $(@D)
	@sed 's/^    ENUM(GW_ASK_KEEP);/    ENUM(GW_ASK_TOY);\n&/' $< >$@
build/toy/offsets.s: build/toy/offsets.c $(TOY_FROM) build/wasm/wasm/offsets.s
	$(call say,toy wasm $<)$(CC_wasm) $(subst -c $<,-S $<,$(TOY_C))
TOYS := build/toy/replay build/toy/heady-gateway build/toy/core.wasm build/toy/offsets.js

# One document from one dialect into another.
TRANSLATE := build/asan/tests/golden/translate
$(TRANSLATE): build/asan/tests/golden/translate.o $(call pure,asan)
	$(call say,link $@)$(CC_asan) $^ -lm -o $@

ROUNDTRIP := build/native/tests/golden/roundtrip
PAIRS := build/native/tests/golden/pairs
$(ROUNDTRIP) $(PAIRS): %: %.o $(call pure,native)
	$(call say,link $@)$(CC_native) $^ -lm -o $@
# The same in the Worker's code.
PAIRS_WASM := build/pairs.wasm
$(PAIRS_WASM): build/wasm/tests/golden/pairs.o $(call pure,wasm) | $(NODE)
	$(call say,link $@)$(WASM_LINK) -Wl,-z,stack-size=262144 $^ -o build/wasm/pairs-linked
	@$(WASM_OPT) build/wasm/pairs-linked -o $@
dialects: $(TRANSLATE)
	$(TRANSLATE) table >docs/dialects.md
# What comes of each dialect x provider x feature, played.
matrix: build build/heady-gateway-asan $(TRANSLATE) | $(NODE)
	@MATRIX_UPDATE=1 HOST=rack node --test tests/matrix/matrix.test.mjs

# What is counted is the daemon's own build of the core.
build/cost-replay: build/native/tests/traces/replay.o $(call pure,native)
	$(call say,link $@)$(CC_native) $^ -lm -o $@

# Whole gateways under a fake clock: quick for many seeds, under sanitizers for some.
build/sim: $(call objects,native,$(SIM)) $(call pure,native)
	$(call say,link $@)$(CC_native) $^ -lm -o $@
build/sim-asan: $(call objects,asan,$(SIM)) $(call pure,asan)
	$(call say,link $@)$(CC_asan) $^ -lm -o $@

# What a stream's bytes cost, counted: see tests/looks/looks.c.
LOOKS_WRAP := $(addprefix -Wl$(comma)--wrap=,memchr memcmp memcpy memmove memset)
build/looks: $(call objects,native,$(LOOKS)) $(call pure,counted)
	$(call say,link $@)$(CC_native) $(LOOKS_WRAP) $^ -lm -o $@

FUZZERS := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(FUZZ))
$(FUZZERS): build/fuzz/%: build/fuzz/tests/fuzz/%.o $(call objects,fuzz,$(HTTP)) $(call pure,fuzz)
	$(call say,link $@)$(CC_fuzz) -fsanitize=fuzzer $^ $(FUZZ_LIBS) -lm -o $@
# A whole connection needs the daemon around it.
build/fuzz/fuzz_conn: $(call objects,fuzz,$(filter-out src/native/process/main.c,$(NATIVE)))
build/fuzz/fuzz_conn: FUZZ_LIBS = $(LIBS)

# The daemon's store alone, to be killed; and a bad disk for it, by LD_PRELOAD.
STORE_TOOLS := build/store-hammer build/store-kept
$(STORE_TOOLS): build/store-%: build/asan/tests/store/%.o $(call objects,asan,$(filter-out src/native/process/main.c,$(DAEMON)))
$(STORE_TOOLS): $(call pure,asan)
	$(call say,link $@)$(CC_asan) -Wl,--as-needed $^ $(LIBS) -o $@
build/bad-disk.so: tests/store/disk.c
	@mkdir -p $(@D)
	$(call say,link $@)$(CC) -std=c11 -O2 $(WARN) -fPIC -shared $< -o $@

BENCH_TOOLS := $(patsubst tests/bench/%.c,build/bench-%,$(BENCH))
BUILT := build build/looks build/sim build/sim-asan $(BENCH_TOOLS) build/heady-gateway-asan build/core-trap.wasm \
	build/wasm/map $(STORE_TOOLS) build/bad-disk.so
# Other people's HTTP/2, by Debian's Go: a peer of our own on its standard library, and h2spec, pinned.
PEERS := build/peer-go build/h2spec
GO := GOTOOLCHAIN=local GOFLAGS=-buildvcs=false go
build/peer-go: tests/peers/peer.go | $(TOOLS)
	$(call say,go $<)$(GO) build -o $@ $<
build/h2spec: tests/peers/h2spec/go.mod tests/peers/h2spec/go.sum | $(TOOLS)
	$(call say,go $@)cd $(<D) && $(GO) build -o $(CURDIR)/$@ github.com/summerwind/h2spec/cmd/h2spec
	@touch $@
# What is fetched comes first, and waits beside what is compiled; the fuzzers come when the first tests wait.
test: $(PYTHON) $(AGENTS) $(REAL) $(OPEN) $(PEERS) $(BUILT) build/cost-replay $(REPLAY) $(TRANSLATE) $(ROUNDTRIP) $(PAIRS) $(PAIRS_WASM) $(TOYS) $(UNIT_NATIVE) $(UNIT_WASM) | $(NODE)
	@node tools/test.mjs
fuzzers: $(FUZZERS)
test-unit: $(UNIT_NATIVE) $(UNIT_WASM) | $(NODE)
	@node tools/test.mjs unit
agents: build build/heady-gateway-asan $(AGENTS) | $(NODE)
	@node tools/test.mjs agents
real: build build/heady-gateway-asan $(REAL) | $(NODE)
	@REAL=long node --test --test-concurrency=1 tests/real/real.test.mjs tests/real/dialects.test.mjs tests/real/load.test.mjs
fuzz: $(FUZZERS) | $(NODE)
	@node tools/test.mjs fuzz --seconds=$(FUZZ_SECONDS)
$(BENCH_TOOLS): build/bench-%: build/native/tests/bench/%.o
	$(call say,link $@)$(CC_native) $^ -o $@
soak: build/heady-gateway | $(NODE)
	@node tests/soak/soak.mjs --seconds=$(SOAK_SECONDS)
wall: build | $(NODE)
	@WALL_SEEDS=$(WALL_SEEDS) node tests/wall/wall.mjs
cost: build build/cost-replay $(PYTHON) | $(NODE)
	@node --no-warnings tests/cost/cost.mjs $(if $(COST_UPDATE),--update)
size: build/core.wasm build/wasm/map | $(NODE)
	@node tools/parts.mjs build/wasm/map build/core.wasm
sim: build/sim
	@build/sim $(SIM_SEED) $(SIM_SEEDS)
bench: build $(BENCH_TOOLS) $(PAIRS) $(PAIRS_WASM) $(LITELLM) | $(NODE)
	node tests/bench/edge.mjs
	node tests/bench/native.mjs
	node tests/bench/pairs.mjs
	node tests/bench/litellm.mjs

# ---------------------------------------------------------------- lint
C_SRC := $(wildcard src/*/*.[ch] src/*/*/*.[ch] wasm/*.[ch])
C_ALL := $(C_SRC) $(wildcard tests/*/*.[ch])
JS_ALL := $(wildcard worker-shim/*.js tools/*.mjs tests/*/*.mjs tests/*/*.js)
PURE_OBJECTS := $(call objects,native,$(PURE) $(HTTP))

TIDY := $(patsubst %.c,build/lint/%.tidy,$(PURE) $(HTTP) $(NATIVE) $(BOX) $(UNIT) $(BENCH) $(SIM) $(LOOKS) $(TOY) $(STORE))

lint: $(addprefix build/lint/,format size purity includes names types) $(TIDY)
	@tools/commits.sh
build/lint/format: $(C_ALL) .clang-format
	@mkdir -p $(@D)
	$(call say,clang-format)clang-format-19 --dry-run -Werror $(C_ALL)
	@touch $@
build/lint/size: tools/size.sh $(C_ALL) $(JS_ALL)
	@mkdir -p $(@D)
	$(call say,sizes)tools/size.sh $(C_ALL) $(JS_ALL)
	@touch $@
build/lint/purity: tools/purity.sh $(PURE_OBJECTS) $(call pure,native)
	@mkdir -p $(@D)
	$(call say,purity)tools/purity.sh $(PURE_OBJECTS)
	@touch $@
build/lint/includes: tools/includes.mjs $(C_SRC) | $(NODE)
	@mkdir -p $(@D)
	$(call say,includes)node tools/includes.mjs $(C_SRC)
	@touch $@
build/lint/names: tools/names.mjs $(C_ALL) | $(NODE)
	@mkdir -p $(@D)
	$(call say,names)node tools/names.mjs $(C_ALL)
	@touch $@
# An object is rebuilt when a header that it includes changes; so is what is known about its source.
build/lint/wasm/%.tidy: wasm/%.c build/wasm/wasm/%.o .clang-tidy
	@mkdir -p $(@D)
	$(call say,tidy $<)clang-tidy-19 --quiet $< -- $(COMMON) --target=wasm32-wasi
	@touch $@
build/lint/tests/%.tidy: tests/%.c build/asan/tests/%.o .clang-tidy
	@mkdir -p $(@D)
	$(call say,tidy $<)clang-tidy-19 --quiet --checks=-clang-analyzer-* $< -- $(COMMON)
	@touch $@
build/lint/%.tidy: %.c build/native/%.o .clang-tidy
	@mkdir -p $(@D)
	$(call say,tidy $<)clang-tidy-19 --quiet $< -- $(COMMON) $(if $(filter src/native/%,$<),-D_GNU_SOURCE)
	@touch $@
build/lint/types: tsconfig.json tsconfig.worker.json $(JS_ALL) build/offsets.js build/toy/offsets.js | $(NODE)
	@mkdir -p $(@D)
	$(call say,types)tsc -p tsconfig.worker.json && tsc -p .
	@touch $@
fmt: | $(TOOLS)
	clang-format-19 -i $(C_ALL)

# ---------------------------------------------------------------- running it
dev: build | $(NODE)
	@node tools/dev.mjs
certs:
	@tools/certs.sh build/certs
deploy: wasm | $(NODE)
	wrangler deploy --env production
install: build/heady-gateway
	install -D -m 755 build/heady-gateway $(DESTDIR)$(PREFIX)/bin/heady-gateway
	for f in config/*.json; do install -D -m 644 $$f $(DESTDIR)$(PREFIX)/etc/heady-gateway/$${f##*/}; done
	mkdir -p $(DESTDIR)$(PREFIX)/lib/systemd/system
	for f in service socket; do sed 's,/usr/local/,$(PREFIX)/,g' config/heady-gateway.$$f \
		>$(DESTDIR)$(PREFIX)/lib/systemd/system/heady-gateway.$$f; done
clean:
	rm -rf build

-include $(shell find build -name '*.d' 2>/dev/null)
