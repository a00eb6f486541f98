"""vncdotool of PyPI at the console of a VM. It knows nothing of CONNECT: a door of our own stands before it."""
import base64
import os
import socket
import sys
import tempfile
import threading
import time
from urllib.parse import urlsplit

import XenAPI
from PIL import Image
from vncdotool import api

url, password = sys.argv[1:3]
session = XenAPI.Session(url)
session.xenapi.login_with_password("root", password, "1.0", "vncdotool")
x = session.xenapi
vm = x.VM.clone(x.VM.get_by_name_label("Debian Bookworm 12")[0], "vnc")
x.VM.provision(vm)
x.VM.start(vm, False, False)
for _ in range(300):
    if x.VM_guest_metrics.get_os_version(x.VM.get_guest_metrics(vm)):
        break
    time.sleep(0.1)
consoles = [x.console.get_record(c) for c in x.VM.get_consoles(vm)]
[console] = [c for c in consoles if c["protocol"] == "rfb"]
location = urlsplit(console["location"])
credentials = base64.b64encode(f"root:{password}".encode()).decode()


def carry(source, sink):
    try:
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def door(listener):
    client, _ = listener.accept()
    at = urlsplit(url)
    server = socket.create_connection((at.hostname, at.port or 80))
    server.sendall(f"CONNECT {location.path}?{location.query} HTTP/1.0\r\nAuthorization: Basic {credentials}\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += server.recv(1)
    assert head.startswith(b"HTTP/1.1 200 "), head
    threading.Thread(target=carry, args=(client, server), daemon=True).start()
    carry(server, client)


listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=door, args=(listener,), daemon=True).start()
client = api.connect(f"127.0.0.1::{listener.getsockname()[1]}", timeout=30)


def lit(name):
    """How many dots of the screen are lit."""
    path = os.path.join(tempfile.mkdtemp(), f"{name}.png")
    client.captureScreen(path)
    with Image.open(path) as picture:
        assert picture.size == (800, 592), picture.size
        return sum(picture.convert("L").histogram()[65:])


before = lit("before")
assert before > 1000, before
for key in ["r", "o", "o", "t", "enter", "enter", "f", "r", "e", "e", "enter"]:
    client.keyPress(key)
time.sleep(1)
after = lit("after")
assert after > before + 500, (before, after)
client.disconnect()
api.shutdown()
x.VM.hard_shutdown(vm)
x.VM.destroy(vm)
session.xenapi.session.logout()
print("vncdotool ok")
