"""Those who may open these pages: who they are, which role each has, and links to let them in."""

from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse

from api.ops.changes import ASKED, Done, NotDone, Question, asked, written_down
from api.ops.entry_links import new_entry_link
from api.ops.pages import operations_page, render
from api.ops.people import NameTaken, create_person, give_role, set_active
from api.ops.roles import Role, role_of
from core.config import public_url

PAGE = "/ops/people/"
MOST = 200  # who runs a service is a handful; what is beyond it is said
_ROLES = [
    (Role.VIEWER.group, "viewer: reads everything but bodies"),
    (Role.OPERATOR.group, "operator: also reads bodies, resends, replays, disables, enables, pauses"),
    (Role.ADMIN.group, "admin: also secrets, and who may do what"),
]


@operations_page(least=Role.ADMIN)
def people_page(request: HttpRequest) -> HttpResponse:
    """Everybody, by name."""
    found = User.objects.filter(is_staff=True).prefetch_related("groups").order_by("username")[: MOST + 1]
    rows = [(person, _role_shown(person)) for person in found[:MOST]]
    context = {"rows": rows, "more": len(found) > MOST, "most": MOST}
    return render(request, "ops/people.html", context, current="people")


@operations_page(least=Role.ADMIN, methods=ASKED)
def new_person_page(request: HttpRequest) -> HttpResponse:
    """Somebody new, and the link that lets them in."""
    question = _question(
        title="Let somebody in",
        text="They get a link that is good once, within an hour, and choose a password of their own.",
        button="Make the link",
        purpose="person.new",
        template="ops/new_person.html",
    )

    def act() -> HttpResponse:
        name, role = request.POST.get("name", "").strip(), _chosen_role(request)
        try:
            with transaction.atomic():
                person = create_person(name, role)
                written_down(request, action="person.created", subject=name, after={"role": role.group})
                return _link(request, person)
        except NameTaken:
            raise NotDone(f"{name} is known already: look for the name in the list.") from None
        except ValidationError as error:
            raise NotDone(f"This cannot be a name: {' '.join(error.messages)}") from None

    context = {"roles": _ROLES, "name": request.POST.get("name", "")[:150], "chosen": Role.VIEWER.group}
    return asked(request, question, act, context=context)


@operations_page(least=Role.ADMIN, methods=ASKED)
def role_page(request: HttpRequest, id: str) -> HttpResponse:
    """Another role for somebody."""
    person = _person(id)
    name, before = person.get_username(), _role_shown(person)
    question = _question(
        title=f"Another role for {name}?",
        text="It holds from their next page on.",
        button="Give this role",
        purpose=f"person.role:{name}",
        template="ops/person_role.html",
        facts=(("Role now", before or "none"),),
    )

    def act() -> Done:
        _not_oneself(request, person, "give yourself another role")
        role = _chosen_role(request)
        with transaction.atomic():
            _hold_still(request, person)
            give_role(person, role)
            written_down(
                request,
                action="person.role_given",
                subject=name,
                before={"role": before},
                after={"role": role.group},
            )
        return Done(f"{name} has the role {role.group}.")

    return asked(request, question, act, context={"roles": _ROLES, "chosen": before})


@operations_page(least=Role.ADMIN, methods=ASKED)
def activity_page(request: HttpRequest, id: str) -> HttpResponse:
    """Keep somebody out, or let them in again."""
    person = _person(id)
    name, active = person.get_username(), person.is_active
    question = _question(
        title=f"Keep {name} out?" if active else f"Let {name} in again?",
        text="Their sessions end with their next request, and no link or password lets them in. What they did stays in "
        "the audit log."
        if active
        else "Their password and role are as they were.",
        button="Keep out" if active else "Let in",
        purpose=f"person.access:{name}:{active}",
        dangerous=active,
    )

    def act() -> Done:
        _not_oneself(request, person, "keep yourself out")
        with transaction.atomic():
            _hold_still(request, person)
            set_active(person, active=not active)
            written_down(
                request,
                action="person.kept_out" if active else "person.let_in",
                subject=name,
                before={"may log in": active},
                after={"may log in": not active},
            )
        return Done(f"{name} is kept out." if active else f"{name} may log in again.")

    return asked(request, question, act)


@operations_page(least=Role.ADMIN, methods=ASKED)
def person_link_page(request: HttpRequest, id: str) -> HttpResponse:
    """A link for somebody whose password is not known."""
    person = _person(id)
    name = person.get_username()
    question = _question(
        title=f"Make a link for {name}?",
        text="Whoever has it enters once, within an hour, as this person.",
        button="Make the link",
        purpose=f"person.link:{name}",
    )

    def act() -> HttpResponse:
        if role_of(person) is None:
            raise NotDone(f"{name} is kept out, or has no role: a link would let nobody in.")
        with transaction.atomic():
            return _link(request, person)

    return asked(request, question, act)


def _link(request: HttpRequest, person: User) -> HttpResponse:
    """A new link, shown by this answer alone; requires a transaction."""
    path, expires_at = new_entry_link(person)
    written_down(request, action="person.link_made", subject=person.get_username())
    context = {"person": person, "link": public_url() + path, "expires_at": expires_at}
    return render(request, "ops/person_link.html", context, current="people")


def _question(**members: Any) -> Question:
    return Question(back=PAGE, current="people", **members)


def _person(id: str) -> User:
    """By number. Raises Http404."""
    found = (
        User.objects.filter(pk=int(id), is_staff=True).first() if id.isdecimal() and len(id) < 10 else None
    )
    if found is None:
        raise Http404(
            "There is nobody of that number who may open these pages. The page People lists everybody."
        )
    return found


def _role_shown(person: User) -> str | None:
    """The role that somebody has, or would have where they are kept out; reads what is prefetched."""
    if person.is_superuser:
        return Role.ADMIN.group
    names = {group.name for group in person.groups.all()}
    highest = max((role for role in Role if role.group in names), default=None)
    return highest.group if highest else None


def _chosen_role(request: HttpRequest) -> Role:
    chosen = request.POST.get("role", "")
    if chosen not in {role.group for role in Role}:
        raise NotDone("Choose a role.")
    return Role[chosen.upper()]


def _not_oneself(request: HttpRequest, person: User, words: str) -> None:
    """So that there is always an admin left."""
    if person.pk == request.user.pk:
        raise NotDone(f"You cannot {words}: ask another admin.")


def _hold_still(request: HttpRequest, person: User) -> None:
    """Of two admins who would turn each other out at once, the second is no admin any more. Requires a transaction."""
    name = request.user.get_username()
    both = User.objects.select_for_update(no_key=True).filter(username__in={name, person.get_username()})
    acting = next((one for one in both.order_by("pk") if one.get_username() == name), None)
    if acting is None or role_of(acting) != Role.ADMIN:
        raise NotDone("You are no admin any more. Nothing was changed.")
