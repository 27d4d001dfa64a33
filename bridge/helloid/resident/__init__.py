"""One process that stays: it keeps the interpreter, the settings and the warm runspace, and answers requests.

channel.py       what a connection is: bytes with a limit of time; the one of this system
channel_unix.py  a socket in a folder that only this account may enter
channel_win32.py a named pipe that only this account may open
address.py       where the channel is, and who serves it: one process for each address
lines.py         a request and an answer as one line each
server.py        who comes, in turn; each answered within its time
warm.py          the session that stays open from request to request
upkeep.py        what ends the process: an upgrade, new settings
client.py        one request, from Python
"""
