# SPDX-License-Identifier: MIT
# notified.py ADDRESS FILE COMMAND...: the command with $NOTIFY_SOCKET, as systemd would start it. What it is told, one message a
# line with | between the parts, and the sender's number in front, goes to FILE; exit with the command's code.
import os
import select
import socket
import subprocess
import sys

address, file, command = sys.argv[1], sys.argv[2], sys.argv[3:]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind("\0" + address[1:] if address[0] == "@" else address)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
out = open(file, "w", buffering=1)


def take():
    text, extra, _, _ = listener.recvmsg(65536, 1024)
    sender = int.from_bytes(extra[0][2][:4], sys.byteorder)
    out.write("%s %s\n" % ("main" if sender == child.pid else sender, text.decode().replace("\n", "|")))


child = subprocess.Popen(command, env=dict(os.environ, NOTIFY_SOCKET=address))
ended = os.pidfd_open(child.pid)
while ended not in (ready := select.select([listener, ended], [], [], 60)[0]):
    if not ready:
        sys.exit("nothing happens")
    take()
while select.select([listener], [], [], 0)[0]:
    take()
sys.exit(child.wait())
