"""The WinRM service of the simulated agent: HTTP, log-on, WSMan, and the shells behind it.

    soap.py      WSMan's messages: read requests, write answers and faults
    bodies.py    what is in the answers
    refusals.py  the faults of the service itself
    auth.py      log-on of one TCP connection, and message encryption
    tls.py       the certificate
    service.py   what each WSMan action does with the shells
    handler.py   one TCP connection, and the injected faults
    server.py    all of them: sockets and threads
    wire.py      one line for each exchange

It knows nothing of Exchange: what runs in a shell is the engine's.
"""
