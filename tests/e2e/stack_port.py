"""Free TCP ports, for servers that must know theirs before they start."""
import random
import socket

_taken = []  # sockets whose names say that a port is ours, for as long as this process lives


def free_port():
    """Below the ports that the kernel gives to clients. A name of this host's abstract sockets
    goes with each, so that no two stacks choose the same one, and none the same twice."""
    for port in (random.randrange(12000, 30000) for _ in range(1000)):
        name = socket.socket(socket.AF_UNIX)
        try:
            name.bind("\0lastmile-test-port-%d" % port)
            with socket.socket() as s:
                s.bind(("127.0.0.1", port))
        except OSError:
            name.close()
            continue
        _taken.append(name)
        return port
    raise OSError("no free port")
