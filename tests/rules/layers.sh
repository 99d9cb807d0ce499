# SPDX-License-Identifier: MIT
# Includes obey the layers: cmd -> supervise -> topology -> base, cmd/node.c -> node -> link -> base. Nothing points up
# or sideways; what belongs to one file or one folder is included there alone.
source "$TESTS/lib.sh"
cd "$TESTS/.." || exit 2

# FILE INCLUDED of every include line, <> and "" told apart.
includes() {
	grep -rHoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"][^>"]+[>"]' cmd lib --include='*.[ch]' |
		sed -E 's/:[[:space:]]*#[[:space:]]*include[[:space:]]*/ /'
}
all=$(includes)
[ "$(wc -l <<< "$all")" -gt 100 ] || fail "includes were not found"

wrong=()

# allow FILES PATTERN...: project headers that these files may include; ! is one without a folder.
allow() {
	local files=$1 file what allowed pattern
	shift
	while read -r file what; do
		what=${what:1:-1}
		allowed=no
		for pattern; do
			# shellcheck disable=SC2053 # a pattern on purpose
			[[ $what == $pattern || ( $pattern = ! && $what != */* ) ]] && allowed=yes
		done
		[ $allowed = yes ] || wrong+=("$file includes $what")
	done < <(grep -E "^($files) \"" <<< "$all")
}
allow 'lib/base/[^ ]*' 'base/*'
allow 'lib/topology/[^ ]*' 'base/*' 'topology/*'
allow 'lib/link/[^ ]*' 'base/*' 'link/*'
allow 'lib/node/[^ ]*' 'base/*' 'link/*' 'node/*'
allow 'lib/supervise/[^ ]*' 'base/*' 'topology/*' 'supervise/*'
allow 'lib/fake/[^ ]*' 'base/*' 'link/*' 'node/*' 'topology/*' 'fake/*'
allow 'lib/modules/[^ ]*' !      # its own folder's, and lpad/*.h
allow 'cmd/node\.c' ! 'base/*' 'node/*'
allow 'cmd/(call|watch[a-z_]*)\.[ch]' ! 'base/*' 'topology/*' 'supervise/*' 'link/*'
for file in cmd/*.[ch]; do
	case $file in
	cmd/node.c | cmd/call.c | cmd/watch*) ;;
	*) allow "${file//./\\.}" ! 'base/*' 'topology/*' 'supervise/*' ;;
	esac
done
# A header of cmd without a folder is one of cmd's own.
while read -r file what; do
	what=${what:1:-1}
	[[ $what == */* || -f cmd/$what ]] || wrong+=("$file includes $what, which is not in cmd/")
done < <(grep -E '^cmd/[^ ]* "' <<< "$all")

# only FILES HEADERS: these system or third-party headers are included by these files alone.
only() {
	local file what
	while read -r file what; do
		[[ $file =~ ^($1)$ ]] || wrong+=("$file includes $what, which is for $1 alone")
	done < <(grep -E " [<\"]($2)[>\"]\$" <<< "$all")
}
only 'lib/topology/read\.c' 'yaml\.h'
only 'lib/node/load\.c' 'dlfcn\.h'
only 'lib/link/.*' 'nng/.*'
only '(lib/(node|link|fake|modules)|lib/include/lpad)/.*' 'lpad/.*'
assert_equal 1 "$(grep -cE ' <yaml\.h>$' <<< "$all")" "files that include yaml.h"
assert_equal 1 "$(grep -cE ' <dlfcn\.h>$' <<< "$all")" "files that include dlfcn.h"

# The public headers need standard ones and each other, nothing else.
while read -r file what; do
	[[ ${what:1:-1} =~ ^(stdbool|stddef|stdint|string|stdlib|stdio|stdarg|math|time|lpad/[a-z]+)\.h$ ]] ||
		wrong+=("$file includes $what: authors would need it too")
done < <(grep -E '^lib/include/' <<< "$all")

# Each source of lib includes its own header, if there is one, before everything else.
for source in lib/*/*.c; do
	header=${source#lib/}
	header=${header%.c}.h
	[ -f "lib/$header" ] || continue
	first=$(grep -m1 -E '^#include' "$source")
	[ "$first" = "#include \"$header\"" ] || wrong+=("$source includes $first first, not its own header")
done

# Every file says its licence.
while read -r file; do
	head -n 2 "$file" | grep -q 'SPDX-License-Identifier: MIT' || wrong+=("$file has no licence line")
done < <(find cmd lib tests topologies -name '*.[ch]' -o -name '*.sh')

if [ ${#wrong[@]} -gt 0 ]; then
	printf '%s\n' "${wrong[@]}"
	fail "${#wrong[@]} violations"
fi
