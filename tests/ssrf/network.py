"""A network namespace of a process of its own, in which every address, public or not, is this machine's.

So a listener stands on the whole internet, and whichever address a connection was made to, it arrives and
is counted. Linux only; needs no privileges where user namespaces are permitted.
"""

import fcntl
import shutil
import socket
import struct
import subprocess
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

ENTER = ("unshare", "--user", "--map-root-user", "--net", "--mount")

# linux/sockios.h, linux/if.h, linux/netlink.h, linux/rtnetlink.h
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 0x1
_NETLINK_ROUTE, _NLM_F_REQUEST, _NLM_F_ACK, _NLM_F_CREATE, _NLMSG_ERROR = 0, 0x1, 0x4, 0x400, 2
_RTM_NEWROUTE, _RT_TABLE_LOCAL, _RTPROT_STATIC, _RT_SCOPE_HOST, _RTN_LOCAL, _RTA_OIF = 24, 255, 4, 254, 2, 4

_FILES = {
    "/etc/resolv.conf": "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n",
    "/etc/nsswitch.conf": "hosts: files dns\n",
    "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
}


@lru_cache(maxsize=1)
def obstacle() -> str | None:
    """Why there can be no such process here; None where there can."""
    if shutil.which(ENTER[0]) is None:
        return "there is no `unshare`, which makes network namespaces"
    absent = [path for path in _FILES if not Path(path).exists()]
    if absent:
        return f"the resolver is not set up by {', '.join(absent)}"
    tried = subprocess.run([*ENTER, "true"], capture_output=True, text=True, timeout=60, check=False)
    return f"no network namespace: {tried.stderr.strip()}" if tried.returncode else None


def own_every_address() -> None:
    """Within the namespace: bring the loopback up, route every address to it, and ask 127.0.0.1 for names."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))
    for family in (socket.AF_INET, socket.AF_INET6):
        _route_everything_here(family)
    with TemporaryDirectory() as directory:
        for path, text in _FILES.items():
            source = Path(directory) / Path(path).name
            source.write_text(text)
            subprocess.run(["mount", "--bind", source, path], check=True)


def _route_everything_here(family: int) -> None:
    """`ip route add local default dev lo`."""
    route = struct.pack(
        "=BBBBBBBBI", family, 0, 0, 0, _RT_TABLE_LOCAL, _RTPROT_STATIC, _RT_SCOPE_HOST, _RTN_LOCAL, 0
    )
    interface = struct.pack("=HHI", 8, _RTA_OIF, socket.if_nametoindex("lo"))
    flags = _NLM_F_REQUEST | _NLM_F_ACK | _NLM_F_CREATE
    length = 16 + len(route) + len(interface)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_ROUTE) as kernel:
        kernel.send(struct.pack("=IHHII", length, _RTM_NEWROUTE, flags, 1, 0) + route + interface)
        _, kind, _, _, _, error = struct.unpack_from("=IHHIIi", kernel.recv(4096))
    if kind != _NLMSG_ERROR or error:
        raise OSError(-error, "the kernel takes no route to everywhere")
