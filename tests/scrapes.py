"""What a metrics port answers, for tests."""

import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from tests.processes import until
from tools.demo.ports import HOST


class Scrape:
    """One answer of a metrics port."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families = list(text_string_to_metric_families(text))
        self.values = {
            (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
            for family in self.families
            for sample in family.samples
        }

    def __getitem__(self, key: str | tuple[str, ...]) -> float:
        """By name, or by name and the values of its labels in their alphabetical order."""
        return self.values[(key,) if isinstance(key, str) else key]

    def get(self, *key: str) -> float:
        return self.values.get(key, 0.0)

    def described(self) -> dict[str, tuple[str, str]]:
        """Type and help of everything that is ours: name as in the catalogue."""
        return {
            family.name + ("_total" if family.type == "counter" else ""): (family.type, family.documentation)
            for family in self.families
            if not family.name.startswith("process_")
        }


def scrape(port: int) -> Scrape:
    with urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=30) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain")
        return Scrape(answer.read().decode())


def moves(port: int, key: str | tuple[str, ...], value: float) -> Scrape:
    """The scrape in which it has this value."""
    seen: list[Scrape] = []

    def there() -> bool:
        seen.append(scrape(port))
        return seen[-1].values.get((key,) if isinstance(key, str) else key) == value

    until(there, what=f"{key} = {value}")
    return seen[-1]
