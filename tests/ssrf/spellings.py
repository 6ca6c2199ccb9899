"""Denied addresses in every spelling that some parser is known to take for them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from tests.ssrf.table import IPV4_DENIED, ipv4, ipv6

# What attackers ask for: loopback, private networks, the metadata services of clouds, this host.
_WANTED = (
    "127.0.0.1", "127.0.0.2", "127.1.2.3", "10.0.0.1", "10.8.9.10", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "169.254.170.2", "100.100.100.200", "168.63.129.16", "0.0.0.0", "192.0.0.192", "198.18.0.1",
)  # fmt: skip
_PUBLIC_NAME = "shop.example"
_BASES = ("{:d}", "0{:o}", "0x{:x}")
_ODD_BASES = ("0X{:X}", "000{:o}", "0x000{:x}", "{:04d}")
_DOTS = (".", "。", "．", "｡", "%2e", "%E3%80%82")
_DIGITS = {
    "fullwidth": "０１２３４５６７８９",
    "circled": "⓪①②③④⑤⑥⑦⑧⑨",
    "bold": "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗",
    "double-struck": "𝟘𝟙𝟚𝟛𝟜𝟝𝟞𝟟𝟠𝟡",
    "superscript": "⁰¹²³⁴⁵⁶⁷⁸⁹",
    "subscript": "₀₁₂₃₄₅₆₇₈₉",
    "arabic": "٠١٢٣٤٥٦٧٨٩",
    "devanagari": "०१२३४५६७८९",
}


@dataclass(frozen=True, slots=True)
class Spelling:
    """A URL that means a denied address to somebody."""

    kind: str
    url: str


def spellings() -> Iterator[Spelling]:
    """Over ten thousand URLs; none is there twice."""
    seen: set[str] = set()
    for number in _numbers():
        for spelling in _of(number):
            if spelling.url not in seen:
                seen.add(spelling.url)
                yield spelling


def name_of(number: int) -> str:
    """A name whose address is this one, by the name server of these tests."""
    return f"at-{number:08x}.example"


def _numbers() -> list[int]:
    wanted = [int.from_bytes(map(int, text.split(".")), "big") for text in _WANTED]
    return list(dict.fromkeys(wanted + [span.last for span in IPV4_DENIED]))


def _of(number: int) -> Iterator[Spelling]:
    for kind, host in _hosts(number):
        yield Spelling(kind, f"http://{host}/")
    plain, name = ipv4(number), name_of(number)
    for host in (plain, name):
        for kind, url in _urls(host):
            yield Spelling(kind, url)


def _hosts(number: int) -> Iterator[tuple[str, str]]:
    plain = ipv4(number)
    for kind, written in _numeric(number):
        yield kind, written
    for kind, written in _embedded(number):
        yield kind, f"[{written}]"
    for zone in ("%25lo", "%lo", "%251", "%25", "%2525lo"):
        yield "zone id", f"[::ffff:{plain}{zone}]"
        yield "zone id", f"[fe80::5efe:{plain}{zone}]"
        yield "zone id", f"{plain}{zone}"
    for (style, digits), dot in product(_DIGITS.items(), _DOTS):
        foreign = plain.translate(str.maketrans("0123456789", digits))
        yield style, foreign.replace(".", dot)
        yield style, f"[::ffff:{foreign.replace('.', dot)}]"
        yield style, plain.replace(plain[0], digits[int(plain[0])], 1).replace(".", dot)
    for dot in _DOTS:
        yield "dots", plain.replace(".", dot)
        yield "dots", plain.replace(".", dot, 1)
        yield "trailing dot", plain + dot
        yield "trailing dot", plain + dot + dot
        yield "trailing dot", name_of(number) + dot
        yield "leading dot", dot + plain
    yield "percent", "".join(f"%{byte:02x}" for byte in plain.encode())
    yield "percent", "".join(f"%{byte:02X}" for byte in name_of(number).encode())
    yield "percent", plain.replace("1", "%31").replace("0", "%30")
    yield "percent", plain.replace(".", "%252e")
    yield "brackets", f"[{plain}]"
    yield "brackets", f"[v1.{plain}]"
    yield "brackets", f"[{number:x}]"
    yield "brackets", f"[[::ffff:{plain}]]"
    yield "brackets", f"[::ffff:{plain}].{_PUBLIC_NAME}"
    yield "soft hyphen", plain.replace(".", ".­")
    yield "zero width", plain.replace(".", "​.")
    yield "name", name_of(number)
    yield "name", name_of(number).upper()
    yield "name", name_of(number).replace("example", "ｅｘａｍｐｌｅ")
    yield "name", f"www.{name_of(number)}"


def _numeric(number: int) -> Iterator[tuple[str, str]]:
    """As inet_aton reads them: one to four parts, each in any base, the last one as wide as what is left."""
    for parts in (4, 3, 2, 1):
        cut = [*(number >> shift & 0xFF for shift in (24, 16, 8)[: parts - 1])]
        cut.append(number & (1 << 8 * (5 - parts)) - 1)
        for bases in product(_BASES, repeat=parts):
            yield f"{parts} parts", ".".join(base.format(part) for base, part in zip(bases, cut, strict=True))
        for base in _ODD_BASES:
            yield f"{parts} parts, odd", ".".join(base.format(part) for part in cut)
    yield "overflow", str(number + (1 << 32))
    yield "overflow", f"0x1{number:08x}"
    yield "overflow", ".".join(str(octet + 256) for octet in number.to_bytes(4, "big"))


def _embedded(number: int) -> Iterator[tuple[str, str]]:
    """As IPv6 carries them, compressed, written out and with a dotted end."""
    high, low = number >> 16, number & 0xFFFF
    complement = number ^ 0xFFFFFFFF
    carried = {
        "mapped": 0xFFFF << 32 | number,
        "compatible": number,
        "translated": 0xFFFF << 48 | number,
        "NAT64": 0x64FF9B << 96 | number,
        "local NAT64": 0x64FF9B_0001 << 80 | number,
        "6to4": 0x2002 << 112 | number << 80 | 1,
        "Teredo": 0x2001 << 112 | number << 64 | complement,
        "ISATAP": 0x2A00_1450 << 96 | 0x5EFE << 32 | number,
        "ISATAP, global": 0x2A00_1450 << 96 | 0x0200_5EFE << 32 | number,
        "ISATAP, link-local": 0xFE80 << 112 | 0x5EFE << 32 | number,
        "unique local": 0xFD00 << 112 | number,
        "documentation": 0x2001_0DB8 << 96 | number,
    }
    for kind, value in carried.items():
        groups = [f"{value >> shift & 0xFFFF:x}" for shift in range(112, -1, -16)]
        yield kind, ipv6(value)
        yield kind, ":".join(groups)
        yield kind, ":".join(group.zfill(4).upper() for group in groups)
        yield kind, ":".join(groups[:6]) + ":" + ipv4(value & 0xFFFFFFFF)
    yield "mapped", f"::ffff:{high:x}:{low:x}"
    yield "mapped", f"::FFFF:0{ipv4(number)}"
    yield "mapped", f"0::ffff:{number:x}"


def _urls(host: str) -> Iterator[tuple[str, str]]:
    """Around the host, what makes two parsers disagree about where it is."""
    other = _PUBLIC_NAME
    yield "userinfo", f"http://{other}@{host}/"
    yield "userinfo", f"http://{other}:80@{host}/"
    yield "userinfo", f"http://{other}%40{host}/"
    yield "userinfo", f"http://a:b@{other}@{host}/"
    yield "userinfo", f"http://{host}@{other}@{host}/"
    yield "userinfo", f"http://{other}#@{host}/"
    yield "userinfo", f"http://{other}?@{host}/"
    yield "userinfo", f"http://{other}/@{host}/"
    yield "userinfo", f"http://@{host}/"
    yield "backslash", f"http://{other}\\@{host}/"
    yield "backslash", f"http://{host}\\@{other}/"
    yield "backslash", f"http:\\\\{host}/"
    yield "backslash", f"http:/\\{host}/"
    yield "backslash", f"http://{host}\\.{other}/"
    yield "slashes", f"http:///{host}/"
    yield "slashes", f"http:/{host}/"
    yield "slashes", f"http:{host}/"
    yield "slashes", f"http:////{host}/"
    yield "slashes", f"//{host}/"
    yield "slashes", host
    yield "scheme", f"HTTP://{host}/"
    yield "scheme", f"ftp://{host}:80/"
    yield "scheme", f"gopher://{host}:80/_x"
    yield "scheme", f"dict://{host}:80/x"
    yield "scheme", f"telnet://{host}:80/"
    yield "scheme", f"ws://{host}:80/"
    yield "scheme", f"url:http://{host}/"
    yield "scheme", f"http+unix://{host}/"
    for character in "\t\n\r\0\x0b\x0c \x7f\x85\xa0\u2028":
        yield "controls", f"http://{character}{host}/"
        yield "controls", f"http://{host}{character}/"
        yield "controls", f"http://{host}{character}.{other}/"
        yield "controls", f"{character}http://{host}/"
    yield "port", f"http://{host}:80/"
    yield "port", f"http://{host}:00080/"
    yield "port", f"http://{host}:/"
    yield "port", f"http://{host}:80:80/"
    yield "port", f"http://{host}:65616/"
    yield "port", f"http://{host}:８０/"
    yield "port", f"http://{other}:80{host}/"
    yield "port", f"http://{other}:@{host}/"
    yield "percent", f"http://{host}%00.{other}/"
    yield "percent", f"http://{host}%2f.{other}/"
    yield "percent", f"http://{host}%23.{other}/"
    yield "percent", f"http://{other}%0d%0aHost:%20{host}/"
    yield "unicode slash", f"http://{host}／.{other}/"
    yield "unicode slash", f"http://{host}℀.{other}/"
    yield "unicode at", f"http://{other}＠{host}/"
    yield "unicode colon", f"http://{host}：80/"
    yield "unicode question", f"http://{host}？.{other}/"
    yield "fragment", f"http://{host}#{other}"
    yield "query", f"http://{host}?{other}"
    yield "semicolon", f"http://{host};{other}/"
    yield "comma", f"http://{other},{host}/"
