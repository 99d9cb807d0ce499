# SPDX-License-Identifier: MIT
"""terminal.py SCRIPT COMMAND...: runs the command on a terminal of its own, 100 columns wide, as SCRIPT says:

    wait PATTERN        until what was written after the last match has one for it (colours apart); a minute at most
    type TEXT           (python escapes: \\x03 is Ctrl-C)
    touch FILE
    shell WORDS         run apart; $COMMAND is the command's process

Then it waits for the end, and prints what is left on the screen; all that came is in terminal.raw. Its exit code is the command's, 128 and the signal if one ended it.
"""
import fcntl, os, pty, re, select, signal, struct, subprocess, sys, termios, time

LIMIT = 60

class Screen:
    """Lines, of which the last may be rewritten from its beginning (\\r) or erased (ESC [K)."""
    def __init__(self):
        self.done, self.line, self.column, self.seen = [], "", 0, ""

    def take(self, text):
        self.seen += re.sub(r"\x1b\[[0-9;]*m", "", text)
        for part in re.findall(r"\x1b\[[0-9;]*[A-Za-z]|.", text, re.S):
            if part == "\n":
                self.done.append(self.line)
                self.line, self.column = "", 0
            elif part == "\r":
                self.column = 0
            elif part == "\x1b[K":
                self.line = self.line[:self.column]
            elif part[0] != "\x1b":
                self.line = self.line[:self.column] + part + self.line[self.column + 1:]
                self.column += 1

    def text(self):
        return "\n".join(self.done + ([self.line] if self.line else []))

def read_some(master, screen, seconds):
    if not select.select([master], [], [], seconds)[0]:
        return True
    try:
        data = os.read(master, 65536)
    except OSError:
        return False
    with open("terminal.raw", "ab") as raw:
        raw.write(data)
    screen.take(data.decode(errors="replace"))
    return bool(data)

def wait_for(pattern, master, screen):
    end = time.monotonic() + LIMIT
    while not (found := re.search(pattern, screen.seen, re.S)):
        if time.monotonic() > end or not read_some(master, screen, 1) and not re.search(pattern, screen.seen, re.S):
            print(screen.text())
            sys.exit(f"terminal: waited for {pattern}; seen: {screen.seen!r}")
    screen.seen = screen.seen[found.end():]

def follow(step, pid, master, screen):
    what, _, rest = step.partition(" ")
    if what == "wait":
        wait_for(rest, master, screen)
    elif what == "type":
        os.write(master, rest.encode().decode("unicode_escape").encode())
    elif what == "touch":
        open(rest, "w").close()
    elif what == "shell":
        subprocess.run(["sh", "-c", rest], env={**os.environ, "COMMAND": str(pid)}, check=True)
    elif what:
        sys.exit(f"terminal: what is `{what}`?")

def main(script, command):
    pid, master = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm"
        os.execvp(command[0], command)
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    screen = Screen()
    for step in script.split("\n"):
        follow(step.strip(), pid, master, screen)
    end = time.monotonic() + LIMIT
    while read_some(master, screen, 1):
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
            sys.exit(f"terminal: the command has not ended; seen: {screen.seen!r}")
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print(screen.text())
    return code if code >= 0 else 128 - code

sys.exit(main(sys.argv[1], sys.argv[2:]))
