# dnslet. `make run` tries it out, `make check` tests it, `make help` lists the rest.
# Packages that are missing are installed on the way (.ci/deps). Sanitizers: SAN=1; another
# compiler: CXX=clang++; static for musl: STATIC=1, for another processor: ARCH=aarch64, ARCH=armv7 besides;
# without TLS: VARIANT=min; whole commands: V=1; warnings are errors: WERROR=1.

CXXFLAGS   ?= $(if $(filter-out 0,$(STATIC)),-Os,-O2 -g1)
PIE        ?= -pie
INDEXED    := s
PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc
STRIP      ?= -s# as `install` takes it; empty: what is installed keeps its symbols
PKG_CONFIG ?= pkg-config
PYTHON     ?= /usr/bin/python3
TIME       ?= 60
PORT       ?= 5300
ROOTS      ?= bookworm trixie
E2E        ?= $(wildcard tests/e2e tests/docs_test.py tests/documents_test.py tests/completion_test.py)
VERSION    := $(shell .ci/version)
# This system's, for docker/prebuilt.Dockerfile.
ROOTS_FILE := /etc/ssl/certs/ca-certificates.crt
# For which processors a static program is, as uname tells them, and as container engines call that.
OWN_ARCH   := $(patsubst armv%,armv7,$(shell uname -m))
ARCH       := $(OWN_ARCH)
OTHER_ARCH := $(filter-out $(OWN_ARCH),$(ARCH))
PLATFORM   := $(patsubst armv7,arm,$(patsubst aarch64,arm64,$(patsubst x86_64,amd64,$(ARCH))))

# One folder for each kind of build: build, build/san, build/thread, build/clang++, build/san/clang++.
SANITIZE := $(filter-out 0,$(SAN))
COMPILER := $(filter-out g++,$(notdir $(lastword $(CXX))))
B        := build$(if $(SANITIZE),/$(or $(filter fuzz thread,$(SAN)),san))$(if $(COMPILER),/$(COMPILER))

# Static programs are built in build/static, by Alpine's own compiler or, elsewhere, a toolchain of ours; those
# for other processors in a folder of it.
S := build/static$(OTHER_ARCH:%=/$(PLATFORM))
ifneq ($(filter-out 0,$(STATIC)),)
B    := $(S)
MUSL := $(shell .ci/deps static $(OTHER_ARCH) >&2 && .ci/musl-sysroot $(ARCH))
$(if $(filter 0,$(.SHELLSTATUS)),,$(error there is no toolchain for musl))
ifneq ($(MUSL),)
override CXX := $(filter-out %g++ %clang++,$(CXX)) $(MUSL)/bin/musl-clang++
PKG_CONFIG   := $(MUSL)/bin/pkg-config
FOLDED       := -Wl,--icf=all,-O2
# The linker sees all of the program at once, and makes it 3 % smaller. Objects have no symbols for `ar` then.
WHOLE        := -flto
INDEXED      := S
export MUSL
else
PKG_CONFIG += --static
endif
CODE   := -fno-pie -ffunction-sections -fdata-sections
COLD   := -Oz
# The names of types alone are 19 kB. Tests keep them: Catch2 may need them.
BARE   := -fno-rtti
# Where nothing is caught there is nothing to unwind: tables and landing pads would be a fifth of the program.
THROWN := -fno-exceptions -fno-unwind-tables -fno-asynchronous-unwind-tables
LINKED := -static -no-pie -s -Wl,--gc-sections $(FOLDED)
else
CODE   := -fPIE -ffunction-sections -fdata-sections
COLD   := $(if $(SANITIZE),,-Os)
LINKED := $(PIE) -Wl,--gc-sections
endif

# full: all of it. min: without TLS, HTTPS, QUIC, Redis and the packet filter, so without OpenSSL, nghttp2, nghttp3 and hiredis. Both are
# made of the same objects, but for those of io/tls, io/http2, io/quic, io/http3, io/redis and io/address_sets; the one that is not asked for by itself has a folder below.
USUAL    := $(if $(filter-out 0,$(STATIC)),min,full)
VARIANT  ?= $(USUAL)
$(if $(filter min full,$(VARIANT)),,$(error VARIANT is min or full, not '$(VARIANT)'))
MADE     := $(B)$(if $(filter $(USUAL),$(VARIANT)),,/$(VARIANT))

# QUIC is OpenSSL's from 3.5 on, HTTP/3 that with nghttp3. Which of their files are linked is known before anything
# is made, so the packages have to be there by now.
NOTHING_MADE := $(if $(MAKECMDGOALS),$(if $(filter-out clean help uninstall,$(MAKECMDGOALS)),,1))
QUIC     := $(if $(filter min,$(VARIANT))$(NOTHING_MADE),,$(shell \
    $(PKG_CONFIG) --exists libnghttp3 || $(PKG_CONFIG) --exists 'openssl < 3.5' || CXX='$(CXX)' .ci/deps build tls >&2; \
    $(PKG_CONFIG) --exists 'openssl >= 3.5' && echo openssl))
HTTP3    := $(if $(QUIC),$(shell $(PKG_CONFIG) --exists 'libnghttp3 >= 1.1' && echo libnghttp3))
parts     = $(if $(2),src/io/$(1)_missing.cc,$(filter-out src/io/$(1)_missing.cc,$(wildcard src/io/$(1)_*.cc)))
LEFT_OUT := $(call parts,quic,$(QUIC)) $(call parts,http3,$(HTTP3)) $(if $(filter min,$(VARIANT)),src/io/tls_openssl.cc src/io/tls_handshakes.cc src/io/tls_stream.cc src/io/tls_certificates.cc src/io/tls_server.cc \
    src/io/http2_client.cc src/io/http2_requests.cc src/io/redis_hiredis.cc src/io/netlink.cc src/io/sets_netlink.cc \
    src/base/sets_full.cc,src/base/sets_min.cc $(patsubst %,src/io/%_missing.cc,tls http2 redis sets))
# libsystemd, which systemd-resolved is asked by, is loaded by the program: not by a static one. With apt-get, .ci/deps
# brings its headers; elsewhere they may be there.
LOADING  := $(if $(filter-out 0,$(STATIC))$(filter min,$(VARIANT)),,$(shell $(PKG_CONFIG) --exists libsystemd && echo yes || command -v apt-get))
LEFT_OUT += $(if $(LOADING),src/io/resolved_missing.cc,$(addprefix src/io/,sd_bus.cc resolved_sdbus.cc resolved_values.cc))

SOURCES := $(filter-out src/app/main.cc $(LEFT_OUT),$(wildcard src/*/*.cc))
HEADERS := $(wildcard src/*/*.h)
UNITS   := $(wildcard tests/unit/*.cc tests/unit/*/*.cc)
TARGETS := $(patsubst tests/fuzz/%_fuzz.cc,%,$(wildcard tests/fuzz/*_fuzz.cc))
BENCHES := $(patsubst tests/bench/%.cc,%,$(wildcard tests/bench/*_bench.cc))
LOADS   := $(addprefix $(B)/bench/,stub_upstream echo_server load first_answer soak)
STUBS   := $(if $(filter full,$(VARIANT)),$(B)/bench/tls_stub $(B)/bench/https_stub) $(if $(QUIC),$(B)/bench/quic_stub)
QUIC_CLIENT := $(if $(QUIC),$(MADE)/bench/quic_client)
PROGRAM := $(MADE)/dnslet
SBINDIR := $(PREFIX)/sbin
MANDIR  := $(PREFIX)/share/man/man8
UNITDIR := $(PREFIX)/lib/systemd/system
# Where each shell looks for completions.
FORBASH := $(PREFIX)/share/bash-completion/completions
FORZSH  := $(PREFIX)/share/zsh/site-functions
FORFISH := $(PREFIX)/share/fish/vendor_completions.d
CONFD   := $(SYSCONFDIR)/conf.d/dnslet
ROTATED := $(SYSCONFDIR)/logrotate.d/dnslet
LIBRARY := $(MADE)/libdnslet.a

# Everything below here that is not `:=` is expanded in recipes only, when the packages are there.
WARNINGS = -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wnon-virtual-dtor \
    $(if $(filter-out 0 false,$(CI) $(WERROR)),-Werror)
HARDENED = -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -D_GLIBCXX_ASSERTIONS -fstack-protector-strong $(if $(MUSL)$(filter-out 0,$(STATIC)),,$(BRANCHES))
# Of no use in a static program: the assembler of musl has no marks for it.
BRANCHES = $(if $(filter x86_64,$(shell uname -m)),$(call accepted,-fcf-protection))
CHECKED  = -O1 -fno-omit-frame-pointer -D_GLIBCXX_ASSERTIONS $(SANITIZERS) \
    $(if $(findstring clang,$(CXX)),,-Wno-maybe-uninitialized) # g++ sees ghosts in instrumented code
# The check of vptr opens a pipe to see whether an object can be read: without descriptors it finds faults.
SANITIZERS = $(if $(filter thread,$(SAN)),-fsanitize=thread,-fsanitize=address,undefined -fno-sanitize-recover=all) \
    $(if $(filter fuzz,$(SAN)),-fsanitize=fuzzer-no-link,-fno-sanitize=vptr)
# g++ would clear and copy structures by `rep stos` and `rep movs`, which take long to begin.
STRINGS  = $(call accepted,-mstringop-strategy=libcall)
COMPILE_FLAGS = -std=c++20 $(WARNINGS) $(CXXFLAGS) $(if $(SANITIZE),$(CHECKED),$(HARDENED)) $(CODE) $(STRINGS) -pthread \
    -Isrc -Itests/unit $(CPPFLAGS) $(shell $(PKG_CONFIG) --cflags libuv libcares)
LINK_FLAGS = $(CXXFLAGS) $(if $(SANITIZE),$(SANITIZERS)) $(LINKED) -pthread -Wl,-z,relro,-z,now $(LDFLAGS)
# The regular expressions of musl's own C library are TRE; those of glibc are not.
TRE   = $(if $(findstring musl,$(shell $(CXX) -dumpmachine)),,tre)
LIBS  = $(shell $(PKG_CONFIG) --libs $(PACKAGES) $(TRE))
PACKAGES = libuv libcares $(if $(filter full,$(VARIANT)),openssl libnghttp2 $(HTTP3) hiredis)
CATCH = $(shell $(PKG_CONFIG) --libs catch2-with-main 2>/dev/null)

accepted = $(shell mkdir -p $(B); echo 'int main() {}' | $(CXX) $(1) -x c++ - -o $(B)/probe 2>/dev/null && echo '$(1)')
# What failed is remembered: tests that measure may fail where others run beside them, or the machine is busy.
FULL_ONLY = $(addprefix tests/e2e/,tls_test.py https_test.py shared_cache_test.py sets_test.py encrypted_faults_test.py static_test.py image_test.py \
    encrypted_listeners_test.py https_listener_test.py encrypted_peers_test.py resolved_test.py real_resolved_test.py \
    quic_listener_test.py hostile_quic_test.py quic_test.py h3_test.py)
# What runs a program of another processor, and a cross-section of the tests for it.
EMULATOR  = $(if $(OTHER_ARCH),$(shell command -v qemu-$(ARCH:armv7=arm)-static || command -v qemu-$(ARCH:armv7=arm)))
SHORT_E2E = hosts_test.py cache_test.py search_test.py tcp_test.py rules_test.py
PYTEST   = $(if $(SANITIZE),SLOW=1 )DNSLET=$(CURDIR)/$(PROGRAM) $(PYTHON) -m pytest -q
BESIDE   = $(shell echo $$((2 * $$(nproc)))) # most of their time goes by waiting
quiet    = $(if $(V),,@printf '  %-5s %s\n' '$(1)' '$@';)
substituted = sed 's|@SBINDIR@|$(SBINDIR)|g' $(1) >$(DESTDIR)$(3) && chmod $(2) $(DESTDIR)$(3)
linked   = $(CXX) @$(B)/link.flags $(PLAIN) -o $@ $(filter %.o %.a,$^)

ifeq ($(MAKELEVEL),0)
MAKEFLAGS += --no-print-directory -j$(shell nproc)
ifneq ($(word 2,$(MAKECMDGOALS)),)
.NOTPARALLEL: # `make clean check` means one after the other
endif
endif
export UBSAN_OPTIONS ?= print_stacktrace=1
export TIME
export PYTHONDONTWRITEBYTECODE = 1

all: $(PROGRAM) ## build the program

run: $(PROGRAM) ## start it on 127.0.0.1, port PORT=5300, with an example hosts file and a cache
	@echo 'Try it from another terminal; Ctrl-C here ends it:'
	@echo '  dig @127.0.0.1 -p $(PORT) db.test'
	@echo '  dig @127.0.0.1 -p $(PORT) anything.apps.test'
	@if grep -q '^[[:space:]]*nameserver[[:space:]]' /etc/resolv.conf 2>/dev/null; \
	then echo '  dig @127.0.0.1 -p $(PORT) example.com'; \
	else echo 'No nameserver in /etc/resolv.conf: only the hosts file is served (--no-rec).'; \
	    set -- --no-rec; \
	fi; \
	trap : INT; \
	$(PROGRAM) --listen 127.0.0.1:$(PORT) --rcache 10000 --hostsfile docker/hosts/example --verbose "$$@"

check: ## run all tests: unit, stored fuzz inputs under sanitizers, end to end, documents
	@$(MAKE) all $(MADE)/unit-tests
	@$(MAKE) unit
	@$(MAKE) fuzz-replay
	@$(MAKE) e2e

unit: $(MADE)/unit-tests ## run the unit tests
	$(MADE)/unit-tests

coverage: ## tell which lines the unit tests run, per folder and file (LINES=FILE...: and which they do not)
	@$(MAKE) B=build/coverage CXXFLAGS='-O0 -g --coverage' HARDENED= build/coverage/unit-tests
	@find build/coverage -name '*.gcda' -delete
	build/coverage/unit-tests >build/coverage/log || { tail -n 20 build/coverage/log; exit 1; }
	@$(PYTHON) tests/coverage.py build/coverage $(LINES)

fuzz-replay: | deps ## feed the stored fuzz inputs to their targets, under sanitizers where there are any
	@$(MAKE) SAN='$(if $(call accepted,$(SANITIZERS)),1)' replay

replay: $(TARGETS:%=$(B)/replay/%)
	@$(foreach target,$(TARGETS),$(B)/replay/$(target) tests/fuzz/corpus/$(target) &&) true

fuzz: ## fuzz every target with clang's libFuzzer for TIME seconds
	@$(MAKE) SAN=fuzz CXX='$(if $(findstring clang,$(CXX)),$(CXX),clang++)' libfuzzer

libfuzzer: $(TARGETS:%=$(B)/libfuzzer/%)
	@$(foreach target,$(TARGETS),mkdir -p $(B)/corpus/$(target) && $(B)/libfuzzer/$(target) -max_total_time=$(TIME) \
	    -artifact_prefix=$(B)/$(target)- $(B)/corpus/$(target) tests/fuzz/corpus/$(target) &&) true

static: ## build static programs for musl, with everything inside: build/static/dnslet is dnslet-min, .../full/dnslet has TLS, HTTPS (ARCH=...)
	@$(MAKE) STATIC=1 VARIANT=min all
	@$(MAKE) STATIC=1 VARIANT=full all
	@mkdir -p build/static/$(PLATFORM) build/static/full/$(PLATFORM)
	@$(if $(OTHER_ARCH),,ln -f $(S)/dnslet build/static/$(PLATFORM)/dnslet)
	@ln -f $(S)/full/dnslet build/static/full/$(PLATFORM)/dnslet
	@if [ -e $(ROOTS_FILE) ]; then cp $(ROOTS_FILE) build/static/full/ca-certificates.crt; \
	else echo 'For an image of it: put root certificates into build/static/full/ca-certificates.crt'; fi

fresh-roots: ## run README's commands in minimal roots of Debian 12 and 13 (ROOTS=...; root; NOSKIP=1)
	@.ci/deps fresh
	@set -e; for suite in $(ROOTS); do tests/fresh_root.sh $$suite; done

deb: ## make Debian's packages of the last commit in build/deb, for the release that this is
	@.ci/deps build tls deb
	packaging/deb/build.sh build/deb

apk: ## write an APKBUILD of the last commit to build/apk; on Alpine, where abuild is, make the packages
	packaging/apk/build.sh build/apk

dist: ## make what a release consists of in build/dist: source, static programs (ARCHS=...), packages, images, SBOM
	@.ci/deps static image $(if $(wildcard /etc/alpine-release),,build tls deb)
	packaging/dist.sh build/dist

check-dist: ## make it twice, in two folders, and compare all bytes
	@.ci/deps static image $(if $(wildcard /etc/alpine-release),,build tls deb)
	packaging/dist.sh build/dist
	packaging/dist.sh build/dist-again/as-it-happens
	diff -r build/dist build/dist-again/as-it-happens
	@! grep -alF -e '$(CURDIR)' -e "$${DNSLET_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/dnslet}" build/dist/dnslet*

check-packages: ## build Debian's packages in fresh roots of ROOTS=..., install, start, ask and purge them there (root; NOSKIP=1)
	@.ci/deps fresh
	@set -e; for suite in $(ROOTS); do tests/fresh_root.sh $$suite packages; done

check-musl: ## test that program: unit, end to end, real clients on musl, an image of it (root; NOSKIP=1)
	@.ci/deps static check image
	@$(MAKE) STATIC=1 all build/static/unit-tests
	@$(MAKE) STATIC=1 unit
	@$(MAKE) STATIC=1 e2e
	@$(MAKE) STATIC=1 VARIANT=full e2e E2E='$(FULL_ONLY)'

check-arch: ## test static programs of ARCH=aarch64 or armv7 by qemu: unit tests, a short e2e; ROOTS=DIR: in Alpine's roots, too
	@.ci/deps static check emulator $(OTHER_ARCH)
	@$(MAKE) static
	@$(MAKE) STATIC=1 $(S)/unit-tests
	$(EMULATOR) $(S)/unit-tests
	SLOW=1 DNSLET='$(EMULATOR) $(S)/dnslet' $(PYTHON) -m pytest -q $(addprefix tests/e2e/,$(SHORT_E2E))
	SLOW=1 DNSLET='$(EMULATOR) $(S)/full/dnslet' $(PYTHON) -m pytest -q $(addprefix tests/e2e/,tls_test.py https_test.py)
	$(if $(wildcard $(ROOTS)),SLOW=1 EMULATOR=$(EMULATOR) ROOTS=$(ROOTS) DNSLET=$(S)/dnslet $(PYTHON) -m pytest -q tests/alpine_test.py)

check-alpine: ## test static programs, clients and the OpenRC script in ROOTS=DIR of alpine-minirootfs-*.tar.gz (root)
	@.ci/deps static check
	@$(MAKE) static
	tests/alpine.sh $(wildcard $(ROOTS))

e2e: $(PROGRAM) $(LOADS) $(QUIC_CLIENT) $(filter %/quic_stub,$(STUBS)) ## test the program from outside (E2E=FILE... for some) and the documents
	$(PYTEST) $(if $(word 2,$(E2E)),-n $(BESIDE) --dist loadfile) $(E2E) || \
	    { [ $$? = 1 ] && echo 'What failed beside others is asked again alone:' && $(PYTEST) --last-failed $(E2E); }

tsan: ## look for data races for TIME seconds, while everything is reloaded under load
	@.ci/deps build tls check
	@$(MAKE) loads
	@$(MAKE) SAN=thread all
	SLOW=1 DNSLET=$(CURDIR)/build/thread/$(if $(COMPILER),$(COMPILER)/)dnslet $(PYTHON) -m pytest -q -s -p no:cacheprovider tests/races_test.py

loads: $(LOADS)

lint: | deps ## check format, layers, scripts and the man page, then run clang-tidy (TIDY=options)
	clang-format --dry-run --Werror $$(find src tests -name '*.cc' -o -name '*.h')
	$(PYTHON) tests/layers.py
	tests/hygiene.sh
	shellcheck .ci/deps .ci/musl-sysroot .ci/run .ci/version $(wildcard tests/*.sh tests/*/*.sh packaging/*.sh packaging/*/*.sh)
	shellcheck completion/dnslet.bash
	shellcheck --shell=sh --exclude=SC2034,SC2154 init/dnslet.openrc init/dnslet.confd # variables of openrc-run
	mandoc -T lint -W warning man/dnslet.8
	@$(MAKE) tidy

tidy: $(SOURCES:%=$(B)/%.tidy) $(B)/src/app/main.cc.tidy

bench: $(PROGRAM) $(LOADS) $(STUBS) ## measure it beside dnsmasq and unbound (QUICK=1: roughly, in two minutes)
	$(PYTHON) tests/bench/bench.py --build $(B) $(if $(filter-out 0,$(QUICK)),--quick)

bench-rules: $(PROGRAM) $(LOADS) ## measure what lists and rules cost, beside dnsmasq (QUICK=1: roughly)
	$(PYTHON) tests/bench/rules.py --build $(B) $(if $(filter-out 0,$(QUICK)),--quick)

bench-listeners: $(PROGRAM) $(LOADS) ## measure clients over TLS and HTTPS, beside dnsdist (QUICK=1: roughly)
	$(PYTHON) tests/bench/listeners.py --build $(B) $(if $(filter-out 0,$(QUICK)),--quick)

bench-far: $(PROGRAM) $(LOADS) $(STUBS) ## measure a nameserver over TLS, 20 ms and 1 % loss away (QUICK=1: roughly)
	$(PYTHON) tests/bench/far.py --build $(B) $(if $(filter-out 0,$(QUICK)),--quick)

soak: $(PROGRAM) $(LOADS) ## ask it QUESTIONS=10000000 questions (VALGRIND=1: 30000 under valgrind)
	$(if $(filter-out 0,$(VALGRIND)),SLOW=1 )$(PYTHON) tests/bench/soak.py --build $(B) \
	    $(if $(filter-out 0,$(VALGRIND)),--valgrind --questions 30000) $(if $(QUESTIONS),--questions $(QUESTIONS))

micro: $(B)/bench/micro_bench ## count the instructions of parse, cache and hosts look-ups
	tests/bench/micro.sh $<

completion: $(PROGRAM) ## make the completions for shells anew, from the table of options
	$(PYTHON) completion/generate.py $(PROGRAM) completion

install: $(PROGRAM) ## install to DESTDIR, PREFIX and SYSCONFDIR, with completions and the units of systemd and OpenRC
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(MANDIR) $(DESTDIR)$(UNITDIR) \
	    $(DESTDIR)$(FORBASH) $(DESTDIR)$(FORZSH) $(DESTDIR)$(FORFISH) \
	    $(DESTDIR)$(SYSCONFDIR)/init.d $(DESTDIR)$(SYSCONFDIR)/conf.d $(DESTDIR)$(SYSCONFDIR)/logrotate.d
	install $(STRIP) -m 755 $(PROGRAM) $(DESTDIR)$(SBINDIR)/dnslet
	install -m 644 man/dnslet.8 $(DESTDIR)$(MANDIR)/dnslet.8
	install -m 644 completion/dnslet.bash $(DESTDIR)$(FORBASH)/dnslet
	install -m 644 completion/_dnslet $(DESTDIR)$(FORZSH)/_dnslet
	install -m 644 completion/dnslet.fish $(DESTDIR)$(FORFISH)/dnslet.fish
	install -m 644 init/dnslet.socket $(DESTDIR)$(UNITDIR)/dnslet.socket
	$(call substituted,init/dnslet.service,644,$(UNITDIR)/dnslet.service)
	$(call substituted,init/dnslet.openrc,755,$(SYSCONFDIR)/init.d/dnslet)
	test -e $(DESTDIR)$(CONFD) || install -m 644 init/dnslet.confd $(DESTDIR)$(CONFD)
	test -e $(DESTDIR)$(ROTATED) || install -m 644 init/dnslet.logrotate $(DESTDIR)$(ROTATED)

uninstall: ## remove what install put there, but for settings with changes
	rm -f $(DESTDIR)$(SBINDIR)/dnslet $(DESTDIR)$(MANDIR)/dnslet.8 $(DESTDIR)$(UNITDIR)/dnslet.socket \
	    $(DESTDIR)$(UNITDIR)/dnslet.service $(DESTDIR)$(SYSCONFDIR)/init.d/dnslet \
	    $(DESTDIR)$(FORBASH)/dnslet $(DESTDIR)$(FORZSH)/_dnslet $(DESTDIR)$(FORFISH)/dnslet.fish
	! cmp -s init/dnslet.confd $(DESTDIR)$(CONFD) || rm $(DESTDIR)$(CONFD)
	! cmp -s init/dnslet.logrotate $(DESTDIR)$(ROTATED) || rm $(DESTDIR)$(ROTATED)

clean: ## remove everything that was built
	rm -rf build

print-platform:
	@echo $(PLATFORM)

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.* ## \(.*\)/  \1  \2/p' Makefile | awk '{ t = $$1; $$1 = ""; printf "  %-16s%s\n", t, $$0 }'

# Packages: one call, for the goals of this run.
deps:
	@CXX='$(CXX)' .ci/deps $(if $(MUSL),,build $(if $(filter full,$(VARIANT)),tls)) $(if $(filter unit e2e $(MADE)/unit-tests,$(MAKECMDGOALS)),check) \
	    $(filter lint bench soak micro,$(patsubst bench-%,bench,$(MAKECMDGOALS)))

# The flags are files, so that pkg-config runs once and other flags make another build.
$(B)/compile.flags: CONTENT = $(COMPILE_FLAGS)
$(B)/link.flags:    CONTENT = $(LINK_FLAGS)
$(B)/version:       CONTENT = $(VERSION)

$(B)/compile.flags $(B)/link.flags $(B)/version: FORCE | deps
	@mkdir -p $(@D)
	@echo '$(CONTENT)' >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(B)/src/base/version.o: $(B)/version
$(B)/src/base/version.o: DEFINE = -DVERSION='"$(VERSION)"'

# What few questions pass through is made for size: pages of code are memory, too. A static program is so as
# a whole: -Os costs a question nothing that can be measured.
RARE := $(wildcard src/dns/*text*.cc src/policy/expression_*.cc src/upstream/*name*.cc src/upstream/dhcp_*.cc src/upstream/*_source.cc) src/policy/letter_set.cc src/policy/cache_dump.cc \
    src/policy/preload.cc src/policy/own_records.cc src/upstream/address_queries.cc src/upstream/ways.cc \
    src/upstream/http_status.cc $(addprefix src/serve/,listeners.cc worker_tables.cc server_counters.cc counters.cc \
    query_log.cc worker_listen.cc worker_sets.cc worker_shared.cc filter_sets.cc) $(addprefix src/policy/,fake_answers.cc \
    fake_addresses.cc reverse_names.cc preference.cc records.cc name_expression.cc stored_answer.cc shared_key.cc \
    address_puts.cc) src/dns/svcb.cc src/dns/requalify.cc src/dns/client_subnet.cc
HOT := $(filter-out $(RARE),$(wildcard src/dns/*.cc src/policy/*.cc src/upstream/*.cc src/serve/*.cc)) \
    $(addprefix src/io/,loop.cc tcp_client.cc tcp_stream.cc udp_listener.cc)
$(patsubst %.cc,$(B)/%.o,$(filter-out $(HOT),$(SOURCES)) src/app/main.cc): SIZE = $(COLD)
$(UNITS:%.cc=$(B)/%.o): SIZE = $(if $(SANITIZE)$(filter-out 0,$(STATIC)),-O0,-O1 -g0) # half the time to build them
$(SOURCES:%.cc=$(B)/%.o) $(B)/src/app/main.o: TYPES = $(BARE) $(THROWN) $(WHOLE)

$(B)/%.o: %.cc $(B)/compile.flags
	@mkdir -p $(@D)
	$(call quiet,CXX)$(CXX) @$(B)/compile.flags $(SIZE) $(TYPES) $(DEFINE) -MMD -MP -c -o $@ $<

$(LIBRARY): $(SOURCES:%.cc=$(B)/%.o)
	@mkdir -p $(@D)
	@rm -f $@
	$(call quiet,AR)$(AR) rc$(INDEXED) $@ $^

# Of an inline function that several objects have the linker takes the first: that one is made for speed.
# A program of musl's has a C++ library that throws nothing; tests need the usual one.
$(PROGRAM): PLAIN = $(MUSL:%=-L%/usr/lib/plain)
$(PROGRAM): $(patsubst %.cc,$(B)/%.o,$(HOT)) $(B)/src/app/main.o $(LIBRARY) $(B)/link.flags
	$(call quiet,LINK)$(linked) $(LIBS)

$(MADE)/unit-tests: $(UNITS:%.cc=$(B)/%.o) $(LIBRARY) $(B)/link.flags
	$(call quiet,LINK)$(linked) $(CATCH) $(LIBS)

$(B)/replay/%: $(B)/tests/fuzz/%_fuzz.o $(B)/tests/fuzz/replay_main.o $(LIBRARY) $(B)/link.flags
	@mkdir -p $(@D)
	$(call quiet,LINK)$(linked) $(LIBS)

$(B)/libfuzzer/%: $(B)/tests/fuzz/%_fuzz.o $(LIBRARY) $(B)/link.flags
	@mkdir -p $(@D)
	$(call quiet,LINK)$(linked) -fsanitize=fuzzer $(LIBS)

$(LOADS): $(B)/bench/%: $(B)/tests/bench/%.o $(B)/link.flags
	@mkdir -p $(@D)
	$(call quiet,LINK)$(linked)

$(STUBS): $(B)/bench/%: $(B)/tests/bench/%.o $(B)/link.flags
	@mkdir -p $(@D)
	$(call quiet,LINK)$(linked) $(LIBS)

$(QUIC_CLIENT): $(B)/tests/bench/quic_client.o $(B)/link.flags
	@mkdir -p $(@D)
	$(call quiet,LINK)$(linked) $(LIBS)

$(B)/bench/%: $(B)/tests/bench/%.o $(LIBRARY) $(B)/link.flags
	@mkdir -p $(@D)
	$(call quiet,LINK)$(linked) $(LIBS)

$(B)/%.tidy: % $(HEADERS) .clang-tidy $(B)/compile.flags
	@mkdir -p $(@D)
	$(call quiet,TIDY)clang-tidy --quiet $(TIDY) $< -- $$(sed 's/-mstringop[^ ]*//' $(B)/compile.flags) -DVERSION='""' >$@.log 2>&1 \
	    && mv $@.log $@ || { cat $@.log; exit 1; }

-include $(patsubst %.cc,$(B)/%.d,$(SOURCES) src/app/main.cc $(UNITS) $(wildcard tests/fuzz/*.cc tests/bench/*.cc))

.PHONY: all run check unit coverage fuzz-replay replay fuzz libfuzzer e2e tsan loads lint tidy bench bench-rules bench-listeners bench-far soak micro static fresh-roots deb apk dist check-dist check-packages check-musl check-arch check-alpine install uninstall clean help print-platform deps FORCE
.DELETE_ON_ERROR:
.SECONDARY:
