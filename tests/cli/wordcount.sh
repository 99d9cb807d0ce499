# SPDX-License-Identifier: MIT
# The word count equals what tr, sort and uniq say.
source "$TESTS/lib.sh"
share_modules
export LC_ALL=C

# Of the regular files under the arguments, each on its own: a word does not go on in the next file.
expected() {
	find "$@" -type f -print0 | while IFS= read -r -d '' file; do
		tr -cs 'A-Za-z' '\n' < "$file" | tr A-Z a-z | grep .
	done | sort | uniq -c | sort -k1,1nr -k2,2 | awk '{ print $1 "\t" $2 }'
}

run_lpad launch wordcount --set out=counts
assert_exit 0
expected /usr/share/common-licenses > wanted
assert [ -s wanted ]
cmp counts wanted || fail "counts of the licences"
assert_contains "$out" "$(awk '{ n += $1 } END { print n }' wanted) words, $(wc -l < wanted) different"
assert_contains "$out" "$(awk 'NR == 1 { printf "%8d  %s", $1, $2 }' wanted)"

# Odd files, cut into more parts than some of them have bytes.
mkdir -p odd/below
printf 'no newline at the End' > odd/a
printf 'starts where the other ended' > odd/b
: > odd/empty
printf '\0\377\1 binary-GARBAGE\0word\0' > odd/below/binary
head -c 300000 /dev/zero | tr '\0' 'x' > odd/long
printf "don't count_twice 3rd x2y" > odd/'name with blanks'
ln -s a odd/link
ln -s below odd/folder-link
mkfifo odd/fifo
expected odd > wanted
for mappers in 1 3 16; do
	run_lpad launch wordcount --set text=odd --set mappers=$mappers --set reducers=$((mappers / 2 + 1)) --set out=counts
	assert_exit 0
	cmp counts wanted || fail "odd files with $mappers mappers"
done

# Several files; what stands behind -- wins.
run_lpad launch wordcount --set text=odd/a,odd/b --set out=counts
assert_exit 0
expected odd/a odd/b | cmp - counts || fail "two files"
run_lpad launch wordcount --set text=nowhere --set out=counts -- odd/b 'odd/name with blanks' odd/link
assert_exit 0
expected odd/b 'odd/name with blanks' | cmp - counts || fail "files behind --"

# What cannot be read is said before anything starts.
run_lpad launch wordcount --set text=nowhere
assert_exit 125
assert_contains "$err" "cannot read $PWD/nowhere: No such file or directory"
run_lpad check wordcount --set text=odd/link
assert_exit 1
assert_contains "$out" 'there is no regular file in it'
