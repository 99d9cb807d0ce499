# SPDX-License-Identifier: MIT
# bash completion of lpad: installed as share/bash-completion/completions/lpad. What may stand where, lpad itself knows.
_lpad()
{
	# Words as lpad will get them: = and : do not divide.
	local current previous words cword line candidate files= cut
	_lpad_words
	COMPREPLY=()
	# bash replaces what stands behind the last character that divides words for it.
	cut=${current%"${COMP_WORDS[COMP_CWORD]#[=:]}"}
	[[ ${COMP_WORDS[COMP_CWORD]} == [=:] ]] && cut=$current
	while IFS= read -r line; do
		candidate=${line%%$'\t'*}
		if [ -z "$candidate" ]; then
			files=yes
		else
			COMPREPLY+=("${candidate#"$cut"}")
		fi
	done < <(command "${words[0]}" complete "$cword" "${words[@]}" 2>/dev/null)
	if [ $files ]; then
		compopt -o filenames 2>/dev/null
		while IFS= read -r candidate; do
			COMPREPLY+=("$candidate")
		done < <(compgen -f -- "${current##*=}")
	fi
	[[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=.] ]] && compopt -o nospace
}
# COMP_WORDS with what = and : have divided put together again: sets words, cword, current.
_lpad_words()
{
	local i part glued=
	words=()
	cword=0
	for ((i = 0; i <= COMP_CWORD; i++)); do
		part=${COMP_WORDS[i]}
		if [ ${#words[@]} -gt 0 ] && { [ $glued ] || [[ $part == [=:]* ]]; } && [ "$i" -gt 1 ]; then
			words[${#words[@]}-1]+=$part
		else
			words+=("$part")
		fi
		glued=
		[[ $part == *[=:] ]] && glued=yes
	done
	cword=$((${#words[@]} - 1))
	current=${words[cword]}
}
complete -F _lpad lpad
