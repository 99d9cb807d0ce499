# SPDX-License-Identifier: MIT
# make            build/lpad
# make check      all tests; T=unit/test_text or T=cli/launch for one
# make reproduce  the published systems, full size: topologies/*/reproduce.sh; T=coded-matmul for one; build/reproduce/checks.txt
# make pictures   what lpad graph draws now, into topologies/README.md and the others there
# make soak       misbehaving nodes, kills and restarts for an hour: tests/faults
# make demo       the word count over /usr/share/common-licenses
# make deps       installs the Debian packages that are missing; silent when all are there
# make install    PREFIX=/usr/local DESTDIR=
# make fuzz       the decoders with clang's libFuzzer: build/fuzz/fuzz/NAME -runs=N tests/fuzz/corpus/NAME
# SANITIZE=address,undefined or SANITIZE=thread, CC=clang, WERROR=1: builds of their own under build/

PREFIX ?= /usr/local
DESTDIR ?=
SANITIZE ?=
WERROR ?=
T ?=
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
VERSION := 0.1.0

PACKAGES := build-essential pkg-config libyaml-dev libnng-dev libjansson-dev libmd-dev libhwloc-dev zlib1g-dev check mandoc jq python3 python3-yaml python3-jsonschema libopenblas-dev libsodium-dev
PACKAGES_CI := clang fish zsh procps gdb strace tmux
PACKAGES_PLOT := gnuplot-nox

comma := ,
variant := $(if $(filter-out gcc cc,$(CC)),$(notdir $(CC)))$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))
O := build$(if $(variant),/$(patsubst -%,%,$(variant)))

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wwrite-strings \
            $(if $(WERROR),-Werror)
sanitize := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
CFLAGS ?= -O2 -g
ALL_CFLAGS := -std=gnu11 -pthread $(CFLAGS) $(WARNINGS) $(sanitize) -D_GNU_SOURCE -Ilib -Ilib/include \
              -include base/banned.h \
              -DLPAD_VERSION='"$(VERSION)"' -DLPAD_PREFIX='"$(PREFIX)"' -DLPAD_SANITIZE='"$(sanitize)"'
LIBS := -lyaml -lnng -ljansson -lmd $$(pkg-config --libs hwloc) -lm -ldl -pthread

MODULE_SOURCES := $(sort $(wildcard lib/modules/*.c))
MODULE_FOLDERS := $(foreach folder,$(patsubst lib/modules/%/,%,$(wildcard lib/modules/*/)),$(if $(wildcard lib/modules/$(folder)/$(folder).c),$(folder)))
# What modules of several files are made of but for the file of the module's name: for their unit tests.
PART_SOURCES := $(filter-out $(foreach name,$(MODULE_FOLDERS),lib/modules/$(name)/$(name).c),$(sort $(wildcard lib/modules/*/*.c)))
LIB_SOURCES := $(filter-out $(MODULE_SOURCES),$(sort $(wildcard lib/*/*.c)))
CMD_SOURCES := $(sort $(wildcard cmd/*.c))
UNIT_SOURCES := $(sort $(wildcard tests/unit/test_*.c))
TOOL_SOURCES := $(sort $(wildcard tests/tools/*.c))
FUZZ_SOURCES := $(filter-out tests/fuzz/replay.c,$(sort $(wildcard tests/fuzz/*.c)))
BENCH_SOURCES := $(filter-out tests/bench/trivial.c,$(sort $(wildcard tests/bench/*.c)))
COMMON_SOURCES := $(sort $(filter-out %/test.c,$(wildcard topologies/common/*.c)))
LIB_OBJECTS := $(LIB_SOURCES:%.c=$O/obj/%.o)
CMD_OBJECTS := $(CMD_SOURCES:%.c=$O/obj/%.o)
MODULES := $(MODULE_SOURCES:lib/modules/%.c=$O/nodes/%.so) $(MODULE_FOLDERS:%=$O/nodes/%.so)
PART_OBJECTS := $(PART_SOURCES:%.c=$O/obj/%.o)
COMMON_OBJECTS := $(COMMON_SOURCES:%.c=$O/obj/%.o)
UNITS := $(UNIT_SOURCES:tests/%.c=$O/tests/%)
TOOLS := $(TOOL_SOURCES:tests/%.c=$O/tests/%)
REPLAYS := $(FUZZ_SOURCES:tests/fuzz/%.c=$O/tests/fuzz/%)
BENCHES := $(BENCH_SOURCES:tests/%.c=$O/tests/%)

# V=1 shows the commands.
Q := $(if $(V),,@)

.PHONY: all check soak units fuzz demo bench reproduce pictures deps install clean
.DELETE_ON_ERROR:
.SECONDARY:

all: $O/lpad $O/liblpad-test.a $(MODULES) $O/python/lpad.py

$O/lpad: $(CMD_OBJECTS) $O/liblpad.a
	@echo '  link    $@'
	$Q$(CC) $(sanitize) $(LDFLAGS) -o $@ $(CMD_OBJECTS) $O/liblpad.a $(LIBS)

$O/liblpad.a: $(LIB_OBJECTS)
	@rm -f $@
	$Qar rcs $@ $(LIB_OBJECTS)

# The nodes that come with lpad: as an author's, of one source each, or of those in a folder. Uninstalled, lpad finds them here.
MODULE_FLAGS = -std=gnu11 -fPIC -fvisibility=hidden $(CFLAGS) $(WARNINGS) $(sanitize) -Ilib/include
MODULE_LIBS := -lm
# Of modules of several files.
PART_LIBS := -lz

$O/nodes/%.so: lib/modules/%.c $O/flags
	@mkdir -p $(@D)
	@echo '  module  $@'
	$Q$(CC) $(MODULE_FLAGS) -shared -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(MODULE_LIBS)

$O/pic/%.o: lib/modules/%.c $O/flags
	@mkdir -p $(@D)
	@echo '  compile $< (module)'
	$Q$(CC) $(MODULE_FLAGS) -MMD -MP -c -o $@ $<

define module_folder
$O/nodes/$(1).so: $(patsubst lib/modules/%.c,$O/pic/%.o,$(sort $(wildcard lib/modules/$(1)/*.c)))
	@mkdir -p $$(@D)
	@echo '  module  $$@'
	$$Q$$(CC) $$(sanitize) -shared $$(LDFLAGS) -o $$@ $$^ $$(MODULE_LIBS) $$(PART_LIBS)
-include $(patsubst lib/modules/%.c,$O/pic/%.d,$(wildcard lib/modules/$(1)/*.c))
endef
$(foreach name,$(MODULE_FOLDERS),$(eval $(call module_folder,$(name))))

$O/libparts.a: $(PART_OBJECTS)
	@rm -f $@
	$Qar rcs $@ $(PART_OBJECTS)

# What Python programs import; uninstalled, lpad finds it here.
$O/python/lpad.py: lib/python/lpad.py
	@mkdir -p $(@D)
	@cp $< $@

# What tests of nodes are linked with: lib/fake and what it needs of the rest, with no other name to be seen.
FAKE_OBJECTS := $(filter $O/obj/lib/fake/%,$(LIB_OBJECTS))
$O/liblpad-test.a: $(FAKE_OBJECTS) $O/liblpad.a
	$Qld -r -o $O/lpad-test.o $(FAKE_OBJECTS) $O/liblpad.a
	$Qobjcopy --wildcard --keep-global-symbol='lpad_test_*' $O/lpad-test.o
	@rm -f $@
	$Qar rcs $@ $O/lpad-test.o

# The flags are a prerequisite, so that changing one rebuilds.
$O/flags: FORCE
	@mkdir -p $O
	@echo '$(CC) $(ALL_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS)' > $@
FORCE:

$O/obj/%.o: %.c $O/flags
	@mkdir -p $(@D)
	@echo '  compile $<'
	$Q$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$O/tests/unit/%: tests/unit/%.c $O/liblpad.a $O/libparts.a $O/flags
	@mkdir -p $(@D)
	@echo '  compile $<'
	$Q$(CC) $(ALL_CFLAGS) -Itests -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $O/libparts.a $O/liblpad.a $(PART_LIBS) $(LIBS) \
	  $$(pkg-config --libs check)

# What several topologies share, with what it needs: they are not part of lpad.
$(filter $O/tests/unit/test_common_%,$(UNITS)): $O/tests/unit/%: tests/unit/%.c $(COMMON_OBJECTS) $O/liblpad.a $O/flags
	@mkdir -p $(@D)
	@echo '  compile $<'
	$Q$(CC) $(ALL_CFLAGS) -Itopologies -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(COMMON_OBJECTS) $O/liblpad.a -lopenblas $(LIBS) $$(pkg-config --libs check)

define whole_program
$O/tests/$(1)/%: tests/$(1)/%.c $O/liblpad.a $O/libparts.a $O/flags
	@mkdir -p $$(@D)
	@echo '  compile $$<'
	$$Q$$(CC) $$(ALL_CFLAGS) -MMD -MP -MF $$@.d $$(LDFLAGS) -o $$@ $$< $O/libparts.a $O/liblpad.a $$(LIBS)
endef
$(eval $(call whole_program,bench))
$(eval $(call whole_program,tools))

# Each decoder with the driver that runs it over files.
$O/tests/fuzz/%: tests/fuzz/%.c tests/fuzz/replay.c $O/libparts.a $O/liblpad.a $O/flags
	@mkdir -p $(@D)
	@echo '  compile $<'
	$Q$(CC) $(ALL_CFLAGS) -Itests -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< tests/fuzz/replay.c $O/libparts.a $O/liblpad.a \
	  $(PART_LIBS) $(LIBS)

# The same with libFuzzer, which wants to see inside the library too.
FUZZ_FLAGS := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
fuzz:
	$(MAKE) CC=clang O=build/fuzz CFLAGS='-O1 -g $(FUZZ_FLAGS)' build/fuzz/libparts.a build/fuzz/liblpad.a
	@mkdir -p build/fuzz/fuzz
	for name in $(FUZZ_SOURCES:tests/fuzz/%.c=%); do clang $(filter-out -O2,$(ALL_CFLAGS)) -O1 $(FUZZ_FLAGS) -fsanitize=fuzzer -Itests \
	  -o build/fuzz/fuzz/$$name tests/fuzz/$$name.c build/fuzz/libparts.a build/fuzz/liblpad.a $(PART_LIBS) $(LIBS) || exit 1; done

-include $(LIB_OBJECTS:.o=.d) $(PART_OBJECTS:.o=.d) $(COMMON_OBJECTS:.o=.d) $(CMD_OBJECTS:.o=.d) $(UNITS:=.d) $(BENCHES:=.d) $(TOOLS:=.d) $(REPLAYS:=.d) $(MODULES:=.d)

units: $(UNITS) $(TOOLS) $(REPLAYS)

check: all units
	LPAD=$(CURDIR)/$O/lpad CC='$(CC)' tests/run '$O' '$(T)'

# All that the suite takes only a little of: every misbehaviour, hundreds of kills, launches and restarts.
soak: all units
	MISBEHAVE=all LADDER=200 SOAK=all SURVIVAL=all TEST_LIMIT=10800 LPAD=$(CURDIR)/$O/lpad CC='$(CC)' tests/run '$O' \
	  'cli/misbehave_modes cli/ladder cli/soak cli/*_survival'

demo: $O/lpad
	$O/lpad launch topologies/wordcount --quiet

bench: $O/lpad $(BENCHES)
	LPAD=$(CURDIR)/$O/lpad tests/bench/run $O

# Every published system at full size, its CHECK lines and plots in build/reproduce; without gnuplot there are no plots.
reproduce: all
	LPAD=$(CURDIR)/$O/lpad topologies/reproduce '$O/reproduce' $(T)

pictures: $O/lpad
	LPAD=$(CURDIR)/$O/lpad topologies/pictures

deps:
	@missing=; for p in $(PACKAGES) $(if $(CI),$(PACKAGES_CI) $(PACKAGES_PLOT)); do \
	  dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$missing; \
	fi

install: $O/lpad $O/liblpad-test.a $(MODULES) $O/python/lpad.py
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/include/lpad $(DESTDIR)$(PREFIX)/lib/pkgconfig \
	  $(DESTDIR)$(PREFIX)/lib/lpad/nodes $(DESTDIR)$(PREFIX)/share/lpad
	install -m 755 $O/lpad $(DESTDIR)$(PREFIX)/bin/lpad
	install -m 644 lib/include/lpad/*.h $(DESTDIR)$(PREFIX)/include/lpad/
	install -m 644 $(MODULES) $(DESTDIR)$(PREFIX)/lib/lpad/nodes/
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' lib/lpad.pc.in > $(DESTDIR)$(PREFIX)/lib/pkgconfig/lpad.pc
	install -m 644 $O/liblpad-test.a $(DESTDIR)$(PREFIX)/lib/liblpad-test.a
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' lib/lpad-test.pc.in > $(DESTDIR)$(PREFIX)/lib/pkgconfig/lpad-test.pc
	install -d $(DESTDIR)$(PREFIX)/share/lpad/python
	install -m 644 $O/python/lpad.py $(DESTDIR)$(PREFIX)/share/lpad/python/
	cp -R topologies $(DESTDIR)$(PREFIX)/share/lpad/
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions \
	  $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	install -m 644 cmd/completions/lpad.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/lpad
	install -m 644 cmd/completions/_lpad $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_lpad
	install -m 644 cmd/completions/lpad.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/lpad.fish
	for page in man/*.[1-8]; do section=$${page##*.}; \
	  install -d $(DESTDIR)$(PREFIX)/share/man/man$$section; \
	  install -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$$section/; done

clean:
	rm -rf build
