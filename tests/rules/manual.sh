# SPDX-License-Identifier: MIT
# The manual: lint, every example, and nothing that exists is missing.
#
# An example is a block between .Bd -literal and .Ed (or a line after .Dl), whose first line says what it is:
#   /* module NAME.c */      a module: compiled, linked with nothing missing, described by lpad; ", also C++": as C++20 too
#   /* compile NAME.c */     compiled alone
#   # topology [NAME.yaml]   a whole file: `lpad check`
#   # top, # node, # edges   a piece of one: put into a whole file, then the same
#   $ command                run by bash, must succeed; "> " continues it; the lines below are patterns (... is anything)
#                            that its output must have, in this order
#   { ...                    JSON
# Examples of one page lie in one folder, under their names; anything else is an error.
source "$TESTS/lib.sh"
share_modules
root=$(realpath "$TESTS/..")
include=$root/lib/include
pages=("$root"/man/*.[1-8])
[ ${#pages[@]} -ge 5 ] || fail "pages were not found"

# ---- lint ----

for page in "${pages[@]}"; do
	mandoc -Tlint -W warning "$page" > lint || { cat lint; fail "mandoc -Tlint ${page##*/}"; }
done

# ---- examples ----

mkdir bin
ln -s "$LPAD" bin/lpad
mkdir pkgconfig
sed -e "s|@PREFIX@|$root/lib|" -e 's|@VERSION@|0|' "$root/lib/lpad.pc.in" > pkgconfig/lpad.pc
sed -e "s|@PREFIX@|$root/lib|" -e 's|@VERSION@|0|' -e "s|-L\${prefix}/lib|-L$O|" "$root/lib/lpad-test.pc.in" > pkgconfig/lpad-test.pc
# The library is built with the sanitizers that everything else is built with.
printf '#!/bin/sh\nexec %s %s "$@"\n' "$(cut -d' ' -f1 "$O/flags")" "$(grep -oE -- '-f(sanitize|no-sanitize)[^ ]*' "$O/flags" |
	tr '\n' ' ')" > bin/cc
chmod +x bin/cc
export PATH=$PWD/bin:$PATH PKG_CONFIG_PATH=$PWD/pkgconfig
unset LPAD_PATH

# split PAGE FOLDER: its examples as FOLDER/001 ...
split() {
	awk -v folder="$2" '
	function plain(line) {
		sub(/^\\&/, "", line)
		gsub(/\\-/, "-", line)
		gsub(/\\e/, "\\", line)
		return line
	}
	function open() { file = sprintf("%s/%03d", folder, ++count) }
	/^\.Ed/ { if (inside) close(file); inside = 0; next }
	inside { print plain($0) > file; next }
	/^\.Bd -literal/ { inside = 1; open(); next }
	/^\.Dl / { open(); print "$ " plain(substr($0, 5)) > file; close(file) }
	' "$1"
}

# The second word of the first line behind the kind, if it is a name.
name_of() { sed -n "1s|^[^ ]* $2 \([a-z_-]*\.[a-z]*\).*|\1|p" "$1"; }

do_module() {
	local block=$1 name
	name=$(name_of "$block" module)
	[ -n "$name" ] || fail "$block: a module needs a name"
	cp "$block" "$name"
	gcc -std=c11 -Wall -Wextra -Werror -fPIC -shared -Wl,-z,defs -I "$include" -o "${name%.c}.so" "$name" || fail "$block"
	if head -n 1 "$block" | grep -q 'also C++'; then
		g++ -x c++ -std=c++20 -Wall -Wextra -Werror -fPIC -shared -Wl,-z,defs -I "$include" -o cxx.so "$name" ||
			fail "$block as C++20"
	fi
	"$LPAD" describe "./${name%.c}.so" > described || fail "$block: lpad describe"
}

do_compile() {
	local name
	name=$(name_of "$1" compile)
	cp "$1" "${name:=example.c}"
	gcc -std=c11 -Wall -Wextra -Werror -fsyntax-only -I "$include" "$name" || fail "$1"
}

do_check() {
	"$LPAD" check "$1" > checked 2>&1 && return
	cat "$1" checked
	fail "lpad check of the example $2"
}

do_topology() {
	local name
	name=$(name_of "$1" topology)
	[ -n "$name" ] || name=topology.yaml
	cp "$1" "$name"
	do_check "$name" "$1"
}

do_top() {
	{ printf 'lpad: 1\nname: example\n'; cat "$1"; printf 'nodes: {learner: {module: dqn.c}}\n'; } > top.yaml
	do_check top.yaml "$1"
}

do_node() {
	{ printf 'lpad: 1\nname: example\nnodes:\n  example:\n'; sed 's/^/    /' "$1"; } > node.yaml
	do_check node.yaml "$1"
}

do_edges() {
	local label
	{
		printf 'lpad: 1\nname: example\ndefaults: {module: dqn.c}\nnodes:\n'
		for label in $(grep -oE '[a-z]+(\.[a-z]+)? -> [a-z]+' "$1" | sed -E 's/\.[a-z]+//; s/ -> /\n/' | sort -u); do
			echo "  $label: {$(sed -n "s/^$label /replicas: /p" "$TESTS/rules/manual/replicas")}"
		done
		printf 'edges:\n'
		sed 's/^/  /' "$1"
	} > edges.yaml
	do_check edges.yaml "$1"
}

# has_lines OUTPUT PATTERNS: each pattern matches a line, in this order.
has_lines() {
	local pattern line
	exec 3< "$1"
	while IFS= read -r pattern; do
		pattern=$(sed -e 's/[][\\*?]/\\&/g' -e 's/\.\.\./*/g' <<< "$pattern")
		while :; do
			IFS= read -r line <&3 || { exec 3<&-; return 1; }
			# shellcheck disable=SC2053 # a pattern on purpose
			[[ $line == $pattern ]] && break
		done
	done < "$2"
	exec 3<&-
}

run_command() {
	local block=$1
	[ -s command ] || return
	local code=0
	bash command > output 2>&1 < /dev/null || code=$?
	[ $code = 0 ] || { cat command output; fail "$block: exit $code"; }
	has_lines output expected || { cat command output; echo "--- expected"; cat expected; fail "$block: other output"; }
}

do_shell() {
	local block=$1 line
	: > command
	: > expected
	while IFS= read -r line; do
		case $line in
		'$ '*)
			run_command "$block"
			echo "${line#'$ '}" > command
			: > expected
			;;
		'> '*) echo "${line#> }" >> command ;;
		*) echo "$line" >> expected ;;
		esac
	done < "$block"
	run_command "$block"
}

do_block() {
	case $(head -n 1 "$1") in
	'/* module '*) do_module "$1" ;;
	'/* compile'*) do_compile "$1" ;;
	'# topology'*) do_topology "$1" ;;
	'# top') do_top "$1" ;;
	'# node') do_node "$1" ;;
	'# edges') do_edges "$1" ;;
	'$ '*) do_shell "$1" ;;
	'{'*) jq -e . "$1" > parsed || fail "$1: not JSON" ;;
	*) cat "$1"; fail "$1: an example that nothing runs" ;;
	esac
}

examples=0
for page in "${pages[@]}"; do
	folder=$SCRATCH/${page##*/}
	mkdir -p "$folder/blocks"
	split "$page" "$folder/blocks"
	cd "$folder" || exit 2
	cp "$TESTS/rules/manual/dqn.c" .
	cp "$root/topologies/hello/hello.c" worker.c    # the synopsis of lpad-node(3) compiles both
	cp worker.c worker.cc
	printf '#include <lpad/node.h>\nint model(void);\nint model(void) { return 0; }\n' > model.c
	for block in blocks/*; do
		[ -f "$block" ] || continue
		do_block "$block"
		examples=$((examples + 1))
	done
	cd "$SCRATCH" || exit 2
done
[ $examples -ge 30 ] || fail "only $examples examples were found"

# ---- README.md ----

# The node that it shows is the example that it names.
example=$root/topologies/hello
fenced() { sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" "$root/README.md" | sed '1d;$d'; }
diff <(fenced c) <(grep -v SPDX "$example/hello.c") || fail "hello.c in README.md is another one"
diff <(fenced yaml) <(grep -v '^#' "$example/topo.yaml") || fail "topo.yaml in README.md is another one"

# Its commands, beside the example that most of them are about. Those that build or install are other tests' business.
[ "$(wc -l < "$root/README.md")" -lt 100 ] || fail "README.md has grown to 100 lines"
cp -R "$root/topologies/consumer-producers" "$SCRATCH/README"
cd "$SCRATCH/README" || exit 2
commands=0
while IFS= read -r line; do
	case $line in
	make\ *) continue ;;
	[a-z]*/\ *)
		[ -d "$root/${line%% *}" ] || fail "README.md: there is no ${line%% *}"
		continue
		;;
	esac
	code=0
	env -u XDG_STATE_HOME HOME="$SCRATCH/home" bash -c "$line" > output 2>&1 < /dev/null || code=$?
	[ $code = 0 ] || { cat output; fail "README.md: $line: exit $code"; }
	commands=$((commands + 1))
done < <(sed -n 's/^    \([a-z]\)/\1/p' "$root/README.md")
[ $commands -ge 9 ] || fail "only $commands commands were found in README.md"
# What the examples' own pages say, but without starting it: those are other tests.
touch a.txt b.txt
for page in "$root"/topologies/*/README.md; do
	while IFS= read -r line; do
		bash -c "${line/lpad launch/lpad launch --dry-run}" > output 2>&1 < /dev/null || { cat output; fail "$page: $line"; }
	done < <(sed -n 's|^    \(lpad [^c]\)|\1|p' "$page" | sed 's| &$||')
done
for page in "${pages[@]}"; do
	page=${page##*/}
	[[ $page == lpad-*.1 ]] && continue             # lpad(1) names these
	grep -qF "${page%.*}(${page##*.})" "$root/README.md" || [ "$page" = lpad.7 ] || fail "README.md does not name $page"
done
cd "$SCRATCH" || exit 2

# ---- nothing is missing ----

missing=()
# has PAGE REGULAR-EXPRESSION WHAT
has() { grep -qE -- "$2" "$root/man/$1" || missing+=("$1: $3"); }

# Commands and their options: each has a page of its own, which lpad(1) names.
commands=$("$LPAD" --help | sed -nE 's/^  ([a-z]+) +[a-z].*/\1/p')
[ "$(wc -w <<< "$commands")" -ge 5 ] || fail "commands were not found in lpad --help"
for command in $commands; do
	page=lpad-$command.1
	[ -f "$root/man/$page" ] || { missing+=("$page: the page of a command"); continue; }
	has lpad.1 "^\.It Xr lpad-$command 1\$" "the command $command"
	has "$page" "^\.Cm $command\$" "the command in its synopsis"
	options=$("$LPAD" "$command" --help | sed -nE 's/^ +(-[a-z], )?--([a-z-]+).*/\2/p')
	letters=$("$LPAD" "$command" --help | sed -nE 's/^ +-([a-z]), --.*/\1/p')
	[ -n "$options" ] || fail "options were not found in lpad $command --help"
	for option in $options; do
		[ "$option" = help ] || has "$page" "^\.It.* Fl -$option( |\$)" "--$option"
	done
	for letter in $letters; do
		[ "$letter" = h ] || has "$page" "^\.It.* Fl $letter( |\$)" "-$letter"
	done
	# And none that is not there.
	for option in $(sed -nE 's/^\.It.* Fl -([a-z-]+).*/\1/p' "$root/man/$page"); do
		grep -qx -- "$option" <<< "$options" || missing+=("$page: there is no option --$option")
	done
done

# Everything public of the header, and nothing else.
sed 's|/\*.*||' "$include/lpad/node.h" > header
public=$(grep -oE '\b(lpad|LPAD)_[A-Za-z0-9_]*[A-Za-z0-9]\b' header | sort -u)
functions=$(sed -nE 's/^static inline [^(]*\b(lpad_[a-z_0-9]+)\(.*/\1/p; s/^#define (lpad_[a-z_0-9]+)\(.*/\1/p' header)
macros=$(sed -nE 's/^#define (LPAD_[A-Z_]*[A-Z])\(.*/\1/p' header | grep -vxE 'LPAD_CODES|LPAD_T_.*')
codes=$(sed -nE 's/^[[:space:]]*X\((-[0-9]+), ([A-Z]+), .*/LPAD_\2/p' header)
constants=$(grep -oE '\bLPAD_[A-Z0-9]+\b' header | sort -u | grep -vxE 'LPAD_NODE|LPAD_T|LPAD_CODES')
# Names that end with _ are the inside.
sed 's|/\*.*||' "$include/lpad/collective.h" > collective
sed 's|/\*.*||' "$include/lpad/replay.h" "$include/lpad/nstep.h" "$include/lpad/replay_test.h" > replay
more=$(sed 's|/\*.*||' "$include"/lpad/*.h | grep -oE '\b(lpad|LPAD)_[A-Za-z0-9_]*[A-Za-z0-9]\b' | sort -u)
[ "$(wc -w <<< "$functions")" -ge 70 ] || fail "functions were not found in node.h"
[ "$(wc -w <<< "$codes")" -ge 17 ] || fail "codes were not found in node.h"
for function in $functions; do
	has lpad-node.3 "Fn $function( |\$)" "the function $function"
done
for function in $(sed -nE 's/^static inline [^(]*\b(lpad_[a-z_0-9]*[a-z0-9])\(.*/\1/p; s/^#define (LPAD_[A-Z_]*[A-Z])\(.*/\1/p' collective); do
	has lpad-collective.3 "Fn $function( |\$)" "$function"
done
for function in $(sed -nE 's/^static inline [^(]*\b(lpad_[a-z_0-9]*[a-z0-9])\(.*/\1/p' replay); do
	has lpad-replay.3 "Fn $function( |\$)" "$function"
done
for member in $(sed -n '/^typedef struct lpad_sampled {/,/^}/p; /^typedef struct lpad_transition {/,/^}/p' replay | grep -oE '[a-z_]+[,;]' |
	tr -d ',;' | grep -vx 'lpad_.*' | sort -u); do
	has lpad-replay.3 "^\.It .*Fa $member\$" "the member $member"
done
for macro in $macros; do
	has lpad-node.3 "^\.It Fn $macro " "the macro $macro"
done
for word in $codes $constants; do
	has lpad-node.3 "\b$word\b" "$word"
done
for type in $(sed -nE 's/^(typedef struct|\}) ?(lpad_[a-z]+) ?\2?;.*/\2/p; s/^\} (lpad_[a-z_]+);.*/\1/p' header) lpad_ints lpad_reals lpad_texts; do
	has lpad-node.3 "\b$type\b" "the type $type"
done
for member in $(sed -n '/^typedef struct lpad_method {/,/^}/p; /^typedef struct lpad_implementation {/,/^}/p' header |
	sed -E 's/\(\*([a-z_]+)\).*/\1;/' | grep -oE '[a-z_]+[,;]' | tr -d ',;' | grep -vxE 'lpad_.*|into|call|name|help' | sort -u); do
	has lpad-node.3 "(Fa|,) \.$member\b" "the member .$member"
done
for page in "${pages[@]}"; do
	for word in $(grep -oE '\b(lpad_[a-z_0-9]*[a-z0-9]|LPAD_[A-Z0-9_]*[A-Z0-9])\b' "$page" | sort -u); do
		grep -qxF ".It Ev $word" "$root/man/lpad.1" && continue      # a variable of the environment
		grep -qxF "$word" <<< "$public"$'\n'"$codes"$'\n'"$more" || missing+=("${page##*/}: $word is in no header")
	done
done

# Every key of the schema: explained, with its default, and in an example.
rows=$(sed -nE 's/^\t\{ "([a-z_]+)", KIND_.*/\1/p' "$root/lib/topology/schema.c" | sort -u)
[ "$(wc -w <<< "$rows")" -ge 40 ] || fail "keys were not found in schema.c"
cat "$SCRATCH"/lpad-topology.5/blocks/* > yaml
for key in $rows; do
	has lpad-topology.5 "^\.It Ic ([a-z_]+ , )*$key( |\$)" "the key $key"
	grep -qE "(^|[ {])$key:" yaml || missing+=("lpad-topology.5: no example has the key $key")
done
while read -r fallback; do
	grep -qF -- "$fallback" "$root/man/lpad-topology.5" || missing+=("lpad-topology.5: the default $fallback")
done < <(sed -nE 's/^\t\{ "[a-z_]+", KIND_[^"]*, "[^"]*", "([^" ]+)".*/\1/p' "$root/lib/topology/schema.c" | sort -u)

# Every kind and every field of the wire.
kinds=$(cd "$root" && printf '#include "link/wire.h"\n' | gcc -E -P -Ilib -Ilib/include - | tr -d '\n' |
	grep -oE 'enum wire_kind \{[^}]*\}' | grep -oE 'WIRE_[A-Z_]+( = [0-9]+)?')
number=0
while read -r name _ value; do
	number=${value:-$((number + 1))}
	has lpad-wire.7 "^\.It $number Ta ${name#WIRE_} Ta" "$name is $number"
done <<< "$kinds"
assert_equal 17 "$(wc -l <<< "$kinds")" "kinds found in wire.h"
while read -r offset size field; do
	has lpad-wire.7 "^\.It $offset Ta $size Ta $field Ta" "the field $field, $size bytes at $offset"
done < <(sed -n '1,/\*\//p' "$root/lib/link/wire.h" | grep -E '^ \* +[0-9]' |
	grep -oE '[0-9]+ +[0-9]+ +(magic|version|kind|role|content|flags|code|group|index|incarnation|port|token|session|number|size|retry|deadline|signature|batch)')

if [ ${#missing[@]} -gt 0 ]; then
	printf '%s\n' "${missing[@]}"
	fail "${#missing[@]} things are not as the manual says"
fi
