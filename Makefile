# lastmile. `make` builds every program into $(O); `make demo` and `make check` are the two
# commands to know. Own flags stand in front, so CFLAGS, CPPFLAGS, LDFLAGS and LDLIBS add to them.
O         ?= build
CC        ?= gcc
AR        ?= ar
PKG_CONFIG ?= pkg-config
PYTHON    ?= /usr/bin/python3
INSTALL   ?= install
CFLAGS    ?= -O2 -g
prefix      ?= /usr/local
bindir      ?= $(prefix)/bin
libexecdir  ?= $(prefix)/libexec
sysconfdir  ?= $(prefix)/etc
localstatedir ?= /var
runstatedir ?= /run
datadir     ?= $(prefix)/share
docdir      ?= $(datadir)/doc/lastmile
V ?= 0
ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @echo
endif

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings \
        -Wformat=2 -Wundef -Wcast-qual -Wvla
ifdef CI
WARN += -Werror
endif
HARDEN ?= -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE -ftrivial-auto-var-init=zero
OWN := -std=c11 -D_GNU_SOURCE $(WARN) $(HARDEN) -Isrc -Ifcgi -I$(O)/gen -MMD -MP \
       -ffile-prefix-map=$(CURDIR)=.
LINK := -pie -Wl,-z,relro,-z,now -Wl,--as-needed -pthread

libs := base config store net market deploy fulfil
sources_of = $(sort $(wildcard src/$(1)/*.c))
objects_of = $(patsubst %.c,$(O)/%.o,$(1))

base_src    := $(call sources_of,base)
config_src  := $(call sources_of,config)
store_src   := $(call sources_of,store)
net_src     := $(call sources_of,net)
market_src  := $(call sources_of,market)
deploy_src  := $(call sources_of,deploy)
fulfil_src  := $(call sources_of,fulfil)
front_src   := $(sort $(wildcard fcgi/*.c fcgi/*/*.c))
worker_src  := $(call sources_of,worker)
keeper_src  := $(call sources_of,keeper)
cli_src     := $(call sources_of,cli)
sandbox_src := $(call sources_of,sandbox)
tenant_src  := $(call sources_of,demo-tenant)

lib = $(O)/lib$(1).a
base_libs  := -lcjson -lsodium -lm
store_libs := -lhiredis -luv
net_libs   := -lcurl -lssl -lcrypto
programs := $(O)/lastmile-front $(O)/lastmile-worker $(O)/lastmile-keeper $(O)/lastmile \
            $(O)/lastmile-sandbox $(O)/lastmile-demo-tenant

.PHONY: all
all: $(programs)
	@:

define library
$(O)/lib$(1).a: $$(call objects_of,$$($(1)_src))
	$$(say) "  AR      $$@"
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^
endef
$(foreach l,$(libs),$(eval $(call library,$(l))))

$(O)/tests/unit/%.o: tests/unit/%.c
	$(say) "  CC      $<"
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(OWN) -Itests $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(O)/%.o: %.c
	$(say) "  CC      $<"
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(OWN) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

link = $(Q)$(CC) $(CFLAGS) $(LINK) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group \
       $(filter %.a,$^) -Wl,--end-group

# The .lua transitions and the web files become C arrays at build time.
embedded := $(O)/gen/store_lua.h $(O)/gen/front_files.h
$(O)/gen/store_lua.h: tools/embed $(sort $(wildcard src/store/lua/*.lua src/store/lua/part/*.lua))
	$(say) "  EMBED   $@"
	$(Q)mkdir -p $(@D) && tools/embed lua $(filter %.lua,$^) > $@.tmp && mv $@.tmp $@
front_files := $(sort $(wildcard fcgi/html/templates/* fcgi/html/static/* fcgi/html/catalogue/*))
$(O)/gen/front_files.h: tools/embed $(front_files)
	$(say) "  EMBED   $@"
	$(Q)mkdir -p $(@D) && tools/embed file $(front_files) > $@.tmp && mv $@.tmp $@
$(call objects_of,$(store_src)): $(O)/gen/store_lua.h
$(call objects_of,$(front_src)): $(O)/gen/front_files.h

$(O)/lastmile-front: $(call objects_of,$(front_src)) $(call lib,store) $(call lib,config) $(call lib,base)
	$(say) "  LINK    $@"
	$(link) -lfcgi -lyaml -lseccomp -lcrypto $(store_libs) $(base_libs) $(LDLIBS)
$(O)/lastmile-worker: $(call objects_of,$(worker_src)) $(foreach l,$(libs),$(call lib,$(l)))
	$(say) "  LINK    $@"
	$(link) -lyaml $(net_libs) $(store_libs) $(base_libs) $(LDLIBS)
$(O)/lastmile-keeper: $(call objects_of,$(keeper_src)) $(call lib,base)
	$(say) "  LINK    $@"
	$(link) -luv $(base_libs) $(LDLIBS)
$(O)/lastmile: $(call objects_of,$(cli_src)) $(call lib,store) $(call lib,config) $(call lib,base)
	$(say) "  LINK    $@"
	$(link) -lyaml $(store_libs) $(base_libs) $(LDLIBS)
$(O)/lastmile-sandbox: $(call objects_of,$(sandbox_src)) $(call lib,base)
	$(say) "  LINK    $@"
	$(link) -lmicrohttpd -lcurl -lcrypto -luv $(base_libs) $(LDLIBS)
$(O)/lastmile-demo-tenant: $(call objects_of,$(tenant_src)) $(call lib,base)
	$(say) "  LINK    $@"
	$(link) -lmicrohttpd $(base_libs) $(LDLIBS)

# Unit tests: one program per file. A test may link objects of a program through a line
# "unit_<name>_objs := ..." here.
unit_src := $(sort $(wildcard tests/unit/test_*.c))
unit_bin := $(patsubst tests/unit/%.c,$(O)/tests/%,$(unit_src))
front_test_objs := $(call objects_of,$(filter-out fcgi/main.c,$(front_src)))
sandbox_test_objs := $(call objects_of,$(filter-out src/sandbox/main.c,$(sandbox_src)))
keeper_test_objs := $(call objects_of,$(filter-out src/keeper/main.c,$(keeper_src)))
worker_test_objs := $(call objects_of,$(filter-out src/worker/main.c,$(worker_src)))
cli_test_objs := $(call objects_of,$(filter-out src/cli/main.c,$(cli_src)))
test_libs = $(foreach l,$(libs),$(call lib,$(l)))
all_libs := -lcmocka -lfcgi -lyaml -lseccomp -lmicrohttpd $(net_libs) $(store_libs) $(base_libs)
.PHONY: unit
unit: $(unit_bin)
$(O)/tests/test_records $(O)/tests/test_resp $(O)/tests/test_route $(O)/tests/test_req \
$(filter $(O)/tests/test_front_%,$(unit_bin)) $(filter $(O)/tests/test_page%,$(unit_bin)) \
$(filter $(O)/tests/test_html%,$(unit_bin)) $(filter $(O)/tests/test_api%,$(unit_bin)): $(front_test_objs)
$(filter $(O)/tests/test_sandbox_%,$(unit_bin)): $(sandbox_test_objs)
$(filter $(O)/tests/test_keeper%,$(unit_bin)): $(keeper_test_objs)
$(filter $(O)/tests/test_worker%,$(unit_bin)): $(worker_test_objs)
$(filter $(O)/tests/test_cli%,$(unit_bin)): $(cli_test_objs)
$(O)/tests/%: $(O)/tests/unit/%.o $(test_libs)
	$(say) "  LINK    $@"
	$(Q)mkdir -p $(@D)
	$(link) $(all_libs) $(LDLIBS)
.SECONDARY:

# Fuzz targets: one per file, linked with a main that replays the corpus (GCC), or by clang with
# libFuzzer (`make fuzz`). Objects of the front come from an archive: taken only where needed.
fuzz_src := $(sort $(wildcard tests/fuzz/fuzz_*.c))
fuzz_bin := $(patsubst tests/fuzz/%.c,$(O)/fuzz/%,$(fuzz_src))
FUZZ_MAIN ?= $(O)/tests/fuzz/replay.o
FUZZ_SECONDS ?= 60
.PHONY: replay
replay: $(fuzz_bin)
$(O)/tests/fuzz/%.o: tests/fuzz/%.c
	$(say) "  CC      $<"
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(OWN) -Itests $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
$(O)/libfront.a: $(front_test_objs)
	$(say) "  AR      $@"
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(O)/fuzz/%: $(O)/tests/fuzz/%.o $(FUZZ_MAIN) $(O)/libfront.a $(test_libs)
	$(say) "  LINK    $@"
	$(Q)mkdir -p $(@D)
	$(link) $(filter-out -lcmocka,$(all_libs)) $(LDLIBS)

# What follows first makes sure that its tools are there (tools/deps: one dpkg-query when they are).
JOBS ?= $(shell nproc 2>/dev/null || echo 1)
again = $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS))
asan := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
.PHONY: deps demo check check-asan check-valgrind fuzz lint docs
deps:
	$(Q)tools/deps all
# make demo [ONCE=1] [PORT=8080]
demo:
	$(Q)tools/deps build
	$(Q)$(again) all
	$(Q)tools/demo --build $(O) $(if $(ONCE),--once) $(if $(PORT),--port $(PORT))
check:
	$(Q)tools/deps check
	$(Q)$(again) all unit replay
	$(Q)tools/run-tests --build $(O) $(if $(CI),--again) $(if $(ONLY),--only $(ONLY))
check-asan:
	$(Q)tools/deps check
	$(Q)$(again) O=$(O)-asan CFLAGS="$(asan)" HARDEN=-fPIE all unit replay
	$(Q)ASAN_OPTIONS=exitcode=97:$$ASAN_OPTIONS UBSAN_OPTIONS=print_stacktrace=1 tools/run-tests \
	    --build $(O)-asan --times 3 $(if $(ONLY),--only $(ONLY)) unit fuzz e2e
check-valgrind:
	$(Q)tools/deps check
	$(Q)$(again) all unit replay
	$(Q)tools/run-tests --build $(O) --times 10 --wrap "valgrind -q --error-exitcode=99 \
	    --leak-check=full --errors-for-leak-kinds=definite --child-silent-after-fork=yes" unit fuzz
fuzz:
	$(Q)tools/deps lint
	$(Q)$(again) O=$(O)-fuzz CC=clang HARDEN=-fPIE FUZZ_MAIN= \
	    CFLAGS="-O1 -g -Wno-missing-field-initializers -fsanitize=fuzzer-no-link,address,undefined" \
	    LDLIBS=-fsanitize=fuzzer replay
	$(Q)tools/fuzz $(O)-fuzz $(FUZZ_SECONDS)
lint:
	$(Q)tools/deps lint
	$(Q)$(again) all
	$(Q)tools/lint --build $(O)
# Measures against what a seller would write; QUICK=1 only shows that it works. BENCH="--only b".
.PHONY: bench
bench:
	$(Q)tools/deps bench
	$(Q)$(MAKE) --no-print-directory O=$(O) all bench-programs
	$(Q)tests/bench/bench.py --build $(O) $(if $(QUICK),--quick) $(BENCH)
bench_bin := $(O)/bench/queue_bench $(O)/bench/engine_fake $(O)/bench/hello_fcgi
.PHONY: bench-programs
bench-programs: $(bench_bin)
$(O)/bench/queue_bench: $(call objects_of,$(wildcard tests/bench/queue_bench*.c)) $(foreach l,store config base,$(call lib,$(l)))
	$(say) "  LINK    $@"
	$(Q)mkdir -p $(@D)
	$(link) -lyaml $(store_libs) $(base_libs) $(LDLIBS)
$(O)/bench/engine_fake: $(call objects_of,tests/bench/engine_fake.c)
	$(say) "  LINK    $@"
	$(Q)mkdir -p $(@D)
	$(link) $(LDLIBS)
$(O)/bench/hello_fcgi: $(call objects_of,tests/bench/peers/hello_fcgi.c)
	$(say) "  LINK    $@"
	$(Q)mkdir -p $(@D)
	$(link) -lfcgi $(LDLIBS)
# docs/configuration.md is made of the tables in src/config; a unit test says when it is old.
docs: $(O)/lastmile
	$(O)/lastmile check-config --reference > docs/configuration.md

include tools/install.mk

.PHONY: clean
clean:
	rm -rf $(O) $(O)-asan $(O)-fuzz

-include $(shell find $(O) -name '*.d' 2>/dev/null)
