# SPDX-License-Identifier: MIT
# fish completion of lpad: installed as share/fish/vendor_completions.d/lpad.fish. What may stand where, lpad itself knows.
function __lpad_complete
	set -l words (commandline -opc) (commandline -ct)
	set -l number (math (count $words) - 1)
	for line in (command $words[1] complete $number $words 2>/dev/null)
		if test "$line" = \t
			__fish_complete_path (commandline -ct)
		else
			echo $line
		end
	end
end
complete -c lpad -f -a '(__lpad_complete)'
