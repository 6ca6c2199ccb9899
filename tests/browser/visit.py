"""One page of a browser, and everything that it complains of."""

from dataclasses import dataclass, field

from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Page, Request, Response

from tools.test_dependencies import NODE_PACKAGES

WIDTHS = (320, 768, 1440)
HEIGHT = 900
NO_PAGE = 405
AXE = NODE_PACKAGES.path("axe-core", "axe.min.js")
# WCAG 2.2, levels A and AA.
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
_VIOLATIONS = """
window.__violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.__violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""


@dataclass  # no slots: Playwright keeps something of its own with handlers
class Visitor:
    """A tab, with its complaints since they were last told.

    Attributes:
        scripts: whether pages may run theirs.
    """

    page: Page
    scripts: bool
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, context: BrowserContext, *, scripts: bool = True) -> "Visitor":
        page = context.new_page()
        visitor = cls(page, scripts)
        if scripts:
            page.add_init_script(_VIOLATIONS)
        page.on("console", visitor._hear)
        page.on("pageerror", lambda error: visitor.complaints.append(f"uncaught: {error}"))
        page.on("requestfailed", visitor._miss)
        page.on("response", visitor._judge)
        return visitor

    def open(self, url: str, *, width: int = WIDTHS[-1]) -> int:
        """The status that it was answered with, once everything of the page has been loaded; in light."""
        self.resize(width)
        self.dress("light")
        try:
            answer = self.page.goto(url, wait_until="load")
        except Error as error:
            # Chromium shows a page of its own for an error without a body.
            if "ERR_HTTP_RESPONSE_CODE_FAILURE" not in error.message:
                raise
            self.complaints.clear()
            return NO_PAGE
        assert answer is not None
        return answer.status

    def resize(self, width: int) -> None:
        self.page.set_viewport_size({"width": width, "height": HEIGHT})

    def dress(self, theme: str) -> None:
        self.page.emulate_media(color_scheme="dark" if theme == "dark" else "light")

    def told(self) -> list[str]:
        """What it complained of, and what its policy stopped, since it was last asked."""
        if self.scripts:
            stopped = self.page.evaluate("() => window.__violations.splice(0)")
            self.complaints += [f"stopped by the policy: {what}" for what in stopped]
        told, self.complaints = self.complaints, []
        return told

    def sideways(self) -> int:
        """By how many pixels the page itself scrolls sideways."""
        wider: int = self.page.evaluate(
            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return wider

    def axe(self) -> list[str]:
        """What axe-core finds against WCAG 2.2 AA: rule, what it says, where.

        It comes in through the debugger's door, so that the page's policy stays as it is.
        """
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(AXE.read_text())
        what = {"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": _TAGS}}
        found = self.page.evaluate("(what) => axe.run(document, what)", what)
        return [
            f"{rule['id']}: {rule['help']}: {node['html'][:200]} ({node['failureSummary'][:200]})"
            for rule in found["violations"]
            for node in rule["nodes"][:3]
        ]

    def _hear(self, message: ConsoleMessage) -> None:
        # The status of the page itself is judged by who opened it.
        if (
            message.type in ("error", "warning")
            and "the server responded with a status of" not in message.text
        ):
            self.complaints.append(f"console: {message.text}")

    def _miss(self, request: Request) -> None:
        # No page waits for its icon: who leaves early breaks it off.
        left = request.failure == "net::ERR_ABORTED" and "/static/pages/favicon.svg" in request.url
        if not left:
            self.complaints.append(f"failed to load: {request.url} ({request.failure})")

    def _judge(self, response: Response) -> None:
        if response.status >= 400 and not response.request.is_navigation_request():
            self.complaints.append(f"{response.status} for {response.url}")
